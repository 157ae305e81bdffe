"""The files of a commit, as git log lists them below its message, and the way back.

What lives here: lists of --stat, --shortstat and --summary, --numstat, --name-status and
--name-only; which rows of a long list are shown; a line or a few for a list. What does
not: commits themselves (compressors/git_log.py), lists without one (compressors/diff_stat.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared import change_counts, state_paths
from furler_engine.shared.change_counts import Change
from furler_engine.types import Lines

GAP: Final = "… "
"""What opens a line of a view that stands for nothing: it says what is left out."""
_LONG: Final = 12
_LONGEST: Final = 60
"""Rows of a list up to which it is shown whole, of many commits and of one, whose files are what was
asked for; of a longer one so many are, less those of _REST."""
_REST: Final = 4
"""Rows that must be hidden at least: the line that says so takes as many tokens as two."""
_PLACES: Final = 4
"""Directories whose hidden rows are counted; the others are counted together."""
_JOINT: Final = "; "
_TABLE: Final = "files: "
_TABLE_OF = re.compile(r"files(?: padded to (\d{1,4})(?: and (\d{1,3}))?)?: ", re.ASCII)
_COUNTS: Final = "changed: "
_MODE: Final = "= "
_SUM = re.compile(r" \d+ files? changed(?:, [^\n]*)?", re.ASCII)
_COUNTED = re.compile(
    r"(\d+) files? changed(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?", re.ASCII
)
_SHORT = re.compile(r"(\d+) files?(?: \+(\d+))?(?: -(\d+))?", re.ASCII)
_NUMSTAT = re.compile(r"(\d+\t\d+|-\t-)\t([^\t]+)", re.ASCII)
_NUMBERS = re.compile(r"\+(\d+)-(\d+)", re.ASCII)
_BINARY: Final = "binary"
_MODES = re.compile(
    r" (?:(?:create|delete) mode \d{6} |mode change \d{6} => \d{6} |(?:rename|copy|rewrite) )\S[^\n]*",
    re.ASCII,
)
_NAME = re.compile(r"[^\s\"|#»…=]\S*")
_OPENINGS: Final = (_COUNTS, _MODE, state_paths.JOINED, state_paths.BARE)


_ROW = re.compile(
    r" \S[^\n]* \| +(?:\d+ ?[-+]*|Bin .*)\Z| \d+ files? changed| (?:create|delete|rename|copy|mode) \S"
    r"|(?:\d+\t\d+|-\t-|[ACDMTUXB]|[RC]\d{1,3}\t[^\t]+)\t[^\t]+\Z",
    re.ASCII,
)


def is_row(line: str) -> bool:
    """Whether a line reads like one of a list, but for --name-only, which can be anything."""
    return _ROW.match(line) is not None


@dataclass(slots=True)
class Files:
    """A list, whose first row is line ``first`` of the log; its sum and its modes stand below it.

    ``changes`` are the rows of a table or of --numstat, ``states`` those of --name-status, and
    of --name-only behind a tab; one of them is empty. ``width`` and ``digits`` are those of a
    table's columns; 0 where they are what the rows need.
    """

    first: int
    changes: Sequence[Change] = ()
    width: int = 0
    states: Sequence[str] = ()
    is_table: bool = False
    total: str = ""
    modes: Sequence[str] = ()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.changes) or len(self.states)

    @property
    def place(self) -> Lines:
        """The lines of the rows."""
        return Lines(self.first, self.first + self.count - 1)


def read(lines: Sequence[str], first: int) -> Files | None:
    """Read all of the lines as one list; None when there is anything else."""
    if not lines:
        return None
    end = len(lines)
    while end and _MODES.fullmatch(lines[end - 1]):
        end -= 1
    files = Files(first, modes=tuple([line[1:] for line in lines[end:]]))
    if end and _SUM.fullmatch(lines[end - 1]):
        files.total, end = lines[end - 1][1:], end - 1
        if end == 0:
            return files
        files.is_table = True
        block = change_counts.read(lines, 0, end)
        if block is not None:
            files.changes, files.width = block
        return files if block is not None and _is_split_again(files.changes) else None
    rows = lines[:end]
    if not rows or files.modes:
        return None
    if all(map(state_paths.is_change, rows)):
        files.states = list(rows)
    elif all(map(_NUMSTAT.fullmatch, rows)):
        files.changes = [_counted(row) for row in rows]
        return files if _is_split_again(files.changes) else None
    elif all(map(_NAME.fullmatch, rows)):
        files.states = [state_paths.BARE + row for row in rows]
    else:
        return None
    return files


def _counted(row: str) -> Change:
    added, deleted, path = row.split("\t")
    return Change(path, _BINARY if added == "-" else f"+{added}-{deleted}", "")


def _is_split_again(changes: Sequence[Change]) -> bool:
    return list(change_counts.split(change_counts.shorten(changes))) == changes


def shown(files: Files, commits: int, named: Collection[int] = ()) -> Sequence[int]:
    """Return the rows that a view shows of a list: all, or of a long one the largest changes.

    ``commits`` is how many the log has, ``named`` are rows that the query names; they are shown, too.
    """
    count = files.count
    most = _LONG if commits > 1 else _LONGEST
    if count <= most:
        return range(count)
    sizes = [_size(change) for change in files.changes] or [
        # What is new, gone or has another name tells more than what was edited.
        not row.startswith(("M", state_paths.BARE))
        for row in files.states
    ]
    largest = sorted(range(count), key=lambda row: -sizes[row])[: most - _REST]
    rows = sorted({*largest, *named})
    return rows if len(rows) <= count - _REST else range(count)


def _size(change: Change) -> int:
    if match := _NUMBERS.fullmatch(change.size):
        return int(match[1]) + int(match[2])
    return int(change.size) if change.size.isdigit() else 0


def repeats_itself(files: Files) -> bool:
    """Whether a table has one row, which says what its sum says again."""
    return files.is_table and files.count == 1


def write(files: Files, rows: Sequence[int], *, brief: bool, place: str) -> Iterator[str]:
    """Yield the lines that stand for a list of which some rows are shown.

    A ``brief`` one has no sum of a single row. ``place`` is the selector of all rows.
    """
    whole = len(rows) == files.count
    if files.is_table:
        changes = [files.changes[row] for row in rows]
        total = "" if brief and repeats_itself(files) else f"{_JOINT}{_shorten(files.total)}"
        yield f"{_heading(files, whole=whole)}{change_counts.shorten(changes)}{total}"
    elif files.changes:
        yield _COUNTS + change_counts.shorten([files.changes[row] for row in rows])
    elif files.states:
        states = [files.states[row] for row in rows]
        yield from state_paths.write(states, [state_paths.entry(line) for line in states])
    else:
        yield _shorten(files.total)
    if not whole:
        yield _left_out(files, frozenset(rows), place)
    yield from (_MODE + mode for mode in files.modes)


def _shorten(total: str) -> str:
    """Write a sum in short: ``3 files +9 -1``."""
    match = _COUNTED.fullmatch(total)
    if match is None:
        return total
    signed = zip("+-", match.groups()[1:], strict=True)
    said = [_plural(match[1], "file"), *(f"{sign}{n}" for sign, n in signed if n is not None)]
    short = " ".join(said)
    return short if _lengthen(short) == total else total


def _lengthen(total: str) -> str:
    """Return the sum that git printed; '' for what is none."""
    if _SUM.fullmatch(f" {total}"):
        return total
    match = _SHORT.fullmatch(total)
    if match is None:
        return ""
    said = [f"{_plural(match[1], 'file')} changed"]
    said += [f"{_plural(match[2], 'insertion')}(+)"] if match[2] else []
    said += [f"{_plural(match[3], 'deletion')}(-)"] if match[3] else []
    return ", ".join(said)


def _plural(number: str, name: str) -> str:
    return f"{number} {name}" if number == "1" else f"{number} {name}s"


def _heading(files: Files, *, whole: bool) -> str:
    if whole:
        return f"files padded to {files.width}: " if files.width else _TABLE
    width = files.width or max(len(change.path) for change in files.changes)
    digits = max(len(change.size) for change in files.changes)
    return f"files padded to {width} and {digits}: "


def _left_out(files: Files, rows: Collection[int], place: str) -> str:
    paths = [change.path for change in files.changes] or [
        row.rpartition("\t")[2] for row in files.states
    ]
    hidden = Counter(path.partition("/")[0] for at, path in enumerate(paths) if at not in rows)
    said = [f"{count} in {name}" for name, count in hidden.most_common(_PLACES)]
    rest = hidden.total() - sum(count for _, count in hidden.most_common(_PLACES))
    said += [f"{rest} elsewhere"] * bool(rest)
    return f"{GAP}{hidden.total()} more of {files.count} files, in {place}: {', '.join(said)}"


def is_list(line: str) -> bool:
    """Whether a line of a view stands for a list or a part of it."""
    return (
        line.startswith(_OPENINGS)
        or _TABLE_OF.match(line) is not None
        or _lengthen(line) != ""
        or state_paths.is_change(line)
    )


def read_back(line: str) -> Iterable[str]:
    """Return the lines of the log that a line of a view stands for: the inverse of `write`."""
    if match := _TABLE_OF.match(line):
        files, _, total = line[match.end() :].rpartition(_JOINT)
        total = _lengthen(total)
        if not total:
            files = line[match.end() :]
        changes = list(change_counts.split(files))
        width, digits = int(match[1] or 0), int(match[2] or 0)
        rows = change_counts.pad(changes, width, digits)
        return [*rows, f" {total}"] if total else rows
    if line.startswith(_COUNTS):
        return map(_uncounted, change_counts.split(line[len(_COUNTS) :]))
    if line.startswith(_MODE):
        return [f" {line[len(_MODE) :]}"]
    if total := _lengthen(line):
        return [f" {total}"]
    return [row.removeprefix(state_paths.BARE) for row in state_paths.read(line)]


def _uncounted(change: Change) -> str:
    match = _NUMBERS.fullmatch(change.size)
    return f"{match[1]}\t{match[2]}\t{change.path}" if match else f"-\t-\t{change.path}"
