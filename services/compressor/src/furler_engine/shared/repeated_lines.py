"""Runs of lines that stand above already: where, and how many.

What lives here: finding them, in one pass. What does not: the note that stands
for a run. The method is that of LZ77 (Ziv & Lempel 1977) over whole lines, with
hash chains of bounded length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

_MANY_BLANK: Final = 60
"""Blank lines that are worth a pointer, though they have no character."""
_WORD: Final = re.compile(r"\w*[^\W_]")
_CHAIN: Final = 4
"""Earlier places looked at for each pair of lines."""


@dataclass(slots=True)
class Repeats:
    """Lines of a text, some of which repeat earlier ones of them.

    ``rows`` are ascending indexes into ``lines``; a line that ``is_loud`` says yes
    to, by its place in ``rows``, is never part of a repeat. ``least`` gives, by place too, the
    characters that a repeated run must have to be worth a pointer.
    """

    lines: Sequence[str]
    rows: Sequence[int]
    is_loud: Callable[[int], bool]
    least: Callable[[int], int]
    _pairs: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _rulers: dict[str, int] = field(default_factory=dict)
    _new: list[bool] = field(default_factory=list)

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Yield the first place in ``rows``, the size, and the place of the same lines above.

        A new line comes by itself, with -1 for that place. All lines pointed at are new
        ones in a row. Linear: a run is compared at no more than four places.
        """
        at = 0
        while at < len(self.rows):
            size, earlier = self._longest(at)
            yield at, size or 1, earlier
            self._new += [not size] * (size or 1)
            if not size:
                self._remember(at)
            at += size or 1

    def _line(self, at: int) -> str:
        return self.lines[self.rows[at]]

    def _remember(self, at: int) -> None:
        line = self._line(at)
        if not _WORD.search(line):
            self._rulers.setdefault(line, at)
        if at and self._new[at - 1]:
            chain = self._pairs.setdefault((self._line(at - 1), self._line(at)), [])
            if len(chain) < _CHAIN:
                chain.append(at - 1)

    def _longest(self, at: int) -> tuple[int, int]:
        """Return how many lines from ``at`` on stand above, and where; 0 and -1 if none."""
        best, where = 0, -1
        if at + 1 < len(self.rows):
            for earlier in self._pairs.get((self._line(at), self._line(at + 1)), ()):
                size = self._common(at, earlier)
                if size > best:
                    best, where = size, earlier
        length = sum([len(self._line(place)) for place in range(at, at + best)])
        if best > 1 and (length >= self.least(at) or best > _MANY_BLANK):
            return best, where
        # Of single lines only rulers: they say nothing.
        where = self._rulers.get(self._line(at), -1)
        return (1, where) if where >= 0 and len(self._line(at)) >= self.least(at) else (0, -1)

    def _common(self, at: int, earlier: int) -> int:
        size = 0
        while (
            at + size < len(self.rows)
            and earlier + size < at
            and self._new[earlier + size]
            and self._line(at + size) == self._line(earlier + size)
            and self.rows[at + size] == self.rows[at] + size
            and self.rows[earlier + size] == self.rows[earlier] + size
            and not self.is_loud(at + size)
        ):
            size += 1
        return size
