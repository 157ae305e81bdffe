"""Tables of changed files, as git diff --stat prints them: `` src/a.py | 12 ++--``.

What lives here: reading a block of such lines, writing it without its padding,
and the way back. What does not: where a view puts it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import eq
from typing import Final, NamedTuple

from furler_engine.shared.blocks import through
from furler_engine.shared.paths import split_path

_ROW = re.compile(r" (\S.*?) +\| +(\d+|Bin)(?: (.*))?", re.ASCII)
_SHORT = re.compile(r"(.*) (\d+|Bin|\+\d+-\d+|binary)(?: ([-+ ]+|\d+ -> .*))?", re.ASCII)
JOINT: Final = ", "
_GROUPS: Final = "; "


class Change(NamedTuple):
    """One file: its path as printed, the number of lines (or Bin), the bar (or sizes).

    Of --numstat the number is of lines added and deleted, ``+6-16`` (or binary), and there is no bar.
    """

    path: str
    size: str
    bar: str


class Block(NamedTuple):
    """A table; ``width`` of the paths is 0 where it is that of the longest one.

    It is wider where git cut a path (``.../a.py``), for it cuts at a directory.
    """

    changes: list[Change]
    width: int


def read(lines: Sequence[str], first: int, behind: int) -> Block | None:
    """Read a block, ``lines[first:behind]``; None unless `pad` gives the very same lines."""
    known: dict[str, str] = {}
    changes: list[Change] = []
    printed = 0
    for line in through(lines, first, behind):
        match = _ROW.fullmatch(line)
        if match is None:
            return None
        printed = printed or line.index("|", match.end(1)) - len("  ")
        # Equal sizes and bars are one object: there are few.
        size, bar = match[2], match[3] or ""
        changes.append(Change(match[1], known.setdefault(size, size), known.setdefault(bar, bar)))
    if not changes:
        return None
    width = 0 if printed == max(len(change.path) for change in changes) else printed
    same = all(map(eq, pad(changes, width), through(lines, first, behind)))
    return Block(changes, width) if same else None


def pad(changes: Sequence[Change], width: int = 0, digits: int = 0) -> Iterator[str]:
    """Write a block as git does: paths and counts aligned, to what the longest one takes or to more."""
    width = width or max((len(change.path) for change in changes), default=0)
    digits = digits or max((len(change.size) for change in changes), default=0)
    for path, size, bar in changes:
        yield f" {path:<{width}} | {f'{size:>{digits}} {bar}'.rstrip()}"


def shorten(changes: Sequence[Change]) -> str:
    """Write a block on one line: ``src/: a.py 12 ++--, b.bin Bin 0 -> 9 bytes; c.md 1 +``.

    Files of one directory follow it, up to the next semicolon.
    """
    groups: list[tuple[str, list[Change]]] = []
    for directory, run in groupby(changes, key=lambda change: _directory(change.path)):
        files = list(run)
        shared = directory if len(files) > 1 else ""
        if shared or not groups or groups[-1][0]:
            groups.append((shared, []))
        groups[-1][1].extend(files)
    return _GROUPS.join(_row(directory, files) for directory, files in groups)


def _row(directory: str, files: Sequence[Change]) -> str:
    said = (change._replace(path=change.path[len(directory) :]) for change in files)
    row = JOINT.join(" ".join(part for part in change if part) for change in said)
    return f"{directory}: {row}" if directory else row


def split(text: str, below: str = "") -> Iterator[Change]:
    """Read back what `shorten` wrote; files with such a comma in their path are not read right.

    ``below`` is the directory that all paths lie in.
    """
    known: dict[str, str] = {}
    for group in text.split(_GROUPS):
        directory, colon, row = group.partition("/: ")
        directory, row = (f"{directory}/", row) if colon else ("", group)
        for part in row.split(JOINT):
            if match := _SHORT.fullmatch(part):
                size, bar = match[2], match[3] or ""
                size, bar = known.setdefault(size, size), known.setdefault(bar, bar)
                yield Change(f"{below}{directory}{match[1]}", size, bar)


def _directory(path: str) -> str:
    """Return a path's directory; '' where it could be read for something else."""
    directory = split_path(path)[0]
    return "" if any(mark in directory for mark in ":{ ;,\\") else directory
