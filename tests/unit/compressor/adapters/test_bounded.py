"""A store in trouble costs a time limit, then nothing; a store that answers is never cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from contract.places import Clock, record_of
from furler_compressor.adapters.breaker import Breaker
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.wrap.bounded import BoundedStore
from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.adapters.wrap.guard import Guard
from furler_compressor.app.errors import (
    ContentCorruptError,
    StoreRefusedError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import LeaseHeldError, Scope, Store, Tally

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
LOG = record_of(b"ERROR disk full\n")
CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "recall": lambda store: store.recall(SCOPE, LOG.ref, "recipe", 60.0),
    "release": lambda store: store.release(SCOPE, LOG.ref, "recipe", "token"),
    "commit": lambda store: store.commit(SCOPE, LOG, None, 60.0),
    "fetch": lambda store: store.fetch(SCOPE, LOG.ref),
    "find_missing": lambda store: store.find_missing(SCOPE, [LOG.ref], 60.0),
    "delete": lambda store: store.delete(SCOPE, LOG.ref),
    "add": lambda store: store.add(SCOPE, Tally("log")),
    "totals": lambda store: store.totals(SCOPE),
    "usage": lambda store: store.usage(SCOPE),
    "tenant_usage": lambda store: store.tenant_usage("tenant"),
    "ping": lambda store: store.ping(),
}


class Moody(ForwardingStore):
    """Fails each ping with ``error``, hangs if ``hangs``, and counts the calls that reach it."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.error: Exception | None = None
        self.hangs = False
        self.calls = 0

    async def ping(self) -> list[str]:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return []


async def hang(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_that_hangs_ends_at_its_limit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = MemoryStore()
    monkeypatch.setattr(inner, name, hang)
    with pytest.raises(StoreUnavailableError, match=r"within 0\.01 s"):
        await CALLS[name](BoundedStore(inner, Guard(0.01)))


@pytest.mark.parametrize("name", CALLS)
async def test_an_open_breaker_makes_no_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = MemoryStore()
    store = BoundedStore(inner, Guard(0.01, Breaker(failures=1, clock=Clock())))
    monkeypatch.setattr(inner, name, hang)
    with pytest.raises(StoreUnavailableError):
        await CALLS[name](store)
    monkeypatch.undo()
    with pytest.raises(StoreUnavailableError, match="left alone"):
        await CALLS[name](store)


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_in_time_is_passed_through(name: str) -> None:
    assert await CALLS[name](BoundedStore(MemoryStore())) == await CALLS[name](MemoryStore())


async def test_the_breaker_opens_after_failures_in_a_row_and_closes_after_a_success() -> None:
    inner, clock = Moody(), Clock()
    store = BoundedStore(inner, Guard(breaker=Breaker(failures=3, pause=5.0, clock=clock)))
    inner.error = StoreUnavailableError("down")
    for _ in range(10):
        with pytest.raises(StoreUnavailableError):
            await store.ping()
    assert inner.calls == 3

    clock.now += 5.0
    with pytest.raises(StoreUnavailableError, match="down"):
        await store.ping()
    with pytest.raises(StoreUnavailableError, match="left alone"):
        await store.ping()
    assert inner.calls == 4

    clock.now += 5.0
    inner.error = None
    for _ in range(3):
        await store.ping()
    assert inner.calls == 7


async def test_failures_that_are_not_in_a_row_leave_it_closed() -> None:
    inner = Moody()
    store = BoundedStore(inner, Guard(breaker=Breaker(failures=2, clock=Clock())))
    for error in (StoreUnavailableError("down"), None) * 3:
        inner.error = error
        await asyncio.gather(store.ping(), return_exceptions=True)
    assert inner.calls == 6


@pytest.mark.parametrize(
    "error", [StoreRefusedError("full"), ContentCorruptError("damaged"), LeaseHeldError()]
)
async def test_a_store_that_answers_with_a_refusal_is_not_left_alone(error: Exception) -> None:
    inner = Moody()
    store = BoundedStore(inner, Guard(breaker=Breaker(failures=1, clock=Clock())))
    inner.error = error
    for _ in range(5):
        with pytest.raises(type(error)):
            await store.ping()
    assert inner.calls == 5


async def test_only_one_call_probes_a_store_after_the_pause() -> None:
    inner, clock = Moody(), Clock()
    store = BoundedStore(inner, Guard(breaker=Breaker(failures=1, pause=5.0, clock=clock)))
    inner.error = StoreUnavailableError("down")
    with pytest.raises(StoreUnavailableError):
        await store.ping()
    clock.now += 5.0
    inner.error = None
    inner.hangs = True
    probe = asyncio.create_task(store.ping())
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailableError, match="left alone"):
        await store.ping()
    assert inner.calls == 2

    # A probe whose caller goes away gives its place to the next.
    probe.cancel()
    await asyncio.gather(probe, return_exceptions=True)
    inner.hangs = False
    await store.ping()
    assert inner.calls == 3


@pytest.mark.parametrize(("silence", "calls"), [(0.1, 2), (0.3, 1)])
async def test_a_cancelled_call_is_a_failure_only_after_a_silence(
    silence: float, calls: int
) -> None:
    inner, clock = Moody(), Clock()
    store = BoundedStore(inner, Guard(breaker=Breaker(failures=1, clock=clock)))
    inner.hangs = True
    call = asyncio.create_task(store.ping())
    await asyncio.sleep(0)
    clock.now += silence
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    inner.hangs = False
    await asyncio.gather(store.ping(), return_exceptions=True)
    assert inner.calls == calls


def test_outcomes_from_before_a_change_of_state_are_ignored() -> None:
    clock = Clock()
    breaker = Breaker(failures=1, pause=5.0, clock=clock)
    early, late = breaker.admit(), breaker.admit()
    assert early is not None
    assert late is not None
    breaker.failed(early)
    breaker.succeeded(late)
    assert breaker.admit() is None
    clock.now += 5.0
    probe = breaker.admit()
    assert probe is not None
    breaker.failed(late)
    breaker.succeeded(probe)
    assert breaker.admit() is not None
