"""Identical compressions run once: in the process, and between replicas that share a store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.compress import CompressRequest, Degraded, compress
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.engine import CompressJob
from furler_compressor.app.errors import ContentNotTextError, QuotaExceededError
from furler_compressor.app.identity import Grant
from furler_compressor.app.ports import Scope
from furler_compressor.app.quota import Quota
from furler_engine.types import Hints, Policy, View
from support.fakes import DirectEngine, FailingStore, caller, context
from support.inputs import service_log

pytestmark = pytest.mark.anyio

LARGE = service_log(1400)


def request(text: str = LARGE, retention: int = 0) -> CompressRequest:
    return CompressRequest("", text.encode(), Hints(), Policy(retention_seconds=retention))


class CountingEngine(DirectEngine):
    """Counts jobs, and holds each back until ``go`` is set."""

    def __init__(self) -> None:
        self.jobs = 0
        self.go = asyncio.Event()

    async def compress(self, job: CompressJob, seconds: float) -> View:
        self.jobs += 1
        async with asyncio.timeout(seconds):
            await self.go.wait()
        return await super().compress(job, seconds)


class SharedLeases:
    """Leases of several replicas, in one process; ``dead`` holders never release."""

    def __init__(self) -> None:
        self.held: dict[tuple[Scope, str], str] = {}
        self.taken = 0
        self.asked = asyncio.Event()

    async def take(self, scope: Scope, name: str, seconds: float) -> str | None:
        if (scope, name) in self.held:
            self.asked.set()
            return None
        self.taken += 1
        self.held[scope, name] = token = f"token {self.taken}"
        return token

    async def release(self, scope: Scope, name: str, token: str) -> None:
        if self.held.get((scope, name)) == token:
            del self.held[scope, name]


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


# In one process


async def test_many_callers_of_one_process_make_one_compression() -> None:
    engine = CountingEngine()
    service = context(MemoryStore(), engine)
    calls = [asyncio.create_task(compress(service, caller(), request())) for _ in range(20)]
    await settle()
    engine.go.set()
    done = await asyncio.gather(*calls)
    assert engine.jobs == 1
    assert len({d.outcome.view.text for d in done}) == 1
    assert sorted(d.outcome.cached for d in done) == [False] + [True] * 19


async def test_another_policy_tenant_or_retention_is_another_compression() -> None:
    engine = CountingEngine()
    engine.go.set()
    service = context(MemoryStore(), engine)
    await asyncio.gather(
        compress(service, caller(), request()),
        compress(service, caller(tenant="globex"), request()),
        compress(service, caller(), request(retention=7200)),
        compress(service, caller(), replace(request(), hints=Hints(query="fatal"))),
    )
    assert engine.jobs == 4


async def test_a_follower_with_more_time_leads_when_its_leader_ran_out_of_it() -> None:
    engine = CountingEngine()
    service = context(MemoryStore(), engine)
    hurried = asyncio.create_task(compress(service, caller(seconds=0.3), request()))
    await settle()
    patient = asyncio.create_task(compress(service, caller(seconds=30), request()))
    first = await hurried
    assert (first.outcome.degraded, first.outcome.view.text) == (Degraded.DEADLINE, LARGE)
    engine.go.set()
    second = await patient
    assert (second.outcome.degraded, bool(second.outcome.view.ref)) == (Degraded.NO, True)
    assert engine.jobs == 2


async def test_followers_of_a_store_that_is_down_do_not_all_compress_again() -> None:
    engine = CountingEngine()
    service = context(FailingStore(), engine)
    calls = [
        asyncio.create_task(compress(service, caller(seconds=20 + number), request()))
        for number in range(5)
    ]
    await settle()
    engine.go.set()
    done = await asyncio.gather(*calls)
    assert engine.jobs == 1
    assert {d.outcome.degraded for d in done} == {Degraded.STORE_UNAVAILABLE}
    assert {d.outcome.view.text for d in done} == {LARGE}


async def test_every_caller_of_bad_content_is_told() -> None:
    service = context(MemoryStore())
    bad = replace(request(), data=b"x" * 70_000 + b"\xff")
    outcomes = await asyncio.gather(
        *(compress(service, caller(), bad) for _ in range(3)), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [ContentNotTextError] * 3


async def test_a_leader_that_is_cancelled_leaves_its_followers_their_answer() -> None:
    engine = CountingEngine()
    service = context(MemoryStore(), engine)
    calls = [asyncio.create_task(compress(service, caller(), request())) for _ in range(3)]
    await settle()
    calls[0].cancel()
    await settle()
    engine.go.set()
    done = await asyncio.gather(*calls[1:])
    assert engine.jobs == 1
    assert all(d.outcome.view.ref for d in done)


# Between replicas


def replicas(count: int) -> tuple[list[Context], CountingEngine, SharedLeases]:
    store, engine, leases = MemoryStore(), CountingEngine(), SharedLeases()
    return (
        [replace(context(store, engine), leases=leases) for _ in range(count)],
        engine,
        leases,
    )


async def test_replicas_make_one_compression_and_all_give_its_view() -> None:
    services, engine, leases = replicas(3)
    calls = [asyncio.create_task(compress(s, caller(), request())) for s in services * 4]
    await leases.asked.wait()
    engine.go.set()
    done = await asyncio.gather(*calls)
    assert engine.jobs == 1
    assert len({d.outcome.view.text for d in done}) == 1
    await asyncio.gather(*(s.drain() for s in services))
    assert leases.held == {}


async def test_a_dead_leaders_lease_costs_a_wait_and_no_answer() -> None:
    (service,), engine, leases = replicas(1)
    engine.go.set()
    # Somebody holds every name, and will never make a view.
    leases.take = never_granted  # type: ignore[method-assign]
    done = await compress(service, caller(seconds=1.0), request())
    assert (done.outcome.degraded, bool(done.outcome.view.ref)) == (Degraded.NO, True)


async def never_granted(scope: Scope, name: str, seconds: float) -> str | None:
    return None


async def test_a_small_content_asks_for_no_lease() -> None:
    (service,), engine, leases = replicas(1)
    engine.go.set()
    await compress(service, caller(), request(service_log(300)))
    assert leases.taken == 0


# Stored bytes


async def test_a_tenant_over_its_stored_bytes_is_refused_and_keeps_what_it_has() -> None:
    service = context(MemoryStore())
    grant = Grant("acme", "key", quota=Quota(stored_bytes=len(LARGE) + 10))
    agent = Caller("acme", asyncio.get_running_loop().time() + 30, grant=grant)
    assert (await compress(service, agent, request())).outcome.view.ref
    with pytest.raises(QuotaExceededError) as raised:
        await compress(service, agent, request(service_log(1500)))
    assert raised.value.metadata == {"quota": "stored_bytes", "limit": f"{len(LARGE) + 10:g}"}
    assert (await compress(service, agent, request())).outcome.cached is True
    other = replace(agent, tenant="globex", grant=replace(grant, tenant="globex"))
    assert (await compress(service, other, request())).outcome.view.ref
