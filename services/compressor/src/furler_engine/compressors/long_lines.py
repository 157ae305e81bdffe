"""Lines too long to read, as minifiers and generators write them: their starts stay.

What lives here: source code that is mostly such lines. What does not: the
skeleton of code that people write (code.py).

``…B120-4000…`` stands for those bytes of one line; ``… L5-90`` for the rest of
the line it stands on and the long lines after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.coverage import line_starts
from furler_engine.markers import format_place
from furler_engine.shared.long_lines import LONG_LINE, long_share
from furler_engine.types import Bytes, BytesShown, Draft, Elision, Lines, Policy, Source

_HEAD: Final = 120
_MIN_SHARE: Final = 0.3
"""Share of a source that long lines must make up."""
_MOST_NAMES: Final = 60
_MEMBER: Final = re.compile(r"\.([A-Za-z_$][\w$]{3,})=(?!=)")
"""What minified code still calls by its name: members that are assigned."""


def plan(source: Source, _policy: Policy) -> Draft | None:
    """Cut the long lines of a source after their first 120 characters."""
    if long_share(source) < _MIN_SHARE:
        return None
    lines = source.lines
    cuts = list(_cuts(lines, line_starts(source)))
    data = source.data
    pieces = ["[lines too long to read: … L5-90 and …B120-4000… stand for those lines and bytes]\n"]
    shown = []
    at = 0
    for start, end, _, mark in cuts:
        shown.append(Bytes(at, start))
        pieces += (data[at:start].decode(), mark)
        at = end
    if at < len(data):
        shown.append(Bytes(at, len(data)))
        pieces.append(data[at:].decode())
    return Draft(
        text="".join(pieces),
        coverage=BytesShown(tuple(shown)),
        units="bytes",
        total=len(data),
        shown=sum(r.end - r.start for r in shown),
        elisions=tuple(Elision(place, "long lines") for _, _, place, _ in cuts),
    )


def _cuts(
    lines: Sequence[str], starts: Sequence[int]
) -> Iterator[tuple[int, int, Lines | Bytes, str]]:
    """Yield, per run of long lines, the bytes cut, their selector and what is printed."""
    for is_long, run in groupby(range(len(lines)), key=lambda row: len(lines[row]) > LONG_LINE):
        if not is_long:
            continue
        rows = list(run)
        first, last = rows[0], rows[-1]
        start = starts[first] + len(lines[first][:_HEAD].encode())
        end = starts[last] + len(lines[last].encode())
        place: Lines | Bytes = Lines(first + 1, last + 1) if last > first else Bytes(start, end)
        mark = f" … {format_place(place)}" if last > first else f"…{format_place(place)}…"
        yield start, end, place, mark + _members(lines[first : last + 1])


def _members(lines: Sequence[str]) -> str:
    found = list(dict.fromkeys(name for line in lines for name in _MEMBER.findall(line)))
    if not found:
        return ""
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    return f"; assigns {', '.join(found[:_MOST_NAMES])}{more}"
