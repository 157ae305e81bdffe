"""Tables in text, read: CSV, TSV, Markdown, boxed and lined up ones, as columns of values.

What lives here: which lines are rows, what their cells are, what type a cell
has. What does not: which rows a view shows.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine.shared import aligned

MIN_ROWS: Final = 4
_SAMPLE: Final = 200
_FIT: Final = 0.95
"""Share of the lines after the header that must have its number of cells."""
_DELIMITERS: Final = (",", "\t", ";", "|")
_BARS: Final = "|│┃║"
"""What frames put before, between and after cells."""
_PREAMBLE: Final = 10
"""Lines of comment, opened by a hash, that may stand above a header."""
_RULE = re.compile(
    r"[\s|:+=-]*-{2,}[\s|:+=-]*|[\s─━═│┃║┌┬┐├┼┤└┴┘┏┳┓┡╇┩┣╋┫┗┻┛╔╦╗╠╬╣╚╩╝╞╪╡╘╧╛╒╤╕╟╫╢╓╥╖╙╨╜╭╮╰╯-]+"
)
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name ("CSV"), column names, the lines of its rows, cells by row.

    ``lines`` are indexes into the content's lines, from 0, as ``header`` is;
    lines that are no rows (rules, notes) are in neither. ``sizes`` is how many
    lines each row takes, where cells have line breaks; empty: one.
    """

    form: str
    names: list[str]
    header: int
    lines: list[int]
    cells: list[list[str]]
    sizes: list[int] = field(default_factory=list)

    def span(self, row: int) -> range:
        """The indexes of the lines that a row stands on."""
        return range(self.lines[row], self.lines[row] + (self.sizes[row] if self.sizes else 1))

    def columns(self) -> list[list[object]]:
        """Cells by column, numbers as numbers; '' is a cell without a value."""
        return [[_typed(cell) for cell in column] for column in zip(*self.cells, strict=True)]


def read(lines: Sequence[str]) -> Table | None:
    """Read a content that is one table, or None. Linear."""
    for bar in _BARS:
        framed = sum(line.lstrip()[:1] == bar for line in lines[:_SAMPLE])
        if framed > 0.8 * len(lines[:_SAMPLE]):
            return _read_framed(lines, bar)
    first = preamble(lines)
    delimiter = _delimiter(lines[first : first + _SAMPLE])
    table = _read_delimited(lines, first, delimiter) if delimiter else None
    return table if table is not None else _read_aligned(lines)


def preamble(lines: Sequence[str]) -> int:
    """Return how many lines of comment stand above a table."""
    opening = lines[: _PREAMBLE + 1]
    return next((at for at, line in enumerate(opening) if not line.startswith("#")), 0)


def _delimiter(sample: Sequence[str]) -> str:
    """Return the delimiter whose number is most alike in all lines, '' if none is."""
    if any(line.count('"') % 2 for line in sample):  # lines of a cell with line breaks have fewer
        return max(_DELIMITERS, key=sample[0].count)
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


def _read_delimited(lines: Sequence[str], header: int, delimiter: str) -> Table | None:
    if header >= len(lines):
        return None
    form = {",": "CSV", "\t": "TSV"}.get(delimiter, f"table split by {delimiter}")
    if any(line.count('"') % 2 for line in lines):
        return _read_records(lines, header, delimiter, form)
    names = [name.strip() for name in _split(lines[header].rstrip("\r"), delimiter)]
    rows: list[int] = []
    cells: list[list[str]] = []
    rules = 0
    for at, line in enumerate(lines[header + 1 :], header + 1):
        row = _split(line.rstrip("\r"), delimiter)
        if len(row) == len(names):
            rows.append(at)
            cells.append([cell.strip() for cell in row] if delimiter == "|" else row)
        else:
            rules += delimiter == "|" and _RULE.fullmatch(line) is not None
    return _checked(Table(form, names, header, rows, cells), len(lines) - header - 1 - rules)


def _read_records(lines: Sequence[str], header: int, delimiter: str, form: str) -> Table | None:
    """Read a table that has cells with line breaks in them."""
    ended = (line.rstrip("\r") + "\n" for line in lines[header:])
    reader = csv.reader(ended, delimiter=delimiter)
    table = Table(form, [], header, [], [])
    records, at = 0, header
    try:
        for row in reader:
            if not table.names:
                table.names.extend(name.strip() for name in row)
            elif row:
                records += 1
                if len(row) == len(table.names):
                    table.lines.append(at)
                    table.sizes.append(header + reader.line_num - at)
                    table.cells.append(row)
            at = header + reader.line_num
    except csv.Error:  # a cell of more than 131,072 characters, a NUL byte
        return None
    return _checked(table, records)


def _read_framed(lines: Sequence[str], bar: str) -> Table | None:
    rows: list[int] = []
    cells: list[list[str]] = []
    rules = 0
    for at, line in enumerate(lines):
        if _RULE.fullmatch(line):
            rules += 1
        elif line.strip().startswith(bar):
            rows.append(at)
            inner = line.strip().removeprefix(bar).removesuffix(bar)
            cells.append([cell.strip() for cell in inner.split(bar)])
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
