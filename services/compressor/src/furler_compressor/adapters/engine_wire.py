"""What the service, its engine processes and their nursery say to each other.

To and from an engine process: frames of a pickle, and beside it the body of a job, if it is long.
Within the pickle both ends would hold it twice, and copy it: 20 MB stop the event loop for 17 ms.
"""

from __future__ import annotations

import copyreg
import pickle
import struct
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import TYPE_CHECKING, cast

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

LENGTHS = struct.Struct(">QQ")
"""Every frame starts with the lengths of its pickle and of its body: eight bytes each, big-endian."""
_LONG_BYTES = 64 * 1024
"""Of bodies beside the pickle; copying a shorter one takes less than reading it by itself."""
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


def frame_of(value: object) -> tuple[bytes | memoryview, ...]:
    """Return a value's frame, in the pieces it is to be sent in."""
    bodies: list[pickle.PickleBuffer] = []
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL, buffer_callback=bodies.append)
    pieces = [body.raw() for body in bodies]
    return LENGTHS.pack(len(data), sum(map(len, pieces))), data, *pieces


def value_of(data: bytes | memoryview, body: bytes = b"") -> object:
    """Return the value of a frame's pickle and body. Only of our own processes: a pickle runs code."""
    return cast("object", pickle.loads(data, buffers=[body]))  # noqa: S301 - see above


def _pickle_by_fields(kind: type[DataclassInstance]) -> None:
    """Have a kind's values pickled as what they are made of, in one go.

    A dataclass with slots is taken apart and put together field by field, in Python, otherwise.
    """
    values_of = attrgetter(*(field.name for field in fields(kind)))
    copyreg.pickle(kind, lambda value: (kind, values_of(value)))


def _with_body_beside(
    job: ConversationJob,
) -> tuple[type[ConversationJob], tuple[object, ...]]:
    """Return what a job is made of: a long body, its first field, is left out of the pickle."""
    body, *rest = _JOB_VALUES(job)
    return ConversationJob, (pickle.PickleBuffer(body) if len(body) >= _LONG_BYTES else body, *rest)


_JOB_VALUES = attrgetter(*(field.name for field in fields(ConversationJob)))
_JOBS = (CompressJob, SelectJob, Hints, Policy, Beginning)
_OUTCOMES = (Done, View, Decision, Picked, Conversed, Splice, Volatile, Pin)
for _kind in (*_JOBS, *_OUTCOMES):
    _pickle_by_fields(_kind)
copyreg.pickle(ConversationJob, _with_body_beside)
