"""Server-sent events, read: what a stream of ``data:`` lines is, and the values in an event.

What lives here: which texts are streams, their events, what of an event is fixed. What does
not: how a view writes them (compressors/events.py), what a provider's events mean.
Grammar: WHATWG HTML, 9.2 "Server-sent events".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import orjson

from furler_engine.shared.blocks import through

_FIELD: Final = re.compile(r"(?:data|event|id|retry)(?::|\Z)|:")
_DATA: Final = "data:"
_MIN_DATA: Final = 3
_MIN_SHARE: Final = 0.95
_FIRST: Final = 24
_BLANK: Final = ("", "\r")
_MOST_KNOWN: Final = 4_096
_LONGEST: Final = 20_000
"""Characters of an event that is looked into: one that says all again at the end is longer."""
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+){0,10000}"'
# A member's name is no value.
_JSON_VALUE: Final = re.compile(
    rf"({_STRING})(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b", re.ASCII
)
_NUMBER: Final = re.compile(r"\d+", re.ASCII)


class Event(NamedTuple):
    """Lines ``first`` to ``last``, half-open, from 0; ``ended``: with a blank line, in it, at its end.

    ``fixed`` are the texts before, between and behind its ``values``; other events of
    the same form have the same. One that is not looked into has itself as its form.
    """

    first: int
    last: int
    ended: bool
    fixed: tuple[str, ...]
    values: tuple[str, ...]


def is_stream(lines: Sequence[str]) -> bool:
    """Whether lines, blank ones aside, are fields of events, some of them data."""
    # A few lines tell of most texts that they are none.
    return _are_fields(lines[:_FIRST]) and (
        len(lines) <= _FIRST or _are_fields(through(lines, 0, len(lines)))
    )


def _are_fields(lines: Iterable[str]) -> bool:
    fields = data = others = 0
    for line in lines:
        if _FIELD.match(line):
            fields += 1
            data += line.startswith(_DATA)
        else:
            others += line not in _BLANK
    return data >= _MIN_DATA and fields >= _MIN_SHARE * (fields + others)


def read(lines: Iterable[str]) -> Iterator[Event]:
    """Yield the events, in order; together they are all lines, none of which ends with CR. Linear."""
    # Equal texts and forms are one object: most of an event is that of the one before.
    texts: dict[str, str] = {}
    forms: dict[tuple[str, ...], tuple[str, ...]] = {}
    for event in _events(lines):
        for known in (texts, forms):
            if len(known) > _MOST_KNOWN:
                known.clear()
        values = tuple([texts.setdefault(value, value) for value in event.values])
        yield event._replace(fixed=forms.setdefault(event.fixed, event.fixed), values=values)


def _events(lines: Iterable[str]) -> Iterator[Event]:
    first = size = behind = 0
    own: list[str] = []
    for at, line in enumerate(lines):
        behind = at + 1
        if line:
            own.append(line if size <= _LONGEST else "")
            size += len(line)
            continue
        yield _event(first, at + 1, own, is_long=size > _LONGEST, ended=True)
        first, size, own = at + 1, 0, []
    if first < behind:
        yield _event(first, behind, own, is_long=size > _LONGEST, ended=False)


def _event(first: int, last: int, lines: list[str], *, is_long: bool, ended: bool) -> Event:
    if is_long or not lines:
        return Event(first, last, ended, (), ())
    text = "\n".join(lines)
    fixed: list[str] = []
    values: list[str] = []
    at = 0
    if all(map(_is_json, lines)):
        for match in _JSON_VALUE.finditer(text):
            if match[2] is None:
                fixed.append(text[at : match.start()])
                values.append(match[0])
                at = match.end()
    else:
        for match in _NUMBER.finditer(text):
            fixed.append(text[at : match.start()])
            values.append(match[0])
            at = match.end()
    return Event(first, last, ended, (*fixed, text[at:]), tuple(values))


def _is_json(line: str) -> bool:
    """Whether what data there is in a line is JSON: then every quote in it is closed."""
    if not line.startswith(_DATA):
        return '"' not in line
    try:
        orjson.loads(line[len(_DATA) :])
    except orjson.JSONDecodeError:
        return False
    return True
