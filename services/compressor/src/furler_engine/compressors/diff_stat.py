"""git diff --stat: changed files by directory, without the padding.

What lives here: how a view writes such a table and how that is read back. What
does not: the lines of the table (shared.change_counts), diffs themselves (diff).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.shared import change_counts
from furler_engine.shared.blocks import split
from furler_engine.shared.change_counts import Change
from furler_engine.shared.outline import Unfolder, fold
from furler_engine.shared.paths import split_path
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

MIN_FILES: Final = 4
_TOP: Final = "(top)"
_RAW: Final = "| "
_LEGEND: Final = (
    "[git diff --stat by directory: d/: a 2 +- is d/a with 2 changed lines;"
    " an indented directory lies in the nearest one above that is indented less]"
)

_WIDTH: Final = "; names padded to "


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write a line per directory; nothing is left out."""
    del policy
    lines = source.lines
    rows = bytearray(" | " in line and line.startswith(" ") for line in lines)
    if rows.count(1) < max(MIN_FILES, 0.6 * len(lines)):
        return None
    first, last = rows.find(1), rows.rfind(1)
    block = change_counts.read(lines, first, last + 1)
    if block is None:
        return None
    body = [*(_RAW + line for line in lines[:first]), *_write(block.changes)]
    body += [_RAW + line for line in lines[last + 1 :]]
    legend = f"{_LEGEND[:-1]}{_WIDTH}{block.width}]" if block.width else _LEGEND
    text = "\n".join([legend, *body])
    total = len(lines)
    return Draft(text, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _write(changes: Sequence[Change]) -> Iterator[str]:
    runs = [(d, list(run)) for d, run in groupby(changes, key=lambda c: _directory(c.path))]
    for heading in fold([directory for directory, _ in runs]):
        indent = " " * heading.depth
        if heading.index < 0:
            yield f"{indent}{heading.relative}:"
            continue
        directory, run = runs[heading.index]
        short = [change._replace(path=change.path[len(directory) :]) for change in run]
        yield f"{indent}{heading.relative or _TOP}: {change_counts.shorten(short)}"


def _directory(path: str) -> str:
    """The directory a row is written under; '' when it could be read for something else."""
    directory = split_path(path)[0]
    return "" if ":" in directory or " " in directory or "{" in path else directory


def _decode(text: str) -> Iterator[tuple[int, str]]:
    lines = split(text)
    width = next(lines)[:-1].partition(_WIDTH)[2]
    return enumerate(_read(lines, int(width or 0)), 1)


def _read(lines: Iterator[str], width: int) -> Iterator[str]:
    outline = Unfolder()
    changes: list[Change] = []
    for line in lines:
        if line.startswith(_RAW):
            yield from change_counts.pad(changes, width)
            changes = []
            yield line[len(_RAW) :]
            continue
        heading, _, files = line.partition(":")
        relative = heading.lstrip(" ")
        directory = outline.enter(
            len(heading) - len(relative), "" if relative == _TOP else relative
        )
        if files:
            changes += change_counts.split(files[1:], directory)
    yield from change_counts.pad(changes, width)
