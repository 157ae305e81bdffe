"""The child process of engine_pool: reads a job, performs it, writes the outcome, again."""

from __future__ import annotations

import pickle
import resource
import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection

from furler_engine.types import View

from furler_compressor.app.engine import Picked, perform, warm


@dataclass(frozen=True, slots=True)
class Done:
    """A job's result, or the caller's mistake, or a crash; and the child's peak memory."""

    result: View | Picked | None
    mistake: ValueError | None
    crash: str
    peak_bytes: int


def run_child(pipe: Connection, tokenizer: str) -> None:
    """Serve jobs from a pipe until its other end closes."""
    # The terminal's Ctrl-C reaches the whole group; the parent decides when a child ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm(tokenizer)
    pipe.send_bytes(b"ready")
    while True:
        try:
            job = pickle.loads(pipe.recv_bytes())  # noqa: S301 - from our own parent
        except EOFError:
            return
        result, mistake, crash = None, None, ""
        try:
            result = perform(job)
        except ValueError as error:
            mistake = error
        except Exception as error:  # noqa: BLE001 - a crash is reported; the content passes through
            crash = type(error).__name__
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        try:
            pipe.send_bytes(pickle.dumps(Done(result, mistake, crash, peak)))
        except BrokenPipeError:
            return
