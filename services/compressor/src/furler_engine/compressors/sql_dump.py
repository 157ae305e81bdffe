"""SQL dumps: a few rows of each table stay, with what is rare; the rest is counted.

What lives here: lines that insert rows. Everything else of a dump stays. What
does not: functions and procedures in SQL (code.py).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine.shared.numbered import Page, draft
from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Policy, Source

_INSERT: Final = re.compile(
    r"\s*(?:INSERT|REPLACE)\s+(?:IGNORE\s+)?INTO\s+([`\"\[\]\w.]+)\s*(\([^()]*\))?\s*VALUES\s*(.*)",
    re.IGNORECASE,
)
_INSERTS: Final = re.compile(r"insert\s+(?:ignore\s+)?into\b")
_ROW: Final = re.compile(r"\s*\(.*\)\s*[,;]?\s*$")
# A match remembers each doubled quote until it is done: a value ends at the thousandth.
_QUOTED: Final = r"'[^']*+(?:''[^']*+)"
_VALUE: Final = re.compile(rf"{_QUOTED}{{0,999}}'(?!')|{_QUOTED}{{999}}'|[^\s,()']++")
_MIN_ROWS: Final = 20
_FIRST_ROWS: Final = 3
_FEW_VALUES: Final = 12
"""A column with more values than this is no category."""
_RARE: Final = 2
"""Rows up to which a category's value is rare, and its rows stay."""
_MOST_RARE: Final = 30


@dataclass(slots=True)
class _Table:
    columns: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    values: list[list[str]] = field(default_factory=list)


def plan(source: Source, _policy: Policy) -> Draft | None:
    """Leave out most of the rows a dump inserts; keep first, last, rare and named ones."""
    # In lower case no letter beyond ASCII becomes one of these alone; bytes take a third of the time.
    if b"insert" not in source.data.lower() or not _INSERTS.search(source.text.lower()):
        return None
    lines = source.lines
    tables = _tables(lines)
    if sum(len(table.rows) for table in tables.values()) < max(_MIN_ROWS, len(lines) // 2):
        return None
    page = Page(picked=set(range(len(lines))))
    for name, table in tables.items():
        if len(table.rows) < _MIN_ROWS:
            continue
        kept = {*table.rows[:_FIRST_ROWS], table.rows[-1], *_rare_rows(table)}
        page.picked -= set(table.rows) - kept
        page.opening.append(
            f"[{name}: {len(table.rows):,} rows, {len(kept)} shown{_counts(table)}]"
        )
    page.picked |= set(rare_hits(source.hints.query, lines))
    page.opening.append("[SQL; 12: is line 12, rows left out have the numbers between]")
    return draft(source, lines, page)


def _tables(lines: Sequence[str]) -> dict[str, _Table]:
    """Return the rows of each table, in order of their first; statements of many rows too."""
    tables: dict[str, _Table] = {}
    current: _Table | None = None
    for index, line in enumerate(lines):
        match = _INSERT.match(line)
        if match is not None:
            current = tables.setdefault(match[1].strip('`"[]'), _Table())
            current.columns = current.columns or re.findall(r"\w+", match[2] or "")
            text = match[3]
        elif current is not None and _ROW.match(line):
            text = line
        else:
            current = None
            continue
        if text.strip():
            current.rows.append(index)
            current.values.append(_VALUE.findall(text))
        if line.rstrip().endswith(";"):
            current = None
    return tables


def _categories(table: _Table) -> list[tuple[str, list[str], Counter[str]]]:
    """Return name, cells and value counts of each column with few values."""
    width = min(map(len, table.values), default=0)
    found = []
    for place in range(width):
        cells = [row[place] for row in table.values]
        counts = Counter(cells)
        if 1 < len(counts) <= _FEW_VALUES:
            name = table.columns[place] if place < len(table.columns) else f"column {place + 1}"
            found.append((name, cells, counts))
    return found


def _rare_rows(table: _Table) -> list[int]:
    rare = [
        row
        for _, cells, counts in _categories(table)
        for row, cell in zip(table.rows, cells, strict=True)
        if counts[cell] <= _RARE
    ]
    return rare[:_MOST_RARE]


def _counts(table: _Table) -> str:
    parts = [
        f"; {name}: " + ", ".join(f"{value} {times}" for value, times in counts.most_common())
        for name, _, counts in _categories(table)
    ]
    return "".join(parts)
