"""Sources: lines as a reader counts them, however large the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine import types
from furler_engine.shared.blocks import blocks
from furler_engine.types import Source


def _expected(text: str) -> list[str]:
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


@given(st.text(st.sampled_from("ab\n\r"), max_size=40))
def test_lines_cut_in_pieces_are_the_lines_of_the_whole(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(types, "_SPLIT_AT_ONCE", 5)
        patch.setattr(types, "_MANY", 2)
        patch.setattr(types, "_SHORT", 9)
        assert Source(text).lines == _expected(text)


def test_equal_short_lines_of_a_large_text_are_one_object() -> None:
    lines = Source("tiny\n" * 300_000).lines
    assert len(lines) == 300_000
    assert len(set(map(id, lines))) == 1


@pytest.mark.parametrize("count", [0, 1, 19_999, 20_000, 20_001, 50_000])
def test_blocks_hold_every_row_once_and_in_order(count: int) -> None:
    assert [row for block in blocks(range(count)) for row in block] == list(range(count))
