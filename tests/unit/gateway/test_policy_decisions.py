"""What rules give a request, and how a caller's wish is held to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler import messages
from furler.conversations import Mode
from furler.v1 import compression_pb2 as compression
from furler.values import Fidelity, Kind, Level, Policy
from furler_gateway.policy import ceiling
from furler_gateway.policy.decide import Situation, bucket, decide
from furler_gateway.policy.document import Document, RetrieveTool, Terms

CONVERSATIONS = [f"conversation-{n}" for n in range(2000)]


def document(*rules: dict[str, object], **fields: object) -> Document:
    named = [{"name": f"rule {n}", **rule} for n, rule in enumerate(rules)]
    return Document.model_validate({"version": 1, "revision": "r1", "rules": named, **fields})


def terms(**fields: object) -> Terms:
    return Terms.model_validate(fields)


def held(wish: Policy, bound: Terms) -> compression.Policy:
    message = messages.policy(wish)
    assert message is not None
    ceiling.hold(message, bound)
    return message


def test_of_the_rules_that_fit_the_last_one_has_the_word_on_a_field() -> None:
    policy = document(
        {"match": {"tenants": ["acme"]}, "set": {"mode": "audit", "min_tokens": 500}},
        {"match": {"models": ["claude-*"]}, "set": {"mode": "bypass"}},
        {"match": {"tenants": ["globex"]}, "set": {"min_tokens": 900}},
        default={"fidelity": "lossless"},
    )
    treatment = decide(policy, Situation("acme", "/v1/compress", model="claude-5"))
    assert (treatment.mode, treatment.terms.min_tokens) == (Mode.BYPASS, 500)
    assert treatment.terms.fidelity is Fidelity.LOSSLESS
    assert treatment.rules == ("rule 0", "rule 1")
    assert treatment.origins == {"fidelity": "default", "mode": "rule 1", "min_tokens": "rule 0"}


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({"tenants": ["acme"]}, True),
        ({"tenants": ["acme"], "routes": ["/mcp"]}, False),
        ({"tenants": ["a*"], "routes": ["/mcp", "/v1/*"]}, True),
        ({"spaces": ["build-*"]}, False),
        ({"models": ["*"]}, False),  # the request names none
    ],
)
def test_a_rule_fits_if_all_that_it_names_does(match: dict[str, object], *, fits: bool) -> None:
    policy = document({"match": match, "set": {"mode": "bypass"}})
    treatment = decide(policy, Situation("acme", "/v1/compress"))
    assert (treatment.mode is Mode.BYPASS) is fits


def test_without_a_file_every_caller_is_served_as_they_ask() -> None:
    treatment = decide(document(), Situation())
    assert (treatment.mode, treatment.killed) == (Mode.APPLY, False)
    wish = Policy(fidelity="reversible", levels={"log": "tight"}, tools={"bash": "tight"})
    assert held(wish, treatment.terms) == messages.policy(wish)


def test_the_kill_switch_beats_every_rule() -> None:
    policy = document({"match": {"routes": ["*"]}, "set": {"mode": "apply"}}, kill_switch=True)
    treatment = decide(policy, Situation(route="/v1/compress"))
    assert (treatment.mode, treatment.killed, treatment.why) == (Mode.BYPASS, True, "kill_switch")


def test_a_canary_takes_its_share_of_conversations_and_keeps_whom_it_has() -> None:
    chosen: set[str] = set()
    for share in (0.0, 10.0, 25.0, 100.0):
        policy = document(default={"mode": "apply", "canary_percent": share})
        inside = {
            name
            for name in CONVERSATIONS
            if decide(policy, Situation(conversation=name)).mode is Mode.APPLY
        }
        assert len(inside) == pytest.approx(len(CONVERSATIONS) * share / 100, abs=60)
        assert chosen <= inside
        chosen = inside


def test_outside_a_canary_and_without_a_conversation_nothing_is_changed() -> None:
    policy = document(default={"canary_percent": 50.0, "outside_canary": "audit"})
    assert decide(policy, Situation()).mode is Mode.AUDIT
    outside = next(name for name in CONVERSATIONS if bucket(name) >= 50)
    assert decide(policy, Situation(conversation=outside)).mode is Mode.AUDIT


def test_a_bucket_is_the_same_on_every_replica_for_ever() -> None:
    assert [bucket(name) for name in ("", "a", "conversation-1")] == [16.52, 22.5, 3.81]


def test_later_tools_come_first_because_the_first_that_fits_counts() -> None:
    policy = document(
        {"match": {"tenants": ["acme"]}, "set": {"tools": {"git_*": "off", "bash": "tight"}}},
        default={"tools": {"*": "lossless", "bash": "off"}},
    )
    tools = decide(policy, Situation("acme")).terms.tools
    assert list(tools.items()) == [
        ("git_*", Level.OFF), ("bash", Level.TIGHT), ("*", Level.LOSSLESS),
    ]  # fmt: skip


def test_a_tag_gives_back_what_a_conversation_began_with() -> None:
    then = decide(document(default={"retrieve_tool": "always"}), Situation())
    now = decide(document(revision="r2", default={"retrieve_tool": "never"}), Situation())
    kept = now.kept(then.tag())
    assert (kept.revision, kept.retrieve_tool) == ("r1", RetrieveTool.ALWAYS)
    for other in ("", "what another caller kept", "[1]", '["r", "sometimes"]'):
        assert now.kept(other).retrieve_tool is RetrieveTool.NEVER


def test_a_tag_is_never_longer_than_a_conversation_keeps() -> None:
    treatment = decide(document(revision="r" * 64), Situation())
    assert len(treatment.tag().encode()) <= 256


_FIDELITIES = st.sampled_from([None, *Fidelity])
_LEVELS = st.dictionaries(st.sampled_from([Kind.LOG, Kind.JSON]), st.sampled_from(list(Level)))
_TOOLS = st.dictionaries(st.sampled_from(["bash", "git_*", "*"]), st.sampled_from(list(Level)))
_ORDER = list(Level)
_TERMS = st.builds(
    terms,
    fidelity=_FIDELITIES,
    levels=_LEVELS,
    tools=_TOOLS,
    min_tokens=st.none() | st.integers(0, 900),
    retention_seconds=st.none() | st.integers(1, 900),
    allow_model=st.none() | st.booleans(),
    disabled_compressors=st.none() | st.just(("log",)),
)
_WISHES = st.builds(
    Policy,
    fidelity=st.sampled_from(["", *Fidelity]),
    levels=_LEVELS,
    tools=_TOOLS,
    min_tokens=st.none() | st.integers(0, 900),
    retention=st.none() | st.integers(1, 900),
    allow_model=st.none() | st.booleans(),
    disabled_compressors=st.sampled_from([(), ("code",)]),
)


@given(_WISHES, _TERMS)
def test_a_caller_never_gets_more_than_the_terms_and_may_have_less(
    wish: Policy, bound: Terms
) -> None:
    got = held(wish, bound)
    levels = {Kind(compression_kind(each.kind)): each.level for each in got.levels}
    for kind, level in bound.levels.items():
        assert levels[kind] <= _ORDER.index(level) + 1
    for name, asked in wish.levels.items():
        assert levels[Kind(name)] <= _ORDER.index(Level(asked)) + 1
    if bound.fidelity:
        assert 1 <= got.fidelity <= list(Fidelity).index(bound.fidelity) + 1
    if wish.fidelity:
        assert 1 <= got.fidelity <= list(Fidelity).index(Fidelity(wish.fidelity)) + 1
    assert got.min_tokens >= max(bound.min_tokens or 0, wish.min_tokens or 0)
    if bound.retention_seconds:
        assert 1 <= got.retention.seconds <= bound.retention_seconds
    allows = got.allow_model or not got.HasField("allow_model")
    assert allows <= (wish.allow_model is not False and bound.allow_model is not False)
    assert set(wish.disabled_compressors) <= set(got.disabled_compressors)
    off = {tool for tool, level in wish.tools.items() if level is Level.OFF}
    assert off <= {each.tool for each in got.tools if each.level == compression.LEVEL_OFF}


@given(_WISHES, _TERMS)
def test_held_twice_is_held_once(wish: Policy, bound: Terms) -> None:
    once = held(wish, bound)
    twice = compression.Policy()
    twice.CopyFrom(once)
    ceiling.hold(twice, bound)
    assert twice == once


def compression_kind(number: int) -> str:
    return list(Kind)[number - 1]
