"""What an epoch would take back, and why."""

from __future__ import annotations

from collections.abc import Sequence

from furler_engine.causal import Turn, fold
from furler_engine.compaction import plan
from furler_engine.dialects import read
from furler_engine.dialects.block import Dialect
from furler_engine.epochs import Plan, Prices, Wish
from furler_engine.types import Policy
from support import talk

LAPSED = Prices(alive=0.0)


def planned(steps: Sequence[talk.Step], wish: Wish) -> Plan:
    body = read(talk.body(steps), Dialect.OPENAI_CHAT)
    seen = fold(body, Turn(Policy(), lambda _: "a" * 16))
    return plan(body, seen, [500] * len(body.blocks), wish)


def reasons(steps: Sequence[talk.Step], wish: Wish | None = None) -> list[str]:
    return [each.reason for each in planned(steps, wish or Wish(0, 0, LAPSED)).retired]


FILE, OTHER = talk.source(100), talk.source(100, seed=1)


def test_a_file_read_and_then_edited_is_stale() -> None:
    edit = talk.Step("edit", {"path": "a.py"}, "ok")
    assert reasons([talk.read("a.py", FILE), edit]) == ["a.py was edited in message 5"]
    assert reasons([edit, talk.read("a.py", FILE)]) == []


def test_a_question_asked_again_supersedes_its_first_answer() -> None:
    steps = [talk.bash("pytest", FILE), talk.bash("ls", OTHER), talk.bash("pytest", "all passed")]
    assert reasons(steps) == ["asked again in message 8"]


def test_a_part_read_later_does_not_supersede_the_whole() -> None:
    part = talk.Step("read_file", {"path": "a.py", "offset": 3}, FILE[:900])
    assert reasons([talk.read("a.py", FILE), part]) == []


def test_the_latest_results_stay() -> None:
    steps = [talk.bash("pytest", FILE), talk.bash("pytest", "all passed")]
    assert reasons(steps, Wish(2, 0, LAPSED)) == []


def test_over_budget_the_oldest_go_first_and_no_more_than_needed() -> None:
    steps = [talk.bash(f"cat {n}", talk.source(100, seed=n)) for n in range(6)]
    full = planned(steps, Wish(1, 1, LAPSED))
    half = planned(steps, Wish(1, full.saved_tokens // 2, LAPSED))
    pointers = [f"/messages/{3 + 2 * n}/content" for n in range(5)]
    assert [each.pointer for each in full.retired] == pointers
    assert [each.pointer for each in half.retired] == pointers[: len(half.retired)]
    assert 0 < len(half.retired) < 5
    assert {each.reason for each in full.retired} == {"among the oldest, over budget"}


def test_while_the_cache_is_alive_a_late_change_is_preferred_to_an_early_one() -> None:
    steps = [
        talk.bash("once", "\n".join(f"early {n} {n * 31 % 7}" for n in range(40))),
        talk.bash("once", "x"),
        *(talk.bash(f"keep {n}", talk.source(100, seed=n)) for n in range(3)),
        talk.bash("late", talk.source(100, seed=9)),
        talk.bash("late", "x"),
    ]
    alive = planned(steps, Wish(1, 0, Prices(expected_reads=10)))
    lapsed = planned(steps, Wish(1, 0, LAPSED))
    assert len(lapsed.retired) == 2
    assert [each.pointer for each in alive.retired] == [lapsed.retired[1].pointer]


def test_nothing_worthless_is_no_plan() -> None:
    assert planned([talk.read("a.py", FILE)], Wish(0)) == Plan()
    assert not Plan().pays
