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
from furler_compressor.app.ports import Lease, LeaseHeldError, Record, Scope, StoredView
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


class LeasingStore(MemoryStore):
    """A store that several replicas share; ``dead`` holders never release."""

    def __init__(self, *, dead: bool = False) -> None:
        super().__init__()
        self.held: dict[tuple[Scope, str, str], str] = {}
        self.dead = dead
        self.calls: list[str] = []
        self.refused = asyncio.Event()

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        self.calls.append("recall" if lease is None else "recall or lease")
        data = await super().recall(scope, ref, recipe, retention)
        if data is not None or lease is None:
            return data
        if self.dead or self.held.setdefault((scope, ref, recipe), lease.token) != lease.token:
            self.refused.set()
            raise LeaseHeldError
        return None

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        self.calls.append("commit")
        await super().commit(scope, record, view, retention)

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        if self.held.get((scope, ref, recipe)) == token:
            del self.held[scope, ref, recipe]


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
    service = context(MemoryStore(), engine)
    calls = [
        asyncio.create_task(compress(service, caller(tenant=tenant), asked))
        for tenant, asked in (
            ("acme", request()),
            ("globex", request()),
            ("acme", request(retention=7200)),
            ("acme", replace(request(), hints=Hints(query="fatal"))),
        )
    ]
    await settle()
    engine.go.set()
    await asyncio.gather(*calls)
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


async def test_a_follower_with_less_time_than_its_leader_still_gets_an_answer() -> None:
    engine = CountingEngine()
    service = context(MemoryStore(), engine)
    patient = asyncio.create_task(compress(service, caller(seconds=30), request()))
    await settle()
    hurried = await compress(service, caller(seconds=0.3), request())
    assert (hurried.outcome.degraded, hurried.outcome.view.text) == (Degraded.DEADLINE, LARGE)
    engine.go.set()
    assert (await patient).outcome.view.ref
    assert engine.jobs == 1


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


def replicas(count: int, store: LeasingStore) -> tuple[list[Context], CountingEngine]:
    engine = CountingEngine()
    return [context(store, engine) for _ in range(count)], engine


async def test_replicas_make_one_compression_and_all_give_its_view() -> None:
    store = LeasingStore()
    services, engine = replicas(3, store)
    calls = [asyncio.create_task(compress(s, caller(), request())) for s in services * 4]
    await store.refused.wait()
    engine.go.set()
    done = await asyncio.gather(*calls)
    assert engine.jobs == 1
    assert len({d.outcome.view.text for d in done}) == 1
    await asyncio.gather(*(s.drain() for s in services))
    assert store.held == {}


async def test_a_dead_leaders_lease_costs_a_wait_and_no_answer() -> None:
    (service,), engine = replicas(1, LeasingStore(dead=True))
    engine.go.set()
    done = await compress(service, caller(seconds=1.0), request())
    assert (done.outcome.degraded, bool(done.outcome.view.ref)) == (Degraded.NO, True)


@pytest.mark.parametrize(
    ("lines", "asked"), [(300, "recall"), (1400, "recall or lease")], ids=["small", "large"]
)
async def test_a_miss_costs_two_round_trips_and_a_hit_one(lines: int, asked: str) -> None:
    store = LeasingStore()
    (service,), engine = replicas(1, store)
    engine.go.set()
    await compress(service, caller(), request(service_log(lines)))
    assert store.calls == [asked, "commit"]
    await compress(service, caller(), request(service_log(lines)))
    assert store.calls == [asked, "commit", asked]


async def test_a_leader_that_fails_gives_its_lease_back() -> None:
    store = LeasingStore()
    (service,), _ = replicas(1, store)
    with pytest.raises(ContentNotTextError):
        await compress(service, caller(), replace(request(), data=b"x" * 70_000 + b"\xff"))
    await service.drain()
    assert store.held == {}


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
