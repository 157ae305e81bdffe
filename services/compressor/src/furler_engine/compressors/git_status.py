"""What git status prints, long or short: paths of one state and directory on one line.

What lives here: how a view writes them and how that is read back. Every other
line (branch, headings, advice) stands as it is. Nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.shared.outline import is_joinable, join_names, split_names
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_LEGEND: Final = "[git status; a line with » names paths of one state and directory: » modified: d/: a b are d/a and d/b]"
_JOINED: Final = "» "
_BETWEEN: Final = "/: "
_MIN_ENTRIES: Final = 8
# Long: a tab, the state, blanks. Short and porcelain: two letters or blanks, a blank.
_ENTRY: Final = re.compile(
    r"(\t(?:[a-z][a-z ]*: *)?|[ MADRCTU?!]{2} )((?:[^\s/]+/)*[^\s/]*/)?([^\s/]+)"
)

Entry = tuple[str, str, str]
"""State with its blanks, directory with its separator, name."""


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write git status with joined paths. None for other texts and short ones."""
    del policy
    lines = source.lines
    entries = [_entry(line) for line in lines]
    if sum(entry is not None for entry in entries) < _MIN_ENTRIES:
        return None
    if any(line.startswith(_JOINED) for line in lines):
        return None
    written = "\n".join([_LEGEND, *_write(lines, entries)])
    total = len(lines)
    return Draft(written, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _entry(line: str) -> Entry | None:
    match = _ENTRY.fullmatch(line)
    if match is None or not match[2] or not is_joinable(match[3]) or _BETWEEN in line:
        return None
    return match[1], match[2], match[3]


def _write(lines: Sequence[str], entries: Sequence[Entry | None]) -> Iterator[str]:
    at = 0
    for key, run in groupby(entries, lambda entry: entry and entry[:2]):
        names = [entry[2] if entry else "" for entry in run]
        if key is None or len(names) == 1:
            yield from lines[at : at + len(names)]
        else:
            yield f"{_JOINED}{key[0]}{key[1].removesuffix('/')}{_BETWEEN}{join_names(names)}"
        at += len(names)


def _decode(text: str) -> Iterator[tuple[int, str]]:
    number = 0
    for line in text.split("\n")[1:]:
        if line.startswith(_JOINED):
            before, _, names = line.removeprefix(_JOINED).partition(_BETWEEN)
            restored = [f"{before}/{name}" for name in split_names(names)]
        else:
            restored = [line]
        for one in restored:
            number += 1
            yield number, one
