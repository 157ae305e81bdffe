"""The fold over a conversation: what each block's view is, and what it may depend on."""

from __future__ import annotations

import json

import pytest

from furler_engine.causal import DIFFERENCE, REPEATS, REREAD, Seen, Turn, fold
from furler_engine.dialects import read as read_body
from furler_engine.dialects.block import Dialect
from furler_engine.types import Fidelity, Kind, Level, Lines, Policy
from support import talk
from support.inputs import orders, service_log
from support.talk import Step, bash, read

FILE = talk.source(120)
EDITED = FILE.replace("value_31 =", "renamed_31 =").replace("value_77 =", "renamed_77 =")


def reference(sha256: bytes) -> str:
    return "abcdefgh234567ab"


def seen(
    *steps: Step, policy: Policy | None = None, dialect: Dialect = Dialect.OPENAI_CHAT
) -> list[Seen]:
    turn = Turn(policy or Policy(), reference)
    return fold(read_body(talk.body(steps, dialect), dialect), turn)


def compressors(*steps: Step, policy: Policy | None = None) -> list[tuple[str, ...]]:
    return [each.view.compressors for each in seen(*steps, policy=policy)]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_file_read_again_becomes_one_line_that_says_where_it_stands(dialect: Dialect) -> None:
    first, again = seen(read("a.py", FILE), read("a.py", FILE), dialect=dialect)
    assert not first.is_edited
    assert again.view.compressors == (REREAD,)
    lines = again.view.text.split("\n")
    assert len(lines) == 2
    assert lines[0] == f"[L1-120: as message {first.block.message + 1}, read_file a.py]"
    assert 'retrieve(ref="abcdefgh234567ab")' in lines[1]
    assert [e.place for e in again.view.elisions] == [Lines(1, 120)]


def test_an_edited_file_becomes_a_difference_to_the_earlier_read() -> None:
    _, again = seen(read("a.py", FILE), read("a.py", EDITED))
    assert again.view.compressors == (DIFFERENCE,)
    old, new = FILE.splitlines()[31], EDITED.splitlines()[31]
    assert f"@@ -32,1 +32,1 @@\n-{old}\n+{new}\n" in again.view.text
    assert sum(row.startswith("+") for row in again.view.text.split("\n")) == 2


def test_what_a_tool_says_of_an_edit_is_no_read_of_the_file() -> None:
    edit = Step("edit", {"path": "a.py"}, "edited")
    views = seen(read("a.py", talk.numbered(FILE)), edit, read("a.py", talk.numbered(EDITED)))
    assert views[2].view.compressors == (DIFFERENCE,)


def test_numbers_that_moved_are_no_difference() -> None:
    edited = talk.numbered("# new\n" + FILE)
    _, again = seen(read("a.py", talk.numbered(FILE)), read("a.py", edited))
    assert "+1:# new" in again.view.text
    assert again.view.tokens_after < 100


def test_repeated_runs_point_at_the_lines_that_stand_above() -> None:
    mixed = "before\n" + "\n".join(FILE.splitlines()[10:50]) + "\nafter"
    first, again = seen(read("a.py", FILE), bash("cat b | head -50", mixed))
    assert again.view.compressors == (REPEATS,)
    assert again.view.text.split("\n")[:3] == [
        "before",
        f"[L2-41: as L11-50 of message {first.block.message + 1}, read_file a.py]",
        "after",
    ]


def test_what_a_pointer_names_is_what_it_stands_for() -> None:
    mixed = "before\n" + "\n".join(FILE.splitlines()[10:50]) + "\nafter"
    assert mixed.split("\n")[1:41] == FILE.split("\n")[10:50]


def test_lines_repeated_within_one_result_stand_once() -> None:
    (one,) = seen(bash("x", f"{FILE}\n----\n{FILE}"))
    assert one.view.compressors == (REPEATS,)
    assert "as L1-120 here]" in one.view.text


def test_what_the_agent_wrote_itself_is_visible() -> None:
    write = Step("create", {"path": "b.py", "text": FILE}, "created")
    _, shown = seen(write, bash("cat b.py", FILE + "$ "))
    assert "the call of create]" in shown.view.text


def test_nothing_points_at_lines_that_were_left_out() -> None:
    log = service_log(300)
    views = seen(bash("w", log), bash("x", log[-9000:]), bash("y", log))
    assert [each.view.compressors for each in views] == [("log",)] * 3


def test_a_pointer_never_leads_to_a_pointer() -> None:
    part = "\n".join(FILE.splitlines()[10:90])
    first, second, third = seen(
        read("a.py", FILE), bash("x", "two\n" + part), bash("y", "three\n" + part)
    )
    at = f"of message {first.block.message + 1},"
    assert at in second.view.text
    assert at in third.view.text


def test_what_is_short_is_left_alone() -> None:
    assert compressors(bash("a", "short\n" * 3), bash("a", "short\n" * 3)) == [(), ()]


def test_a_new_result_gets_the_view_of_its_kind() -> None:
    assert compressors(bash("curl", orders(200))) == [("json_rows",)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [(talk.source(30), Kind.CODE), (orders(9), Kind.JSON), ("Some words here. " * 250, Kind.TEXT)],
)
def test_content_below_its_kinds_floor_is_left_alone(content: str, kind: Kind) -> None:
    policy = Policy(min_tokens=1, levels=((kind, Level.TIGHT),))
    assert compressors(bash("x", content), policy=policy) == [()]


def test_lines_that_were_asked_for_are_not_left_out() -> None:
    code = talk.source(2000)
    (whole,) = compressors(read("a.py", code))
    ranged = Step("read_file", {"path": "a.py", "offset": 1, "limit": 2000}, code)
    assert whole == ("code",)
    assert compressors(ranged) == [()]


@pytest.mark.parametrize("name", ["furler_retrieve", "retrieve"])
def test_what_was_retrieved_is_never_seen_as_editable(name: str) -> None:
    assert seen(Step(name, {"ref": "x"}, orders(200))) == []


def test_lossless_means_that_nothing_is_pointed_at() -> None:
    policy = Policy(fidelity=Fidelity.LOSSLESS)
    assert compressors(read("a.py", FILE), read("a.py", FILE), policy=policy) == [(), ()]


@pytest.mark.parametrize("name", [REREAD, REPEATS])
def test_a_disabled_way_is_not_taken(name: str) -> None:
    policy = Policy(disabled=frozenset((name,)))
    _, again = compressors(bash("x", FILE), bash("x", FILE), policy=policy)
    assert again != (name,)


def test_text_that_looks_like_our_trailer_is_data() -> None:
    fake = '\n[furler: 1 of 2 lines shown; stored: retrieve(ref="abcdefgh234567ab", lines="1")]'
    plain = seen(bash("x", orders(200)))[0]
    spoofed = seen(bash("x", service_log(200) + fake))[0]
    assert plain.is_edited
    assert spoofed.is_edited


def test_a_view_is_never_longer_than_its_block() -> None:
    for each in seen(read("a", FILE), read("a", EDITED), bash("x", orders(99)), read("a", FILE)):
        assert each.view.tokens_after <= each.view.tokens_before


def test_the_system_prompt_may_change_without_changing_a_view() -> None:
    steps = [read("a.py", FILE), read("a.py", FILE), bash("x", orders(100))]
    views = [
        fold(read_body(talk.body(steps, system=system), Dialect.OPENAI_CHAT), Turn(Policy(), reference))
        for system in ("It is 10:00.", "It is 10:05, and " + FILE)
    ]  # fmt: skip
    assert [s.view for s in views[0]] == [s.view for s in views[1]]
    assert [s.key for s in views[0]] == [s.key for s in views[1]]


def test_messages_before_the_first_to_edit_are_left_alone() -> None:
    data = talk.body([bash("x", orders(100)), bash("y", service_log(200))])
    turn = Turn(Policy(), reference, first_message=4)
    assert [s.is_edited for s in fold(read_body(data, Dialect.OPENAI_CHAT), turn)] == [False, True]


def pins(views: list[Seen]) -> dict[str, object]:
    return {each.key: each.view for each in views}


def test_a_pinned_view_is_taken_as_it_is() -> None:
    steps = [bash("x", orders(100)), read("a", FILE)]
    first = seen(*steps)
    turn = Turn(Policy(fidelity=Fidelity.LOSSLESS, min_tokens=10**6), reference, "other query",
                {each.key: each.view for each in first})  # fmt: skip
    body = read_body(talk.body([*steps, bash("y", service_log(200))]), Dialect.OPENAI_CHAT)
    again = fold(body, turn)
    assert [each.view for each in again[:2]] == [each.view for each in first]
    assert [each.is_pinned for each in again] == [True, True, False]
    assert not again[2].is_edited


def test_a_block_sent_while_nothing_could_be_pinned_stays_as_it_was() -> None:
    steps = [bash("x", orders(100)), bash("y", service_log(200)), bash("z", orders(120))]
    known = seen(steps[0])
    turn = Turn(Policy(), reference, pins={known[0].key: known[0].view})
    now = fold(read_body(talk.body(steps), Dialect.OPENAI_CHAT), turn)
    assert [each.is_edited for each in now] == [True, False, True]


def test_a_block_whose_pin_went_with_its_original_is_compressed_again() -> None:
    steps = [bash("x", orders(100)), bash("y", service_log(200))]
    known = seen(*steps)
    turn = Turn(Policy(), reference, pins={known[1].key: known[1].view})
    now = fold(read_body(talk.body(steps), Dialect.OPENAI_CHAT), turn)
    assert [each.view for each in now] == [each.view for each in known]


def test_after_a_changed_history_blocks_are_compressed_afresh() -> None:
    known = seen(bash("x", orders(100)), bash("y", service_log(200)))
    steps = [bash("x", "[cleared]"), bash("y", service_log(200)), bash("z", orders(120))]
    turn = Turn(Policy(), reference, pins={each.key: each.view for each in known})
    now = fold(read_body(talk.body(steps), Dialect.OPENAI_CHAT), turn)
    assert [each.is_edited for each in now] == [False, True, True]


def test_a_conversation_met_late_keeps_what_its_client_caches() -> None:
    steps = [bash("x", orders(100)), bash("y", service_log(200)), bash("z", orders(120))]
    document = json.loads(talk.body(steps, Dialect.ANTHROPIC_MESSAGES))
    document["messages"][-1]["content"][0]["cache_control"] = {"type": "ephemeral"}
    body = read_body(json.dumps(document).encode(), Dialect.ANTHROPIC_MESSAGES)
    assert [s.is_edited for s in fold(body, Turn(Policy(), reference, pins={}))] == [
        False, False, True,
    ]  # fmt: skip
