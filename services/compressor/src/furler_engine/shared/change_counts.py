"""Tables of changed files, as git diff --stat prints them: `` src/a.py | 12 ++--``.

What lives here: reading a block of such lines, writing it without its padding,
and the way back. What does not: where a view puts it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

_ROW = re.compile(r" (\S.*?) +\| +(\d+|Bin)(?: (.*))?", re.ASCII)
_SHORT = re.compile(r"(.*) (\d+|Bin)(?: ([-+ ]+|\d+ -> .*))?", re.ASCII)
JOINT: Final = ", "


class Change(NamedTuple):
    """One file: its path as printed, the number of lines (or Bin), the bar (or sizes)."""

    path: str
    size: str
    bar: str


def read(lines: Sequence[str]) -> list[Change] | None:
    """Read a block; None unless `pad` gives the very same lines."""
    matches = [_ROW.fullmatch(line) for line in lines]
    changes = [Change(m[1], m[2], m[3] or "") for m in matches if m is not None]
    return changes if len(changes) == len(lines) and pad(changes) == list(lines) else None


def pad(changes: Sequence[Change]) -> list[str]:
    """Write a block as git does: paths and counts aligned."""
    width = max((len(change.path) for change in changes), default=0)
    digits = max((len(change.size) for change in changes), default=0)
    return [
        f" {path:<{width}} | {f'{size:>{digits}} {bar}'.rstrip()}" for path, size, bar in changes
    ]


def shorten(changes: Sequence[Change]) -> str:
    """Write a block on one line: ``src/a.py 12 ++--, b.bin Bin 0 -> 9 bytes``."""
    return JOINT.join(" ".join(part for part in change if part) for change in changes)


def split(text: str) -> list[Change]:
    """Read back what `shorten` wrote; files with such a comma in their path are not read right."""
    matches = (_SHORT.fullmatch(part) for part in text.split(JOINT))
    return [Change(m[1], m[2], m[3] or "") for m in matches if m is not None]
