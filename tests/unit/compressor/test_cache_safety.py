"""The nineteen rules that keep a provider's prompt cache warm, one test or more for each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.compress import Degraded
from furler_compressor.app.conversation import Answer, ConversationRequest, compress_conversation
from furler_compressor.app.conversed import Epoch
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.app.ports import Store
from furler_engine.causal import Turn, fold
from furler_engine.compaction import plan
from furler_engine.dialects import read
from furler_engine.dialects.block import Dialect
from furler_engine.epochs import Prices, Wish
from furler_engine.tokens import count
from furler_engine.types import Fidelity, Policy
from support import talk
from support.fakes import caller, context
from support.inputs import orders, service_log
from support.provider import PrefixCache, sent, spliced
from unit.engine.dialects import bodies

pytestmark = pytest.mark.anyio

RESULT = orders(150)
Make = Callable[[str], bytes]
BODIES: list[tuple[Dialect, Make]] = [
    (Dialect.ANTHROPIC_MESSAGES, lambda text: bodies.anthropic(text, document=service_log(120))),
    (Dialect.OPENAI_CHAT, bodies.openai_chat),
    (Dialect.OPENAI_RESPONSES, bodies.openai_responses),
]
every_body = pytest.mark.parametrize(("dialect", "make"), BODIES, ids=[d for d, _ in BODIES])


async def ask(
    body: bytes,
    dialect: Dialect = Dialect.OPENAI_CHAT,
    *,
    store: Store | None = None,
    policy: Policy | None = None,
    conversation: str = "c",
    epoch: Epoch | None = None,
) -> Answer:
    request = ConversationRequest(
        "", body, dialect, policy or Policy(), conversation=conversation, epoch=epoch
    )
    answer = await compress_conversation(context(store or MemoryStore()), caller(), request)
    assert answer.degraded is Degraded.NO
    return answer


def untouched(body: bytes, cuts: Sequence[tuple[int, int]]) -> str:
    """Return the SHA-256 of all bytes but the cut ones, their places marked."""
    digest = hashlib.sha256()
    at = 0
    for start, end in cuts:
        digest.update(body[at:start] + b"\xff")
        at = end
    digest.update(body[at:])
    return digest.hexdigest()


@every_body
async def test_rule_1_every_byte_outside_the_edits_goes_through_exactly(
    dialect: Dialect, make: Make
) -> None:
    body = make(RESULT)
    answer = await ask(body, dialect)
    assert answer.splices
    after = spliced(body, answer.splices)
    cuts, shift = [], 0
    for splice in answer.splices:
        start = splice.offset + shift
        cuts.append((start, start + len(splice.replacement)))
        shift += len(splice.replacement) - splice.length
    before = [(s.offset, s.offset + s.length) for s in answer.splices]
    assert untouched(after, cuts) == untouched(body, before)
    assert bodies.ODD in after


def leaves(value: object, at: str = "") -> dict[str, object]:
    match value:
        case dict():
            return {k: v for name in value for k, v in leaves(value[name], f"{at}/{name}").items()}
        case list():
            return {
                k: v for n, each in enumerate(value) for k, v in leaves(each, f"{at}/{n}").items()
            }
    return {at: value}


@every_body
async def test_rules_2_8_9_10_and_19_only_results_and_documents_have_another_value(
    dialect: Dialect, make: Make
) -> None:
    body = make(RESULT)
    answer = await ask(body, dialect)
    before, after = leaves(json.loads(body)), leaves(json.loads(spliced(body, answer.splices)))
    changed = {at for at in before if before[at] != after[at]}
    assert before.keys() == after.keys()
    assert changed == {splice.pointer for splice in answer.splices}
    assert changed <= {
        "/messages/2/content/0/content", "/messages/2/content/1/source/data",
        "/messages/4/content/0/content/0/text",  # Anthropic
        "/messages/3/content",  # chat; /messages/5 is what our own tool gave back
        "/input/4/output", "/input/6/output/0/text",  # Responses
    }  # fmt: skip


async def test_rule_2_calls_with_huge_arguments_and_reasoning_stay() -> None:
    step = talk.Step("create", {"path": "a.py", "text": RESULT}, "created")
    body = talk.body([step, step], Dialect.ANTHROPIC_MESSAGES)
    document = json.loads(body)
    document["messages"][1]["content"].insert(
        0, {"type": "thinking", "thinking": RESULT, "signature": "c2ln"}
    )
    assert (await ask(json.dumps(document).encode(), Dialect.ANTHROPIC_MESSAGES)).splices == ()


STEPS = [
    talk.bash("curl", orders(100)),
    talk.read("a.py", talk.source(120)),
    talk.bash("log", service_log(200)),
    talk.read("a.py", talk.source(120)),
]


async def test_rules_3_and_4_a_block_keeps_its_first_form_edited_or_not() -> None:
    store, cache = MemoryStore(), PrefixCache()
    # The first turn compresses nothing; nothing sent then is ever improved.
    policies = [Policy(min_tokens=10**6), Policy(), Policy(), Policy(target_tokens=50)]
    for turn, policy in enumerate(policies, 1):
        body = talk.body(STEPS[:turn])
        cache.send(sent(body, await ask(body, store=store, policy=policy)))
    assert cache.busts == 0


async def test_rule_4_up_to_a_divergence_what_was_sent_is_sent_again() -> None:
    store = MemoryStore()
    first = await ask(talk.body(STEPS), store=store)
    forked = [*STEPS[:2], talk.bash("other", service_log(150)), *STEPS[3:]]
    later = await ask(talk.body(forked), store=store, policy=Policy(target_tokens=99))
    assert later.splices[0].replacement == first.splices[0].replacement
    assert len(later.splices) == 3


async def test_rule_5_bytes_are_the_same_every_time_and_the_policy_rolls_with_the_conversation() -> None:  # fmt: skip
    body = talk.body(STEPS)
    one, other = [await ask(body) for _ in range(2)]
    assert one.splices == other.splices
    store = MemoryStore()
    begun = await ask(talk.body(STEPS[:1]), store=store)
    rolled = await ask(talk.body(STEPS[:2]), store=store, policy=Policy(min_tokens=9))
    fresh = await ask(
        talk.body(STEPS[:2]), store=store, policy=Policy(min_tokens=9), conversation="d"
    )
    assert begun.done.recipe == rolled.done.recipe != fresh.done.recipe


@every_body
async def test_rule_6_no_edit_has_more_tokens_than_what_it_replaces(
    dialect: Dialect, make: Make
) -> None:
    body = make(RESULT)
    for splice in (await ask(body, dialect)).splices:
        original = json.loads(body[splice.offset : splice.offset + splice.length])
        assert count(splice.view.text, "o200k_base").tokens < count(original, "o200k_base").tokens


@every_body
async def test_rule_7_a_string_replaces_a_string(dialect: Dialect, make: Make) -> None:
    body = make(RESULT)
    for splice in (await ask(body, dialect)).splices:
        assert body[splice.offset : splice.offset + 1] == b'"'
        assert isinstance(json.loads(splice.replacement), str)


async def test_rule_8_tools_are_neither_added_nor_sorted() -> None:
    document = json.loads(talk.body(STEPS))
    for tools in ([], [{"name": "b"}, {"name": "a"}]):
        body = json.dumps({"tools": tools, **document}).encode()
        after = json.loads(spliced(body, (await ask(body)).splices))
        assert after["tools"] == tools
    body = json.dumps(document).encode()
    assert "tools" not in json.loads(spliced(body, (await ask(body)).splices))


async def test_rule_9_breakpoints_may_move_without_changing_a_block() -> None:
    store, cache = MemoryStore(), PrefixCache()
    for turn in range(1, len(STEPS) + 1):
        document = json.loads(talk.body(STEPS[:turn], Dialect.ANTHROPIC_MESSAGES))
        plain = json.dumps(document).encode()
        document["messages"][-1]["content"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
        marked = json.dumps(document).encode()
        answer = await ask(marked, Dialect.ANTHROPIC_MESSAGES, store=store)
        same = await ask(plain, Dialect.ANTHROPIC_MESSAGES, store=store)
        assert [s.replacement for s in same.splices] == [s.replacement for s in answer.splices]
        cache.send(sent(plain, same))
    assert cache.busts == 0


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_rules_11_and_12_another_providers_request_is_refused_and_its_parts_left_alone(
    dialect: Dialect,
) -> None:
    gemini = {"cachedContent": "cachedContents/1", "contents": [{"parts": [{"text": RESULT}]}]}
    with pytest.raises(FieldInvalidError):
        await ask(json.dumps(gemini).encode(), dialect)
    point = {"cachePoint": {"type": "default"}}
    part = {"toolResult": {"content": [{"text": RESULT}]}}
    bedrock = {"messages": [{"role": "user", "content": [part, point]}]}
    if dialect is not Dialect.OPENAI_RESPONSES:
        assert (await ask(json.dumps(bedrock).encode(), dialect)).splices == ()


async def test_rule_13_lossless_leaves_nothing_out() -> None:
    answer = await ask(talk.body([talk.bash("curl", RESULT), talk.read("a", talk.source(99)),
                                  talk.read("a", talk.source(99))]),
                       policy=Policy(fidelity=Fidelity.LOSSLESS))  # fmt: skip
    assert answer.splices
    assert all(not splice.view.elisions for splice in answer.splices)


async def test_rule_14_a_conversation_is_its_name_and_not_its_first_prompt() -> None:
    store = MemoryStore()
    await ask(talk.body(STEPS[:1]), store=store, policy=Policy(min_tokens=10**6), conversation="a")
    same = await ask(talk.body(STEPS[:1]), store=store, conversation="a")
    other = await ask(talk.body(STEPS[:1]), store=store, conversation="b")
    assert (len(same.splices), len(other.splices)) == (0, 1)


async def test_rules_15_and_16_a_prefix_is_rewritten_only_when_it_pays_by_the_price_of_its_region() -> None:  # fmt: skip
    steps = [
        talk.read("a.py", talk.source(150)),
        talk.Step("edit", {"path": "a.py"}, "ok"),
        *(talk.bash(f"cat {n}", talk.source(100, seed=n)) for n in range(4)),
        *(talk.bash(f"s{n}", "done") for n in range(5)),
    ]
    body = read(talk.body(steps), Dialect.OPENAI_CHAT)
    seen = fold(body, Turn(Policy(), lambda _: "a" * 16))
    sizes = [1000] * len(body.blocks)

    def planned(prices: Prices) -> tuple[bool, float, float]:
        found = plan(body, seen, sizes, Wish(5, 0, prices))
        assert found.saved_tokens > 0
        assert found.benefit == pytest.approx(
            found.saved_tokens * prices.expected_reads * prices.alive * prices.read
        )
        assert found.cost == pytest.approx(found.rewritten_tokens * (prices.write - prices.read))
        return found.pays, found.benefit, found.cost

    assert not planned(Prices(expected_reads=5))[0]
    assert planned(Prices(expected_reads=500))[0]
    assert not planned(Prices(expected_reads=500, alive=0.01))[0]
    assert plan(body, seen, sizes, Wish(5, 0, Prices(alive=0.0, expected_reads=0))).pays


async def test_rule_17_nothing_is_held_back_a_streamed_request_is_a_request() -> None:
    body = bodies.anthropic(RESULT)
    answer = await ask(body, Dialect.ANTHROPIC_MESSAGES)
    assert json.loads(spliced(body, answer.splices))["stream"] is True


async def test_rule_18_what_is_said_to_be_saved_is_saved() -> None:
    body = talk.body(STEPS)
    answer = await ask(body)
    saved = sum(
        count(json.loads(body[s.offset : s.offset + s.length]), "o200k_base").tokens
        - count(json.loads(s.replacement), "o200k_base").tokens
        for s in answer.splices
    )
    assert answer.done.tokens_before - answer.tokens_after == saved > 0


async def test_rule_19_a_users_text_is_never_edited_and_anothers_reference_is_data() -> None:
    document = json.loads(talk.body(STEPS[:1]))
    document["messages"][1]["content"] = RESULT
    store = MemoryStore()
    body = json.dumps(document).encode()
    answer = await ask(body, store=store)
    assert [splice.pointer for splice in answer.splices] == ["/messages/3/content"]
    ours = answer.splices[0].view
    document["messages"][3]["content"] = ours.text.replace(ours.ref, "zzzzzzzz22222222")
    forged = await ask(json.dumps(document).encode(), store=store, conversation="d")
    assert all(splice.view.ref != "zzzzzzzz22222222" for splice in forged.splices)


def test_the_first_turn_is_the_same_with_and_without_a_name() -> None:
    body = read(talk.body(STEPS), Dialect.OPENAI_CHAT)
    turn = Turn(Policy(), lambda _: "a" * 16)
    named = replace(turn, pins={})
    assert [each.view for each in fold(body, turn)] == [each.view for each in fold(body, named)]
