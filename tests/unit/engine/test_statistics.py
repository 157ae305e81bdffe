"""What stands out in columns, and what is said of them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from furler_engine.shared.column_summary import describe
from furler_engine.shared.json_table.columns import MISSING
from furler_engine.shared.statistics import MUST, notable


def standing_out(values: Sequence[object]) -> dict[int, float]:
    return notable([values], len(values), MISSING).weights


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", "b", "a", MISSING], "a×2 b×1 (in 3)"),
        ([1, 2, 1, 2], "1×2 2×2"),
        ([1, 2, 3], "1..3"),
        ([True, False, True], "true×2 false×1"),
        ([f"v{at}" for at in range(50)], "50 values"),
        ([f"2026-01-{at:02}" for at in range(1, 31)], "2026-01-01..2026-01-30"),
        ([[], [1], [1, 2]], "0..2 elements"),
        ([MISSING, MISSING], ""),
        ([10**30, 1], f"1..{10**30}"),
        ([0.0, -0.0, 0.0], "0.0×2 -0.0×1"),
        ([1, 1.0, 1], "1×2 1.0×1"),
    ],
)
def test_a_column_is_described_by_its_kind(values: list[object], said: str) -> None:
    assert describe(values, MISSING) == said


def test_a_value_in_statistics_stays_on_one_line() -> None:
    assert "\n" not in describe(["a\nb", "a\nb", "c"], MISSING)
    assert describe(["x" * 99, "x" * 99, "c"], MISSING) == f"{'x' * 40}…×2 c×1"


def test_rare_values_types_and_members_must_be_seen() -> None:
    column: list[object] = ["free", "pro"] * 200
    column[77] = "trial"
    assert standing_out(column)[77] >= MUST
    column[77] = 5
    assert standing_out(column)[77] >= MUST
    assert standing_out([MISSING] * 99 + ["x"])[99] >= MUST


def test_counting_up_is_nothing_special_but_a_gap_is() -> None:
    assert standing_out(list(range(200))) == {}
    assert list(standing_out([*range(100), *range(5000, 5100)])) == [100]


def test_what_most_rows_say_is_no_trouble() -> None:
    assert standing_out([f"error {at}" for at in range(90)] + ["fine"] * 10) == standing_out(
        [f"rumor {at}" for at in range(90)] + ["fine"] * 10
    )


def test_numbers_beyond_doubles_do_not_break_the_statistics() -> None:
    assert standing_out([*range(20, 0, -1), 10**400, -(10**400), *range(20)])[20] >= MUST
    assert describe([10**400, 1], MISSING).startswith("1..1000")
