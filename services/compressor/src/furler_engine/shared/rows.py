"""Tables in text, read: CSV, TSV, Markdown, boxed and lined up ones, as columns of values.

What lives here: which lines are rows, what their cells are, what type a cell
has. What does not: which rows a view shows.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared import aligned

MIN_ROWS: Final = 4
_SAMPLE: Final = 200
_FIT: Final = 0.95
"""Share of the lines after the header that must have its number of cells."""
_DELIMITERS: Final = (",", "\t", ";", "|")
_RULE = re.compile(r"[\s|:+=-]*-{2,}[\s|:+=-]*")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name ("CSV"), column names, the lines of its rows, cells by row.

    ``lines`` are indexes into the content's lines, from 0, as ``header`` is;
    lines that are no rows (rules, notes) are in neither.
    """

    form: str
    names: list[str]
    header: int
    lines: list[int]
    cells: list[list[str]]

    def columns(self) -> list[list[object]]:
        """Cells by column, numbers as numbers; '' is a cell without a value."""
        return [[_typed(cell) for cell in column] for column in zip(*self.cells, strict=True)]


def read(lines: Sequence[str]) -> Table | None:
    """Read a content that is one table, or None. Linear."""
    if sum(line.lstrip().startswith("|") for line in lines[:_SAMPLE]) > 0.8 * len(lines[:_SAMPLE]):
        return _read_piped(lines)
    delimiter = _delimiter(lines[:_SAMPLE])
    table = _read_delimited(lines, delimiter) if delimiter else None
    return table if table is not None else _read_aligned(lines)


def _delimiter(sample: Sequence[str]) -> str:
    """Return the delimiter whose number is most alike in all lines, '' if none is."""
    best, most = "", 0.0
    for delimiter in _DELIMITERS:
        counts = Counter(len(_split(line, delimiter)) for line in sample if line.strip())
        if not counts:
            break
        size, times = counts.most_common(1)[0]
        fit = times / counts.total()
        if size >= 2 and fit > max(most, 0.9):
            best, most = delimiter, fit
    return best


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell of more than 131,072 characters, a NUL byte
        return [line]


def _read_delimited(lines: Sequence[str], delimiter: str) -> Table | None:
    if not lines or any(line.count('"') % 2 for line in lines):
        return None  # a cell with a line break in it: lines are no rows then
    names = [name.strip() for name in _split(lines[0].rstrip("\r"), delimiter)]
    rows: list[int] = []
    cells: list[list[str]] = []
    for at, line in enumerate(lines[1:], 1):
        row = _split(line.rstrip("\r"), delimiter)
        if len(row) == len(names):
            rows.append(at)
            cells.append(row)
    form = {",": "CSV", "\t": "TSV"}.get(delimiter, f"table split by {delimiter}")
    return _checked(Table(form, names, 0, rows, cells), len(lines) - 1)


def _read_piped(lines: Sequence[str]) -> Table | None:
    rows: list[int] = []
    cells: list[list[str]] = []
    rules = 0
    for at, line in enumerate(lines):
        if _RULE.fullmatch(line):
            rules += 1
        elif line.strip().startswith("|"):
            rows.append(at)
            inner = line.strip().removeprefix("|").removesuffix("|")
            cells.append([cell.strip() for cell in inner.split("|")])
    if not rows:
        return None
    names = cells[0]
    fit = [i for i, row in enumerate(cells) if i and len(row) == len(names)]
    table = Table("table", names, rows[0], [rows[i] for i in fit], [cells[i] for i in fit])
    return _checked(table, len(lines) - 1 - rules)


def _read_aligned(lines: Sequence[str]) -> Table | None:
    layout = aligned.layout_of(lines)
    if layout is None:
        return None
    rows: list[int] = []
    cells: list[list[str]] = []
    others = 0
    for at, line in enumerate(lines[layout.header + 1 :], layout.header + 1):
        row = layout.cells(line) if aligned.is_row(line) else None
        if row is not None:
            rows.append(at)
            cells.append(row)
        else:
            others += bool(line.strip())
    table = Table("table in columns", layout.names, layout.header, rows, cells)
    return _checked(table, len(rows) + others, aligned.FIT)


def _checked(table: Table, lines: int, share: float = _FIT) -> Table | None:
    fits = len(table.lines) >= max(MIN_ROWS, share * lines) and len(table.names) >= 2
    return table if fits else None


def _typed(cell: str) -> object:
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if _DECIMAL.fullmatch(cell):
        return float(cell)
    return cell
