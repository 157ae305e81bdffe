"""What the service, its engine processes and their nursery say to each other.

To and from an engine process: frames of a length and a pickle.
"""

from __future__ import annotations

import copyreg
import struct
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from furler_compressor.app.conversed import (
    Beginning,
    ConversationJob,
    Conversed,
    Splice,
    Volatile,
)
from furler_compressor.app.engine import CompressJob, Picked, Result, SelectJob
from furler_compressor.app.ports import Pin
from furler_engine.types import Decision, Hints, Policy, View

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LENGTH = struct.Struct(">Q")
"""Every frame starts with its length: eight bytes, big-endian."""
NURSERY = struct.Struct(">q")
"""A request to the nursery, and its answer: a process id, eight bytes, big-endian.

With a socket beside it: fork a child that serves jobs there; the answer is its id, or -1.
Without one: wait for the child of that id; the answer repeats it.
"""


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, or the caller's mistake, or a crash's name; and the child's peak memory."""

    result: Result | None
    mistake: str | None
    crash: str
    peak_bytes: int


def _pickle_by_fields(kind: type[DataclassInstance]) -> None:
    """Have a kind's values pickled as what they are made of, in one go.

    A dataclass with slots is taken apart and put together field by field, in Python, otherwise.
    """
    values_of = attrgetter(*(field.name for field in fields(kind)))
    copyreg.pickle(kind, lambda value: (kind, values_of(value)))


_JOBS = (CompressJob, SelectJob, ConversationJob, Hints, Policy, Beginning)
_OUTCOMES = (Done, View, Decision, Picked, Conversed, Splice, Volatile, Pin)
for _kind in (*_JOBS, *_OUTCOMES):
    _pickle_by_fields(_kind)
