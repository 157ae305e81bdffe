"""Engine processes: jobs nobody waits for end, crashes cost one job, waiting is bounded."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from furler_compressor.adapters.engine_pool import EnginePool
from furler_compressor.app.engine import CompressJob, EngineFailedError, SelectJob
from furler_compressor.app.errors import OverloadedError
from furler_engine.types import Hints, Match, Policy
from support.inputs import service_log

pytestmark = pytest.mark.anyio
SMALL = CompressJob(service_log(300), Hints(), Policy(), "a" * 16)
LARGE = CompressJob(service_log(300_000), Hints(), Policy(), "a" * 16)


@asynccontextmanager
async def pool(
    processes: int = 1, waiting: int = 8, recycle_bytes: int = 2**40
) -> AsyncIterator[EnginePool]:
    engines = EnginePool(processes, waiting, recycle_bytes)
    await engines.start()
    try:
        yield engines
    finally:
        await engines.close()


async def replaced(engines: EnginePool, old: list[int]) -> None:
    async with asyncio.timeout(30):
        while not engines.pids or engines.pids == old:
            await asyncio.sleep(0.02)


async def test_a_cancelled_job_ends_its_process() -> None:
    async with pool() as engines:
        old = engines.pids
        job = asyncio.create_task(engines.compress(LARGE, 60))
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            while psutil.Process(old[0]).cpu_percent(0.05) < 10:
                await asyncio.sleep(0.01)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await replaced(engines, old)
        assert not psutil.pid_exists(old[0])
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_a_job_over_its_time_is_stopped() -> None:
    async with pool() as engines:
        old = engines.pids
        with pytest.raises(TimeoutError):
            await engines.compress(LARGE, 0.05)
        await replaced(engines, old)
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_a_process_that_is_killed_fails_its_job_only() -> None:
    async with pool() as engines:
        old = engines.pids
        job = asyncio.create_task(engines.compress(LARGE, 60))
        await asyncio.sleep(0.05)
        os.kill(old[0], signal.SIGKILL)
        with pytest.raises(EngineFailedError):
            await job
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_a_full_queue_refuses_at_once() -> None:
    async with pool(waiting=1) as engines:
        running = asyncio.create_task(engines.compress(LARGE, 60))
        waiting = asyncio.create_task(engines.compress(SMALL, 60))
        await asyncio.sleep(0.05)
        with pytest.raises(OverloadedError) as raised:
            await engines.compress(SMALL, 60)
        assert raised.value.retry_after > 0
        running.cancel()
        assert (await waiting).tokens_after > 0


async def test_a_callers_mistake_is_not_a_crash() -> None:
    async with pool() as engines:
        old = engines.pids
        job = SelectJob("some text", Match("(unclosed"), 0, "o200k_base", 0)
        with pytest.raises(ValueError, match="unclosed"):
            await engines.select(job, 30)
        assert engines.pids == old


async def test_a_process_that_grew_too_large_is_replaced() -> None:
    async with pool(recycle_bytes=1) as engines:
        old = engines.pids
        assert (await engines.compress(SMALL, 30)).tokens_after > 0
        await replaced(engines, old)
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_closing_leaves_no_process() -> None:
    async with pool(processes=2) as engines:
        pids = engines.pids
        assert len(pids) == 2
    assert [psutil.pid_exists(pid) for pid in pids] == [False, False]
