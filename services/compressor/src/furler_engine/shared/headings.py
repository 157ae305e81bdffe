"""Markdown's headings and the sections they open.

What lives here: where a section starts and ends. What does not: what is in it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_HEADING: Final = re.compile(r"^(#{1,6})[ \t]+(\S.*)$", re.MULTILINE)
_FENCE: Final = re.compile(r"^(?:```|~~~)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with all under it, deeper headings included; half-open characters."""

    title: str
    rank: int
    start: int
    end: int


def sections(text: str) -> list[Section]:
    """Return the sections in order; a section ends at the next heading of its rank or above."""
    headings = _headings(text)
    ends = [len(text)] * len(headings)
    unfinished: list[int] = []
    for index, (start, rank, _) in enumerate(headings):
        while unfinished and headings[unfinished[-1]][1] >= rank:
            ends[unfinished.pop()] = start
        unfinished.append(index)
    return [
        Section(title, rank, start, end)
        for (start, rank, title), end in zip(headings, ends, strict=True)
    ]


def _headings(text: str) -> list[tuple[int, int, str]]:
    fences = [match.start() for match in _FENCE.finditer(text)]
    found = []
    passed = 0
    for match in _HEADING.finditer(text):
        while passed < len(fences) and fences[passed] < match.start():
            passed += 1
        if passed % 2 == 0:  # between an opening and a closing fence a # opens a comment
            title = match[2].rstrip().rstrip("#").rstrip()
            found.append((match.start(), len(match[1]), title))
    return found
