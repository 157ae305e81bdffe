"""Runs engine jobs in a thread of this process: the library's way.

Cheap to start and to call. A job cannot be stopped; whoever serves strangers
uses engine_pool.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from furler_compressor.app.conversed import ConversationJob, Conversed
from furler_compressor.app.engine import CompressJob, Job, Picked, Result, SelectJob
from furler_compressor.app.work import COMPRESSORS, perform
from furler_engine.types import View


class InlineEngine:
    """An EngineRunner in one thread: the engine holds the interpreter lock anyway."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="furler-engine")

    @property
    def compressors(self) -> tuple[str, ...]:
        """Names of the compressors there are."""
        return COMPRESSORS

    async def compress(self, job: CompressJob, seconds: float) -> View:
        """Run a CompressJob."""
        view = await self._run(job, seconds)
        return cast("View", view)

    async def select(self, job: SelectJob, seconds: float) -> Picked:
        """Run a SelectJob."""
        picked = await self._run(job, seconds)
        return cast("Picked", picked)

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        """Run a ConversationJob."""
        done = await self._run(job, seconds)
        return cast("Conversed", done)

    async def close(self) -> None:
        """Stop the thread; a job that runs still runs to its end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, job: Job, seconds: float) -> Result:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(seconds):
            return await loop.run_in_executor(self._thread, perform, job)
