"""Cutting what was picked into pages of so many tokens.

Pages put one after another are exactly what was picked. What lives here: where
a page ends. What does not: what is picked (select.py), and how a page is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from furler_engine import tokens

Range = tuple[int, int]

_CONTINUES: Final = 0b10
"""The two high bits of a byte inside a UTF-8 character."""


@dataclass(frozen=True, slots=True)
class Page:
    """Part of what was picked, and the byte where the rest goes on; None after the last page."""

    ranges: tuple[Range, ...]
    next_start: int | None


def page(
    text: str, ranges: Iterable[Range], max_tokens: int, tokenizer: str, start: int = 0
) -> Page:
    """Return the ranges from byte ``start`` on that make at most ``max_tokens`` tokens together.

    0 tokens are unlimited. A page ends at the end of a line or of a range where
    it can, else between two characters, and always has at least one.

    Raises:
        tokens.UnknownTokenizerError: The tokenizer is not installed.
    """
    data = text.encode()
    while start and start < len(data) and data[start] >> 6 == _CONTINUES:
        start -= 1
    rest = [(max(low, start), high) for low, high in ranges if high > start]
    if not max_tokens:
        return Page(tuple(rest), None)
    pieces = [data[low:high].decode() for low, high in rest]
    joined = "".join(pieces)
    size = _fitting(joined, max_tokens, tokenizer)
    if size < len(joined):
        size = _at_line_end(joined, size, pieces, max_tokens, tokenizer)
    left = len(joined[:size].encode())
    taken: list[Range] = []
    for low, high in rest:
        if not left:
            return Page(tuple(taken), low)
        taken.append((low, min(high, low + left)))
        if high - low > left:
            return Page(tuple(taken), low + left)
        left -= high - low
    return Page(tuple(taken), None)


def _fitting(text: str, max_tokens: int, tokenizer: str) -> int:
    """Return how many characters, at least one, make at most so many tokens.

    Within 2 % of the most that fit. Every second guess halves what is left to
    search, so a text whose density changes takes no more than twice log n counts.
    """
    fits, over = 0, len(text) + 1
    size, is_even = min(len(text), 4 * max_tokens), False  # four characters a token
    while over - fits > 1:
        size = min(max(size, fits + 1), over - 1)
        count = tokens.count(text[:size], tokenizer).tokens
        if count > max_tokens:
            over = size
        elif size == len(text) or max_tokens - count <= max_tokens // 50:
            return size
        else:
            fits = size
        is_even = not is_even
        middle = (fits + over) // 2 if over <= len(text) else 2 * size
        size = size * max_tokens // max(1, count) if is_even else middle
    return max(1, fits)


def _at_line_end(text: str, size: int, pieces: list[str], max_tokens: int, tokenizer: str) -> int:
    """Return the last end of a line or piece up to ``size``, if there is one and it fits."""
    piece_end = max((at for at in accumulate(map(len, pieces)) if at <= size), default=0)
    cut = max(text.rfind("\n", 0, size) + 1, piece_end)
    is_fit = cut and tokens.count(text[:cut], tokenizer).tokens <= max_tokens
    return cut if is_fit else size
