"""What the bench prints: a bar that is not measured must not look met."""

from __future__ import annotations

import pytest

from bench.clock import percentile
from bench.report import Table, all_of, at_least, at_most, saved


def test_a_bar_is_met_exactly_at_its_figure() -> None:
    assert [at_least("x", 65, 65).met, at_least("x", 65, 64.9).met] == [True, False]
    assert [at_most("x", 10, 10, " ms").met, at_most("x", 10, 10.1, " ms").met] == [True, False]


def test_a_bar_over_nothing_is_not_measured() -> None:
    assert all_of("x", "all", 0, 0).verdict == "not measured"


def test_one_exception_leaves_an_all_of_bar_unmet() -> None:
    assert all_of("x", "all", 86, 87).met is False


def test_a_table_aligns_its_first_column_left_and_the_others_right() -> None:
    table = Table("T", ("kind", "n"), (("log", "1"), ("listing", "1200")))
    assert str(table).split("\n") == [
        "T",
        "kind        n",
        "-------  ----",
        "log         1",
        "listing  1200",
    ]


@pytest.mark.parametrize(("share", "expected"), [(0.5, 3.0), (0.0, 1.0), (1.0, 5.0), (0.95, 4.8)])
def test_percentiles_interpolate_between_ranks(share: float, expected: float) -> None:
    assert percentile([5, 1, 3, 2, 4], share) == pytest.approx(expected)


def test_nothing_is_saved_of_nothing() -> None:
    assert saved(0, 0) == 0.0
