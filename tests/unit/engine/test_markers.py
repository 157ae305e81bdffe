import pytest

from furler_engine.json_value import parse
from furler_engine.markers import (
    MarkerError,
    find_ref,
    format_place,
    is_ref,
    parse_place,
    trailer,
)
from furler_engine.types import (
    Bytes,
    BytesShown,
    Coverage,
    Draft,
    Elision,
    Lines,
    LinesShown,
    Place,
    Rows,
    ValueShown,
)

REF = "abcdefgh234567ab"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Lines(12, 12), "L12"),
        (Lines(120, 188), "L120-188"),
        (Bytes(0, 512), "B0-512"),
        (Rows((), 3, 480), "$[3:480]"),
        (Rows(("data", 0, "x_1"), 3, 480), "$.data[0].x_1[3:480]"),
        (Rows(("a.b", "it's", "1"), 0, 1), r"$['a.b']['it\'s']['1'][0:1]"),
        (Rows(("a\nb\\", "é", ""), 0, 1), r"$['a\u000ab\\']['é'][''][0:1]"),
        (Rows(("x[1:2]",), 0, 1), "$['x[1:2]'][0:1]"),
    ],
)
def test_a_place_is_printed_as_it_is_read(place: Place, text: str) -> None:
    assert format_place(place) == text
    assert parse_place(text) == place


@pytest.mark.parametrize(
    "text",
    ["", "L", "L1-", "-5", "B5", "$", "$.a", "$[1:]", "$.a[1:2", "$a[1:2]", "$['a[1:2]", "L1-2 ",
     "L1\n", "٣", "$.é[1:2]", "$..a[1:2]", "L" + "9" * 16, "$[1:2]x"],
)  # fmt: skip
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(MarkerError):
        parse_place(text)


def test_a_long_text_that_is_nearly_a_selector_is_refused_at_once() -> None:
    with pytest.raises(MarkerError):
        parse_place("$['" + "a" * 1_000_000 + "\\'" * 100_000 + "[0:1]")


def test_lines_may_be_typed_without_their_letter() -> None:
    assert parse_place("120-L188") == Lines(120, 188)


def a_draft(coverage: Coverage, *places: Place) -> Draft:
    return Draft("text", coverage, "lines", 1318, 97, tuple(Elision(p, "") for p in places))


@pytest.mark.parametrize(
    "draft",
    [
        a_draft(LinesShown(()), Lines(3, 9)),
        a_draft(BytesShown(()), Bytes(3, 9)),
        a_draft(BytesShown(()), Lines(3, 9)),
        a_draft(ValueShown(parse), Rows(("a",), 3, 9)),
        a_draft(ValueShown(parse)),
    ],
)
def test_a_trailer_is_one_line_that_carries_the_reference(draft: Draft) -> None:
    line = trailer(draft, REF, 1234)
    assert line.startswith("\n[furler: ")
    assert line.count("\n") == 1
    assert find_ref("view" + line) == REF


def test_a_trailer_says_how_much_is_left_out_and_gives_a_selector_that_works() -> None:
    line = trailer(a_draft(LinesShown(()), Lines(3, 9)), REF, 1234)
    assert "97 of 1,318 lines shown; 1,234 tokens left out" in line
    assert 'lines="3-9"' in line
    assert 'path="$.a[3:9]"' in trailer(a_draft(ValueShown(parse), Rows(("a",), 3, 9)), REF, 1)
    assert 'lines="B3-9"' in trailer(a_draft(BytesShown(()), Bytes(3, 9)), REF, 1)


def test_a_trailer_of_what_is_not_stored_says_so_and_offers_nothing() -> None:
    for draft in (a_draft(LinesShown(()), Lines(3, 9)), a_draft(ValueShown(parse))):
        assert "not stored" in trailer(draft, "", 5)
        assert "retrieve" not in trailer(draft, "", 5)
        assert find_ref(trailer(draft, "", 5)) is None


def test_only_the_last_line_is_a_trailer() -> None:
    line = trailer(a_draft(LinesShown(()), Lines(3, 9)), REF, 1)
    assert find_ref(line + "\n") is None
    assert find_ref(line + "\nmore") is None
    assert find_ref('[furler: ref="' + REF + '"]') is None


def test_references_are_sixteen_characters_of_base32() -> None:
    assert is_ref(REF)
    assert [is_ref(text) for text in (REF[:-1], REF + "a", REF.upper(), "1" * 16, "")] == [
        False
    ] * 5
