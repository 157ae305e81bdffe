"""Every kind of lie a draft can tell is caught."""

from collections.abc import Iterable

import pytest

from furler_engine.coverage import CoverageError, check
from furler_engine.json_value import parse
from furler_engine.shared.pruning import prune
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
    Source,
    TextShown,
    ValueShown,
    WordsShown,
)

TEXT = "alpha\nbeta\ngamma\ndelta\n"


def draft(text: str, coverage: Coverage, *elided: Place) -> Draft:
    return Draft(text, coverage, "lines", 4, 1, tuple(Elision(place, "") for place in elided))


def lie(source: str, told: Draft) -> str:
    with pytest.raises(CoverageError) as caught:
        check(Source(source), told)
    return str(caught.value)


def shown(*spans: tuple[int, int], cleaned: bool = False) -> LinesShown:
    return LinesShown(tuple(Lines(first, last) for first, last in spans), cleaned=cleaned)


# Lines.


def test_shown_and_elided_lines_that_make_the_whole_pass() -> None:
    check(Source(TEXT), draft("1 alpha\n2 beta\n… L3-4", shown((1, 2)), Lines(3, 4)))
    check(Source("a\n\n\nb"), draft("a\n\n\nb", shown((1, 4))))
    check(Source(""), draft("", shown()))


def test_a_line_that_is_neither_shown_nor_elided_is_caught() -> None:
    assert "2-3 is neither" in lie(TEXT, draft(TEXT, shown((1, 2)), Lines(4, 4)))
    assert "3-4 is neither" in lie(TEXT, draft(TEXT, shown((1, 3))))
    assert "0-1 is neither" in lie(TEXT, draft(TEXT, shown((2, 4))))


def test_a_line_claimed_twice_is_caught() -> None:
    assert "claimed twice" in lie(TEXT, draft(TEXT, shown((1, 3)), Lines(3, 4)))
    assert "claimed twice" in lie(TEXT, draft(TEXT, shown((1, 3), (2, 4))))


def test_lines_beyond_the_content_are_caught() -> None:
    assert "does not lie in" in lie(TEXT, draft(TEXT, shown((1, 4)), Lines(5, 5)))
    lie(TEXT, draft(TEXT, shown((0, 4))))


def test_an_elision_that_names_nothing_is_caught() -> None:
    assert "names nothing" in lie(TEXT, draft(TEXT, shown((1, 4)), Lines(5, 4)))
    assert "names nothing" in lie("ab", draft("ab", BytesShown((Bytes(0, 2),)), Bytes(1, 1)))


def test_a_line_claimed_but_not_in_the_text_is_caught() -> None:
    assert "not in the text" in lie(TEXT, draft("alpha\ngamma\ndelta", shown((1, 4))))


def test_a_line_cut_short_or_changed_is_caught() -> None:
    assert "not in the text" in lie("a = 1\nb\n", draft("a = 1 …\nb", shown((1, 2))))
    assert "not in the text" in lie("a = 1\nb\n", draft("a = 2\nb", shown((1, 2))))


def test_lines_in_another_order_are_caught() -> None:
    assert "not in the text" in lie("a\nb\n", draft("b\na\n", shown((1, 2))))


def test_one_line_of_text_does_not_stand_for_two() -> None:
    assert "not in the text" in lie("a\na\n", draft("a", shown((1, 2))))


def test_cleaned_lines_are_compared_as_a_terminal_shows_them() -> None:
    source = "\x1b[31mred\x1b[0m\n 1%\r100%\n"
    check(Source(source), draft("red\n100%", shown((1, 2), cleaned=True)))
    assert "not in the text" in lie(source, draft("red\n100%", shown((1, 2))))


@pytest.mark.parametrize(
    ("decoded", "reason"),
    [
        ([(1, "alpha"), (2, "beta"), (2, "beta")], "decoded twice"),
        ([(1, "alpha"), (2, "beta"), (3, "gamma")], "decoded twice or was not claimed"),
        ([(1, "alpha")], "line 2 is claimed but not decoded"),
        ([(1, "alpha"), (2, "BETA")], "line 2 decodes to something else"),
        ([(0, "delta")], "not claimed"),
    ],
)
def test_a_decoder_that_gives_other_lines_is_caught(
    decoded: list[tuple[int, str]], reason: str
) -> None:
    coverage = LinesShown((Lines(1, 2),), decode=lambda _: decoded)
    assert reason in lie(TEXT, draft("x", coverage, Lines(3, 4)))


def broken(text: str) -> Iterable[tuple[int, str]]:
    yield int(text), text


def test_a_decoder_that_breaks_is_caught() -> None:
    assert "cannot be decoded" in lie("x", draft("x", LinesShown((Lines(1, 1),), decode=broken)))


@pytest.mark.parametrize(
    ("coverage", "place"),
    [
        (shown((1, 4)), Bytes(0, 1)),
        (shown((1, 4)), Rows((), 0, 1)),
        (BytesShown((Bytes(0, len(TEXT)),)), Rows((), 0, 1)),
        (ValueShown(parse), Lines(1, 1)),
    ],
)
def test_an_elision_of_another_sort_than_its_draft_is_caught(
    coverage: Coverage, place: Place
) -> None:
    assert type(place).__name__ in lie(TEXT, draft(TEXT, coverage, place))


# Bytes.


def test_shown_bytes_and_elided_lines_make_a_whole() -> None:
    coverage = BytesShown((Bytes(0, 6), Bytes(17, 23)))
    check(Source(TEXT), draft("alpha\n… L2-3\ndelta\n", coverage, Lines(2, 3)))
    check(Source(TEXT), draft("alpha\n…\ndelta\n", coverage, Bytes(6, 17)))


def test_bytes_that_are_not_shown_or_missing_are_caught() -> None:
    hole = BytesShown((Bytes(0, 6), Bytes(17, 23)))
    assert "6-17 is neither" in lie(TEXT, draft(TEXT, hole))
    assert "11-17 is neither" in lie(TEXT, draft(TEXT, hole, Bytes(6, 11)))
    assert "not in the text" in lie(TEXT, draft("alpha\ndelt", hole, Bytes(6, 17)))
    assert "not in the text" in lie(TEXT, draft("delta\nalpha\n", hole, Bytes(6, 17)))
    assert "does not lie in" in lie(TEXT, draft(TEXT, BytesShown((Bytes(0, 99),))))


@pytest.mark.parametrize("place", [Lines(0, 2), Lines(3, 5), Lines(3, 2)])
def test_elided_lines_that_are_not_there_are_caught_among_bytes(place: Lines) -> None:
    coverage = BytesShown((Bytes(0, len(TEXT)),))
    assert "there are no lines" in lie(TEXT, draft(TEXT, coverage, place))


def test_bytes_are_bytes_in_text_beyond_ascii() -> None:
    coverage = BytesShown((Bytes(0, 2), Bytes(5, 6)))
    check(Source("é€z"), draft("é z", coverage, Bytes(2, 5)))
    lie("é€z", draft("é z", BytesShown((Bytes(0, 1), Bytes(2, 3))), Bytes(1, 2)))


# Values.

ROWS = '{"rows": [{"n": 1}, {"n": 2}, {"n": 3.0}], "total": 3}'


def test_a_value_less_its_elided_rows_passes() -> None:
    check(Source(ROWS), draft(ROWS, ValueShown(parse)))
    less = '{"total":3,"rows":[{"n":1}]}'  # members may come in another order
    check(Source(ROWS), draft(less, ValueShown(parse), Rows(("rows",), 1, 3)))


@pytest.mark.parametrize(
    "text",
    [
        '{"rows": [{"n": 1}, {"n": 2}], "total": 3}',
        '{"rows": [{"n": 1}, {"n": 3.0}, {"n": 2}], "total": 3}',
        '{"rows": [{"n": 1}, {"n": 2}, {"n": 3}], "total": 3}',
        '{"rows": [{"n": 1}, {"n": 2}, {"n": "3.0"}], "total": 3}',
        '{"rows": [{"n": true}, {"n": 2}, {"n": 3.0}], "total": 3}',
        '{"rows": [{"n": 1, "m": null}, {"n": 2}, {"n": 3.0}], "total": 3}',
        '{"rows": [{"n": 1}, {"n": 2}, {"n": 3.0}], "total": 4}',
        '{"rows": [{"n": 1}, {"n": 2}, {"n": 3.0}]}',
    ],
)
def test_another_value_is_caught(text: str) -> None:
    assert "another value" in lie(ROWS, draft(text, ValueShown(parse)))


def test_rows_that_are_not_there_or_cut_twice_are_caught() -> None:
    for cuts in ([Rows(("rows",), 2, 4)], [Rows(("row",), 0, 1)], [Rows(("total",), 0, 1)]):
        assert "not there" in lie(ROWS, draft(ROWS, ValueShown(parse), *cuts))
    twice = [Rows(("rows",), 0, 2), Rows(("rows",), 1, 3)]
    assert "not there" in lie(ROWS, draft("{}", ValueShown(parse), *twice))


def test_a_text_that_does_not_decode_is_caught() -> None:
    assert "cannot be decoded" in lie(ROWS, draft("oops", ValueShown(parse)))
    assert "cannot be decoded" in lie("no json", draft("{}", ValueShown(parse)))
    assert "cannot be decoded" in lie(ROWS, draft("x", ValueShown(lambda text: text.x)))  # type: ignore[attr-defined]


def test_pruning_leaves_the_given_value_alone() -> None:
    value = {"a": [1, 2, 3]}
    assert prune(value, [Rows(("a",), 0, 2)]) == {"a": [3]}
    assert value == {"a": [1, 2, 3]}


def test_no_reason_quotes_the_content() -> None:
    content = '{"customer_77": [1]}'
    for told in (
        draft("x", shown((1, 1)), Rows(("customer_77",), 0, 9)),
        draft(content, ValueShown(parse), Rows(("customer_77",), 0, 9)),
        draft("{}", ValueShown(parse)),
    ):
        assert "customer_77" not in lie(content, told)


# Text of pages.

PAGE = "<p>a &lt; b</p><!-- c --><script>d</script> <b>e\n f</b><p>g</p>"


def test_text_without_its_markup_passes() -> None:
    end = PAGE.index("<p>g")
    check(
        Source(PAGE), draft("- a < b\n\n# e f", TextShown((Bytes(0, end),)), Bytes(end, len(PAGE)))
    )
    check(Source(PAGE), draft("a < b | e f g", TextShown((Bytes(0, len(PAGE)),))))


def test_text_that_is_not_in_the_view_or_out_of_order_is_caught() -> None:
    whole = TextShown((Bytes(0, len(PAGE)),))
    assert "is not in the view" in lie(PAGE, draft("a < b e f", whole))
    assert "is not in the view" in lie(PAGE, draft("a &lt; b e f g", whole))
    assert "is not in the view" in lie(PAGE, draft("g a < b e f", whole))
    assert "is not in the view" in lie(PAGE, draft("a < b e f G", whole))


def test_a_hole_between_texts_is_caught() -> None:
    assert "neither shown nor elided" in lie(PAGE, draft("a < b", TextShown((Bytes(0, 11),))))


# Words.

SAID = "one two  three four\nfive\u00a0six seven\n\neight nine"
"""Bytes: one 0, two 4, three 9, four 15, line 2 at 20, six 26, seven 30, eight 37, nine 43."""


ALL_LINES = Lines(1, 4)


def worded(text: str, *dropped: tuple[int, int], elided: Place = ALL_LINES) -> Draft:
    end = len(SAID.encode())
    coverage = WordsShown((Bytes(0, end),), tuple(Bytes(a, b) for a, b in dropped))
    return draft(text, coverage, elided)


def test_a_text_less_whole_words_passes() -> None:
    check(Source(SAID), worded(SAID.replace("two  three ", ""), (4, 15)))
    check(Source(SAID), worded(SAID.replace(" four", ""), (14, 19)))
    check(Source(SAID), worded(SAID.replace("one ", "").replace(" nine", ""), (0, 4), (42, 47)))
    check(Source(SAID), worded(f"legend\n{SAID}\n", elided=Lines(4, 4)))


def test_a_word_that_is_left_out_and_not_said_to_be_is_caught() -> None:
    assert "not in the text" in lie(SAID, worded(SAID.replace("two  ", "")))
    assert "not in the text" in lie(SAID, worded(SAID.replace("two  three ", ""), (4, 9)))


def test_a_word_that_is_changed_or_moved_is_caught() -> None:
    assert "not in the text" in lie(SAID, worded(SAID.replace("two  three", "3"), (4, 9)))
    assert "not in the text" in lie(SAID, worded(SAID.replace("one two", "two one")))


def test_words_that_no_elision_names_are_caught() -> None:
    told = worded(SAID.replace("two  ", ""), (4, 9), elided=Lines(2, 4))
    assert "no elision names" in lie(SAID, told)


def test_half_a_word_and_words_that_become_one_are_caught() -> None:
    assert "no whole words" in lie(SAID, worded(SAID.replace("two ", "o "), (4, 6)))
    assert "no whole words" in lie(SAID, worded(SAID.replace("six ", "x "), (26, 28)))
    assert "two words are one" in lie(SAID, worded(SAID.replace(" two  ", ""), (3, 9)))


def test_a_line_end_is_never_left_out() -> None:
    assert "several lines" in lie(SAID, worded(SAID.replace("four\n", ""), (15, 20)))


def test_runs_out_of_order_twice_or_outside_are_caught() -> None:
    assert "no range" in lie(SAID, worded(SAID, (15, 19), (4, 9)))
    assert "no range" in lie(SAID, worded(SAID, (4, 9), (4, 9)))
    assert "no range" in lie(SAID, worded(SAID, (99, 100)))
    assert "no range" in lie(SAID, worded(SAID, (9, 9)))
