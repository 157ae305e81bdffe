r"""The notation of JSON views: cells, names, column headers. Writing and reading side by side.

A cell is a bare string (``free``), or JSON (``42``, ``"42"``, ``["a"]``), or empty:
no such member. Cells are split by ``|``, which JSON in a cell writes ``\u007c``. A bare
string is one that nothing else here can be taken for, so that reading needs no types.
``…`` marks what is cut: at the start of a cell the column's prefix, which its
header shows; after a quoted string the characters that a selector names.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from furler_engine.json_value import dumps, loads, parse_fraction
from furler_engine.shared.json_table.columns import MISSING, Path

SEPARATOR: Final = "|"
CUT: Final = "…"
NAMED: Final = "# @"
"""Begins the lines under the legend that name prefixes."""
NOTE: Final = "# "
EVERY_ROW: Final = "every row: "
STATISTICS: Final = "all "
"""Begin the lines under a table's header."""
CUT_AFTER: Final = " …$"
"""Begins the selector of what is cut from a string."""

# Strings that cannot stand bare: empty, blank at an end, holding a control character or
# the separator, or readable as another cell. One search over a column's joined lines.
_NOT_BARE: Final = re.compile(
    r'^(?:$|["\[{#…\s]|(?:true|false|null|\*\d+|@\d{1,2}(?:/.*)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)$)'
    r"|[^\S\n]$|[|\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]| …\$",
    re.MULTILINE,
)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BARE_NAME: Final = re.compile(r"[\w@/-][\w@/$+-]*")
_DECODER: Final = json.JSONDecoder()
_CONSTANTS: Final[dict[str, object]] = {"": MISSING, "true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Shape:
    """Members of the objects in a list, which are written as arrays in this order."""

    names: tuple[str, ...]
    inner: tuple[Shape | None, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """What a header says of one column."""

    path: Path
    prefix: str = ""
    shape: Shape | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Characters of a string that are left out, and the selector that names them.

    The selector holds no separator and no quote.
    """

    start: int
    end: int
    selector: str


# Cells


def is_bare(text: str) -> bool:
    """Whether a string can stand in a cell without quotes."""
    return "\n" not in text and not _NOT_BARE.search(text)


def format_cell(value: object) -> str:
    """Return the cell of a value; MISSING is empty."""
    if value is MISSING:
        return ""
    if isinstance(value, str) and is_bare(value):
        return value
    return dumps(value).replace(SEPARATOR, r"\u007c")


def format_column(values: Sequence[object]) -> list[str]:
    """Return the cells of a column; the same as format_cell on each, sooner."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return _format_strings([value for value in values if isinstance(value, str)])
    if kinds <= {int, float, bool, type(None)}:
        return dumps(list(values))[1:-1].split(",")
    return [format_cell(value) for value in values]


def _format_strings(values: list[str]) -> list[str]:
    joined = "\n".join(values)
    if joined.count("\n") != len(values) - 1:
        return [format_cell(value) for value in values]
    cells = list(values)
    starts: list[int] = []
    for match in _NOT_BARE.finditer(joined):
        starts = starts or [0, *accumulate(len(value) + 1 for value in values)]
        row = bisect_right(starts, match.start()) - 1
        cells[row] = dumps(values[row]).replace(SEPARATOR, r"\u007c")
    return cells


def parse_cell(cell: str) -> object:
    """Return a cell's value. Raises ValueError for what format_cell does not write."""
    if cell in _CONSTANTS:
        return _CONSTANTS[cell]
    if cell[0] in '"[{':
        return _parse_cut(cell) if cell[0] == '"' and CUT_AFTER in cell else loads(cell)
    return _parse_number(cell) if _NUMBER.fullmatch(cell) else cell


def parse_column(cells: Sequence[str]) -> list[object]:
    """Return the values of a column; the same as parse_cell on each, sooner."""
    joined = "\n".join(cells)
    if not _NOT_BARE.search(joined):
        return list(cells)
    if "" not in cells:
        # A bare cell may hold commas and still not pass for JSON: the text must come back.
        text = f"[{','.join(cells)}]"
        try:
            values = loads(text)
        except ValueError:
            values = None
        if isinstance(values, list) and len(values) == len(cells) and dumps(values) == text:
            return values
    known = {cell: parse_cell(cell) for cell in dict.fromkeys(cells)}
    return [known[cell] for cell in cells]


def format_prefixed(values: Sequence[object], prefix: str, whole: Sequence[str] = ()) -> list[str]:
    """Return the cells of a column whose header shows a prefix.

    Cells that have one of the strings of ``whole``, in lower case, are not abbreviated.
    """
    size = len(prefix)
    return [
        CUT + value[size:]
        if isinstance(value, str)
        and value.startswith(prefix)
        and is_bare("x" + value[size:])
        and not (whole and any(name in value.lower() for name in whole))
        else format_cell(value)
        for value in values
    ]


def parse_prefixed(cells: Sequence[str], prefix: str) -> list[object]:
    """Return the values of a column whose header shows a prefix."""
    return [prefix + c[1:] if c.startswith(CUT) else parse_cell(c) for c in cells]


def format_cut_string(text: str, gaps: Sequence[Gap]) -> str:
    """Return a string without some ranges of characters; a selector stands for each."""
    parts = []
    at = 0
    for gap in gaps:
        parts.append(dumps(text[at : gap.start]))
        parts.append(CUT + gap.selector)
        at = gap.end
    if at < len(text):
        parts.append(dumps(text[at:]))
    return " ".join(parts).replace(SEPARATOR, r"\u007c")


def _parse_cut(cell: str) -> object:
    text, end = _scan_string(cell, 0)
    while end < len(cell):
        if not cell.startswith(CUT_AFTER, end):
            raise ValueError("no selector after a cut string")
        following = cell.find(' "', end)
        if following < 0:
            break
        piece, end = _scan_string(cell, following + 1)
        text += piece
    return text


def _scan_string(text: str, at: int) -> tuple[str, int]:
    value, end = _DECODER.raw_decode(text, at)
    if not isinstance(value, str):
        raise ValueError("no string")  # noqa: TRY004  # a fault of the text, not of a caller
    return value, end


def _parse_number(text: str) -> object:
    if text.lstrip("-").isdigit():
        return int(text) if text != "-0" else parse_fraction(text)
    return parse_fraction(text)


# Names and headers


def format_name(name: str) -> str:
    """Return a member name, quoted where it could be taken for notation."""
    return name if _BARE_NAME.fullmatch(name) else dumps(name).replace(SEPARATOR, r"\u007c")


def parse_name(text: str, at: int) -> tuple[str, int]:
    """Return the name that starts at a position and where it ends. Raises ValueError."""
    if text[at : at + 1] == '"':
        return _scan_string(text, at)
    match = _BARE_NAME.match(text, at)
    if match is None:
        raise ValueError("no name")
    return match[0], match.end()


def format_path(path: Path) -> str:
    """Return the names of a path, dotted."""
    return ".".join(map(format_name, path))


def parse_path(text: str, at: int) -> tuple[Path, int]:
    """Return the dotted path that starts at a position and where it ends."""
    name, at = parse_name(text, at)
    names = [name]
    while text[at : at + 1] == ".":
        name, at = parse_name(text, at + 1)
        names.append(name)
    return tuple(names), at


def format_column_header(column: Column) -> str:
    """Return a column's header cell: path, then shape or prefix."""
    if column.prefix:
        return f"{format_path(column.path)}={column.prefix}{CUT}"
    return format_path(column.path) + (_format_shape(column.shape) if column.shape else "")


def parse_column_header(cell: str) -> Column:
    """Return what a header cell says."""
    path, at = parse_path(cell, 0)
    if cell[at : at + 1] == "=":
        return Column(path, prefix=cell[at + 1 : -1])
    if cell[at : at + 1] == "[":
        return Column(path, shape=_parse_shape(cell, at)[0])
    return Column(path)


def _format_shape(shape: Shape) -> str:
    parts = (
        format_name(name) + (_format_shape(inner) if inner else "")
        for name, inner in zip(shape.names, shape.inner, strict=True)
    )
    return f"[{','.join(parts)}]"


def _parse_shape(text: str, at: int) -> tuple[Shape, int]:
    names: list[str] = []
    shapes: list[Shape | None] = []
    while text[at] != "]":
        name, at = parse_name(text, at + 1)
        names.append(name)
        inner: Shape | None = None
        if text[at] == "[":
            inner, at = _parse_shape(text, at)
        shapes.append(inner)
    return Shape(tuple(names), tuple(shapes)), at + 1
