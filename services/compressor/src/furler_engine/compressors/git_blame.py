"""git blame: each commit once above the lines it wrote, the lines as they are.

What lives here: how a view groups the rows, and how that is read back. What does not: reading
rows (shared.blame_rows). Nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import Final

from furler_engine.shared import blame_rows
from furler_engine.shared.blame_rows import Row
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_MIN_ROWS: Final = 4
_MIN_GAIN: Final = 0.9
_HEADING: Final = re.compile(r"# (\d{1,7})(?:-(\d{1,7}))? ([^|]+?)(?:\|([^|]*)\|([^|]*))?")
_LEGEND: Final = re.compile(r"\[git blame: .*; author (\d{1,3}) wide, number (\d{1,2})\]")


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write rows of one commit below each other under it."""
    del policy
    found = [blame_rows.read(line) for line in source.lines]
    rows = [row for row in found if row is not None]
    if len(rows) < max(_MIN_ROWS, len(found)):
        return None
    author = max(len(row.author) for row in rows)
    number = max(len(str(row.number)) for row in rows)
    said: dict[str, tuple[str, str]] = {}
    out = []
    # Rows of one commit whose numbers follow each other are as far from their places.
    for _, run in groupby(enumerate(rows), lambda pair: (pair[1][:3], pair[1].number - pair[0])):
        own = [row for _, row in run]
        commit, who, when = own[0][:3]
        last = f"-{own[-1].number}" if len(own) > 1 else ""
        about = "" if said.get(commit) == (who, when) else f"|{who}|{when}"
        said[commit] = who, when
        out += [f"# {own[0].number}{last} {commit}{about}", *(row.text for row in own)]
    legend = _legend(rows, len(said), author, number)
    text = "\n".join([legend, *out])
    total = len(rows)
    if len(text) > _MIN_GAIN * len(source.text):
        return None
    if not all(a == b for a, b in zip_longest(_read(text), source.lines)):
        return None  # columns that do not line up
    shown = LinesShown((Lines(1, total),), lambda view: enumerate(_read(view), 1))
    return Draft(text, shown, "lines", total, total)


def _legend(rows: Sequence[Row], commits: int, author: int, number: int) -> str:
    return (
        f"[git blame: {len(rows):,} lines of {commits:,} commits; below # lines commit|author|date the lines themselves,"
        f" author and date said once; author {author} wide, number {number}]"
    )


def _read(text: str) -> Iterator[str]:
    rows = iter(text.split("\n"))
    legend = _LEGEND.fullmatch(next(rows, ""))
    if legend is None:
        return
    author, number = int(legend[1]), int(legend[2])
    said: dict[str, tuple[str, str]] = {}
    for row in rows:
        match = _HEADING.fullmatch(row)
        if match is None:
            return
        if match[4] is not None:
            said[match[3]] = match[4], match[5]
        who, when = said[match[3]]
        for at in range(int(match[1]), int(match[2] or match[1]) + 1):
            line = next(rows, "")
            yield f"{match[3]} ({who:<{author}} {when} {at:>{number}}) {line}"
