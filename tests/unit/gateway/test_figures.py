"""Figures add up, by time and by name, and take no more memory than they may."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_gateway.dashboard import figures_of
from furler_gateway.figures import (
    DIMENSIONS,
    MAX_NAME,
    MAX_NAMES,
    OTHER,
    SECONDS,
    WINDOWS,
    Bucket,
    Figures,
    Times,
    View,
)
from furler_gateway.policy.reading import PolicyFileError
from furler_gateway.prices import Price, Prices, read_prices


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def view(tool: str = "bash", before: int = 100, after: int = 10, **more: bool) -> View:
    return View("log", tool, "acme", "m", before, after, **more)


def total(figures: Figures, window: str = "15m") -> Bucket:
    added = Bucket()
    for _, bucket in figures.window(window):
        added.add(bucket)
    return added


_VIEWS = st.builds(
    View,
    st.sampled_from(["log", "json"]),
    st.text(max_size=3),
    st.sampled_from(["a", "b"]),
    st.just("m"),
    st.integers(50, 99),
    st.integers(0, 50),
    again=st.booleans(),
)


@given(st.lists(st.tuples(st.integers(0, 30), _VIEWS), max_size=40))
def test_every_dimension_adds_up_to_the_total(views: list[tuple[int, View]]) -> None:
    clock = Clock()
    figures = Figures(clock=clock)
    for later, each in views:
        clock.now += later
        figures.view(each)
    for window in WINDOWS:
        added = total(figures, window)
        saved = sum(v.before - v.after for _, v in views)
        assert added.saved.tokens + added.saved.again == saved
        for dimension in DIMENSIONS:
            names = added.by[dimension].values()
            assert sum(each.tokens + each.again for each in names) == saved


def test_what_is_older_than_a_window_is_gone_from_it() -> None:
    clock = Clock()
    figures = Figures(clock=clock)
    figures.view(view())
    clock.now += 890
    assert total(figures).saved.views == 1
    clock.now += 20
    assert total(figures).saved.views == 0
    assert total(figures, "24h").saved.views == 1
    clock.now += 86_400
    assert total(figures, "24h").saved.views == 0


def test_a_window_has_all_its_times_also_without_figures() -> None:
    clock = Clock()
    for name, (width, length) in WINDOWS.items():
        starts = [start for start, _ in Figures(clock=clock).window(name)]
        assert len(starts) == length
        assert {b - a for a, b in pairwise(starts)} == {width}
        assert starts[-1] <= clock.now < starts[-1] + width


def test_names_beyond_the_most_are_counted_together() -> None:
    figures = Figures(clock=Clock())
    for number in range(MAX_NAMES + 10):
        figures.view(view(f"tool-{number}"))
    names = total(figures).by["tool"]
    assert len(names) == MAX_NAMES + 1
    assert names[OTHER].views == 10


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        *(("", "—"), ("a\nb", "—"), ("\ud800", "—")),
        *(("x" * MAX_NAME, "x" * MAX_NAME), ("x" * 500, "x" * (MAX_NAME - 1) + "…")),
    ],
)
def test_a_name_that_a_client_made_up_is_short_and_printable(tool: str, name: str) -> None:
    figures = Figures(clock=Clock())
    figures.view(view(tool))
    assert list(total(figures).by["tool"]) == [name]


def test_names_that_begin_alike_are_not_taken_for_one() -> None:
    figures = Figures(clock=Clock())
    tools = [f"mcp__github__get_pull_request_review_comments{end}" for end in ("", "_by_author")]
    tenants = [f"initech-platform-engineering-emea-production-{number:02}" for number in range(2)]
    for tool, tenant in zip(tools, tenants, strict=True):
        figures.view(View("log", tool, tenant, "m", 9, 1))
    assert set(total(figures).by["tool"]) == set(tools)
    assert set(total(figures).by["tenant"]) == set(tenants)


def test_the_largest_names_have_rows_also_if_they_came_late() -> None:
    clock = Clock()
    figures = Figures(clock=clock)
    for number in range(2 * MAX_NAMES):
        clock.now += 600
        figures.view(view(f"tool-{number:02}", before=100 + number))
    by = figures_of(figures.window("24h"))["by"]
    assert isinstance(by, dict)
    rows = by["tool"]
    names = [f"tool-{number:02}" for number in reversed(range(MAX_NAMES, 2 * MAX_NAMES))]
    assert [row["name"] for row in rows] == [*names, OTHER]
    assert sum(row["views"] for row in rows) == 2 * MAX_NAMES


def test_a_degraded_answer_counts_once_among_all_answers() -> None:
    figures = Figures(clock=Clock())
    figures.view(view())
    figures.view(view(degraded=True, after=100))
    figures.degraded()  # a request that went out whole
    totals = figures_of(figures.window("15m"))["totals"]
    assert isinstance(totals, dict)
    assert (totals["degraded"], totals["views"], totals["whole"]) == (2, 2, 1)


def test_views_are_made_or_cached_or_repeated() -> None:
    figures = Figures(clock=Clock())
    for each in (view(), view(cached=True), view(again=True), view(again=True)):
        figures.view(each)
    totals = figures_of(figures.window("15m"))["totals"]
    assert isinstance(totals, dict)
    assert (totals["views"], totals["cached"], totals["repeats"]) == (2, 1, 2)


def test_a_day_of_new_names_takes_bounded_memory() -> None:
    clock = Clock()
    figures = Figures(clock=clock)
    sizes = []
    for day in range(2):
        for number in range(300):
            clock.now += 300
            for name in range(40):
                figures.view(View(f"k{name}", f"{day}-{number}-{name}", f"t{name}", "m", 9, 1))
        sizes.append(
            sum(len(b.by["tool"]) for ring in figures._rings.values() for _, b in ring.buckets)
        )
    most = sum(length for _, length in WINDOWS.values()) * (MAX_NAMES + 1)
    assert sizes[1] <= sizes[0] + MAX_NAMES + 1 <= most
    assert sys.getsizeof(figures._rings["15m"].buckets) < 10_000


def test_a_percentile_is_the_edge_of_its_bin() -> None:
    times = Times()
    figures = Figures(clock=Clock())
    for milliseconds in range(1, 101):
        figures.request("/v1/compress", 200, milliseconds / 1000)
    times = total(figures).routes["/v1/compress"]
    assert (times.quantile(0.5), times.quantile(0.95)) == (0.06, 0.1)
    assert Times().quantile(0.5) is None
    figures.request("/v1/compress", 500, 99.0)
    times = total(figures).routes["/v1/compress"]
    assert (times.errors, times.quantile(1.0)) == (1, SECONDS[-1])


def test_a_providers_time_is_not_counted_as_ours() -> None:
    figures = Figures(clock=Clock())
    figures.request("/v1/compress", 200, 0.01)
    figures.request("/v1/{path}", 502, 20.0)
    totals = figures_of(figures.window("15m"))["totals"]
    assert isinstance(totals, dict)
    assert (totals["requests"], totals["errors"], totals["p95"]) == (2, 1, 0.01)


def test_what_is_read_changes_no_more() -> None:
    figures = Figures(clock=Clock())
    figures.view(view())
    read = figures.window("15m")
    figures.view(view())
    assert read[-1][1].saved.views == 1
    assert total(figures).saved.views == 2


def test_money_is_the_tables_and_later_turns_cost_what_the_cache_does() -> None:
    prices = Prices(
        currency="EUR", as_of="today", models={"m": Price(input=10.0, cached_input=1.0)}
    )
    figures = Figures(prices, Clock())
    figures.view(view())
    figures.view(view(again=True))
    figures.view(View("log", "bash", "acme", "unpriced", 100, 10))
    assert total(figures).saved.money == pytest.approx((90 * 10 + 90 * 1) / 1e6)


def test_an_audit_counts_beside_the_savings() -> None:
    figures = Figures(clock=Clock())
    figures.view(view(audited=True))
    added = total(figures)
    assert (added.saved.views, added.audited.tokens) == (0, 90)


def test_the_largest_names_are_drawn_and_the_rest_together() -> None:
    figures = Figures(clock=Clock())
    for number in range(9):
        figures.view(view(f"tool-{number}", before=100 + number))
    drawn = figures_of(figures.window("15m"))["saved"]
    assert isinstance(drawn, dict)
    assert [each["name"] for each in drawn["tool"]] == [
        *(f"tool-{number}" for number in range(8, 2, -1)), OTHER,
    ]  # fmt: skip
    assert sum(sum(each["values"]) for each in drawn["tool"]) == 9 * 90 + sum(range(9))


def test_a_price_table_that_is_wrong_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("currency: EUR\nas_of: 2026-11-20\nmodels:\n  m: {input: cheap}\n")
    with pytest.raises(PolicyFileError, match=r"line 4: models\.m\.input: want a number"):
        read_prices(file)
    file.write_text(
        "currency: EUR\nas_of: 2026-11-20\nmodels:\n  m*: {input: 3, cached_input: 0.3}\n"
    )
    table = read_prices(file)
    assert (table.as_of, table.of("m1"), table.of("n")) == (
        "2026-11-20", Price(input=3, cached_input=0.3), None,
    )  # fmt: skip
