"""Cutting a text into passages: paragraphs, or windows of lines where it has none.

What lives here: where one passage ends and the next begins. What does not: which
of them matter (ranking.py).
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

Interval = tuple[int, int]

SHORTEST: Final = 200
"""Characters: a shorter paragraph (a heading, a bullet) goes with what follows it."""
LONGEST: Final = 1000
"""Characters: about 250 tokens, eight lines of a log. Longer paragraphs are cut at lines."""
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
# Where a line too long for one passage may be cut, the best place first.
_BREAKS: Final = (". ", "},", ", ", " ", ",")


def passages(text: str) -> list[Interval]:
    """Cut a text into passages: half-open character ranges, without gaps, in order."""
    cuts = [0]
    after_blank = False
    for match in _LINE.finditer(text):
        start, end = match.span()
        size = start - cuts[-1]
        is_blank = match[0].isspace()
        if size and (
            end - cuts[-1] > LONGEST or (after_blank and not is_blank and size >= SHORTEST)
        ):
            cuts.append(start)
        if end - start > LONGEST:
            cuts += _inner_cuts(text, start, end)
        after_blank = is_blank
    if cuts[-1] < len(text):
        cuts.append(len(text))
    return list(pairwise(cuts))


def _inner_cuts(text: str, start: int, end: int) -> list[int]:
    """Return where a long line is cut; every piece but the last has 500 to 1,000 characters."""
    cuts: list[int] = []
    while end - start > LONGEST:
        floor, ceiling = start + LONGEST // 2, start + LONGEST
        found = ((text.rfind(mark, floor, ceiling), len(mark)) for mark in _BREAKS)
        start = next((at + size for at, size in found if at >= 0), ceiling)
        cuts.append(start)
    return cuts
