"""From the text of a view back to the value, less what its cuts left out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from furler_engine.json_value import loads
from furler_engine.shared.json_table import grammar
from furler_engine.shared.json_table.columns import MISSING, Columns, Path, Row, join, merge
from furler_engine.shared.json_table.derive import Rule, apply_rules, parse_rule
from furler_engine.shared.json_table.grammar import SEPARATOR
from furler_engine.shared.json_table.prefixes import expand
from furler_engine.shared.json_table.shapes import undo_shape

_SIZE: Final = re.compile(r"([\[{])(\d+)[\]}](?:\[(\d+)\])?(?: (\d+) shown)?:(?: |\Z)")
_BELOW: Final = re.compile(r"\[(\d+|\*)\]\.")


def decode(text: str) -> object:
    """Return the value of a text that encode wrote.

    Raises ValueError or LookupError for any other text.
    """
    reader = _Reader(text.split("\n"))
    reader.names()
    if reader.at < len(reader.lines) and reader.lines[reader.at].startswith("$"):
        return reader.node(0, 1)
    return reader.members(0)


@dataclass(slots=True)
class _Notes:
    """What the lines under a table's header say: members that every row has, codes, rules."""

    constants: str = ""
    codes: dict[str, str] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)


class _Reader:
    """The lines and the position in them; the first line is the legend."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 1
        self.prefixes: list[str] = []

    def names(self) -> None:
        """Read the lines that name prefixes."""
        while self.at < len(self.lines) and self.lines[self.at].startswith(grammar.NAMED):
            self.prefixes.append(self.lines[self.at].partition(" = ")[2])
            self.at += 1

    def node(self, depth: int, start: int) -> object:
        """Return the value of the node on this line, whose label ends at ``start``."""
        line = self.lines[self.at]
        self.at += 1
        if line[start:] == ":":
            return self.members(depth + 1)
        if line.startswith(":", start):
            return grammar.parse_cell(self._expanded(line[start + 1 :]))
        size = _SIZE.match(line, start)
        if size is None:
            raise ValueError("no node")
        total, shown = int(size[2]), int(size[4] or size[2])
        if size.end() < len(line):
            return self._table(line[size.end() :].split(SEPARATOR), size, shown, depth)
        return self.members(depth + 1) if size[1] == "{" else self._items(total, depth + 1)

    def _expanded(self, cell: str) -> str:
        return expand(cell, self.prefixes) if self.prefixes else cell

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
        self._notes(depth)
        while self.at < len(self.lines) and len(value) < total:
            line = self.lines[self.at]
            if not line.startswith(pad) or not line[depth : depth + 1].isdigit():
                break
            _, end = grammar.parse_name(line, depth)
            if line.startswith(":", end) and line[end:] != ":":
                self.at += 1
                value += grammar.parse_column(line[end + 1 :].split(SEPARATOR))
            else:
                value.append(self.node(depth, end))
        return value

    def _table(
        self, header: list[str], size: re.Match[str], shown: int, depth: int
    ) -> list[object] | Row:
        rows, keys, _ = self._rows(header, shown, depth, arrays=bool(size[3]), keyed=size[1] == "{")
        return rows if keys is None else dict(zip(keys, rows, strict=True))

    def _rows(
        self,
        header: list[str],
        shown: int,
        depth: int,
        *,
        arrays: bool = False,
        keyed: bool = False,
    ) -> tuple[list[object], list[str] | None, list[int]]:
        """Return the rows of a table, their names if they have names, their numbers."""
        notes = self._notes(depth + 1)
        lines = self.lines[self.at : self.at + shown]
        self.at += shown
        cells = [line[depth + 1 :].split(SEPARATOR) for line in lines]
        if notes.codes:
            cells = [[notes.codes.get(cell, cell) for cell in row] for row in cells]
        if len(cells) != shown or any(len(row) != len(header) for row in cells):
            raise ValueError("a row does not fit its header")
        columns = list(zip(*cells, strict=True))
        numbers: list[int] = []
        if header[0] == "#":
            numbers = list(map(int, columns[0]))
            header, columns = header[1:], columns[1:]
        keys: list[str] | None = None
        if keyed:
            keys = list(map(str, grammar.parse_column(columns[0])))
            header, columns = header[1:], columns[1:]
        if self.prefixes:
            columns = [tuple(map(self._expanded, column)) for column in columns]
        values, extras = _columns(header, columns)
        apply_rules(values, notes.rules)
        for path, parts in self._below(depth + 1, numbers).items():
            known = values.setdefault(path, [MISSING] * shown)
            values[path] = [parts.get(row, cell) for row, cell in enumerate(known)]
        if arrays:
            order = sorted(values, key=lambda path: int(path[0]))
            cells_by_row = zip(*(values[path] for path in order), strict=True)
            return [list(row) for row in cells_by_row], keys, numbers
        rows = join(values, shown)
        for row, extra in zip(rows, extras or [None] * shown, strict=True):
            if isinstance(extra, dict):
                merge(row, extra)
        if notes.constants:
            for row in rows:
                merge(row, _fresh(notes.constants))
        return list(rows), keys, numbers

    def _notes(self, depth: int) -> _Notes:
        """Read the lines under a header; statistics among them are skipped."""
        notes = _Notes()
        mark = " " * depth + grammar.NOTE
        while self.at < len(self.lines) and self.lines[self.at].startswith(mark):
            line = self.lines[self.at][len(mark) :]
            self.at += 1
            if line.startswith(grammar.STATISTICS):
                continue
            if line.startswith(grammar.EVERY_ROW):
                notes.constants = line[len(grammar.EVERY_ROW) :]
            elif line.startswith("*"):
                code, _, cell = line.partition(" = ")
                notes.codes[code] = cell
            else:
                notes.rules.append(parse_rule(line))
        return notes

    def _below(self, depth: int, numbers: list[int]) -> dict[Path, dict[int, object]]:
        """Return the values below a table, by column and position."""
        found: dict[Path, dict[int, object]] = {}
        position = {number: at for at, number in enumerate(numbers)}
        pad = " " * depth + "["
        while self.at < len(self.lines) and self.lines[self.at].startswith(pad):
            line = self.lines[self.at]
            match = _BELOW.match(line, depth)
            if match is None:
                raise ValueError("no nested value")
            path, end = grammar.parse_path(line, match.end())
            values = found.setdefault(path, {})
            if match[1] != "*":
                values[position[int(match[1])]] = self.node(depth, end)
                continue
            size = _SIZE.match(line, end)
            if size is None:
                raise ValueError("no nested table")
            self.at += 1
            header = line[size.end() :].split(SEPARATOR)
            rows, _, at = self._rows(header, int(size[4] or size[2]), depth)
            values.update((position[n], row) for n, row in zip(at, rows, strict=True))
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
