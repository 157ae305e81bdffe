"""Many lines, some thousands at a time: what is made of all at once takes several times their memory.

What lives here: cutting line numbers into blocks and taking their lines, joining lines block by
block. What does not: what is made of a block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final

from furler_engine.text_lines import TextLines

_LINES: Final = 4_000
_CHARACTERS: Final = 1 << 18
_DENSE: Final = 3
"""Lines to cut out at once for each that is wanted: to cut out one alone takes as long as three."""


def blocks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield indexes of lines in their order, up to 4,000 at a time."""
    for start in range(0, len(rows), _LINES):
        yield rows[start : start + _LINES]


def taken(lines: Sequence[str], block: Sequence[int]) -> Sequence[str]:
    """Return the lines of a block of ascending indexes."""
    first, last = block[0], block[-1]
    size = last - first + 1
    if size == len(block):
        return lines[first : last + 1]
    if size > _DENSE * len(block) or isinstance(lines, list):
        return [lines[row] for row in block]
    near = lines[first : last + 1]
    return [near[row - first] for row in block]


def through(lines: Sequence[str], first: int, behind: int) -> Iterator[str]:
    """Yield ``lines[first:behind]``; only some thousands of them exist at a time."""
    for start in range(first, behind, _LINES):
        yield from lines[start : min(start + _LINES, behind)]


def held(lines: Iterable[str]) -> Sequence[str]:
    """Return lines to be looked at several times; many are kept as one text."""
    some = iter(lines)
    first = list(islice(some, _LINES))
    if len(first) < _LINES:
        return first
    return TextLines(joined(chain(first, some, ("",))))


def joined(lines: Iterable[str]) -> str:
    r"""Return ``"\n".join(lines)``; only some thousands of the lines exist at a time."""
    left = iter(lines)
    text = "\n".join(islice(left, _LINES))
    while block := list(islice(left, _LINES)):
        # In place: no one else knows the text. A list of parts would be as large again.
        text += "\n" + "\n".join(block)
    return text


def split(text: str) -> Iterator[str]:
    r"""Yield ``text.split("\n")``; only some thousands of the lines exist at a time."""
    at = 0
    while at <= len(text):
        end = text.find("\n", at + _CHARACTERS)
        end = len(text) if end < 0 else end
        yield from text[at:end].split("\n")
        at = end + 1
