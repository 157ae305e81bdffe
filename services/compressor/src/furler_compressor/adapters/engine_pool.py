"""Runs engine jobs in child processes: the service's way.

The event loop never waits for the engine, and a job that nobody waits for any
more (deadline, cancellation) is stopped for good, by ending its process. A
bounded number of jobs may wait; the next one is refused at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
from asyncio.subprocess import PIPE, Process
from typing import cast

from furler_compressor import telemetry
from furler_compressor.adapters.engine_wire import LENGTH, Done
from furler_compressor.app.conversed import ConversationJob, Conversed
from furler_compressor.app.engine import (
    CompressJob,
    EngineFailedError,
    Job,
    Picked,
    Result,
    SelectJob,
)
from furler_compressor.app.errors import OverloadedError
from furler_engine.types import View

_MODULE = "furler_compressor.adapters.engine_child"
_START_SECONDS = 60.0
"""A cold child takes about a second; a busy machine many times that."""


class _Child:
    """One engine process and the pipes to it."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.compressors: tuple[str, ...] = ()

    @classmethod
    async def start(cls) -> _Child:
        """Start a process and wait until it is warm. Raises EngineFailedError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", _MODULE, stdin=PIPE, stdout=PIPE
        )
        child = cls(process)
        try:
            async with asyncio.timeout(_START_SECONDS):
                child.compressors = pickle.loads(await child._read())  # noqa: S301 - our own child
        except BaseException as error:
            child.kill()
            await child.ended()
            if isinstance(error, TimeoutError):
                raise EngineFailedError("the engine process did not start") from error
            raise
        return child

    async def perform(self, job: Job) -> Done:
        """Send a job, wait for its outcome. Raises EngineFailedError if the process ends."""
        frame = pickle.dumps(job, pickle.HIGHEST_PROTOCOL)
        stdin = self._process.stdin
        try:
            if stdin is not None:
                stdin.write(LENGTH.pack(len(frame)))
                stdin.write(frame)
                await stdin.drain()
        except OSError as error:
            raise EngineFailedError("the engine process ended") from error
        return cast("Done", pickle.loads(await self._read()))  # noqa: S301 - from our own child

    async def _read(self) -> bytes:
        stdout = self._process.stdout
        if stdout is None:
            raise EngineFailedError("the engine process has no pipe")
        try:
            (length,) = LENGTH.unpack(await stdout.readexactly(LENGTH.size))
            return await stdout.readexactly(length)
        except asyncio.IncompleteReadError as error:
            raise EngineFailedError("the engine process ended") from error

    def kill(self) -> None:
        """End the process; a pending perform() raises."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def ended(self) -> None:
        """Wait until the process is gone and its pipes are closed."""
        # A reader that was cancelled may not have let go of the pipe yet.
        with contextlib.suppress(RuntimeError):
            await self._process.communicate()
        await self._process.wait()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid


class EnginePool:
    """An EngineRunner of ``processes`` children and at most ``max_waiting`` waiting jobs.

    A child whose peak memory passed ``recycle_bytes`` is replaced after its job.
    """

    def __init__(self, processes: int, max_waiting: int, recycle_bytes: int) -> None:
        self._size = processes
        self._max_waiting = max_waiting
        self._recycle_bytes = recycle_bytes
        self._free: asyncio.Queue[_Child] = asyncio.Queue()
        self._children: set[_Child] = set()
        self._ending: set[_Child] = set()
        self._compressors: tuple[str, ...] = ()
        self._waiting = 0
        self._average_seconds = 0.01
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Start the children and wait until all are warm. Raises EngineFailedError."""
        await asyncio.gather(*(self._add_child() for _ in range(self._size)))

    async def compress(self, job: CompressJob, seconds: float) -> View:
        """Run a CompressJob."""
        with telemetry.span(telemetry.SPAN_ENGINE_COMPRESS):
            view = await self._run(job, seconds)
        return cast("View", view)

    async def select(self, job: SelectJob, seconds: float) -> Picked:
        """Run a SelectJob."""
        with telemetry.span(telemetry.SPAN_ENGINE_SELECT):
            picked = await self._run(job, seconds)
        return cast("Picked", picked)

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        """Run a ConversationJob."""
        with telemetry.span(telemetry.SPAN_ENGINE_CONVERSE):
            done = await self._run(job, seconds)
        return cast("Conversed", done)

    async def close(self) -> None:
        """End the children."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for child in self._children:
            child.kill()
        await asyncio.gather(*(child.ended() for child in self._children | self._ending))

    @property
    def compressors(self) -> tuple[str, ...]:
        """Names of the compressors there are, as the first child gave them."""
        return self._compressors

    @property
    def pids(self) -> list[int]:
        """Ids of the engine processes."""
        return sorted(child.pid for child in self._children)

    async def _run(self, job: Job, seconds: float) -> Result:
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        async with asyncio.timeout(seconds):
            child = await self._acquire()
            started = loop.time()
            telemetry.record_wait(_name(job), started - arrived)
            try:
                done = await child.perform(job)
            except BaseException:  # whatever it was, the child may be in the middle of a job
                self._replace(child)
                raise
        took = loop.time() - started
        telemetry.record_job(_name(job), took)
        self._average_seconds += 0.1 * (took - self._average_seconds)
        if done.peak_bytes > self._recycle_bytes:
            self._replace(child)
        else:
            self._free.put_nowait(child)
        if done.mistake is not None:
            raise ValueError(done.mistake)
        if done.result is None:
            raise EngineFailedError(done.crash)
        return done.result

    async def _acquire(self) -> _Child:
        if self._free.empty() and self._waiting >= self._max_waiting:
            retry_after = max(0.05, self._waiting * self._average_seconds / self._size)
            raise OverloadedError(
                f"engine queue is full: {self._max_waiting} jobs wait", retry_after=retry_after
            )
        self._waiting += 1
        telemetry.add_waiting(1)
        try:
            return await self._free.get()
        finally:
            self._waiting -= 1
            telemetry.add_waiting(-1)

    async def _add_child(self) -> None:
        child = await _Child.start()
        if self._closed:
            child.kill()
            return
        self._children.add(child)
        self._compressors = child.compressors
        self._free.put_nowait(child)

    def _replace(self, child: _Child) -> None:
        """End a child and start another beside the loop."""
        self._children.discard(child)
        self._ending.add(child)
        child.kill()
        if self._closed:
            return
        telemetry.record_restart()
        task = asyncio.get_running_loop().create_task(self._restore(child))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restore(self, ended: _Child) -> None:
        """Start a child in place of one that ended, with growing pauses, until one runs."""
        await ended.ended()
        self._ending.discard(ended)
        pause = 0.1
        while not self._closed:
            with contextlib.suppress(EngineFailedError):
                return await self._add_child()
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)
        return None


def _name(job: Job) -> str:
    match job:
        case CompressJob():
            return "compress"
        case SelectJob():
            return "select"
        case ConversationJob():
            return "converse"
