"""Sources: lines as a reader counts them, however large the text."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine import text_lines
from furler_engine.shared.blocks import blocks, held, joined, taken, through
from furler_engine.text_lines import TextLines, extent
from furler_engine.types import Source


def _expected(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


TEXTS = st.text(st.sampled_from("ab\n\ré😀"), max_size=40)


@given(TEXTS, st.integers(-45, 45), st.integers(-45, 45))
def test_lines_cut_out_of_a_text_are_its_lines(text: str, first: int, behind: int) -> None:
    expected = _expected(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_lines, "_AT_ONCE", 5)
        lines = TextLines(text)
        assert list(lines) == expected
    assert [lines[row] for row in range(-len(lines), len(lines))] == expected * 2
    assert (lines[first:behind], lines[first:behind:2]) == (
        expected[first:behind],
        expected[first:behind:2],
    )
    for line in [*expected, "", "a", "b", "\n"]:
        assert (line in lines) == (line in expected)
    assert extent(lines, 0, len(lines)) == extent(expected, 0, len(expected))
    for beyond in (len(lines), -len(lines) - 1):
        with pytest.raises(IndexError):
            lines[beyond]


def test_lines_of_a_large_text_are_no_objects() -> None:
    text = "tiny\n" * 300_000
    tracemalloc.start()
    try:
        lines = Source(text).lines
        assert sum(1 for line in lines if line == "tiny") == 300_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3 * len(text)


@given(text=TEXTS, size=st.integers(1, 7), large=st.booleans())
def test_lines_held_taken_and_gone_through_are_the_lines(
    text: str, size: int, *, large: bool
) -> None:
    expected = _expected(text)
    lines: Sequence[str] = TextLines(text) if large else expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("furler_engine.shared.blocks._LINES", size)
        assert list(held(expected)) == expected
        assert joined(expected) == "\n".join(expected)
        assert list(through(lines, 0, len(expected))) == expected
        for rows in (range(len(expected)), range(0, len(expected), 2), range(0, len(expected), 5)):
            assert [line for b in blocks(rows) for line in taken(lines, b)] == [
                expected[row] for row in rows
            ]


@pytest.mark.parametrize("count", [0, 1, 3_999, 4_000, 4_001, 9_000])
def test_blocks_hold_every_row_once_and_in_order(count: int) -> None:
    assert [row for block in blocks(range(count)) for row in block] == list(range(count))
