"""Engine processes: jobs nobody waits for end, crashes cost one job, waiting is bounded."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import psutil
import pytest

from furler_compressor.adapters.engine_pool import EnginePool
from furler_compressor.app.engine import CompressJob, EngineFailedError, SelectJob
from furler_compressor.app.errors import OverloadedError
from furler_engine.types import Hints, Match, Policy
from support.inputs import service_log

pytestmark = pytest.mark.anyio
SMALL = CompressJob(service_log(300), Hints(), Policy(), "a" * 16)
MEDIUM = CompressJob(service_log(20_000), Hints(), Policy(), "a" * 16)
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


async def until_replaced(engines: EnginePool, old: list[int]) -> None:
    async with asyncio.timeout(30):
        while not engines.pids or engines.pids == old:
            await asyncio.sleep(0.02)


def nursery_of(engines: EnginePool) -> psutil.Process:
    return next(
        child
        for child in psutil.Process().children()
        if set(engines.pids) <= {process.pid for process in child.children()}
    )


def ended(pid: int) -> bool:
    """Whether a process ended; where its parent is gone, someone else may still have to reap it."""
    try:
        return str(psutil.Process(pid).status()) == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


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
        await until_replaced(engines, old)
        assert not psutil.pid_exists(old[0])
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_a_job_over_its_time_is_stopped() -> None:
    async with pool() as engines:
        old = engines.pids
        with pytest.raises(TimeoutError):
            await engines.compress(LARGE, 0.05)
        await until_replaced(engines, old)
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


async def test_an_idle_process_that_is_killed_is_replaced_and_costs_no_job() -> None:
    async with pool() as engines:
        old = engines.pids
        os.kill(old[0], signal.SIGKILL)
        await until_replaced(engines, old)
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


async def test_a_newcomer_gets_in_where_one_tenant_fills_the_queue() -> None:
    async with pool(waiting=2) as engines:
        noisy = replace(SMALL, owner="noisy")
        running = asyncio.create_task(engines.compress(replace(LARGE, owner="noisy"), 60))
        crowd = [asyncio.create_task(engines.compress(noisy, 60)) for _ in range(2)]
        await asyncio.sleep(0.05)
        quiet = asyncio.create_task(engines.compress(replace(SMALL, owner="quiet"), 60))
        with pytest.raises(OverloadedError):
            await crowd[1]
        running.cancel()
        assert (await quiet).tokens_after > 0
        assert (await crowd[0]).tokens_after > 0


async def test_a_job_whose_caller_leaves_as_it_has_to_make_room_harms_nobody() -> None:
    async with pool(waiting=2) as engines:
        noisy = replace(SMALL, owner="noisy")
        running = asyncio.create_task(engines.compress(replace(LARGE, owner="noisy"), 60))
        crowd = [asyncio.create_task(engines.compress(noisy, 60)) for _ in range(2)]
        await asyncio.sleep(0.05)
        # It comes in the same turn of the loop in which the one that would go for it is cancelled.
        quiet = asyncio.create_task(engines.compress(replace(SMALL, owner="quiet"), 60))
        crowd[1].cancel()
        await asyncio.sleep(0)
        running.cancel()
        assert (await quiet).tokens_after > 0
        assert (await crowd[0]).tokens_after > 0
        with pytest.raises(asyncio.CancelledError):
            await crowd[1]


async def test_large_jobs_leave_a_process_to_small_ones() -> None:
    async with pool(processes=2) as engines:
        large = [asyncio.create_task(engines.compress(LARGE, 60)) for _ in range(3)]
        await asyncio.sleep(0.05)
        assert (await engines.compress(SMALL, 60)).tokens_after > 0
        assert [task.done() for task in large] == [False, False, False]
        for task in large:
            task.cancel()
        await asyncio.gather(*large, return_exceptions=True)


async def test_a_job_that_ends_soon_after_its_caller_left_keeps_its_process() -> None:
    async with pool() as engines:
        old = engines.pids
        job = asyncio.create_task(engines.compress(SMALL, 60))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        assert (await engines.compress(SMALL, 30)).tokens_after > 0
        assert engines.pids == old


async def test_a_job_that_would_run_out_of_time_is_not_begun_while_others_wait() -> None:
    async with pool(waiting=8) as engines:
        old = engines.pids
        running = asyncio.create_task(engines.compress(MEDIUM, 60))
        await asyncio.sleep(0.01)
        hopeless = asyncio.create_task(engines.compress(replace(LARGE, owner="a"), 2))
        waiting = asyncio.create_task(engines.compress(replace(SMALL, owner="b"), 60))
        await asyncio.gather(running, waiting)
        with pytest.raises(TimeoutError):
            await hopeless
        assert engines.pids == old


async def test_a_queue_of_more_than_half_the_time_refuses_at_once() -> None:
    async with pool(waiting=64) as engines:
        # Two wait; what they take is expected from their sizes, as nothing has ended yet.
        running = [asyncio.create_task(engines.compress(LARGE, 600)) for _ in range(3)]
        await asyncio.sleep(0.05)
        with pytest.raises(OverloadedError) as raised:
            await engines.compress(LARGE, 0.5)
        wait = raised.value.retry_after
        assert wait > 0.5
        with pytest.raises(OverloadedError):
            await engines.compress(LARGE, 1.99 * wait)
        let_in = asyncio.create_task(engines.compress(LARGE, 2.01 * wait))
        await asyncio.sleep(0.01)
        assert not let_in.done()
        running.append(let_in)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


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
        await until_replaced(engines, old)
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_processes_are_forked_from_one_that_has_one_thread() -> None:
    async with pool(processes=2) as engines:
        nursery = nursery_of(engines)
        assert sorted(child.pid for child in nursery.children()) == engines.pids
        assert nursery.num_threads() == 1


async def test_a_nursery_that_is_killed_costs_no_job_and_is_replaced() -> None:
    async with pool(processes=2) as engines:
        nursery, old = nursery_of(engines), engines.pids
        job = asyncio.create_task(engines.compress(MEDIUM, 60))
        await asyncio.sleep(0)
        nursery.kill()
        assert (await job).tokens_after > 0
        assert engines.pids == old
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(30):
            while len(engines.pids) < 2 or set(engines.pids) & set(old):
                await asyncio.sleep(0.02)
        assert (await engines.compress(SMALL, 30)).tokens_after > 0
        assert nursery_of(engines).pid != nursery.pid


async def test_a_process_whose_nursery_is_gone_is_stopped_with_its_job() -> None:
    async with pool() as engines:
        old = engines.pids
        nursery_of(engines).kill()
        with pytest.raises(TimeoutError):
            await engines.compress(LARGE, 0.05)
        await until_replaced(engines, old)
        assert ended(old[0])
        assert (await engines.compress(SMALL, 30)).tokens_after > 0


async def test_a_pool_whose_nursery_was_killed_closes() -> None:
    async with pool() as engines:
        pids = engines.pids
        nursery_of(engines).kill()
    assert ended(pids[0])


async def test_closing_leaves_no_process() -> None:
    async with pool(processes=2) as engines:
        pids = [*engines.pids, nursery_of(engines).pid]
        assert len(pids) == 3
    assert [psutil.pid_exists(pid) for pid in pids] == [False] * 3
