"""What the values of one column share: a prefix, or the member names of nested objects."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from furler_engine.shared.json_table.grammar import CUT, Shape, is_bare

_MAX_SHAPE: Final = 12
"""Members of a nested object up to which positions are still told apart."""
_MIN_PREFIX: Final = 12
"""Characters; the mark of a cut prefix costs a token in every cell."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[T ](?=\d\d:\d\d)")
_MIN_STRINGS: Final = 4
_MIN_TIMES: Final = 12
"""A date is five tokens: for a few times it is not worth a cut."""


def find_shape(values: Sequence[object]) -> Shape | None:
    """Return the shape of a column of lists of objects, None where there is none."""
    lists = [value for value in values if isinstance(value, list) and value]
    if len(lists) < 2 and sum(map(len, lists)) < 3:
        return None
    return _shape_of(lists)


def apply_shape(value: object, shape: Shape) -> object:
    """Return a list of objects as a list of arrays; objects of another form stay objects."""
    if not isinstance(value, list):
        return value
    names = frozenset(shape.names)
    return [
        [
            apply_shape(item[name], inner) if inner else item[name]
            for name, inner in zip(shape.names, shape.inner, strict=True)
        ]
        if isinstance(item, dict) and item.keys() == names
        else item
        for item in value
    ]


def undo_shape(value: object, shape: Shape) -> object:
    """Return what apply_shape was given."""
    if not isinstance(value, list):
        return value
    return [
        {
            name: undo_shape(cell, inner) if inner else cell
            for name, inner, cell in zip(shape.names, shape.inner, item, strict=True)
        }
        if isinstance(item, list)
        else item
        for item in value
    ]


def common_prefix(values: Sequence[object]) -> str:
    """Return the prefix that most strings of a column share, cut after a whole path or word.

    Numbers, dates and identifiers are never cut: a prefix ends after a slash, or
    after a blank if it has no digits, or is the whole date of a time. Empty when it is not worth a header.
    """
    strings = [value for value in values if isinstance(value, str)]
    if len(strings) < _MIN_STRINGS or 2 * len(strings) < len(values):
        return ""
    date = _common_date(strings) if _MIN_TIMES <= len(strings) == len(values) else ""
    if date:
        return date
    probes = {strings[at][:_MIN_PREFIX] for at in (0, len(strings) // 2, -1)}
    if len(probes) == 3:
        return ""
    strings.sort()
    low, high = strings[len(strings) // 10], strings[-1 - len(strings) // 10]
    end = 0
    for a, b in zip(low, high, strict=False):
        if a != b:
            break
        end += 1
    shared = low[:end]
    prefix = shared[: shared.rfind("/") + 1]
    words = shared[: shared.rfind(" ") + 1]
    if len(words) > len(prefix) and not any(map(str.isdigit, words)):
        prefix = words
    good = len(prefix) >= _MIN_PREFIX and CUT not in prefix and is_bare("x" + prefix + "x")
    return prefix if good else ""


def _common_date(strings: Sequence[str]) -> str:
    """Return the date that all of some times share, up to the letter before the time."""
    match = _DATE.match(strings[0])
    if match is None or not all(map(match[0].__eq__, (text[:11] for text in strings))):
        return ""
    return match[0]


def _shape_of(lists: Sequence[list[object]]) -> Shape | None:
    items = list(chain.from_iterable(lists))
    if not items or not all(isinstance(item, dict) and item for item in items):
        return None
    objects = [item for item in items if isinstance(item, dict)]
    names = tuple(dict.fromkeys(chain.from_iterable(objects)))
    alike = sum(len(item) == len(names) for item in objects)
    if len(names) > _MAX_SHAPE or 2 * alike < len(objects):
        return None
    inner = []
    for name in names:
        nested = [item[name] for item in objects if name in item]
        found = [value for value in nested if isinstance(value, list) and value]
        inner.append(_shape_of(found) if found else None)
    return Shape(names, tuple(inner))
