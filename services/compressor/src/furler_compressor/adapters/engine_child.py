"""A child process of engine_nursery: reads a job from its socket, performs it, writes the outcome.

The first frame out says that it runs, and which compressors the engine has.
"""

from __future__ import annotations

import pickle
import resource
import socket
from pathlib import Path
from typing import BinaryIO

from furler_compressor.adapters.engine_wire import LENGTH, Done
from furler_compressor.app.engine import EngineFailedError
from furler_compressor.app.work import COMPRESSORS, perform


def serve(connection: socket.socket) -> None:
    """Perform jobs until the other end closes."""
    with connection, connection.makefile("rb") as jobs, connection.makefile("wb") as outcomes:
        _write(outcomes, pickle.dumps(COMPRESSORS))
        while header := jobs.read(LENGTH.size):
            frame = jobs.read(LENGTH.unpack(header)[0])
            _write(outcomes, pickle.dumps(_perform(frame), pickle.HIGHEST_PROTOCOL))


def _perform(frame: bytes) -> Done:
    result, mistake, crash = None, None, ""
    try:
        result = perform(pickle.loads(frame))  # noqa: S301 - from our own service
    except EngineFailedError as error:
        crash = str(error)
    except ValueError as error:
        mistake = str(error)
    return Done(result, mistake, crash, _peak_bytes())


def _peak_bytes() -> int:
    """Return the most memory this process has held, what it shares included."""
    try:
        # Linux: ru_maxrss would count what a process was before it became this program, too.
        status = Path("/proc/self/status").read_bytes()
        return int(status.partition(b"VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _write(stream: BinaryIO, frame: bytes) -> None:
    stream.write(LENGTH.pack(len(frame)) + frame)
    stream.flush()
