"""What every dialect's turn offers, and the JSON pieces they share.

A turn is made of rounds: one reply of the provider each. A round that ends with calls
of the retrieve tool alone is followed by another, whose request is the round's own
with the calls and their answers at its end. The client sees one reply, in which
neither stands. Where the model calls the client's tools as well, the client's calls go
out and ours are left out: nobody can answer half of a message's calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import orjson

from furler_gateway.json_spans import BodyError, members, replaced
from furler_gateway.proxy.tool import Answer, Call
from furler_gateway.proxy.usage import Raw

Json = dict[str, object]
STOPPED: Final = "[furler: the turn stops here: the model asks for originals again and again]"
"""What a turn ends with that would have gone on: a message of nothing may not go back to providers."""


CUT_OFF: Final = "[furler: the reply was cut off as the model asked for an original]"
"""What is said in a reply of which nothing else would be left, for the same reason."""


class TurnError(ValueError):
    """A reply is not as its dialect has it: from here on it is passed on as it is."""


class Turn(Protocol):
    """One reply to the client. Feed a round, look at its calls, go on or end."""

    may_ask: bool
    """Whether the conversation has anything to ask for; else reasoning waits for nothing."""

    @property
    def usages(self) -> Sequence[Raw]:
        """What each round cost, as the provider says."""
        ...

    @property
    def left_out(self) -> int:
        """Calls of ours that were left out beside others of the client's."""
        ...

    def passes(self, held: bytes | bytearray, at: int) -> int:
        """Return where the events end that begin at a place and that the client gets as they are.

        They are taken. Most of a reply are pieces of text: told by one search, they cost little.
        """
        ...

    def event(self, raw: bytes) -> bytes:
        """Take an event of the stream; return what the client gets of it. Raises TurnError."""
        ...

    def whole(self, body: bytes) -> None:
        """Take a reply that does not stream. Raises TurnError."""
        ...

    def calls(self) -> Sequence[Call]:
        """Return the calls to be answered after a round; none if the turn ends with it."""
        ...

    def next_body(self, body: bytes, answers: Sequence[Answer], *, is_last: bool = False) -> bytes:
        """Return the next round's request, made of the last one's. Raises TurnError.

        In the last one the model may call no tool.
        """
        ...

    def end(self) -> bytes:
        """Return what ends the turn: held back events of a stream, or the reply that does not.

        Calls that were not answered are left out, as if the model had been cut off there, and said to be.
        """
        ...

    def renamed(self) -> tuple[str, str] | None:
        """Return the id that the client knows a stream's reply by, and the provider's for all of it.

        None while they are the same, or not known.
        """
        ...

    def error(self, body: bytes) -> bytes:
        """Return the event that says that a later round failed, with the provider's own words."""
        ...


def having(body: bytes, name: str, value: bytes) -> bytes:
    """Return a request with another value of a member, or with a member more. Raises BodyError."""
    top = members(body)
    if name in top:
        held = top[name]
        return replaced(body, [((held.start, held.end), value)])
    end = body.rindex(b"}")
    return replaced(body, [((end, end), b',"%b":%b' % (name.encode(), value))])


def read(data: bytes) -> Json:
    """Return a JSON object. Raises TurnError."""
    try:
        value: object = orjson.loads(data)
    except ValueError:
        raise TurnError("no JSON") from None
    if not isinstance(value, dict):
        raise TurnError("no object")
    return value


def part(value: object) -> Json:
    """Return an object that should be there; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Json]:
    """Return the objects of a list that should be there."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(value: object) -> str:
    """Return a text that should be there."""
    return value if isinstance(value, str) else ""


def number(value: object) -> int:
    """Return an index that should be there. Raises TurnError."""
    if type(value) is not int or not 0 <= value < 1_000_000:
        raise TurnError("no index")
    return value


__all__ = [
    "CUT_OFF", "STOPPED", "BodyError", "Json", "Turn", "TurnError", "having", "items", "number", "part", "read", "text",
]  # fmt: skip
