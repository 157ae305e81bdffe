"""The outline of a JSON value: which parts are tables, which are blocks, which fit a line.

What lives here: the nodes and the decisions that make them. Decisions look at the whole
value, so that a view of some rows has the same columns as a view of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from furler_engine.json_value import dumps, has_containers
from furler_engine.shared.json_table.columns import MISSING, Columns, Path, Row, split, too_sparse
from furler_engine.types import JsonLocation, Source

MIN_ROWS: Final = 3
"""Fewer rows do not earn the header."""
MAX_COLUMNS: Final = 60
SPARSE: Final = 0.2
"""Share of filled cells under which a column is written as named members: a name costs
about four tokens, an empty cell one."""
_SPARSE_ROWS: Final = 5
_MIN_FILL: Final = 0.5
"""Share of filled cells under which a table is mostly separators."""
_MAX_TUPLE: Final = 30
"""Elements up to which arrays of equal length are rows; longer ones are vectors."""
_HEAVY: Final = 240
"""Mean characters of JSON above which nested values leave their cell for blocks of their own."""
LONG_TEXT: Final = 480
"""Characters of a string above which a part of it may be cut."""
_INLINE: Final = 120
"""Characters of JSON that stay on one line."""


@dataclass(frozen=True, slots=True)
class Inline:
    """A value on one line: a scalar, an array of scalars, a small object."""

    value: object


@dataclass(frozen=True, slots=True)
class Members:
    """An object, a line or a block per member."""

    members: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Items:
    """An array, a line or a block per element."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Inner:
    """A nested value of a table that stands below it: row, column, node."""

    row: int
    path: Path
    node: Node


@dataclass(frozen=True, slots=True)
class Group:
    """Large nested objects of one column: a table below the table, one row for each.

    ``rows`` are the rows of the outer table, in order.
    """

    path: Path
    rows: tuple[int, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class Table:
    """Objects or arrays of one form, a line each.

    ``keys`` are the member names when the rows are members of an object;
    ``arrays`` says that the rows are arrays, their columns named by position.
    """

    count: int
    columns: Columns
    keys: tuple[str, ...] | None = None
    arrays: bool = False
    inner: tuple[Inner, ...] = ()
    groups: tuple[Group, ...] = ()
    constants: Mapping[Path, object] = field(default_factory=dict)
    sparse: tuple[Path, ...] = ()

    def steps(self, path: Path) -> JsonLocation:
        """Return the way from a row to a column."""
        return tuple(int(name) for name in path) if self.arrays else path

    def step(self, row: int) -> str | int:
        """Return the way from the table to a row."""
        return row if self.keys is None else self.keys[row]

    def all_columns(self) -> Columns:
        """Return the columns of this table and of the tables nested in it, on this one's rows."""
        columns = dict(self.columns)
        for group in self.groups:
            for path, values in group.table.all_columns().items():
                spread: list[object] = [MISSING] * self.count
                for row, value in zip(group.rows, values, strict=True):
                    spread[row] = value
                columns[(*group.path, *path)] = spread
        return columns

    def all_inner(self) -> list[Inner]:
        """Return the nested values of this table and of the tables nested in it, on its rows."""
        parts = list(self.inner)
        for group in self.groups:
            for part in group.table.all_inner():
                row = group.rows[part.row]
                parts.append(Inner(row, (*group.path, *part.path), part.node))
        return sorted(parts, key=lambda part: part.row)


Node = Inline | Members | Items | Table


def outline(source: Source) -> Node:
    """Return the outline of a source's value: for Source.derived. Raises JsonError."""
    return build(source.value)


def build(value: object) -> Node:
    """Return the outline of a value."""
    if isinstance(value, dict) and value:
        return _build_object(value)
    if isinstance(value, list):
        if has_containers(value):
            return _build_array(value)
        if any(isinstance(item, str) and len(item) > LONG_TEXT for item in value):
            return Items(tuple(map(Inline, value)))
    return Inline(value)


def _build_object(value: Row) -> Node:
    rows = list(value.values())
    if len(rows) >= MIN_ROWS and all(isinstance(row, dict) and row for row in rows):
        table = _table([row for row in rows if isinstance(row, dict)], tuple(value))
        if table is not None:
            return table
    if len(value) <= _INLINE // 10 and len(dumps(value)) <= _INLINE:
        return Inline(value)
    return Members(
        tuple(
            (name, build(member) if isinstance(member, dict | list) else Inline(member))
            for name, member in value.items()
        )
    )


def _build_array(value: Sequence[object]) -> Node:
    table = _table_of(value) if len(value) >= MIN_ROWS else None
    if table is not None:
        return table
    if len(value) <= _INLINE // 2 and len(dumps(value)) <= _INLINE:
        return Inline(value)
    return Items(tuple(build(item) for item in value))


def _table_of(value: Sequence[object]) -> Table | None:
    objects = [item for item in value if isinstance(item, dict) and item]
    if len(objects) == len(value):
        return _table(objects, None)
    arrays = [item for item in value if isinstance(item, list)]
    if len(arrays) < len(value) or not 2 <= len(arrays[0]) <= _MAX_TUPLE:
        return None
    if any(len(item) != len(arrays[0]) for item in arrays):
        return None
    columns: Columns = {
        (str(at),): list(column) for at, column in enumerate(zip(*arrays, strict=True))
    }
    return _lift(Table(len(value), columns, arrays=True))


def _table(rows: Sequence[Row], keys: tuple[str, ...] | None) -> Table | None:
    if too_sparse(rows):
        return None
    columns = split(rows)
    count = len(rows)
    filled = {
        path: count - values.count(MISSING) if MISSING in values else count
        for path, values in columns.items()
    }
    sparse: tuple[Path, ...] = ()
    if count >= _SPARSE_ROWS:
        sparse = tuple(path for path, cells in filled.items() if cells < SPARSE * count)
    dense = [path for path in columns if path not in set(sparse)]
    if not 1 <= len(dense) <= MAX_COLUMNS:
        return None
    if sum(filled[path] for path in dense) < _MIN_FILL * len(dense) * count:
        return None
    return _lift(Table(count, columns, keys, sparse=sparse))


def _lift(table: Table) -> Table | None:
    """Move heavy nested values out of the cells, constants out of the rows."""
    columns: Columns = {}
    inner: list[Inner] = []
    groups: list[Group] = []
    for path, values in table.columns.items():
        if not _is_heavy(values):
            columns[path] = values
            continue
        group = None if table.arrays else _group(path, values)
        if group is not None:
            groups.append(group)
            light = [MISSING if isinstance(v, dict) and v else v for v in values]
        else:
            for row, value in enumerate(values):
                if isinstance(value, dict | list) and value:
                    inner.append(Inner(row, path, build(value)))
            light = [MISSING if isinstance(v, dict | list) and v else v for v in values]
        if any(value is not MISSING for value in light):
            columns[path] = light
    constants = {} if table.arrays else _constants(columns)
    if len(constants) == len(columns) and constants:
        del constants[next(iter(constants))]
    columns = {path: values for path, values in columns.items() if path not in constants}
    if not any(path not in set(table.sparse) for path in columns):
        return None
    inner.sort(key=lambda part: part.row)
    return replace(
        table, columns=columns, inner=tuple(inner), groups=tuple(groups), constants=constants
    )


def _group(path: Path, values: list[object]) -> Group | None:
    rows = tuple(at for at, value in enumerate(values) if isinstance(value, dict) and value)
    if len(rows) < MIN_ROWS or any(isinstance(value, list) and value for value in values):
        return None
    table = _table([value for value in values if isinstance(value, dict) and value], None)
    return None if table is None else Group(path, rows, table)


def _constants(columns: Columns) -> dict[Path, object]:
    return {path: values[0] for path, values in columns.items() if _is_constant(values)}


def _is_constant(values: list[object]) -> bool:
    first = values[0]
    if first is MISSING or values[-1] != first or len(set(map(type, values))) > 1:
        return False
    if isinstance(first, dict | list | float):
        text = dumps(first)  # 0.0 == -0.0, [1] == [1.0]
        return all(dumps(value) == text for value in values)
    return values.count(first) == len(values)


def _is_heavy(values: list[object]) -> bool:
    if not has_containers(values):
        return False
    nested = [value for value in values if isinstance(value, dict | list) and value]
    if not nested:
        return False
    return len(dumps(nested)) > _HEAVY * len(nested)
