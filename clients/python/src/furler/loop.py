"""The event loop in the background that synchronous clients share.

One for the process: gRPC's asyncio layer does not do well with several. It
runs in a daemon thread and ends with the process, so that a client that nobody
closed keeps no program from ending.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import TypeVar

_T = TypeVar("_T")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0
"""Process that started the loop: a fork copies the loop, but not its thread."""


def run(work: Coroutine[object, object, _T], seconds: float | None = None) -> _T:
    """Run a coroutine in the loop and wait for it; a Ctrl-C here cancels it there.

    Raises what it raises, and TimeoutError after ``seconds``.
    """
    future = asyncio.run_coroutine_threadsafe(work, _running())
    try:
        return future.result(seconds)
    except BaseException:
        future.cancel()
        raise


def _running() -> asyncio.AbstractEventLoop:
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid():
            _loop, _owner = asyncio.new_event_loop(), os.getpid()
            threading.Thread(target=_loop.run_forever, name="furler-loop", daemon=True).start()
        return _loop
