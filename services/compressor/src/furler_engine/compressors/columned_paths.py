"""Paths at the end of columns, as find -ls, tar -tv, unzip -l and aws s3 ls print them.

What lives here: finding the columns, writing each path under its directory with what is not
usual of its columns behind it, and the way back. What does not: how paths are written
(shared.path_tree), ls -l (listing), one number before a path (sized_paths).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import eq
from typing import Final

from furler_engine.shared.blocks import through
from furler_engine.shared.path_tree import read, write
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_MIN_ROWS: Final = 8
_MIN_COLUMNS: Final = 2
_MOST_COLUMNS: Final = 12
_AROUND: Final = 4
"""Lines before and after the rows that may be headers, rules and sums."""
_MIN_GAIN: Final = 0.8
_USUAL: Final = 0.5
"""Share of the rows that must have a value for it to go without saying."""
_NAMED: Final = 0.5
"""Share of the rows that must have a directory or a mode: else the last word is no path."""
_MODE: Final = re.compile(r"[.dlbcpsh-][rwxsStT-]{9}[.+@]?")
_DATE: Final = r"(?:[A-Z][a-z]{2} [ \d]\d|[ \d]?\d [A-Z][a-z]{2}) (?:\d\d:\d\d| \d{4})|\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_FIELD: Final = re.compile(rf" *({_DATE}|[^\s:,=\"]+)(?= )", re.ASCII)
_PATH: Final = re.compile(r" +([^\s:\"][^:\"\x00-\x1f]*)")
_LONGEST: Final = 5_000
"""Characters: PATH_MAX is 4,096 bytes."""
_MARK: Final = "| "
_MOST_KNOWN: Final = 4_096


@dataclass(frozen=True, slots=True)
class _Row:
    """The values of a line's columns, where each begins and ends, and its path."""

    values: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    gap: int
    path: str


@dataclass(frozen=True, slots=True)
class _Column:
    """``right``: its values end at ``at``, else they begin there. ``usual`` '' is none."""

    at: int
    right: bool
    usual: str


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write every path under its directory; nothing is left out."""
    del policy
    lines = source.lines
    if len(lines) < _MIN_ROWS:
        return None
    first, last = _rows_within(lines)
    count = len(_shape(lines[(first + last) // 2])) if last - first >= _MIN_ROWS else 0
    if not _MIN_COLUMNS <= count <= _MOST_COLUMNS:
        return None
    parsed = _parsed(through(lines, first, last), count)
    named = sum("/" in row.path or any(map(_MODE.fullmatch, row.values)) for row in parsed)
    if not parsed or named < _NAMED * len(parsed):
        return None
    columns = [_column(parsed, at) for at in range(count)]
    gap = parsed[0].gap
    written = [_write(row, columns) for row in parsed]
    del parsed
    again = (_line(text, columns, gap) for text in written)
    if not all(map(eq, again, through(lines, first, last))):
        return None
    legend, tree = write(written)
    opening, closing = lines[:first], lines[last:]
    text = "\n".join(
        [_legend(legend, columns, len(written)), *(_MARK + line for line in opening), *tree]
        + [_MARK + line for line in closing]
    )
    if len(text) > _MIN_GAIN * len(source.text):
        return None

    def decode(view: str) -> Iterator[tuple[int, str]]:
        legend, *body = view.split("\n")
        paths = read(legend, body[len(opening) : len(body) - len(closing)])
        restored = (_line(path, columns, gap) for path in paths)
        return enumerate(chain(opening, restored, closing), 1)

    total = len(lines)
    return Draft(text, LinesShown((Lines(1, total),), decode), "lines", total, total)


def _rows_within(lines: Sequence[str]) -> tuple[int, int]:
    """Return where the rows are, half-open: a few other lines may stand around them."""
    usual = _shape(lines[len(lines) // 2])
    first = next((at for at, line in enumerate(lines[: _AROUND + 1]) if _shape(line) == usual), 0)
    end = len(lines)
    while end > len(lines) - _AROUND and _shape(lines[end - 1]) != usual:
        end -= 1
    return first, end


def _shape(line: str) -> str:
    """Return a letter for each field before what has a slash, or before the last word."""
    at, shape = 0, ""
    if len(line) > _LONGEST:
        return ""
    while match := _FIELD.match(line, at):
        at = match.end()
        shape += "d" if " " in match[1] else "n" if match[1].isdigit() else "w"
        rest = _PATH.fullmatch(line, at)
        if rest is not None and "/" in rest[1].partition(" ")[0]:
            break
    return shape


def _parsed(lines: Iterable[str], count: int) -> list[_Row]:
    """Read rows; [] where one is none. Equal values and spans are one object: there are few."""
    values: dict[str, str] = {}
    spans: dict[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]] = {}
    parsed: list[_Row] = []
    for line in lines:
        row = _row(line, count)
        if row is None:
            return []
        for known in (values, spans):
            if len(known) > _MOST_KNOWN:
                known.clear()
        same = tuple([values.setdefault(value, value) for value in row.values])
        parsed.append(_Row(same, spans.setdefault(row.spans, row.spans), row.gap, row.path))
    return parsed


def _row(line: str, count: int) -> _Row | None:
    values, spans, at = [], [], 0
    for _ in range(count):
        match = _FIELD.match(line, at)
        if match is None:
            return None
        values.append(match[1])
        spans.append(match.span(1))
        at = match.end()
    path = _PATH.fullmatch(line, at)
    return _Row(tuple(values), tuple(spans), path.start(1) - at, path[1]) if path else None


def _column(rows: Sequence[_Row], at: int) -> _Column:
    starts = Counter(row.spans[at][0] for row in rows)
    ends = Counter(row.spans[at][1] for row in rows)
    (start, begin), (end, stop) = starts.most_common(1)[0], ends.most_common(1)[0]
    value, times = Counter(row.values[at] for row in rows).most_common(1)[0]
    usual = value if times >= _USUAL * len(rows) else ""
    return _Column(end, True, usual) if stop > begin else _Column(start, False, usual)


def _write(row: _Row, columns: Sequence[_Column]) -> str:
    """Write a path with its values: those of columns without a usual one, then exceptions."""
    plain = [v for v, c in zip(row.values, columns, strict=True) if not c.usual]
    odd = [
        f"{number}={value}"
        for number, (value, column) in enumerate(zip(row.values, columns, strict=True), 1)
        if column.usual and value != column.usual
    ]
    return f"{row.path}:{','.join([*plain, *odd])}"


def _line(written: str, columns: Sequence[_Column], gap: int) -> str:
    """Put a line together again: the inverse of `_write`."""
    path, _, text = written.partition(":")
    said = text.split(",") if text else []
    odd = dict(_pair(value) for value in said if "=" in value)
    plain = iter(value for value in said if "=" not in value)
    line = ""
    for number, column in enumerate(columns, 1):
        value = odd.get(number, column.usual) if column.usual else next(plain, "")
        width = column.at - len(value) if column.right else column.at
        line = (line + " " if line else "").ljust(width) + value
    return f"{line}{' ' * gap}{path}"


def _pair(value: str) -> tuple[int, str]:
    number, _, rest = value.partition("=")
    return int(number), rest


def _legend(tree: str, columns: Sequence[_Column], rows: int) -> str:
    usual = " ".join(f"{n}={c.usual}" for n, c in enumerate(columns, 1) if c.usual)
    varying = ",".join(str(n) for n, c in enumerate(columns, 1) if not c.usual)
    return (
        f"[{rows:,} lines of {len(columns)} columns and a path, in their order, as path:{varying};"
        f" columns not said are {usual or 'none'}; {tree}]"
    )
