"""Selectors: what Retrieve takes, and what an elision in a view prints.

Line numbers are the ones a reader sees: counted from 1, ranges inclusive.
Byte offsets and JSON rows are counted from 0, ranges half-open, as in Python
and in JSONPath slices.

Places are pickled by their fields (``__reduce__``): a view of code has hundreds, and what
dataclasses do by themselves takes four times as long.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines ``first`` to ``last``, from 1, inclusive."""

    first: int
    last: int

    def __reduce__(self) -> tuple[type[Lines], tuple[int, int]]:
        return Lines, (self.first, self.last)


@dataclass(frozen=True, slots=True)
class Bytes:
    """Bytes ``start`` to ``end``, from 0, half-open."""

    start: int
    end: int

    def __reduce__(self) -> tuple[type[Bytes], tuple[int, int]]:
        return Bytes, (self.start, self.end)


JsonLocation = tuple[str | int, ...]
"""Member names and indexes from the root of a JSON document."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Elements ``start`` to ``end`` (from 0, half-open) of the JSON array at ``path``.

    Of an object its members in document order, of a string its characters.
    """

    path: JsonLocation
    start: int
    end: int

    def __reduce__(self) -> tuple[type[Rows], tuple[JsonLocation, int, int]]:
        return Rows, (self.path, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Within:
    """A place in the text that the JSON string at ``path`` holds, counted from its start."""

    path: JsonLocation
    place: Lines | Bytes

    def __reduce__(self) -> tuple[type[Within], tuple[JsonLocation, Lines | Bytes]]:
        return Within, (self.path, self.place)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """What an RFC 9535 query picks."""

    query: str


@dataclass(frozen=True, slots=True)
class Match:
    """Lines that an RE2 pattern matches, with lines of context."""

    pattern: str
    context: int = 0


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition in source code or a section, by qualified name."""

    name: str


@dataclass(frozen=True, slots=True)
class Search:
    """The passages that best answer a question."""

    query: str
    limit: int = 5


Place = Lines | Bytes | Rows | Within
"""Selectors that name one fixed place: what an elision may carry."""
Selector = Place | JsonPath | Match | Symbol | Search
