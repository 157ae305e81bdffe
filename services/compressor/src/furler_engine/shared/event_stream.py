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
_MAY_OPEN: Final = re.compile(r"(?:data|event|id|retry)(?::|\r?\Z)|:|\r?\Z|HTTP/\d|[*<>] ")
"""A field, a blank line, or what curl -i and curl -v print of headers."""
_HEADERS: Final = 60
_MEDIA_TYPE: Final = "text/event-stream"
_OPENING: Final = re.compile(r"(?:data|event):")
_LINES_OF_EVENT: Final = 8
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
    """Lines ``first`` to ``last``, half-open, from 0; ``ended``: by a blank line, in it, where events have one.

    ``fixed`` are the texts before, between and behind its ``values``; other events of
    the same form have the same. One that is not looked into has itself as its form.
    """

    first: int
    last: int
    ended: bool
    fixed: tuple[str, ...]
    values: tuple[str, ...]


def is_stream(lines: Sequence[str]) -> bool:
    """Whether lines, blank ones aside, are fields of events, some of them data; HTTP headers may stand above."""
    if not lines or _MAY_OPEN.match(lines[0]) is None:
        return False
    first = 0
    if any(_MEDIA_TYPE in line.lower() for line in lines[:_HEADERS]):
        opening = (at for at, line in enumerate(lines[:_HEADERS]) if _OPENING.match(line))
        first = next(opening, 0)
    # A few lines tell of most texts that they are none.
    return _are_fields(lines[first : first + _FIRST]) and (
        len(lines) <= first + _FIRST or _are_fields(through(lines, first, len(lines)))
    )


def stands_apart(lines: Iterable[str]) -> bool:
    """Whether blank lines end events; where they were taken out, lines of data do."""
    blank = filled = 0
    for line in lines:
        blank += line in _BLANK
        filled += line not in _BLANK
    return blank * _LINES_OF_EVENT >= filled


def _are_fields(lines: Iterable[str]) -> bool:
    fields = data = others = 0
    for line in lines:
        if _FIELD.match(line):
            fields += 1
            data += line.startswith(_DATA)
        else:
            others += line not in _BLANK
    return data >= _MIN_DATA and fields >= _MIN_SHARE * (fields + others)


def read(lines: Iterable[str], *, apart: bool = True) -> Iterator[Event]:
    """Yield the events, in order; together they are all lines, none of which ends with CR. Linear.

    ``apart``: a blank line ends an event; else a line of data does.
    """
    # Equal texts and forms are one object: most of an event is that of the one before.
    texts: dict[str, str] = {}
    forms: dict[tuple[str, ...], tuple[str, ...]] = {}
    for event in _events(lines, apart=apart):
        for known in (texts, forms):
            if len(known) > _MOST_KNOWN:
                known.clear()
        values = tuple([texts.setdefault(value, value) for value in event.values])
        yield event._replace(fixed=forms.setdefault(event.fixed, event.fixed), values=values)


def _events(lines: Iterable[str], *, apart: bool) -> Iterator[Event]:
    first = size = behind = 0
    own: list[str] = []
    for at, line in enumerate(lines):
        behind = at + 1
        if line:
            own.append(line if size <= _LONGEST else "")
            size += len(line)
            if apart or not line.startswith(_DATA):
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
