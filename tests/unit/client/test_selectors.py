"""What a caller may write to pick a part, and what it becomes."""

from __future__ import annotations

import pytest

from furler import FieldInvalidError, SelectorInvalidError
from furler.selectors import Lines, Wanted
from furler.v1.content_pb2 import ByteRange, LineRange, Match, Search, Selector


@pytest.mark.parametrize(
    ("lines", "first", "last"),
    [
        ("120-188", 120, 188),
        ("L120-188", 120, 188),
        ("L120-L188", 120, 188),
        (" 7 ", 7, 7),
        ("L7", 7, 7),
        (12, 12, 12),
        ((120, 188), 120, 188),
    ],
)
def test_lines_are_taken_in_every_form_that_a_reader_writes(
    lines: Lines, first: int, last: int
) -> None:
    expected = Selector(lines=LineRange(first=first, last=last))
    assert Wanted(lines=lines).selector() == expected


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("L120-188", Selector(lines=LineRange(first=120, last=188))),
        ("L7", Selector(lines=LineRange(first=7, last=7))),
        ("B0-512", Selector(bytes=ByteRange(start=0, end=512))),
        ("$.data[3:480]", Selector(json_path="$.data[3:480]")),
    ],
)
def test_every_marker_that_a_view_prints_is_a_selector(marker: str, expected: Selector) -> None:
    assert Wanted(marker=marker).selector() == expected


def test_bytes_as_a_trailer_prints_them_are_taken_for_lines_too() -> None:
    expected = Selector(bytes=ByteRange(start=10, end=20))
    assert Wanted(lines="B10-20").selector() == expected


def test_every_other_way_to_pick_has_its_own_selector() -> None:
    match = Match(pattern="ERROR", context_lines=2)
    search = Search(query="why", limit=3)
    assert Wanted(match="ERROR", context=2).selector() == Selector(match=match)
    assert Wanted(path="$..id").selector() == Selector(json_path="$..id")
    assert Wanted(symbol="A.b").selector() == Selector(symbol="A.b")
    assert Wanted(query="why", limit=3).selector() == Selector(search=search)


def test_nothing_picks_the_whole_original() -> None:
    assert Wanted().selector().WhichOneof("by") is None


@pytest.mark.parametrize("lines", ["", "0", "0-4", "9-3", "a-b", "1-2-3", "-5", "$.a", (4, 2), 0])
def test_a_range_that_is_none_is_refused(lines: Lines) -> None:
    with pytest.raises((SelectorInvalidError, FieldInvalidError)):
        Wanted(lines=lines).selector()


@pytest.mark.parametrize("marker", ["B9-9", "B9-3", "x", "L", "12 lines"])
def test_a_marker_that_is_none_is_refused(marker: str) -> None:
    with pytest.raises(SelectorInvalidError):
        Wanted(marker=marker).selector()


def test_two_selectors_are_refused_by_name() -> None:
    with pytest.raises(FieldInvalidError, match="lines and query: want one selector, got 2"):
        Wanted(lines="3", query="x").selector()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(match=""), "match: is empty"),
        (Wanted(lines="3", context=2), "context: goes with match"),
        (Wanted(match="x", limit=2), "limit: goes with query"),
        (Wanted(match="x", context=-1), "context: -1 is negative"),
    ],
)
def test_what_does_not_go_together_is_refused(wanted: Wanted, message: str) -> None:
    with pytest.raises(FieldInvalidError) as caught:
        wanted.selector()
    assert caught.value.message == message
