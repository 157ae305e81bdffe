"""The child process of engine_pool: reads a job from stdin, performs it, writes the outcome.

The first frame out says that the engine is warm, and which compressors it has. It imports the engine and little
else, which keeps a child small.
"""

from __future__ import annotations

import pickle
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

from furler_compressor.adapters.engine_wire import LENGTH, Done
from furler_compressor.app.engine import EngineFailedError
from furler_compressor.app.work import COMPRESSORS, perform, warm
from furler_engine.types import DEFAULT_TOKENIZER


def main() -> None:
    """Serve jobs until stdin closes."""
    # The terminal's Ctrl-C reaches the whole group; the parent decides when a child ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    jobs, outcomes = sys.stdin.buffer, sys.stdout.buffer
    warm(DEFAULT_TOKENIZER)
    _write(outcomes, pickle.dumps(COMPRESSORS))
    while header := jobs.read(LENGTH.size):
        frame = jobs.read(LENGTH.unpack(header)[0])
        _write(outcomes, pickle.dumps(_perform(frame), pickle.HIGHEST_PROTOCOL))


def _perform(frame: bytes) -> Done:
    result, mistake, crash = None, None, ""
    try:
        result = perform(pickle.loads(frame))  # noqa: S301 - from our own parent
    except EngineFailedError as error:
        crash = str(error)
    except ValueError as error:
        mistake = str(error)
    return Done(result, mistake, crash, _peak_bytes())


def _peak_bytes() -> int:
    """Return the most memory this process has held."""
    try:
        # Linux: ru_maxrss would count what the process was before it became this program.
        status = Path("/proc/self/status").read_bytes()
        return int(status.partition(b"VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _write(stream: BinaryIO, frame: bytes) -> None:
    stream.write(LENGTH.pack(len(frame)) + frame)
    stream.flush()


if __name__ == "__main__":
    main()
