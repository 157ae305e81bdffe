"""Tables of changed files, as git diff --stat prints them: `` src/a.py | 12 ++--``.

What lives here: reading a block of such lines, writing it without its padding,
and the way back. What does not: where a view puts it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_ROW = re.compile(r" (\S.*?) +\| +(\d+|Bin)(?: (.*))?", re.ASCII)
_SHORT = re.compile(r"(.*) (\d+|Bin)(?: (.*))?", re.ASCII)
JOINT: Final = ", "


class Change(NamedTuple):
    """One file: its path as printed, the number of lines (or Bin), the bar (or sizes)."""

    path: str
    count: str
    bar: str


def read(lines: Sequence[str]) -> list[Change] | None:
    """Read a block; None unless `pad` gives the very same lines."""
    matches = [_ROW.fullmatch(line) for line in lines]
    changes = [Change(m[1], m[2], m[3] or "") for m in matches if m is not None]
    return changes if len(changes) == len(lines) and pad(changes) == list(lines) else None


def pad(changes: Sequence[Change]) -> list[str]:
    """Write a block as git does: paths and counts aligned."""
    width = max((len(change.path) for change in changes), default=0)
    digits = max((len(change.count) for change in changes), default=0)
    return [
        f" {path:<{width}} | {f'{count:>{digits}} {bar}'.rstrip()}" for path, count, bar in changes
    ]
