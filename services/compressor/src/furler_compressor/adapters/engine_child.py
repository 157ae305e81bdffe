"""A child process of engine_nursery: reads a job from its socket, performs it, writes the outcome.

The first frame out says that it runs, and which compressors the engine has.
"""

from __future__ import annotations

import contextlib
import resource
import socket
import sys
from typing import Final, cast

from furler_compressor.adapters.engine_wire import LENGTHS, Done, frame_of, value_of
from furler_compressor.app.engine import EngineFailedError, Job
from furler_compressor.app.work import COMPRESSORS, perform

_MAXRSS_BYTES: Final = 1 if sys.platform == "darwin" else 1024
"""What getrusage counts memory in: kilobytes, but on a Mac."""


def serve(connection: socket.socket) -> None:
    """Perform jobs until the other end closes."""
    with connection, contextlib.suppress(EOFError):
        _write(connection, COMPRESSORS)
        while True:
            size, left_out = LENGTHS.unpack(_read(connection, LENGTHS.size))
            data, body = _read(connection, size), _read(connection, left_out)
            _write(connection, _perform(cast("Job", value_of(data, body))))


def _read(connection: socket.socket, size: int) -> bytes:
    """Return so many bytes. Raises EOFError if the other end closes before.

    A process that is stopped and goes on (SIGSTOP, a debugger) may be given less at once.
    """
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data), socket.MSG_WAITALL)
        if not more:
            raise EOFError
        data = data + more if data else more  # in one piece nearly always: no copy
    return data


def _perform(job: Job) -> Done:
    result, mistake, crash = None, None, ""
    try:
        result = perform(job)
    except EngineFailedError as error:
        crash = str(error)
    except ValueError as error:
        mistake = str(error)
    return Done(result, mistake, crash, _peak_bytes())


def _peak_bytes() -> int:
    """Return the most memory this process has held since it was forked, what it shares included."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES


def _write(connection: socket.socket, value: object) -> None:
    connection.sendall(b"".join(frame_of(value)))
