"""Where the header of a log's lines ends: times, process ids, the host.

What lives here: telling header words from message words, by a sample of lines.
What does not: what is done with either.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_SAMPLE: Final = 160
_WIDEST: Final = 9
_SHARE: Final = 0.85
"""Lines that must agree on a header word; the rest are continuations and banners."""
_CLOCK: Final = re.compile(
    r"[\[(<\"']?(?:\d{1,4}[-/.]\w{1,3}[-/.]\d{2,4}|\d\d?[-/.]\d\d?(?!\S)|\d\d?:\d\d(?::\d\d)?|1\d{9}(?!\d)|(?:19|20)\d{6})"
)
_MONTH: Final = re.compile(
    r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b"
)
_NUMBER: Final = re.compile(r"[\[(]?\d{1,10}[\])]?")
_LEVEL: Final = re.compile(
    r"(?i:\W?(?:trace|debug|verbose|info|notice|log|warn|warning|error|err|crit|critical|fatal)\W*)|[A-Z]"
)


@dataclass(frozen=True, slots=True)
class Layout:
    """How many leading words are header; ``host`` is the index of the host's word, or -1."""

    width: int = 0
    host: int = -1


def is_clock(word: str) -> bool:
    """Whether a word is a time, a date, or seconds since 1970."""
    return _CLOCK.match(word) is not None


def layout_of(lines: Sequence[str], picked: Sequence[int] | None = None) -> Layout:
    """Find the header that most lines share; width 0 if they have none with a time in it.

    ``picked`` are the indexes of the lines to look at, all by default.
    """
    picked = range(len(lines)) if picked is None else picked
    sample = [lines[row] for row in picked[:: max(1, len(picked) // _SAMPLE)]]
    rows = [line.split(None, _WIDEST + 1) for line in sample if line[:1] not in ("", " ", "\t")]
    if not rows:
        return Layout()

    def most(place: int, test: Callable[[str], object]) -> bool:
        return sum(1 for row in rows if len(row) > place and test(row[place])) >= _SHARE * len(rows)

    width = 0
    for place in range(_WIDEST):
        if most(place, is_clock) or most(place, _MONTH.match):
            width = place + 1
        elif not most(place, lambda word: _NUMBER.fullmatch(word) or word == "-"):
            break
    if not width:
        return Layout()
    while width < _WIDEST and most(width, _NUMBER.fullmatch):
        width += 1
    # Syslog: the word between the time and "program[pid]:" is the host.
    if most(width, lambda word: word[-1] != ":" and not _LEVEL.fullmatch(word)) and most(
        width + 1, lambda word: word[-1] == ":"
    ):
        return Layout(width + 1, width)
    return Layout(width)
