"""Paths with a state before each, as git prints them: those of one state and directory on one line.

What lives here: reading ``M  src/a.py``, a tab and ``modified:   src/a.py``, and
``R100`` or ``A`` with a tab behind it; joined lines, and the way back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.shared.outline import is_joinable, join_names, split_names

JOINED: Final = "» "
"""What a joined line opens with."""
_BETWEEN: Final = "/: "
# Long: a tab, the state, blanks. Short and porcelain: two letters or blanks, a blank. --name-status: a tab behind.
_ENTRY: Final = re.compile(
    r"(\t(?:[a-z][a-z ]*: *)?|[ MADRCTU?!]{2} |[ACDMTUX]\t)((?:[^\s/]+/)*[^\s/]*/)?([^\s/]+)"
)
BARE: Final = "\t"
"""What stands before a path without a state."""
_CHANGE: Final = re.compile(r"(?:[ACDMTUXB]|[RC]\d{1,3}\t[^\t]+)\t[^\t]+", re.ASCII)

Entry = tuple[str, str, str]
"""State with its blanks, directory with its separator, name."""


def is_change(line: str) -> bool:
    """Whether a line is one of --name-status: a letter, a tab, a path (or two of a rename)."""
    return _CHANGE.fullmatch(line) is not None


def entry(line: str) -> Entry | None:
    """Return a line's state, directory and name, if it can be joined with others."""
    match = _ENTRY.fullmatch(line)
    if match is None or not match[2] or not is_joinable(match[3]) or _BETWEEN in line:
        return None
    return match[1], match[2], match[3]


def write(lines: Sequence[str], entries: Sequence[Entry | None]) -> Iterator[str]:
    """Join lines of one state and directory; all others stand as they are."""
    at = 0
    for key, run in groupby(entries, lambda entry: entry and entry[:2]):
        names = [entry[2] if entry else "" for entry in run]
        if key is None or len(names) == 1:
            yield from lines[at : at + len(names)]
        else:
            yield f"{JOINED}{key[0]}{key[1].removesuffix('/')}{_BETWEEN}{join_names(names)}"
        at += len(names)


def read(line: str) -> list[str]:
    """Return the lines that a written one stands for."""
    if not line.startswith(JOINED):
        return [line]
    before, _, names = line.removeprefix(JOINED).partition(_BETWEEN)
    return [f"{before}/{name}" for name in split_names(names)]
