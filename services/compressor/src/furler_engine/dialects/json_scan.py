"""Byte offsets in a JSON body: where the members of an object and the elements of an array stand.

What lives here: the scanner, the decoding of one JSON string and the encoding of its
replacement. What does not: any knowledge of what a body says (that is a dialect's).

The body is never parsed as a whole and never written again: a reader asks for the members of
one object or the elements of one array, and what it does not ask for is skipped
(shared.json_skip). Nothing recurses, so depth costs nothing; each level that is asked for is read
once more, so time is linear in the body times the few levels of a dialect. This is no validator:
what is skipped may be no JSON, and then it is the same no JSON afterwards.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

import orjson

from furler_engine.shared.json_skip import BYTES

_SPACE: Final = re.compile(rb"[ \t\n\r]*+")
_SEPARATOR: Final = re.compile(rb"[ \t\n\r]*+([,\]}])[ \t\n\r]*+")
_NAME_BYTES: Final = 256
"""A name longer than this is none of a dialect's: it is not decoded."""


class BodyError(ValueError):
    """The body is no JSON of the dialect it is said to be."""


class Span(NamedTuple):
    """Half-open byte offsets of one JSON value."""

    start: int
    end: int


class Json:
    """A JSON text, and where values in it stand: all offsets are of its bytes.

    Each level that is asked for is read once more; a long string is not: where it ends is kept.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._ends: dict[int, int] = {}

    def root(self) -> Span:
        """Return the one value of a document. Raises BodyError."""
        start = self._space(0)
        span = Span(start, self.skip(start))
        if self._space(span.end) != len(self.data):
            raise BodyError(f"something follows the value at byte {span.end}")
        return span

    def skip(self, at: int) -> int:
        """Return where the value that starts at an offset ends. Raises BodyError."""
        end = BYTES.value_end(self.data, at, self._ends)
        if end >= 0:
            return end
        if self.data[at : at + 1] in (b"[", b"{"):
            raise BodyError("a bracket is not closed")
        raise BodyError(f"want a value at byte {at}")

    def is_object(self, span: Span) -> bool:
        """Whether a value is an object."""
        return self.data[span.start : span.start + 1] == b"{"

    def is_array(self, span: Span) -> bool:
        """Whether a value is an array."""
        return self.data[span.start : span.start + 1] == b"["

    def is_string(self, span: Span) -> bool:
        """Whether a value is a string."""
        return self.data[span.start : span.start + 1] == b'"'

    def is_null(self, span: Span) -> bool:
        """Whether a value is null."""
        return self.data[span.start : span.end] == b"null"

    def is_true(self, span: Span) -> bool:
        """Whether a value is true."""
        return self.data[span.start : span.end] == b"true"

    def text(self, span: Span) -> str | None:
        """Return the text of a string, or None if it is no text."""
        return decode(self.data[span.start : span.end])

    def all_members(self, span: Span) -> Iterator[tuple[str, Span]]:
        """Yield name and value of each member of an object, in order. Raises BodyError."""
        if not self.is_object(span):
            raise BodyError(f"want an object at byte {span.start}")
        at = self._space(span.start + 1)
        if self.data[at : at + 1] == b"}":
            return
        while at >= 0:
            end, start = BYTES.name_end(self.data, at)
            if end < 0:
                raise BodyError(f"want a member name at byte {at}")
            value = Span(start, self.skip(start))
            yield _name(self.data[at:end]), value
            at = self._separator(value.end, b"}")

    def members(self, span: Span, wanted: Collection[str]) -> dict[str, Span]:
        """Return the wanted members of an object that it has.

        Raises BodyError, also for a wanted name that stands there twice: parsers differ in
        which one counts, so neither may be edited.
        """
        found: dict[str, Span] = {}
        for name, value in self.all_members(span):
            if name in wanted:
                if name in found:
                    raise BodyError(f"the member {name!r} stands twice at byte {span.start}")
                found[name] = value
        return found

    def elements(self, span: Span) -> Iterator[Span]:
        """Yield the elements of an array, in order. Raises BodyError."""
        if not self.is_array(span):
            raise BodyError(f"want an array at byte {span.start}")
        at = self._space(span.start + 1)
        if self.data[at : at + 1] == b"]":
            return
        while at >= 0:
            value = Span(at, self.skip(at))
            yield value
            at = self._separator(value.end, b"]")

    def _separator(self, end: int, closing: bytes) -> int:
        """Return where the next item starts after a comma, -1 at the closing bracket."""
        match = _SEPARATOR.match(self.data, end)
        if match is None or match[1] not in (b",", closing):
            raise BodyError(f"want a comma at byte {end}")
        return -1 if match[1] == closing else match.end()

    def _space(self, at: int) -> int:
        match = _SPACE.match(self.data, at)
        return match.end() if match else at


def decode(raw: bytes) -> str | None:
    """Return the text of one JSON string, or None if it is no text.

    No text has half of a surrogate pair, bytes that are not UTF-8, or a bare control character.
    """
    try:
        value: object = orjson.loads(raw)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


def encode(text: str) -> bytes:
    """Return a text as a JSON string: the shortest form, other characters than ASCII as UTF-8.

    The bytes of a text never change between releases: they are part of a cached prefix.
    """
    return json.dumps(text, ensure_ascii=False).encode()


def _name(raw: bytes) -> str:
    if len(raw) > _NAME_BYTES:
        return ""
    return (decode(raw) or "") if b"\\" in raw else raw[1:-1].decode(errors="replace")
