"""Unified diffs, read: files, their header lines, their hunks; git's combined ones too.

What lives here: the reader, and a file's header on one line. What does not: which
parts a view shows, how it writes them.

A combined diff shows a merge against each of its n parents: its hunks open with n + 1
``@``, and each line has a mark for every parent in its first n columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_GIT: Final = "diff --git "
_COMBINED: Final = ("diff --cc ", "diff --combined ")
_HUNK = re.compile(r"(@{2,17}) ((?:-\d+(?:,\d+)? ){1,16})\+(\d+)(?:,(\d+))? \1", re.ASCII)
_RANGE = re.compile(r"-(\d+)(?:,(\d+))?", re.ASCII)
_HEADER: Final = (
    "index ", "--- ", "+++ ", "new file mode ", "deleted file mode ", "old mode ", "new mode ",
    "similarity index ", "dissimilarity index ", "rename from ", "rename to ", "copy from ",
    "copy to ", "Binary files ", "GIT binary patch",
)  # fmt: skip
NO_FILE: Final = "/dev/null"
_NO_SIDES: Final = ", no hunks"
_SHORT = re.compile(
    r"## (.+?)(?: \(((?:new|deleted|old|index|similarity|Binary) ?[^\n]*)\))?(, no hunks)?(?: \[L[\d-]+\])?"
)


class Hunk(NamedTuple):
    """Lines ``first`` (its ``@@`` line) to ``last`` of the diff, from 1, inclusive.

    ``old`` and ``new`` are the lines at which it starts: of the file in each parent, one
    but for merges, and of the new file.
    """

    first: int
    last: int
    old: tuple[int, ...]
    new: int

    def marks(self, line: str) -> str:
        """Return the marks at the start of one of its lines, one for each parent."""
        return line[: len(self.old)]


@dataclass(slots=True)
class File:
    """One file of a diff: its header, lines ``first`` to ``header_last``, and hunks."""

    first: int
    header_last: int
    path: str
    old_path: str
    hunks: list[Hunk] = field(default_factory=list)
    added: int = 0
    removed: int = 0

    @property
    def last(self) -> int:
        """The file's last line in the diff."""
        return self.hunks[-1].last if self.hunks else self.header_last

    @property
    def is_deleted(self) -> bool:
        """Whether the new side is no file."""
        return self.path == NO_FILE


def read(lines: Sequence[str]) -> list[File]:
    """Read the files of a diff; text between them belongs to none. Linear."""
    files: list[File] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        opens = line.startswith((_GIT, *_COMBINED)) or (
            line.startswith("--- ") and _opens_plain(lines, at)
        )
        if not opens:
            at += 1
            continue
        start = at
        at += 1 if line.startswith("diff ") else 0
        while at < len(lines) and lines[at].startswith(_HEADER):
            at += 1
        old, new = _paths(lines[start:at])
        file = File(start + 1, at, new, old)
        while at < len(lines) and (match := _HUNK.match(lines[at])):
            ranges = _RANGE.findall(match[2])
            if len(ranges) != len(match[1]) - 1:
                break
            size = [int(count or 1) for _, count in ranges]
            end = _end_of_hunk(lines, at, size, int(match[4] or 1), file)
            file.hunks.append(Hunk(at + 1, end, tuple(int(o) for o, _ in ranges), int(match[3])))
            at = end
        files.append(file)
    return files


def header_of(lines: Sequence[str]) -> list[str]:
    """Write the usual header of a file on one line; any other header as it is.

    >>> header_of(["diff --git a/x b/x", "index 1..2 100644", "--- a/x", "+++ b/x"])
    ['## x (index 1..2 100644)']
    """
    path = _same_path(lines[0])
    if not path:
        return list(lines)
    notes = [line for line in lines[1:] if not line.startswith(("--- ", "+++ "))]
    short = f"## {path}" + (f" ({'; '.join(notes)})" if notes else "")
    if len(lines) == 1 + len(notes):
        short += _NO_SIDES
    return [short] if list(split_header(short)) == list(lines) else list(lines)


def split_header(line: str) -> Iterator[str]:
    """Yield the header lines that header_of wrote on one line."""
    match = _SHORT.fullmatch(line)
    if match is None:
        return
    path, notes = match[1], match[2].split("; ") if match[2] else []
    yield f"diff --git a/{path} b/{path}"
    yield from notes
    if not match[3]:
        new = any(note.startswith("new file mode ") for note in notes)
        deleted = any(note.startswith("deleted file mode ") for note in notes)
        yield f"--- {NO_FILE}" if new else f"--- a/{path}"
        yield f"+++ {NO_FILE}" if deleted else f"+++ b/{path}"


def _opens_plain(lines: Sequence[str], at: int) -> bool:
    """Whether ``--- a`` / ``+++ b`` / ``@@`` stand here, as diff -u prints them."""
    return (
        lines[at].startswith("--- ")
        and at + 2 < len(lines)
        and lines[at + 1].startswith("+++ ")
        and _HUNK.match(lines[at + 2]) is not None
    )


def _paths(header: Sequence[str]) -> tuple[str, str]:
    """Return (old path, new path); ``/dev/null`` for a file that is not there."""
    old = new = _same_path(header[0])
    for line in header:
        if line.startswith("--- "):
            old = _strip(line[4:], "a/")
        elif line.startswith("+++ "):
            new = _strip(line[4:], "b/")
        elif line.startswith("rename from "):
            old = line[12:]
        elif line.startswith("rename to "):
            new = line[10:]
        elif line.startswith("deleted file mode "):
            new = NO_FILE
    if not new and header[0].startswith(_COMBINED):
        old = new = header[0].removeprefix(_COMBINED[0]).removeprefix(_COMBINED[1])
    return old, new


def _same_path(line: str) -> str:
    """Return P of ``diff --git a/P b/P``, blanks in it or not, or ''."""
    sides = line.removeprefix(_GIT)
    middle = len(sides) // 2
    left, right = sides[:middle], sides[middle + 1 :]
    same = (
        line.startswith(_GIT) and left[:2] == "a/" and right[:2] == "b/" and left[2:] == right[2:]
    )
    return left[2:] if same else ""


def _strip(path: str, prefix: str) -> str:
    # diff -u puts a time behind a tab.
    return path.partition("\t")[0].removeprefix(prefix)


def _end_of_hunk(lines: Sequence[str], at: int, old: list[int], new: int, file: File) -> int:
    """Return the index after a hunk's last line: its counts say where it ends."""
    width = len(old)
    at += 1
    while at < len(lines):
        line = lines[at]
        if line[:1] == "\\":
            at += 1
            continue
        if new <= 0 and max(old) <= 0:
            break
        # Some tools strip the blanks of an empty context line.
        marks = line[:width].ljust(width)
        if marks.strip(" +-"):
            break
        removed = "-" in marks
        if removed:
            file.removed += 1
        else:
            new -= 1
            file.added += "+" in marks
        # What a parent has: a line that went, and of those that stayed what it did not gain.
        for side, mark in enumerate(marks):
            old[side] -= mark == ("-" if removed else " ")
        at += 1
    return at
