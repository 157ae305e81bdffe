"""Server-sent events, only as far as a proxy needs them. Pure, linear, and it loses no byte.

What comes out, joined, is what went in: an event keeps the bytes it came in, and
what is no event at all is passed on with the next one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_EOL: Final = rb"(?:\n|\r\n|\r(?=[^\n]))"
"""A line's end; of a lone CR the byte after it must be known."""
_END: Final = re.compile(_EOL + _EOL)
_USUAL: Final = re.compile(rb"event: (.*+)\ndata: (.*+)\n\n")
"""An event as most are: its type, and its data on one line. Where there is no CR."""
_LINES: Final = re.compile(rb"\r\n|\n|\r")
_LOOK_BACK: Final = 3
"""Bytes of an event's end that may have come before: all of CR LF CR LF but one."""
_SHORT_BYTES: Final = 4096
"""An event without an end that is longer than this passes alone."""
MAX_EVENT_BYTES: Final = 32 * 1024 * 1024
"""A provider's longest: the whole reply, in the last event of the Responses API."""


Passes = Callable[[bytes | bytearray, int], int]
"""Returns where the events end that begin at a place and need not be looked at one by one; the place
itself if the first one must be. They end with LF LF: it is not asked where there is a CR."""


class EventTooLongError(Exception):
    """An event has no end within the limit."""


class Event(NamedTuple):
    """What an event says: its type, empty if it names none, and its data."""

    name: str
    data: bytes


class Splitter:
    """Cuts a stream into events, whatever pieces it comes in."""

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held = bytearray()
        self._searched = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take a piece; return the events that it completes. Raises EventTooLongError."""
        return [raw for raw, _ in self.pieces(chunk, lambda _, at: at)]

    def skipped(self, chunk: bytes, passes: Passes) -> int:
        """Return how much of a piece passes together, without a look at it event by event.

        What passes is not to be given to ``pieces``; the rest is.
        """
        return 0 if self._held or b"\r" in chunk else passes(chunk, 0)

    def pieces(self, chunk: bytes, passes: Passes) -> Iterator[tuple[bytes, bool]]:
        """Take a piece; yield the events that it completes, in order. Raises EventTooLongError.

        Events that pass together come as one, and True with them; all others come one by one.
        """
        held = self._held
        held += chunk
        begin, search = 0, self._searched
        # A search for two bytes is many times faster than one for nine pairs of line ends.
        has_cr = b"\r" in held
        while True:
            # The start of a long event is not looked at again with every piece of it.
            is_short = not has_cr and search - begin <= _SHORT_BYTES
            if is_short and (end := passes(held, begin)) > begin:
                yield bytes(held[begin:end]), True
                begin = search = end
            if (end := _end(held, search, has_cr=has_cr)) < 0:
                break
            yield bytes(held[begin:end]), False
            begin = search = end
        del held[:begin]
        self._searched = max(0, len(held) - _LOOK_BACK)
        if len(held) > self._limit:
            raise EventTooLongError

    def rest(self) -> bytes:
        """Return what has no end yet, and forget it."""
        rest = bytes(self._held)
        self._held.clear()
        self._searched = 0
        return rest


def _end(held: bytearray, search: int, *, has_cr: bool) -> int:
    """Return where the next event ends; -1 if it does not yet."""
    if has_cr:
        match = _END.search(held, search)
        return match.end() if match is not None else -1
    at = held.find(b"\n\n", search)
    return at + 2 if at >= 0 else -1


def cut(run: bytes) -> list[bytes]:
    """Return the events of a run; the last one is whole, whatever may come after it."""
    splitter = Splitter(len(run))
    found = splitter.feed(run)
    rest = splitter.rest()
    return [*found, rest] if rest else found


def parse(raw: bytes) -> Event:
    """Return what an event's bytes say. Lines that mean nothing to us are skipped."""
    has_cr = b"\r" in raw
    if not has_cr and (usual := _USUAL.fullmatch(raw)):
        return Event(usual[1].decode("utf-8", "replace"), usual[2])
    name = b""
    data: list[bytes] = []
    text = raw.removeprefix(b"\xef\xbb\xbf")
    for line in _LINES.split(text) if has_cr else text.split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return Event(name.decode("utf-8", "replace"), b"\n".join(data))


def write(data: bytes, name: str = "") -> bytes:
    """Return an event's bytes; the data have no line ends."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + data + b"\n\n"
