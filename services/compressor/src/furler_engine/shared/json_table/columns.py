"""Objects to columns and back: nested members become dotted columns.

What lives here: the two directions and nothing else; how a column is written is
the grammar's matter, which columns are worth a table the outline's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from itertools import chain
from operator import itemgetter
from typing import Final

from furler_engine.json_value import dumps

Path = tuple[str, ...]
"""Member names from a row down to a column."""
Columns = dict[Path, list[object]]
"""Columns of equal length; MISSING where a row has no such member."""
Row = dict[str, object]

_MAX_DEPTH: Final = 5
_MAX_NESTED: Final = 24
"""Members up to which a nested object is spread over columns; wider ones stay objects."""
_FEW_NESTED: Final = 6
_SHORT_NESTED: Final = 240
"""Mean characters of JSON up to which more than a few members are spread over columns."""
_MOST_EMPTY: Final = 30
"""Cells per member up to which columns are made at all: work stays linear in the content."""
_MIN_FILL: Final = 0.5
"""Share of cells that must be filled for nested objects to be spread over columns."""


class Missing(Enum):
    """The type of MISSING: no such member, unlike null."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


def too_sparse(rows: Sequence[Row]) -> bool:
    """Whether columns would be mostly empty: their cells would outnumber the members by far."""
    names = len(set(chain.from_iterable(rows)))
    return names * len(rows) > _MOST_EMPTY * sum(map(len, rows))


def split(rows: Sequence[Row]) -> Columns:
    """Return the columns of some objects, in order of first appearance."""
    columns: Columns = {}
    _split(rows, (), columns)
    return columns


def join(columns: Columns, count: int) -> list[Row]:
    """Return ``count`` objects from their columns; the inverse of split, member order aside."""
    simple: dict[str, list[object]] = {}
    nested: dict[str, Columns] = {}
    for path, values in columns.items():
        if len(path) == 1:
            simple[path[0]] = values
        else:
            nested.setdefault(path[0], {})[path[1:]] = values
    for name, inner in nested.items():
        own = simple.get(name)
        built: Iterable[object] = [row or MISSING for row in join(inner, count)]
        if own is not None:
            built = [b if o is MISSING else o for o, b in zip(own, built, strict=True)]
        simple[name] = list(built)
    if not simple:
        return [{} for _ in range(count)]
    names = list(simple)
    rows = [dict(zip(names, cells, strict=True)) for cells in zip(*simple.values(), strict=True)]
    for name, values in simple.items():
        if MISSING in values:
            for row in rows:
                if row[name] is MISSING:
                    del row[name]
    return rows


def merge(row: Row, extra: Row) -> None:
    """Add members to a row, into its nested objects where both have one."""
    for name, value in extra.items():
        own = row.get(name)
        if isinstance(own, dict) and isinstance(value, dict):
            merge(own, value)
        else:
            row[name] = value


def nest(path: Path, value: object) -> Row:
    """Return an object with one value at a path.

    >>> nest(("a", "b"), 1)
    {'a': {'b': 1}}
    """
    row = {path[-1]: value}
    for name in reversed(path[:-1]):
        row = {name: row}
    return row


def _split(rows: Sequence[Row], path: Path, columns: Columns) -> None:
    first = tuple(rows[0])
    if all(map(first.__eq__, map(tuple, rows))):
        for name in first:
            _add((*path, name), list(map(itemgetter(name), rows)), columns)
    else:
        for name in dict.fromkeys(chain.from_iterable(rows)):
            _add((*path, name), [row.get(name, MISSING) for row in rows], columns)


def _add(path: Path, values: list[object], columns: Columns) -> None:
    objects = (
        [value for value in values if isinstance(value, dict) and value]
        if dict in set(map(type, values)) and len(path) < _MAX_DEPTH
        else []
    )
    if not objects or not _alike(objects):
        columns[path] = values
        return
    rest: list[object] = [MISSING if isinstance(v, dict) and v else v for v in values]
    if any(value is not MISSING for value in rest):
        columns[path] = rest
        _split([v if isinstance(v, dict) else {} for v in values], path, columns)
    elif len(objects) == len(values):
        _split(objects, path, columns)
    else:
        _split([v if isinstance(v, dict) else {} for v in values], path, columns)


def _alike(objects: list[Row]) -> bool:
    """Whether nested objects have much the same members, and few or short ones."""
    names = set(chain.from_iterable(objects))
    if len(names) > _MAX_NESTED or sum(map(len, objects)) < _MIN_FILL * len(names) * len(objects):
        return False
    return len(names) <= _FEW_NESTED or len(dumps(objects)) <= _SHORT_NESTED * len(objects)
