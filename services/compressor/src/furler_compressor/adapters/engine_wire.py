"""What the service, its engine processes and their nursery say to each other.

To and from an engine process: frames of a length and a pickle.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from furler_compressor.app.conversed import Sent
from furler_compressor.app.engine import Result

LENGTH = struct.Struct(">Q")
"""Every frame starts with its length: eight bytes, big-endian."""
NURSERY = struct.Struct(">q")
"""A request to the nursery, and its answer: a process id, eight bytes, big-endian.

With a socket beside it: fork a child that serves jobs there; the answer is its id, or -1.
Without one: wait for the child of that id; the answer repeats it.
"""


@dataclass(frozen=True, slots=True)
class Done(Sent):
    """A job's result, or the caller's mistake, or a crash's name; and the child's peak memory."""

    result: Result | None
    mistake: str | None
    crash: str
    peak_bytes: int
