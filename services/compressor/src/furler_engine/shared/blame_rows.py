"""Rows of git blame, read: a commit, who and when, the number of a line, the line.

What lives here: what such a row is. What does not: how a view groups them (compressors/git_blame.py).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LONGEST: Final = 400
"""Characters before the text of a line."""
_ROW: Final = re.compile(
    r"(\^?[0-9a-f]{7,40}(?: +[^\s(]\S{0,200} *)?) \(([^\n]{1,80}?) +"
    r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d [+-]\d{4})?) +(\d{1,7})\) ",
    re.ASCII,
)


class Row(NamedTuple):
    """``commit`` has the path behind it where git prints one, with its padding."""

    commit: str
    author: str
    date: str
    number: int
    text: str


def is_row(line: str) -> bool:
    """Whether a line is a row of git blame."""
    return _ROW.match(line, 0, _LONGEST) is not None


def read(line: str) -> Row | None:
    """Return the row that a line is."""
    match = _ROW.match(line, 0, _LONGEST)
    if match is None:
        return None
    return Row(match[1], match[2], match[3], int(match[4]), line[match.end() :])
