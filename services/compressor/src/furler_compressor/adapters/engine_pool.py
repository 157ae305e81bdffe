"""Runs engine jobs in child processes: the service's way.

The event loop never waits for the engine, and a job that nobody waits for any
more (deadline, cancellation) is stopped for good, by ending its process. A
bounded number of jobs may wait; the next one is refused at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import TypeAlias, cast

from furler_compressor import telemetry
from furler_compressor.adapters.engine_process import EngineProcess, Nursery
from furler_compressor.adapters.engine_queue import FairQueue, Pace, Ticket
from furler_compressor.adapters.engine_wire import Done
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

_LOST_PAUSE_SECONDS = 0.1
"""Before another is started for one that was killed: a system without memory kills that one, too."""
_GRACE_SECONDS = 1.0
"""A job whose caller is gone may end by itself for as long: most do, and no process is replaced."""

_QUEUE_SHARE = 0.5
"""Most of a job's time that it may be expected to wait. What is left is for the job itself, and for
jobs that take longer than expected: one whose time ends half way was done for nothing."""

_Waiting: TypeAlias = Ticket[asyncio.Future[EngineProcess]]


class EnginePool:
    """An EngineRunner of ``processes`` children and at most ``max_waiting`` waiting jobs.

    Jobs of different tenants take turns (engine_queue), and large ones leave a process to the
    others. A child whose peak memory passed ``recycle_bytes`` is replaced after its job.
    """

    def __init__(self, processes: int, max_waiting: int, recycle_bytes: int) -> None:
        self._size = processes
        self._max_waiting = max_waiting
        self._recycle_bytes = recycle_bytes
        self._free: list[EngineProcess] = []
        self._queue: FairQueue[asyncio.Future[EngineProcess]] = FairQueue(max_waiting)
        self._pace = Pace()
        self._large = 0
        self._children: set[EngineProcess] = set()
        self._ending: set[EngineProcess] = set()
        self._compressors: tuple[str, ...] = ()
        self._tasks: set[asyncio.Task[None]] = set()
        self._nursery: Nursery | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Start the children and wait until all are warm. Raises EngineFailedError, OSError."""
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
        if self._nursery is not None:
            await self._nursery.close()

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
            ticket = Ticket(job.owner, _size(job), arrived + seconds, loop.create_future())
            child = await self._acquire(ticket, seconds)
            telemetry.record_wait(_name(job), loop.time() - arrived)
            working = self._begin(child, job, ticket)
            try:
                done = await asyncio.shield(working)
            except BaseException:
                self._later(self._abandon(working))
                raise
        if done.mistake is not None:
            raise ValueError(done.mistake)
        if done.result is None:
            raise EngineFailedError(done.crash)
        return done.result

    def _begin(self, child: EngineProcess, job: Job, ticket: _Waiting) -> asyncio.Future[Done]:
        """Have a child do a job. With its outcome it is free for the next one, or replaced."""
        loop = asyncio.get_running_loop()
        started = loop.time()

        def ended(working: asyncio.Future[Done]) -> None:
            self._left(ticket)
            if working.cancelled() or working.exception():
                self._replace(child)  # it may be in the middle of the job
                return
            took = loop.time() - started
            telemetry.record_job(_name(job), took)
            self._pace.learn(ticket.cost, took)
            if working.result().peak_bytes > self._recycle_bytes:
                self._replace(child)
            else:
                self._put_free(child)

        try:
            working = child.perform(job)
        except BaseException:
            self._left(ticket)
            self._replace(child)
            raise
        working.add_done_callback(ended)
        return working

    async def _abandon(self, working: asyncio.Future[Done]) -> None:
        """Give a job that nobody waits for any more as long to end as a new process would take."""
        try:
            await asyncio.wait({working}, timeout=_GRACE_SECONDS)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)

    async def _acquire(self, ticket: _Waiting, seconds: float) -> EngineProcess:
        """Wait for a child. Raises OverloadedError, TimeoutError if it is not worth starting."""
        wait = self._pace.expect(self._queue.ahead(ticket)) / self._size
        if wait > _QUEUE_SHARE * seconds:
            raise OverloadedError("engine queue is too long for the deadline", retry_after=wait)
        out = self._queue.push(ticket, free=len(self._free))
        if out is not None:
            full = f"engine queue is full: {self._max_waiting} jobs wait"
            refused = OverloadedError(full, retry_after=max(0.05, wait))
            if out is ticket:
                raise refused
            if not out.give.done():  # its caller may have left in this very moment
                out.give.set_exception(refused)
        telemetry.add_waiting(1)
        try:
            self._dispatch()
            return await ticket.give
        except BaseException:
            self._queue.remove(ticket)
            if ticket.give.done() and not ticket.give.cancelled() and not ticket.give.exception():
                self._left(ticket)
                self._put_free(ticket.give.result())
            raise
        finally:
            telemetry.add_waiting(-1)

    def _dispatch(self) -> None:
        """Give free children to waiting jobs."""
        now = asyncio.get_running_loop().time()
        while self._free and self._queue:
            ticket = self._queue.pop(large=self._large < max(1, self._size - 1))
            if ticket is None:
                return
            if ticket.give.done():
                continue
            hopeless = self._pace.expect(ticket.cost) > ticket.deadline - now
            if hopeless and len(self._queue) > 0:
                # Its time would run out half way, at the expense of those who wait.
                ticket.give.set_exception(TimeoutError())
                continue
            self._large += ticket.large
            ticket.give.set_result(self._free.pop())

    def _left(self, ticket: _Waiting) -> None:
        self._large -= ticket.large

    def _put_free(self, child: EngineProcess) -> None:
        self._free.append(child)
        self._dispatch()

    def _lose(self, child: EngineProcess) -> None:
        """Replace an idle child that was killed, as for want of memory, before a job is given to it."""
        if child in self._free and not self._closed:
            self._free.remove(child)
            self._replace(child, _LOST_PAUSE_SECONDS)

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _add_child(self) -> None:
        child = await (await self._current_nursery()).fork()
        if self._closed:
            child.kill()
            await child.ended()
            return
        self._children.add(child)
        self._compressors = child.compressors
        child.lost.add_done_callback(lambda _: self._lose(child))
        self._put_free(child)

    async def _current_nursery(self) -> Nursery:
        """Return the nursery, a new one where it ended. Children of the old one work on."""
        async with self._starting:
            if self._nursery is not None and not self._nursery.runs:
                await self._nursery.close()
                self._nursery = None
            if self._nursery is None:
                self._nursery = await Nursery.start()
            return self._nursery

    def _replace(self, child: EngineProcess, pause: float = 0.0) -> None:
        """End a child and start another beside the loop, after a pause."""
        self._children.discard(child)
        self._ending.add(child)
        child.kill()
        if self._closed:
            return
        telemetry.record_restart()
        self._later(self._restore(child, pause))

    async def _restore(self, ended: EngineProcess, pause: float) -> None:
        """Start a child in place of one that ended, with growing pauses, until one runs."""
        await ended.ended()
        self._ending.discard(ended)
        await asyncio.sleep(pause)
        pause = 0.1
        while not self._closed:
            with contextlib.suppress(EngineFailedError, OSError):
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


def _size(job: Job) -> int:
    """Return how much there is to work on, in characters or bytes."""
    return len(job.body) if isinstance(job, ConversationJob) else len(job.text)
