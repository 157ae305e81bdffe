"""The process that engine_pool's children are forked from: warm, idle, and of one thread.

What a child shares with it (the tokenizer's ranks above all) is in memory once, and a new child is ready in
milliseconds. Requests come one at a time on a socket, whose number is the argument: engine_wire.
When that closes, the service is gone: the children are ended, and then the nursery.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys

from furler_compressor.adapters import engine_child
from furler_compressor.adapters.engine_wire import NURSERY
from furler_compressor.app.work import warm
from furler_engine.types import DEFAULT_TOKENIZER


def main() -> None:
    """Fork children until the socket closes. In a child: perform jobs until there are no more."""
    # The terminal's Ctrl-C reaches the whole group; the service decides when a process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm(DEFAULT_TOKENIZER)
    # A collection writes to every object it looks at, and what is written to is shared no more.
    gc.collect()
    gc.freeze()
    children: set[int] = set()
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        jobs = _tend(requests, children)
    if jobs is not None:
        engine_child.serve(jobs)
        return
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)


def _tend(requests: socket.socket, children: set[int]) -> socket.socket | None:
    """Answer requests. Returns a child's socket in a new child, and None when the socket closes."""
    with contextlib.suppress(ConnectionError):
        while True:
            request, sockets, _, _ = socket.recv_fds(requests, NURSERY.size, 1)
            if not request:
                break
            (pid,) = NURSERY.unpack(request)
            if sockets:
                with socket.socket(fileno=sockets[0]) as jobs:
                    pid = _fork()
                    if pid == 0:
                        return jobs.dup()
                if pid > 0:
                    children.add(pid)
            elif pid in children:
                # Not before: until it is waited for, its number is given to no other process.
                os.waitpid(pid, 0)
                children.remove(pid)
            requests.sendall(NURSERY.pack(pid))
    return None


def _fork() -> int:
    """Return the child's id, 0 in the child, -1 where the system gives no process."""
    try:
        return os.fork()
    except OSError:
        return -1


if __name__ == "__main__":
    main()
