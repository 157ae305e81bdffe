"""The suites' judges: each must be able to find a view guilty."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.corpus import CorpusError, Input, open_corpus
from bench.furler_side import Furler, Shown
from bench.report import SuiteResult, Table, at_least, publish
from bench.suite_ci_logs import judge
from bench.suite_folders import judge_changes, judge_commits, judge_matches, judge_names
from bench.suite_inputs import kept
from furler_engine.types import Elision, Kind, Lines, View


def view(text: str, *elided: Lines) -> View:
    return View(
        text=text,
        ref="a" * 16,
        kind=Kind.TEXT,
        compressors=("some",),
        elisions=tuple(Elision(place, "") for place in elided),
        tokens_before=9,
        tokens_after=5,
        tokenizer="o200k_base",
        recipe="",
    )


MATCHES = "src/a.py:1:x\nsrc/a.py:9:x\nsrc/b.py:4:y\n"


def test_matches_listed_below_their_paths_are_shown() -> None:
    units = judge_matches(MATCHES, view("# src/a.py [L1-2]\n1,9:x\nsrc/b.py:4:y", Lines(1, 1)))
    assert (units.total, units.shown, units.lost) == (3, 3, [])


def test_a_match_whose_number_is_not_below_its_path_is_lost() -> None:
    units = judge_matches(MATCHES, view("# src/a.py\n1:x\n# src/b.py\n9:y\n4:y", Lines(1, 1)))
    assert units.lost == ["src/a.py:9"]


def test_a_name_that_occurs_less_often_than_in_the_listing_is_lost() -> None:
    units = judge_names("a/x.py\nb/x.py\n", view("x.py"))
    assert (units.shown, units.lost) == (1, ["x.py"])


def test_a_changed_line_that_is_neither_shown_nor_elided_is_lost() -> None:
    text = "--- a\n+++ b\n-old\n+new\n+more\n"
    units = judge_changes(text, view("-old\n+new", Lines(5, 5)))
    assert (units.shown, units.elided, units.lost) == (2, 1, [])
    assert judge_changes(text, view("-old", Lines(5, 5))).lost == ["+new"]


def test_a_hash_cut_below_ten_digits_is_lost() -> None:
    text = f"commit {'ab12' * 10}\n"
    assert judge_commits(text, view("ab12ab12ab")).shown == 1
    assert judge_commits(text, view("ab12ab1")).lost == ["ab12" * 10]


DIAGNOSTICS = "a.c:1:2: error: one [-Wone]\na.c:7:2: error: two [-Wtwo]\n"


def test_a_diagnostic_without_its_code_or_file_in_the_view_is_hidden() -> None:
    shown = judge("x", DIAGNOSTICS, view("a.c:1:2: error: one [-Wone]", Lines(2, 2)))
    assert (shown.shown, shown.counted) == (1, 0)
    assert shown.hidden == ["a.c:7:2: error: two [-Wtwo]"]


def test_an_elided_diagnostic_whose_code_and_file_are_named_is_counted() -> None:
    text = "a.c:1:2: error: one [-Wone]\na.c ×1 -Wtwo"
    found = judge("x", DIAGNOSTICS, view(text, Lines(2, 2)))
    assert (found.shown, found.counted, found.hidden) == (1, 1, [])


def test_strings_that_neither_the_view_nor_the_store_has_are_hidden_and_lost() -> None:
    item = Input("i", "log", "c_x", "", "", must_keep=("gone", "here"), critical=("gone",))
    shown = Shown("only here", "", "log", (), (), (), 9, 5, degraded=False)
    with Furler() as furler:
        found = kept(furler, item, shown)
    assert (found.verbatim, found.lost, found.critical_hidden) == (1, ["gone"], ["gone"])


def test_a_missing_corpus_says_what_it_wants_and_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"inputs/.*--corpus"):
        open_corpus(tmp_path)


def test_a_page_keeps_what_stands_outside_of_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- figures: written by make bench -->\nold\n<!-- end of figures -->\nafter\n"
    )
    result = SuiteResult("s", (Table("T", ("a", "b"), (("x", "1"),)),), {}, (at_least("n", 1, 2),))
    publish(page, {"date": "2026-01-01", "peer": None}, [result])
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert "date: 2026-01-01." in text
    assert "| x | 1 |" in text
    assert "| n | >= 1% | 2% | met |" in text
