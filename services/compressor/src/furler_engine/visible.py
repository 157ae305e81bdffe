"""Which lines a reader has literally before it, and where: the memory of a conversation's fold.

What lives here: lines without their line numbers, an index over runs of three, the longest
run at a place. What does not: what a view makes of a run, what a message is.

Only text that stands in the forwarded body as it is gets in here: of a view that leaves
lines out, those that it shows. So whatever is found here can be pointed at.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from furler_engine.types import Lines

SHINGLE: Final = 3
"""Lines that have to agree before a run is looked at."""
LONG: Final = 160
"""Characters from which on a line is a shingle of its own."""
MAX_LINES: Final = 500_000
"""Lines that are remembered, about 100 MB; what comes later is not pointed at."""
_NUMBER: Final = re.compile(r"[ \t]*+(\d{1,9})(?:[:|→] ?|\t)(.*)", re.DOTALL)
_NUMBERED_SHARE: Final = 0.3
"""Share of lines that must count up for numbers at their start to be line numbers."""
_Shingle = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """Lines of a text, without the numbers that a tool put before them.

    ``numbers`` has -1 where a line carries none.
    """

    lines: Sequence[str]
    keys: Sequence[str]
    numbers: Sequence[int]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Text:
        """Take line numbers off, if there are any."""
        matches = [_NUMBER.match(line) for line in lines] if _may_be_numbered(lines) else []
        numbers = [int(m[1]) if m else -1 for m in matches]
        rising = sum(1 for a, b in pairwise(numbers) if b == a + 1 > 0)
        if not rising or rising < _NUMBERED_SHARE * (len(lines) - 1):
            return cls(lines, lines, [-1] * len(lines))
        keys = [m[2] if m else line for m, line in zip(matches, lines, strict=True)]
        return cls(lines, keys, numbers)


def _may_be_numbered(lines: Sequence[str]) -> bool:
    sample = lines[:: max(1, len(lines) // 32)]
    return any(_NUMBER.match(line) for line in sample)


@dataclass(frozen=True, slots=True)
class Passage:
    """Lines in a row that are visible: ``first`` is the number of the first in its own text."""

    label: str
    first: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Run:
    """Rows of a text (half-open) that stand elsewhere, at the lines ``there`` of ``label``.

    An empty label is the text itself, further up.
    """

    start: int
    end: int
    label: str
    there: Lines


class Visible:
    """Everything visible so far. Grows only."""

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._passages: list[Passage] = []
        self._starts: list[int] = []
        self._index: dict[_Shingle, int] = {}

    def add(self, label: str, text: Text, shown: Iterable[tuple[int, int]]) -> None:
        """Add the shown rows (half-open ranges) of a text."""
        for start, end in shown:
            at = len(self._keys)
            if at + end - start > MAX_LINES:
                return
            part = text.keys[start:end]
            self._keys += part
            self._passages.append(Passage(label, start + 1, at, at + len(part)))
            self._starts.append(at)
            self._index.update(zip(_shingles(part), range(at, at + len(part)), strict=False))
            long = [row for row, key in enumerate(part) if len(key) >= LONG]
            self._index.update((part[row], at + row) for row in long)

    def run(self, text: Text, row: int, since: int) -> Run | None:
        """Return the run of visible lines around a row, going back no further than ``since``."""
        at = self._index.get(tuple(text.keys[row : row + SHINGLE]))
        if at is None and len(text.keys[row]) >= LONG:
            at = self._index.get(text.keys[row])
        if at is None:
            return None
        passage = self._passages[bisect_right(self._starts, at) - 1]
        end = _forward(text, row, self._keys, at, passage.end)
        start = _backward(text, row, since, self._keys, at, passage.start)
        first = passage.first + at - passage.start - (row - start)
        return Run(start, end, passage.label, Lines(first, first + end - start - 1))


def _shingles(keys: Sequence[str]) -> Iterable[tuple[str, ...]]:
    return zip(*(keys[n:] for n in range(SHINGLE)), strict=False)


def _forward(text: Text, row: int, keys: Sequence[str], at: int, end: int) -> int:
    """Return the row after the last one that agrees; numbers must count up by one."""
    numbers = text.numbers
    last = min(len(text.keys), row + end - at)
    here = row
    while (
        here < last
        and text.keys[here] == keys[at + here - row]
        and (here == row or _follows(numbers, here))
    ):
        here += 1
    return here


def _backward(text: Text, row: int, since: int, keys: Sequence[str], at: int, first: int) -> int:
    numbers = text.numbers
    start = max(since, row - (at - first))
    here = row
    while (
        here > start
        and text.keys[here - 1] == keys[at - (row - here) - 1]
        and _follows(numbers, here)
    ):
        here -= 1
    return here


def _follows(numbers: Sequence[int], row: int) -> bool:
    before, number = numbers[row - 1], numbers[row]
    return number == before + 1 if before >= 0 else number < 0


class Own:
    """The shown lines of the very text that is being read: later lines may point at them."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._index: dict[_Shingle, int] = {}
        self._shown_from = 0

    def skip(self, row: int) -> None:
        """Rows before this one are not all shown."""
        self._shown_from = row

    def show(self, row: int) -> None:
        """A row is shown."""
        start = row - SHINGLE + 1
        if start >= self._shown_from:
            self._index.setdefault(tuple(self._text.keys[start : row + 1]), start)
        if len(self._text.keys[row]) >= LONG:
            self._index.setdefault(self._text.keys[row], row)

    def run(self, row: int, shown: bytearray) -> Run | None:
        """Return the run of own lines that are repeated from a row on."""
        keys = self._text.keys
        at = self._index.get(tuple(keys[row : row + SHINGLE]))
        if at is None and len(keys[row]) >= LONG:
            at = self._index.get(keys[row])
        if at is None:
            return None
        hidden = shown.find(0, at, row)
        end = _forward(self._text, row, keys, at, row if hidden < 0 else hidden)
        return Run(row, end, "", Lines(at + 1, at + end - row))
