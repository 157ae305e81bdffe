"""Rows of git ls-tree -r and git ls-files -s: a mode, an object, a path behind a tab.

What lives here: what such a row is. What does not: how a view lists them (compressors/git_objects.py).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ROW: Final = re.compile(
    r"(\d{6}) (?:(blob|tree|commit) )?([0-9a-f]{40}|[0-9a-f]{64})(?: ([0-3])| +(\d+|-))?\t(.+)",
    re.ASCII,
)


class Row(NamedTuple):
    """``type`` is '' in an index, ``stage`` '' in a tree, ``size`` '' where none is printed."""

    mode: str
    type: str
    stage: str
    size: str
    path: str

    @property
    def form(self) -> str:
        """What most rows have in common: their mode, type and stage."""
        return f"{self.mode} {self.type or f'stage {self.stage}'}"


def is_row(line: str) -> bool:
    """Whether a line is such a row."""
    return _ROW.match(line) is not None


def read(line: str) -> Row | None:
    """Return the row that a line is."""
    match = _ROW.fullmatch(line)
    if match is None or bool(match[2]) == bool(match[4]):
        return None
    return Row(match[1], match[2] or "", match[4] or "", match[5] or "", match[6])
