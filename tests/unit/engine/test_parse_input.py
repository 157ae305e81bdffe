"""Parsing keeps nothing of a text, and gives names as they stand."""

from __future__ import annotations

import gc
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.shared.parse_input import ParseInput
from furler_engine.shared.syntax import outline, parse

PYTHON = b"def f(a):\n    return a + 1\n\n\n" * 1000
MODULES = b"const a = require('a');\nfoo(a);\n" + b"x = 1;\n" * 5000


@pytest.mark.parametrize(("source", "language"), [(PYTHON, "python"), (MODULES, "javascript")])
def test_a_source_that_was_parsed_is_let_go(source: bytes, language: str) -> None:
    outline(source, language)
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(5):
            assert outline(source + b"\n" * number, language) is not None
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Each of five parses kept all of it.
    assert kept < 2 * len(source)


def test_a_nodes_text_is_what_stands_there_however_long_it_is() -> None:
    for length in (1, 63, 64, 65, 1000, 100_000):
        name = b"n" * length
        tree = parse(b"x = 1\n" + name + b" = 2\n", "python")
        assert tree is not None
        node = tree.root_node.descendant_for_byte_range(6, 6 + length)
        assert node is not None
        assert node.text == name


@given(st.binary(max_size=400), st.integers(0, 400), st.sampled_from((1, 10)))
def test_reads_give_the_text_from_an_offset_on_before_and_after(
    text: bytes, start: int, times: int
) -> None:
    text *= times
    source = ParseInput(text)
    assert _read(source, start) == text[start:]
    source.parsed()
    assert _read(source, start) == text[start:]


def _read(source: ParseInput, at: int) -> bytes:
    pieces = []
    while piece := bytes(source(at, None)):
        pieces.append(piece)
        at += len(piece)
    return b"".join(pieces)
