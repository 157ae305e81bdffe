"""Where in a request of the contract its conversation stands, byte for byte. Pure.

The conversation is never parsed and written again: what is not compressed goes
back in the very bytes it came in. What a dialect is, the compressor knows; here
it is only recognised which one a body is in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from furler.conversations import Dialect

_BLANK: Final = re.compile(r"[ \t\n\r]*")
_DECODER: Final = json.JSONDecoder()


class BodyError(ValueError):
    """The body is no JSON object; the message holds no content."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of the body: the bytes it takes, and its value.

    Text in the value has a character for each byte; ``exactly`` reads it again.
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
        value, end = _DECODER.raw_decode(text, at)
        yield key, Member(value, at, end)
        at = _skip(text, end)
        if text[at] == "}":
            _end(text, at + 1)
            return
        at = _after(text, at, ",")


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


def dialect_of(name: str, conversation: bytes) -> Dialect:
    """Return the dialect of a conversation that stood under a name, messages or input.

    Within a JSON string every quote is escaped, so these bytes are never content.
    """
    if name == "input":
        return Dialect.OPENAI_RESPONSES
    if b'"tool_result"' in conversation or b'"document"' in conversation:
        return Dialect.ANTHROPIC_MESSAGES
    return Dialect.OPENAI_CHAT
