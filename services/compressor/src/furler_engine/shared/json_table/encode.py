"""From an outline to text, whole or with cuts.

What lives here: lines and their order. How a cell is written is the grammar's matter;
what is cut is the caller's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine.json_value import dumps
from furler_engine.shared.json_table import grammar
from furler_engine.shared.json_table.columns import MISSING, Columns, Path, Row, merge, nest
from furler_engine.shared.json_table.derive import Rule, find_rules, format_rule
from furler_engine.shared.json_table.grammar import SEPARATOR, Column, Gap
from furler_engine.shared.json_table.legend import Feature, legend
from furler_engine.shared.json_table.outline import Group, Inline, Items, Members, Node, Table
from furler_engine.shared.json_table.prefixes import find_prefixes, shorten
from furler_engine.shared.json_table.shapes import apply_shape, common_prefix, find_shape
from furler_engine.types import JsonLocation

Interval = tuple[int, int]
_LONG_CELL: Final = 24
"""Characters of a cell from which a code is shorter when it occurs again."""
_IDENTIFIERS: Final = ("id", "key", "_id", "Id", "name", "number", "path", "title")
"""Ends of the names of members that tell rows apart, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """What a view leaves out, by location in the document.

    Attributes:
        rows: Kept elements or members, ascending, of each array or object that is cut.
        texts: Gaps of each string that is cut.
        notes: A line on all rows of a table, shown under its header.
        whole: Strings in lower case; a cell that has one is never abbreviated.
        remark: A sentence for the legend: what was kept and why.
    """

    rows: Mapping[JsonLocation, Sequence[int]] = field(default_factory=dict)
    texts: Mapping[JsonLocation, Sequence[Gap]] = field(default_factory=dict)
    notes: Mapping[JsonLocation, str] = field(default_factory=dict)
    whole: tuple[str, ...] = ()
    remark: str = ""


NO_CUTS: Final = Cuts()


def encode(node: Node, cuts: Cuts = NO_CUTS, *, tight: bool = False) -> str:
    """Return the text of an outline: a legend line, then the body.

    ``tight`` adds codes for long cells that occur again and rules for columns that
    another one determines: shorter, and harder to read.
    """
    prefixes = find_prefixes(node) if tight else []
    encoder = _Encoder(cuts, prefixes, tight=tight)
    if isinstance(node, Members) and () not in cuts.rows:
        encoder.members(node, (), "")
    else:
        encoder.node("$", node, (), "")
    named = [f"{grammar.NAMED}{n} = {prefix}" for n, prefix in enumerate(prefixes, 1)]
    if named:
        encoder.features[Feature.NAMED] = None
    return "\n".join([legend(encoder.features, cuts.remark), *named, *encoder.lines])


@dataclass(frozen=True, slots=True)
class _Frame:
    """A table to write: which of its rows, under which numbers, and where they stand."""

    table: Table
    numbers: Sequence[int]
    locate: Callable[[int], JsonLocation]
    kept: Sequence[int] | None
    note: str = ""
    is_group: bool = False

    @property
    def shown(self) -> Sequence[int]:
        return range(self.table.count) if self.kept is None else self.kept

    @property
    def numbered(self) -> bool:
        """Whether rows need their number: some are missing, or others refer to them."""
        table = self.table
        return self.is_group or self.kept is not None or bool(table.inner or table.groups)

    def of_group(self, group: Group) -> _Frame:
        """Return the frame of a nested table, whose rows carry this table's numbers."""
        kept = None
        if self.kept is not None:
            chosen = set(self.kept)
            kept = [at for at, row in enumerate(group.rows) if row in chosen]
        numbers = [self.numbers[row] for row in group.rows]

        def locate(row: int) -> JsonLocation:
            return (*self.locate(group.rows[row]), *group.path)

        return _Frame(group.table, numbers, locate, kept, is_group=True)


class _Encoder:
    def __init__(self, cuts: Cuts, prefixes: Sequence[str], *, tight: bool) -> None:
        self._cuts = cuts
        self._prefixes = prefixes
        self._tight = tight
        self.lines: list[str] = []
        self.features: dict[Feature, None] = {}

    def node(self, label: str, node: Node, path: JsonLocation, pad: str) -> None:
        kept = self._cuts.rows.get(path)
        match node:
            case Inline(value):
                self._inline(label, value, path, pad)
            case Members(members):
                self.lines.append(f"{pad}{label}{_count(len(members), kept, '{}')}:")
                self.members(node, path, pad + " ")
            case Items(items):
                self._use(Feature.ITEMS)
                self.lines.append(f"{pad}{label}[{len(items)}]{_shown(kept)}:")
                self._statistics(path, pad)
                for index in range(len(items)) if kept is None else kept:
                    self.node(str(index), items[index], (*path, index), pad + " ")
            case Table():
                self._table(label, node, path, pad)

    def members(self, node: Members, path: JsonLocation, pad: str) -> None:
        kept = self._cuts.rows.get(path)
        chosen = node.members if kept is None else [node.members[index] for index in kept]
        if self._write_scalars(chosen, pad):
            return
        for name, member in chosen:
            self.node(grammar.format_name(name), member, (*path, name), pad)

    def _write_scalars(self, members: Sequence[tuple[str, Node]], pad: str) -> bool:
        """Write members that are all scalars, many at once; False if they are not."""
        values = [member.value for _, member in members if isinstance(member, Inline)]
        if len(values) < len(members) or self._cuts.texts or self._cuts.rows:
            return False
        cells = grammar.format_column(values)
        if self._prefixes:
            cells = list(map(self._shorten, cells))
        self.lines += [
            f"{pad}{grammar.format_name(name)}:{cell}"
            for (name, _), cell in zip(members, cells, strict=True)
        ]
        return True

    def _inline(self, label: str, value: object, path: JsonLocation, pad: str) -> None:
        kept = self._cuts.rows.get(path)
        if isinstance(value, list) and kept is not None:
            self._use(Feature.RUNS)
            self.lines.append(f"{pad}{label}[{len(value)}]{_shown(kept)}:")
            self._statistics(path, pad)
            for first, last in _runs(kept):
                cells = grammar.format_column(value[first : last + 1])
                self.lines.append(f"{pad} {first}:{SEPARATOR.join(cells)}")
            return
        if isinstance(value, dict) and kept is not None:
            self.lines.append(f"{pad}{label}{_count(len(value), kept, '{}')}:")
            items = list(value.items())
            for index in kept:
                name, member = items[index]
                self._inline(grammar.format_name(name), member, (*path, name), pad + " ")
            return
        self.lines.append(f"{pad}{label}:{self._cell(value, path)}")

    def _statistics(self, path: JsonLocation, pad: str) -> None:
        if path in self._cuts.notes:
            note = f"{grammar.NOTE}{grammar.STATISTICS}{self._cuts.notes[path]}"
            self.lines.append(f"{pad} {note}")

    def _cell(self, value: object, path: JsonLocation) -> str:
        gaps = self._cuts.texts.get(path)
        if gaps is None or not isinstance(value, str):
            return self._shorten(grammar.format_cell(value))
        self._use(Feature.TEXT_CUT)
        return grammar.format_cut_string(value, gaps)

    # Tables

    def _table(self, label: str, table: Table, path: JsonLocation, pad: str) -> None:
        def locate(row: int) -> JsonLocation:
            return (*path, table.step(row))

        kept = self._cuts.rows.get(path)
        note = self._cuts.notes.get(path, "")
        self._frame(label, _Frame(table, range(table.count), locate, kept, note), pad)

    def _frame(self, label: str, frame: _Frame, pad: str) -> None:
        self._use(Feature.TABLE)
        table, rows = frame.table, frame.shown
        columns = _take(table.columns, frame.kept)
        sparse = [name for name in table.sparse if name in columns]
        dense = _identifier_first({p: v for p, v in columns.items() if p not in set(sparse)})
        header: list[str] = []
        cells: list[list[str]] = []
        if frame.numbered:
            self._use(Feature.INDEX)
            header.append("#")
            cells.append([str(frame.numbers[row]) for row in rows])
        if table.keys is not None:
            self._use(Feature.KEYS)
            header.append("(name)")
            cells.append([grammar.format_cell(table.keys[row]) for row in rows])
        rules = self._rules(dense) if self._tight else []
        for rule in rules:
            del dense[rule.path]
        for name, values in dense.items():
            column, formatted = self._column(name, values, table.arrays)
            self._cut_cells(formatted, values, frame, name)
            header.append(grammar.format_column_header(column))
            cells.append(formatted)
        if sparse:
            self._use(Feature.EXTRAS)
            header.append("+")
            cells.append(_extras({name: columns[name] for name in sparse}))
        size = f"[{table.count}]" if table.keys is None else f"{{{table.count}}}"
        width = f"[{len(table.columns)}]" if table.arrays else ""
        opening = f"{pad}{label}{size}{width}{_shown(frame.kept)}: "
        self.lines.append(opening + SEPARATOR.join(header))
        self._notes(frame, pad + " ")
        for rule in rules:
            self._use(Feature.RULE)
            self.lines.append(f"{pad} {grammar.NOTE}{format_rule(rule)}")
        if self._tight:
            self._codes(cells, pad + " ")
        self.lines += [f"{pad} {SEPARATOR.join(row)}" for row in zip(*cells, strict=True)]
        self._below(frame, pad + " ")

    def _rules(self, columns: Columns) -> list[Rule]:
        """Return rules for columns that none of the strings to be seen whole is in."""
        return [
            rule
            for rule in find_rules(columns)
            if not any(self._is_whole(str(value)) for value in columns[rule.path])
        ]

    def _is_whole(self, text: str) -> bool:
        return bool(self._cuts.whole) and any(name in text.lower() for name in self._cuts.whole)

    def _shorten(self, cell: str) -> str:
        return cell if self._is_whole(cell) else shorten(cell, self._prefixes)

    def _codes(self, cells: list[list[str]], pad: str) -> None:
        """Replace long cells that occur again by codes, and define the codes."""
        counts = Counter(cell for column in cells for cell in column if len(cell) >= _LONG_CELL)
        codes: dict[str, str] = {}
        for cell, times in counts.items():
            if times > 1:
                codes[cell] = f"*{len(codes) + 1}"
                self.lines.append(f"{pad}{grammar.NOTE}{codes[cell]} = {cell}")
        if codes:
            self._use(Feature.CODE)
            for column in cells:
                column[:] = [codes.get(cell, cell) for cell in column]

    def _notes(self, frame: _Frame, pad: str) -> None:
        if frame.table.constants:
            constants: Row = {}
            for name, value in frame.table.constants.items():
                merge(constants, nest(name, value))
            self.lines.append(f"{pad}{grammar.NOTE}{grammar.EVERY_ROW}{dumps(constants)}")
        if frame.note:
            self.lines.append(f"{pad}{grammar.NOTE}{grammar.STATISTICS}{frame.note}")

    def _column(self, name: Path, values: list[object], arrays: bool) -> tuple[Column, list[str]]:  # noqa: FBT001
        if MISSING in values:
            self._use(Feature.MISSING)
        if len(name) > 1:
            self._use(Feature.DOTTED)
        shape = None if arrays else find_shape(values)
        if shape is not None:
            self._use(Feature.SHAPE)
            shaped = [apply_shape(value, shape) for value in values]
            return Column(name, shape=shape), grammar.format_column(shaped)
        prefix = common_prefix(values)
        if prefix:
            self._use(Feature.PREFIX)
            return Column(name, prefix), grammar.format_prefixed(values, prefix, self._cuts.whole)
        cells = grammar.format_column(values)
        if self._prefixes and str in set(map(type, values)):
            cells = list(map(self._shorten, cells))
        return Column(name), cells

    def _cut_cells(self, cells: list[str], values: list[object], frame: _Frame, name: Path) -> None:
        if not self._cuts.texts:
            return
        for at, row in enumerate(frame.shown):
            value = values[at]
            gaps = self._cuts.texts.get((*frame.locate(row), *frame.table.steps(name)))
            if gaps is not None and isinstance(value, str):
                self._use(Feature.TEXT_CUT)
                cells[at] = grammar.format_cut_string(value, gaps)

    def _below(self, frame: _Frame, pad: str) -> None:
        """Write what does not fit the cells of a table: below it, by row or all rows at once."""
        table, shown = frame.table, set(frame.shown)
        for group in table.groups:
            inner = frame.of_group(group)
            if inner.shown:
                self._use(Feature.GROUP)
                self._frame(f"[*].{grammar.format_path(group.path)}", inner, pad)
        for part in table.inner:
            if part.row in shown:
                self._use(Feature.INNER)
                label = f"[{frame.numbers[part.row]}].{grammar.format_path(part.path)}"
                location = (*frame.locate(part.row), *table.steps(part.path))
                self.node(label, part.node, location, pad)

    def _use(self, feature: Feature) -> None:
        self.features[feature] = None


def _shown(kept: Sequence[int] | None) -> str:
    return "" if kept is None else f" {len(kept)} shown"


def _count(total: int, kept: Sequence[int] | None, brackets: str) -> str:
    return "" if kept is None else f"{brackets[0]}{total}{brackets[1]}{_shown(kept)}"


def _take(columns: Columns, kept: Sequence[int] | None) -> Columns:
    if kept is None:
        return columns
    taken = {name: [values[row] for row in kept] for name, values in columns.items()}
    some = {name: vs for name, vs in taken.items() if any(v is not MISSING for v in vs)}
    return some or dict(list(taken.items())[:1])


def _identifier_first(columns: Columns) -> Columns:
    """Put the column that tells the rows apart before the others."""
    for wanted in _IDENTIFIERS:
        for name, values in columns.items():
            if (
                len(name) == 1
                and name[0].endswith(wanted)
                and set(map(type, values)) <= {str, int}
                and len(set(values)) == len(values)
            ):
                return {name: values, **columns}
    return columns


def _extras(columns: Columns) -> list[str]:
    rows: list[Row] = [{} for _ in next(iter(columns.values()))]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            if value is not MISSING:
                merge(row, nest(name, value))
    return [grammar.format_cell(row) if row else "" for row in rows]


def _runs(kept: Sequence[int]) -> Iterable[Interval]:
    first = last = kept[0]
    for index in kept[1:]:
        if index != last + 1:
            yield first, last
            first = index
        last = index
    yield first, last
