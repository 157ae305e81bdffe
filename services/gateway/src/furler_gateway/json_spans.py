"""Where in a JSON text its parts stand, byte for byte. Pure.

Bodies are never parsed and written again: what is not replaced goes on in the
very bytes it came in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

Span = tuple[int, int]
"""Where a value begins, and where it ends: offsets in bytes."""
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_BLANK_BYTES: Final = re.compile(rb"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()
_LARGE: Final = 1024 * 1024
"""A longer text is skimmed: the decoder would hold up all other threads for tenths of a second."""
_STEP: Final = 64 * 1024
"""What is skimmed at once: some tenths of a millisecond."""
_PLAIN: Final = re.compile(rf'[^"\[\]{{}}]{{0,{_STEP}}}+')
_STRING: Final = re.compile(r'(?:[^"\\]{1,4096}+|\\.){0,512}+', re.DOTALL)


class BodyError(ValueError):
    """The body is no JSON object; the message holds no content."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the body: the bytes it takes, and its value.

    Text in the value has a character for each byte; ``exactly`` reads it again. Of a long value in
    a long body only the type is told.
    """

    value: object
    start: int
    end: int

    def exactly(self, body: bytes) -> object:
        """Return the value itself."""
        value: object = json.loads(body[self.start : self.end])
        return value


def members(body: bytes) -> dict[str, Member]:
    """Return the members of the object that a body is, by name. Raises BodyError."""
    try:
        body.decode()
    except UnicodeDecodeError:
        raise BodyError("the body is not UTF-8") from None
    # One character per byte, so that the places found are places in the body. All that
    # JSON is made of is ASCII; in UTF-8 no other character has such a byte.
    text = body.decode("latin-1")
    found: dict[str, Member] = {}
    try:
        for key, member in _members(text):
            name = str(key.exactly(body))
            if name in found:
                raise BodyError("a member of the body is there twice")
            found[name] = member
    except (ValueError, IndexError, RecursionError) as error:
        if isinstance(error, BodyError):
            raise
        raise BodyError("Invalid JSON in request body.") from None
    return found


def _members(text: str) -> Iterator[tuple[Member, Member]]:
    """Yield names and values. Raises ValueError, IndexError."""
    at = _after(text, 0, "{")
    if text[at] == "}":
        _end(text, at + 1)
        return
    while True:
        if text[at] != '"':
            raise ValueError("want a name")
        name, end = _DECODER.raw_decode(text, at)
        key = Member(name, at, end)
        at = _after(text, end, ":")
        value, end = _value(text, at)
        yield key, Member(value, at, end)
        at = _skip(text, end)
        if text[at] == "}":
            _end(text, at + 1)
            return
        at = _after(text, at, ",")


def _value(text: str, at: int) -> tuple[object, int]:
    """Return a value and where it ends. Raises ValueError, IndexError."""
    if len(text) <= _LARGE:
        return _DECODER.raw_decode(text, at)
    end = _end_of(text, at)
    if end - at <= _STEP:
        return _DECODER.raw_decode(text[at:end])[0], end
    kinds: dict[str, object] = {"[": [None], "{": {"": None}, '"': "long"}
    return kinds[text[at]], end


def _end_of(text: str, at: int) -> int:
    """Return where a value ends, by its quotes and brackets alone. Raises ValueError, IndexError."""
    if text[at] == '"':
        return _end_of_string(text, at)
    if text[at] not in "[{":
        return _DECODER.raw_decode(text[at : at + _STEP])[1] + at
    depth = 0
    while True:
        match = _PLAIN.match(text, at)
        at = match.end() if match else at
        sign = text[at]
        if sign == '"':
            at = _end_of_string(text, at)
            continue
        if sign in "[{":
            depth += 1
        elif sign in "]}":
            depth -= 1
        else:
            continue
        at += 1
        if not depth:
            return at


def _end_of_string(text: str, at: int) -> int:
    at += 1
    while text[at] != '"':
        match = _STRING.match(text, at)
        if match is None or match.end() == at:
            raise ValueError("a string without an end")
        at = match.end()
    return at + 1


def _after(text: str, at: int, expected: str) -> int:
    """Return where what follows an expected character begins."""
    at = _skip(text, at)
    if text[at] != expected:
        raise ValueError(expected)
    return _skip(text, at + 1)


def _end(text: str, at: int) -> None:
    if _skip(text, at) != len(text):
        raise ValueError("more follows")


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def elements(body: bytes, span: Span) -> list[Span]:
    """Return where the elements of an array stand. Raises BodyError."""
    start, end = span
    try:
        found = list(_elements(body[start:end].decode("latin-1")))
    except (ValueError, IndexError, RecursionError):
        raise BodyError("want an array") from None
    return [(start + first, start + last) for first, last in found]


def _elements(text: str) -> Iterator[Span]:
    """Yield where the elements stand. Raises ValueError, IndexError."""
    at = _after(text, 0, "[")
    while text[at] != "]":
        _, end = _value(text, at)
        yield at, end
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
        elif text[at] != "]":
            raise ValueError(",")


def replaced(body: bytes, parts: Iterable[tuple[Span, bytes]]) -> bytes:
    """Return a text with the parts at some places replaced; an empty place is one to insert at."""
    held = memoryview(body)  # so that a long body is copied once, not piece by piece before
    out: list[bytes | memoryview] = []
    at = 0
    for (start, end), part in sorted(parts):
        out += [held[at:start], part]
        at = end
    return b"".join([*out, held[at:]])


def appended(body: bytes, span: Span, items: Iterable[bytes]) -> bytes:
    """Return a text with items added at the end of the array at a place. Raises BodyError."""
    start, end = span
    if body[start : start + 1] != b"[":
        raise BodyError("want an array")
    first = _BLANK_BYTES.match(body, start + 1, end - 1)
    is_empty = first is not None and first.end() == end - 1
    added = b",".join(items) if is_empty else b"".join(b"," + item for item in items)
    return replaced(body, [((end - 1, end - 1), added)])
