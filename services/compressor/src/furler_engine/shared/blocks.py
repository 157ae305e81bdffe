"""Many lines, some thousands at a time: what is made of all at once takes several times their memory.

What lives here: cutting line numbers into blocks, joining lines block by block. What does
not: what is made of a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

_LINES: Final = 20_000
_CHARACTERS: Final = 1 << 20


def blocks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield indexes of lines in their order, up to 20,000 at a time."""
    for start in range(0, len(rows), _LINES):
        yield rows[start : start + _LINES]


def joined(lines: Iterable[str]) -> str:
    r"""Return ``"\n".join(lines)``; only some thousands of the lines exist at a time."""
    left = iter(lines)
    parts = []
    while block := list(islice(left, _LINES)):
        parts.append("\n".join(block))
    return "\n".join(parts)


def split(text: str) -> Iterator[str]:
    r"""Yield ``text.split("\n")``; only some thousands of the lines exist at a time."""
    at = 0
    while at <= len(text):
        end = text.find("\n", at + _CHARACTERS)
        end = len(text) if end < 0 else end
        yield from text[at:end].split("\n")
        at = end + 1
