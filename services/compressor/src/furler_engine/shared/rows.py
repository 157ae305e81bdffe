"""Tables in text, read: CSV, TSV, Markdown, boxed and lined up ones, as columns of values.

What lives here: which lines are rows, what their cells are, what type a cell
has. What does not: which rows a view shows.
"""

from __future__ import annotations

import csv
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from furler_engine.shared import aligned
from furler_engine.shared.blocks import blocks, taken, through

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
_CELLS_AT_ONCE: Final = 20_000
_PASSES: Final = 4
"""Of a large table the columns are read in so many passes: the lines are cut again for each."""
_MOST_KNOWN: Final = 4_096
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,14})\.\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name ("CSV"), column names, the lines of its rows, what reads their cells.

    ``lines`` are indexes into the content's lines, from 0, as ``header`` is;
    lines that are no rows (rules, notes) are in neither. ``sizes`` is how many
    lines each row takes, where cells have line breaks; empty: one. ``rows`` yields
    the cells of each row, each time it is called: as objects they take seven times
    the memory of their text.
    """

    form: str
    names: list[str]
    header: int
    lines: array[int]
    rows: Callable[[], Iterator[list[str]]]
    sizes: array[int] = field(default_factory=lambda: array("i"))

    def span(self, row: int) -> range:
        """The indexes of the lines that a row stands on."""
        return range(self.lines[row], self.lines[row] + (self.sizes[row] if self.sizes else 1))

    def columns(self) -> Iterator[list[object]]:
        """Yield the cells of each column, numbers as numbers; '' is a cell without a value."""
        width = len(self.names)
        at_once = max(1, _CELLS_AT_ONCE // max(1, len(self.lines)), -(-width // _PASSES))
        for first in range(0, width, at_once):
            columns: list[list[object]] = [[] for _ in self.names[first : first + at_once]]
            known = [_Typed() for _ in columns]
            rows = (row[first : first + at_once] for row in self.rows())
            while block := list(islice(rows, _MOST_KNOWN)):
                for column, types, cells in zip(
                    columns, known, zip(*block, strict=True), strict=True
                ):
                    if len(types) > _MOST_KNOWN:
                        types.clear()
                    column.extend(map(types.__getitem__, cells))
            yield from columns


class _Typed(dict[str, object]):
    """What a cell means, by the cell: worked out once, and one object, however often it occurs."""

    def __missing__(self, cell: str) -> object:
        self[cell] = typed = _typed(cell)
        return typed


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
    rows = array("i")
    rules = 0
    for at, line in enumerate(through(lines, header + 1, len(lines)), header + 1):
        # A line without quotes has a cell more than delimiters: there is no need to cut it.
        quoted = '"' in line
        cells = len(_split(line.rstrip("\r"), delimiter)) if quoted else line.count(delimiter) + 1
        if cells == len(names):
            rows.append(at)
        else:
            rules += delimiter == "|" and _RULE.fullmatch(line) is not None

    def read_rows() -> Iterator[list[str]]:
        for line in _taken(lines, rows):
            row = _split(line.rstrip("\r"), delimiter)
            yield [cell.strip() for cell in row] if delimiter == "|" else row

    return _checked(Table(form, names, header, rows, read_rows), len(lines) - header - 1 - rules)


def _taken(lines: Sequence[str], rows: Sequence[int]) -> Iterator[str]:
    for block in blocks(rows):
        yield from taken(lines, block)


def _read_records(lines: Sequence[str], header: int, delimiter: str, form: str) -> Table | None:
    """Read a table that has cells with line breaks in them."""
    names: list[str] = []

    def records() -> Iterator[tuple[int, int, list[str]]]:
        """Yield the first line of each record, how many it takes, and its cells."""
        ended = (line.rstrip("\r") + "\n" for line in through(lines, header, len(lines)))
        reader = csv.reader(ended, delimiter=delimiter)
        at = header
        for row in reader:
            yield at, header + reader.line_num - at, row
            at = header + reader.line_num

    def read_rows() -> Iterator[list[str]]:
        rest = records()
        next((row for _, _, row in rest if row), None)  # the header
        yield from (row for _, _, row in rest if len(row) == len(names))

    table = Table(form, names, header, array("i"), read_rows)
    count = 0
    try:
        for at, size, row in records():
            if not names:
                names.extend(name.strip() for name in row)
            elif row:
                count += 1
                if len(row) == len(names):
                    table.lines.append(at)
                    table.sizes.append(size)
    except csv.Error:  # a cell of more than 131,072 characters, a NUL byte
        return None
    return _checked(table, count)


def _read_framed(lines: Sequence[str], bar: str) -> Table | None:
    def cut(line: str) -> list[str]:
        inner = line.strip().removeprefix(bar).removesuffix(bar)
        return [cell.strip() for cell in inner.split(bar)]

    names: list[str] = []
    header = rules = 0
    rows = array("i")
    for at, line in enumerate(lines):
        inner = line.strip()
        if _RULE.fullmatch(line):
            rules += 1
        elif inner.startswith(bar):
            if not names:
                names, header = cut(line), at
            elif inner.count(bar) - (len(inner) > 1 and inner.endswith(bar)) == len(names):
                rows.append(at)
    table = Table("table", names, header, rows, lambda: map(cut, _taken(lines, rows)))
    return _checked(table, len(lines) - 1 - rules)


def _read_aligned(lines: Sequence[str]) -> Table | None:
    layout = aligned.layout_of(lines)
    if layout is None:
        return None
    rows = array("i")
    others = 0
    first = layout.header + 1
    for at, line in enumerate(through(lines, first, len(lines)), first):
        if aligned.is_row(line) and layout.cells(line) is not None:
            rows.append(at)
        else:
            others += bool(line.strip())

    def read_rows() -> Iterator[list[str]]:
        yield from filter(None, map(layout.cells, _taken(lines, rows)))

    table = Table("table in columns", layout.names, layout.header, rows, read_rows)
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
