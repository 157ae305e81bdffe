"""What engine_pool and its children say to each other: frames of a length and a pickle."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from furler_compressor.app.engine import Result

LENGTH = struct.Struct(">Q")
"""Every frame starts with its length: eight bytes, big-endian."""


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, or the caller's mistake, or a crash's name; and the child's peak memory."""

    result: Result | None
    mistake: str | None
    crash: str
    peak_bytes: int
