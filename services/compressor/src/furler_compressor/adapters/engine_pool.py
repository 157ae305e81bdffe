"""Runs engine jobs in child processes: the service's way.

The event loop never waits for the engine, and a job that nobody waits for any
more (deadline, cancellation) is stopped for good, by ending its process. A
bounded number of jobs may wait; the next one is refused at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import cast

from furler_engine.types import DEFAULT_TOKENIZER, View

from furler_compressor import telemetry
from furler_compressor.adapters.engine_child import Done, run_child
from furler_compressor.app.engine import CompressJob, EngineFailedError, Job, Picked, SelectJob
from furler_compressor.app.errors import OverloadedError

_SPAWN = multiprocessing.get_context("spawn")  # forking a process with gRPC threads is unsafe
_START_SECONDS = 30.0


class _Child:
    """One engine process and the pipe to it."""

    def __init__(self, pipe: Connection, process: SpawnProcess) -> None:
        self._pipe = pipe
        self._process = process

    @classmethod
    def start(cls) -> _Child:
        """Start a process and wait until it is warm. Blocks; raises EngineFailedError."""
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(
            target=run_child, args=(theirs, DEFAULT_TOKENIZER), name="furler-engine", daemon=True
        )
        process.start()
        theirs.close()
        child = cls(ours, process)
        try:
            if not ours.poll(_START_SECONDS) or ours.recv_bytes() != b"ready":
                raise EngineFailedError("the engine process did not start")
        except (EOFError, OSError) as error:
            raise EngineFailedError("the engine process ended at its start") from error
        return child

    def perform(self, job: Job) -> Done:
        """Send a job, wait for its outcome. Blocks; raises EngineFailedError if the process ends."""
        try:
            self._pipe.send_bytes(pickle.dumps(job, pickle.HIGHEST_PROTOCOL))
            done = pickle.loads(self._pipe.recv_bytes())  # noqa: S301 - from our own child
        except (EOFError, OSError) as error:
            raise EngineFailedError("the engine process ended") from error
        return cast("Done", done)

    def kill(self) -> None:
        """End the process; a blocked perform() raises."""
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid or 0


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
        self._waiting = 0
        self._average_seconds = 0.01
        self._threads = ThreadPoolExecutor(processes * 2, thread_name_prefix="furler-engine")
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

    async def close(self) -> None:
        """End the children."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        for child in self._children:
            child.kill()
        self._threads.shutdown(wait=False)

    @property
    def pids(self) -> list[int]:
        """Ids of the engine processes."""
        return sorted(child.pid for child in self._children)

    async def _run(self, job: Job, seconds: float) -> View | Picked:
        loop = asyncio.get_running_loop()
        arrived = loop.time()
        async with asyncio.timeout(seconds):
            child = await self._acquire()
            started = loop.time()
            telemetry.QUEUE_SECONDS.record(started - arrived)
            try:
                done = await loop.run_in_executor(self._threads, child.perform, job)
            except (asyncio.CancelledError, EngineFailedError):
                self._replace(child)
                raise
        took = loop.time() - started
        telemetry.ENGINE_SECONDS.record(took)
        self._average_seconds += 0.1 * (took - self._average_seconds)
        if done.peak_bytes > self._recycle_bytes:
            self._replace(child)
        else:
            self._free.put_nowait(child)
        if done.mistake is not None:
            raise done.mistake
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
        try:
            return await self._free.get()
        finally:
            self._waiting -= 1

    async def _add_child(self) -> None:
        loop = asyncio.get_running_loop()
        child = await loop.run_in_executor(self._threads, _Child.start)
        if self._closed:
            child.kill()
            return
        self._children.add(child)
        self._free.put_nowait(child)

    def _replace(self, child: _Child) -> None:
        """End a child and start another beside the loop."""
        self._children.discard(child)
        child.kill()
        if self._closed:
            return
        telemetry.ENGINE_RESTARTS.add(1)
        task = asyncio.get_running_loop().create_task(self._restore())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _restore(self) -> None:
        """Start a child, again and again with a growing pause, until one runs."""
        pause = 0.1
        while not self._closed:
            with contextlib.suppress(EngineFailedError):
                return await self._add_child()
            await asyncio.sleep(pause)
            pause = min(5.0, pause * 2)
        return None
