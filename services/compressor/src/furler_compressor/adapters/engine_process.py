"""The service's side of its engine processes: one nursery, and the children that it forks.

A child is killed by the service and waited for by its nursery, once the service asks: until then
its number is no other process's. Where the system has them (Linux), a pidfd says the same of a
child whose nursery is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from typing import cast

from furler_compressor.adapters.engine_link import EngineLink
from furler_compressor.adapters.engine_wire import NURSERY, Done
from furler_compressor.app.engine import EngineFailedError, Job

_MODULE = "furler_compressor.adapters.engine_nursery"
_START_SECONDS = 60.0
"""A cold nursery takes about a second; a busy machine many times that."""
_END_SECONDS = 5.0
"""A nursery that is told to end has only to kill and to wait: milliseconds."""


class Nursery:
    """A process that is warm, and from which children are forked."""

    def __init__(self, process: Process, requests: socket.socket) -> None:
        self._process = process
        self._requests = requests
        self._turn = asyncio.Lock()
        self._lost = False

    @classmethod
    async def start(cls) -> Nursery:
        """Start one; it answers as soon as it is warm. Raises OSError if there is no process."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _MODULE, str(theirs.fileno())),
                stdin=DEVNULL,
                stdout=DEVNULL,
                pass_fds=[theirs.fileno()],
                # Numpy's threads would not be there after a fork.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return cls(process, ours)

    async def fork(self) -> EngineProcess:
        """Give a child that is ready for jobs. Raises EngineFailedError, OSError."""
        ours, theirs = socket.socketpair()
        try:
            pid = await self._ask(0, theirs)
            loop = asyncio.get_running_loop()
            _, link = await loop.create_unix_connection(EngineLink, sock=ours)
        except BaseException:
            ours.close()  # a child that was forked nevertheless ends by this
            raise
        child = EngineProcess(self, pid, link)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await child.greet()
        except BaseException as error:
            child.kill()
            await child.ended()
            if isinstance(error, TimeoutError):
                raise EngineFailedError("the engine process did not start") from error
            raise
        return child

    async def reap(self, pid: int) -> None:
        """Wait until a killed child is gone. Raises EngineFailedError if the nursery ended."""
        await self._ask(pid, None)

    async def close(self) -> None:
        """End the nursery, and with it whatever it forked."""
        try:
            async with asyncio.timeout(_END_SECONDS):
                async with self._turn:
                    self._requests.close()
                await self._process.wait()
        except TimeoutError:  # it is not warm yet, or hangs
            self._kill()
            await self._process.wait()
            async with self._turn:
                self._requests.close()

    @property
    def runs(self) -> bool:
        """Whether it is there to be asked, as far as is known."""
        return not self._lost and self._process.returncode is None

    async def _ask(self, pid: int, connection: socket.socket | None) -> int:
        # Whoever asked may go away; the answer must be read all the same, or it is the next one's.
        asking = asyncio.get_running_loop().create_task(self._exchange(pid, connection))
        return await asyncio.shield(asking)

    async def _exchange(self, pid: int, connection: socket.socket | None) -> int:
        answer = b""
        async with self._turn:
            # A TimeoutError is an OSError, too.
            with contextlib.suppress(OSError), connection or contextlib.nullcontext():
                if connection is None:
                    self._requests.send(NURSERY.pack(pid))
                else:
                    socket.send_fds(self._requests, [NURSERY.pack(pid)], [connection.fileno()])
                async with asyncio.timeout(_START_SECONDS):
                    answer = await asyncio.get_running_loop().sock_recv(
                        self._requests, NURSERY.size
                    )
        if len(answer) != NURSERY.size:
            self._lost = True
            self._kill()
            raise EngineFailedError("the nursery of engine processes ended")
        (done,) = NURSERY.unpack(answer)
        if done < 0:
            raise EngineFailedError("the system gives no process")
        return cast("int", done)

    def _kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()


class EngineProcess:
    """One engine process and the connection to it."""

    def __init__(self, nursery: Nursery, pid: int, link: EngineLink) -> None:
        self._nursery = nursery
        self._link = link
        self._handle = _pidfd(pid)
        self._gone = False
        self.pid = pid
        self.compressors: tuple[str, ...] = ()

    @property
    def lost(self) -> asyncio.Future[None]:
        """Done when the process has ended, however it did."""
        return self._link.lost

    async def greet(self) -> None:
        """Read what a child says first: which compressors it has. Raises EngineFailedError."""
        self.compressors = cast("tuple[str, ...]", await self._link.receive())

    def perform(self, job: Job) -> asyncio.Future[Done]:
        """Send a job; its outcome is to come, or EngineFailedError if the process ends."""
        self._link.send(job)
        return cast("asyncio.Future[Done]", self._link.receive())

    def kill(self) -> None:
        """End the process; what perform() has promised raises."""
        if self._gone:
            return
        with contextlib.suppress(ProcessLookupError):
            if self._handle is None:
                os.kill(self.pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until the killed process is gone, and close the connection to it."""
        if self._gone:
            return
        try:
            await self._nursery.reap(self.pid)
        except EngineFailedError:
            await self._orphan_ended()
        if self._gone:  # another waited for it, too
            return
        self._gone = True
        self._link.close()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    async def _orphan_ended(self) -> None:
        """Wait for a process whose nursery is gone: the system reaps it, or we, as its init."""
        if self._handle is not None:
            loop, over = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(self._handle, over.set)
            try:
                await over.wait()
            finally:
                loop.remove_reader(self._handle)
        else:
            await asyncio.shield(self._link.lost)
        with contextlib.suppress(ChildProcessError):
            await asyncio.to_thread(os.waitpid, self.pid, 0)


def _pidfd(pid: int) -> int | None:
    """Return a handle that means this process and no later one of its number, where there are any."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # an old kernel, or a sandbox
        return None
