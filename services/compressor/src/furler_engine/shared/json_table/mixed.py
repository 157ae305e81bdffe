"""Elements that are no rows of one table: their forms, their common members, what they say.

What lives here: columns of an array whose elements differ too much to be a table, what the
strings inside nested values say, and their largest number. What does not: which elements a view shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from furler_engine.shared.column_values import NUMBER
from furler_engine.shared.json_table.columns import MISSING, Columns, Path
from furler_engine.shared.json_table.outline import MAX_COLUMNS, Inline, Items, Members, Node, Table

FORM: Final = ("(form)",)
"""The column of what each element is: a scalar's type, the names of an object's members."""
MOST_FORMS: Final = 12
"""Forms up to which each is worth an example: as many as values make a category."""
_LONGEST: Final = 120
"""Characters of a string that is read for words of trouble: longer ones explain, and name it in passing."""
_OPAQUE: Final = 48
"""Characters from which a string without a blank is data: pictures, hashes, tokens."""
_HUGE: Final = 10**300
_STRINGS: Final = 200
"""Strings of one element that are read."""


def columns_of(items: Sequence[Node]) -> Columns:
    """Return the form of every element and the members that most elements with members have."""
    fields = [_fields(item) for item in items]
    names = Counter(name for members in fields for name in members)
    columns: Columns = {FORM: [_form(item) for item in items]}
    for name, _ in names.most_common(MAX_COLUMNS):
        columns[(name,)] = [members.get(name, MISSING) for members in fields]
    return columns


def examples(columns: Columns) -> list[int]:
    """Return the first element of each form, where there are few."""
    first: dict[object, int] = {}
    for at, form in enumerate(columns[FORM]):
        first.setdefault(form, at)
    return list(first.values()) if len(first) <= MOST_FORMS else []


def said(node: Node) -> str:
    """Return what the strings of a node say, those aside that are data."""
    texts: list[str] = []
    for text in _strings(node):
        if len(text) <= _LONGEST and (len(text) < _OPAQUE or " " in text):
            texts.append(text)
        if len(texts) == _STRINGS:
            break
    return " ".join(texts)


def largest(node: Node) -> dict[Path, float]:
    """Return the largest number in a node, quoted ones included: of a table, by column."""
    columns: Columns = {(): list(_values(node))}
    if isinstance(node, Table):
        columns = node.columns
    found = {}
    for name, values in columns.items():
        numbers = list(_numbers_in(values))
        if numbers:
            found[name] = max(numbers)
    return found


def _fields(item: Node) -> dict[str, object]:
    match item:
        case Inline(dict() as value):
            return value
        case Members(members):
            return {
                name: member.value if isinstance(member, Inline) else {} for name, member in members
            }
    return {}


def _form(item: Node) -> str:
    match item:
        case Inline(dict() as value):
            return "{" + ",".join(value) + "}"
        case Members(members):
            return "{" + ",".join(name for name, _ in members) + "}"
        case Table(keys=None) | Items() | Inline(list()):
            return "array"
        case Inline(str()):
            return "string"
        case Inline(bool()):
            return "boolean"
        case Inline(None):
            return "null"
        case Inline():
            return "number"
    return "object"


def _strings(node: Node) -> Iterator[str]:
    for value in _values(node):
        yield from _strings_in(value)


def _values(node: Node) -> Iterator[object]:
    """Yield the values that a node is made of; those of a table by column."""
    match node:
        case Inline(value):
            yield value
        case Members(members):
            for _, member in members:
                yield from _values(member)
        case Items(items):
            for item in items:
                yield from _values(item)
        case Table():
            yield from node.columns.values()
            yield from node.constants.values()
            for part in node.inner:
                yield from _values(part.node)
            for group in node.groups:
                yield from _values(group.table)


def _strings_in(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _strings_in(item)
        case dict():
            for item in value.values():
                yield from _strings_in(item)


def _numbers_in(value: object) -> Iterator[float]:
    match value:
        case bool():
            return
        case int() | float() | Decimal():
            yield _bounded(value)
        case str() if NUMBER.fullmatch(value):
            yield float(value)
        case list():
            for item in value:
                yield from _numbers_in(item)
        case dict():
            for item in value.values():
                yield from _numbers_in(item)


def _bounded(number: float | Decimal) -> float:
    """Return a number as a double: integers of JSON may have more digits than one holds."""
    return float(min(max(number, -_HUGE), _HUGE))
