"""From the text of a view back to the value, less what its cuts left out."""

from __future__ import annotations

import re
from typing import Final

from furler_engine.json_value import loads
from furler_engine.shared.json_table import grammar
from furler_engine.shared.json_table.columns import MISSING, Columns, Path, Row, join, merge
from furler_engine.shared.json_table.grammar import SEPARATOR
from furler_engine.shared.json_table.shapes import undo_shape

_SIZE: Final = re.compile(r"([\[{])(\d+)[\]}](?:\[(\d+)\])?(?: (\d+) shown)?:(?: |\Z)")
_INNER: Final = re.compile(r"\[(\d+)\]\.")


def decode(text: str) -> object:
    """Return the value of a text that encode wrote.

    Raises ValueError or LookupError for any other text.
    """
    reader = _Reader(text.split("\n"))
    if len(reader.lines) > 1 and reader.lines[1].startswith("$"):
        return reader.node(0, 1)
    return reader.members(0)


class _Reader:
    """The lines and the position in them; the first line is the legend."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 1

    def node(self, depth: int, start: int) -> object:
        """Return the value of the node on this line, whose label ends at ``start``."""
        line = self.lines[self.at]
        self.at += 1
        if line.startswith(": ", start):
            return grammar.parse_cell(line[start + 2 :])
        if line[start:] == ":":
            return self.members(depth + 1)
        size = _SIZE.match(line, start)
        if size is None:
            raise ValueError("no node")
        total, shown = int(size[2]), int(size[4] or size[2])
        if size.end() < len(line):
            return self._table(line[size.end() :].split(SEPARATOR), size, shown, depth)
        return self.members(depth + 1) if size[1] == "{" else self._items(total, depth + 1)

    def members(self, depth: int) -> Row:
        """Return the object whose members stand at this depth."""
        value: Row = {}
        pad = " " * depth
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if not line.startswith(pad) or line[depth : depth + 1] in {" ", ""}:
                break
            name, end = grammar.parse_name(line, depth)
            value[name] = self.node(depth, end)
        return value

    def _items(self, total: int, depth: int) -> list[object]:
        value: list[object] = []
        pad = " " * depth
        while self.at < len(self.lines) and len(value) < total:
            line = self.lines[self.at]
            if not line.startswith(pad) or not line[depth : depth + 1].isdigit():
                break
            _, end = grammar.parse_name(line, depth)
            if line.startswith(": ", end):
                self.at += 1
                value += grammar.parse_column(line[end + 2 :].split(SEPARATOR))
            else:
                value.append(self.node(depth, end))
        return value

    def _table(
        self, header: list[str], size: re.Match[str], shown: int, depth: int
    ) -> list[object] | Row:
        constants = self._notes(depth + 1)
        lines = self.lines[self.at : self.at + shown]
        self.at += shown
        cells = [line[depth + 1 :].split(SEPARATOR) for line in lines]
        if len(cells) != shown or any(len(row) != len(header) for row in cells):
            raise ValueError("a row does not fit its header")
        columns = dict(enumerate(zip(*cells, strict=True)))
        first = 0
        index: list[int] | None = None
        if header[0] == "#":
            index = [int(cell) for cell in columns[0]]
            first = 1
        keys: list[object] | None = None
        if size[1] == "{":
            keys = grammar.parse_column(columns[first])
            first += 1
        values, extras = _columns(header[first:], [columns[i] for i in range(first, len(header))])
        inner = self._inner(depth + 1, index or [])
        for path, parts in inner.items():
            known = values.setdefault(path, [MISSING] * shown)
            values[path] = [parts.get(row, cell) for row, cell in enumerate(known)]
        if size[3]:
            order = sorted(values, key=lambda path: int(path[0]))
            return [list(row) for row in zip(*(values[path] for path in order), strict=True)]
        rows = join(values, shown)
        for row, extra in zip(rows, extras or [None] * shown, strict=True):
            if isinstance(extra, dict):
                merge(row, extra)
        if constants is not None:
            for row in rows:
                merge(row, _fresh(constants))
        if keys is None:
            return list(rows)
        return dict(zip(map(str, keys), rows, strict=True))

    def _notes(self, depth: int) -> str | None:
        """Skip the lines under a header; return the members that every row has, as JSON."""
        pad = " " * depth
        constants = None
        while self.at < len(self.lines) and self.lines[self.at].startswith(pad + grammar.NOTE):
            line = self.lines[self.at][depth:]
            if line.startswith(grammar.EVERY_ROW):
                constants = line[len(grammar.EVERY_ROW) :]
            self.at += 1
        return constants

    def _inner(self, depth: int, index: list[int]) -> dict[Path, dict[int, object]]:
        """Return the values below a table, by column and position."""
        found: dict[Path, dict[int, object]] = {}
        position = {row: at for at, row in enumerate(index)}
        pad = " " * depth + "["
        while self.at < len(self.lines) and self.lines[self.at].startswith(pad):
            match = _INNER.match(self.lines[self.at], depth)
            if match is None:
                raise ValueError("no nested value")
            path, end = grammar.parse_path(self.lines[self.at], match.end())
            row = position[int(match[1])]
            found.setdefault(path, {})[row] = self.node(depth, end)
        return found


def _columns(
    header: list[str], cells: list[tuple[str, ...]]
) -> tuple[Columns, list[object] | None]:
    columns: Columns = {}
    extras: list[object] | None = None
    for title, column in zip(header, cells, strict=True):
        if title == "+":
            extras = grammar.parse_column(column)
            continue
        parsed = grammar.parse_column_header(title)
        if parsed.prefix:
            columns[parsed.path] = grammar.parse_prefixed(column, parsed.prefix)
            continue
        values = grammar.parse_column(column)
        if parsed.shape is not None:
            shape = parsed.shape
            values = [undo_shape(value, shape) for value in values]
        columns[parsed.path] = values
    return columns, extras


def _fresh(constants: str) -> Row:
    value = loads(constants)
    if not isinstance(value, dict):
        raise ValueError("constants are no object")  # noqa: TRY004  # a fault of the text
    return value
