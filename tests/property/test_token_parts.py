"""A text counted in parts has the tokens of the whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler_engine.tokens import TOKENIZERS, count, parts

_PIECES = st.sampled_from(
    [
        "word",
        " and",
        "\n",
        "\r\n",
        "  ",
        " ",
        "'s",
        "I'LL",
        "x1",
        "42",
        "::",
        "/",
        "};\n",
        "é",
        "中",
        "\t",
        "A",
        " ?",
        "\n/",
    ]
)
TEXTS = st.lists(_PIECES, max_size=60).map("".join)


@given(text=TEXTS | st.text(max_size=80), size=st.integers(0, 12))
def test_parts_are_the_text(text: str, size: int) -> None:
    assert "".join(parts(text, size)) == text


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@given(text=TEXTS, size=st.integers(1, 12))
def test_parts_count_like_the_whole(tokenizer: str, text: str, size: int) -> None:
    whole = count(text, tokenizer).tokens
    assert sum(count(part, tokenizer).tokens for part in parts(text, size)) == whole
