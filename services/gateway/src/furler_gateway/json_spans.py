"""Where in a JSON text its parts stand, byte for byte. Pure.

Bodies are never parsed and written again: what is not replaced goes on in the
very bytes it came in.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

Span = tuple[int, int]
"""Where a value begins, and where it ends: offsets in bytes."""
_BLANK: Final = re.compile(r"[ \t\n\r]*")
_BLANK_BYTES: Final = re.compile(rb"[ \t\n\r]*")
_NEXT: Final = re.compile(r"[ \t\n\r]*([,}])[ \t\n\r]*")
_PLAIN_NAME: Final = re.compile(r'"([ !#-\[\]-~]{0,64})"[ \t\n\r]*:[ \t\n\r]*')
"""A name as most are: printable ASCII, nothing escaped."""
_NEXT_PLAIN: Final = re.compile(rf"[ \t\n\r]*,[ \t\n\r]*{_PLAIN_NAME.pattern}")
_DECODER: Final = json.JSONDecoder()
_LARGE: Final = 1024 * 1024
"""A longer text is skimmed: the decoder would hold up all other threads for tenths of a second."""
_PIECE: Final = 1024 * 1024
"""What is decoded at once: half a millisecond."""
_STEP: Final = 64 * 1024
"""What is skimmed at once: some tenths of a millisecond."""
_MOST_SIGNS: Final = 2_000_000
"""Strings and brackets of a text that is skimmed: a second's work. What clients send has a hundredth."""
_MOST_MEMBERS: Final = 1_000
"""No request has a tenth."""
_PLAIN: Final = re.compile(rf'[^"\[\]{{}}]{{0,{_STEP}}}+')
_STRING: Final = re.compile(r'(?:[^"\\]{1,4096}+|\\.){0,512}', re.DOTALL)


class BodyError(ValueError):
    """The body is no JSON object; the message holds no content."""


class Member(NamedTuple):
    """One member of the body: the bytes it takes, and its value.

    Text in the value has a character for each byte; ``exactly`` reads it again. Of a long value in
    a long body only the type is told.
    """

    value: object
    start: int
    end: int

    def exactly(self, body: bytes) -> object:
        """Return the value itself."""
        if isinstance(self.value, str) and self.end - self.start == len(self.value) + 2:
            text = body[self.start + 1 : self.end - 1]
            if text.isascii() and b"\\" not in text:
                return self.value  # as most are: a character for each byte, and nothing escaped
        value: object = json.loads(body[self.start : self.end])
        return value


def members(body: bytes) -> dict[str, Member]:
    """Return the members of the object that a body is, by name. Raises BodyError."""
    if not _is_utf8(body):
        raise BodyError("the body is not UTF-8")
    # One character per byte, so that the places found are places in the body. All that
    # JSON is made of is ASCII; in UTF-8 no other character has such a byte.
    text = body.decode("latin-1")
    try:
        return _members(body, text)
    except (ValueError, IndexError, RecursionError) as error:
        if isinstance(error, BodyError):
            raise
        raise BodyError("Invalid JSON in request body.") from None


def _is_utf8(body: bytes) -> bool:
    if body.isascii():  # as most are, and a fraction of a decoder's work
        return True
    decoder, held = codecs.getincrementaldecoder("utf-8")(), memoryview(body)
    try:
        for at in range(0, len(body), _PIECE):  # no other thread runs within one
            decoder.decode(held[at : at + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _members(body: bytes, text: str) -> dict[str, Member]:
    """Return them. Raises ValueError, IndexError."""
    found: dict[str, Member] = {}
    value_at = _reader(text)
    at = _after(text, 0, "{")
    if text[at] == "}":
        _end(text, at + 1)
        return found
    name, at = _name(body, text, at)
    while True:
        if name in found:
            raise BodyError("a member of the body is there twice")
        value, end = value_at(text, at)
        found[name] = Member(value, at, end)
        if len(found) > _MOST_MEMBERS:
            raise BodyError(f"the body has more than {_MOST_MEMBERS:,} members")
        if match := _NEXT_PLAIN.match(text, end):
            name, at = match[1], match.end()
            continue
        match = _NEXT.match(text, end)
        if match is None:
            raise ValueError("want a comma")
        at = match.end()
        if match[1] == "}":
            _end(text, at)
            return found
        name, at = _name(body, text, at)


def _name(body: bytes, text: str, at: int) -> tuple[str, int]:
    """Return a member's name, and where its value begins. Raises ValueError, IndexError."""
    if match := _PLAIN_NAME.match(text, at):
        return match[1], match.end()
    if text[at] != '"':
        raise ValueError("want a name")
    name, end = _DECODER.raw_decode(text, at)
    return str(Member(name, at, end).exactly(body)), _after(text, end, ":")


def _reader(text: str) -> Callable[[str, int], tuple[object, int]]:
    """Return what reads a text's values: each with where it ends. It raises ValueError, IndexError."""
    return _DECODER.raw_decode if len(text) <= _LARGE else _Skimmer().value


class _Skimmer:
    """Reads a long text by its quotes and brackets alone, of which there may be so many."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST_SIGNS

    def value(self, text: str, at: int) -> tuple[object, int]:
        """Return a value, or what tells the type of a long one, and where it ends."""
        end = self._end_of(text, at)
        if end - at <= _STEP:
            return _DECODER.raw_decode(text[at:end])[0], end
        kinds: dict[str, object] = {"[": [None], "{": {"": None}, '"': "long"}
        return kinds[text[at]], end

    def _end_of(self, text: str, at: int) -> int:
        """Return where a value ends. Raises ValueError, IndexError."""
        if text[at] == '"':
            return _end_of_string(text, at)
        if text[at] not in "[{":
            return _DECODER.raw_decode(text[at : at + _STEP])[1] + at
        depth = 0
        for signs in range(self.left):
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
                self.left -= signs
                return at
        raise BodyError(f"the body has more than {_MOST_SIGNS:,} strings and brackets")


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
    value_at = _reader(text)
    at = _after(text, 0, "[")
    while text[at] != "]":
        _, end = value_at(text, at)
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
