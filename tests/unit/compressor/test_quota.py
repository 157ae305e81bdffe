"""Buckets hold a tenant to its rate, over time, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.places import Clock, record_of
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.errors import QuotaExceededError
from furler_compressor.app.ports import Scope
from furler_compressor.app.quota import (
    BURST_SECONDS,
    Excess,
    Excesses,
    LocalMeter,
    Quota,
    StoredBytes,
)

pytestmark = pytest.mark.anyio


async def test_a_burst_is_let_in_and_then_the_rate() -> None:
    clock = Clock()
    meter, quota = LocalMeter(clock), Quota(requests_per_second=2)
    burst = int(2 * BURST_SECONDS)
    assert [await meter.take("a", quota, 1, 0) for _ in range(burst)] == [None] * burst
    excess = await meter.take("a", quota, 1, 0)
    assert excess is not None
    assert (excess.name, excess.limit, round(excess.seconds, 2)) == ("requests_per_second", 2, 0.5)
    clock.now += excess.seconds
    assert await meter.take("a", quota, 1, 0) is None
    assert await meter.take("a", quota, 1, 0) is not None
    assert await meter.take("b", quota, 1, 0) is None


async def test_what_is_refused_is_not_charged() -> None:
    clock = Clock()
    meter, quota = LocalMeter(clock), Quota(requests_per_second=0.1, bytes_per_second=100)
    assert await meter.take("a", quota, 1, 10) is None
    for _ in range(100):
        assert await meter.take("a", quota, 1, 10_000) is not None
    clock.now += 10.1
    assert await meter.take("a", quota, 1, 10) is None


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(1, 5000)), min_size=1, max_size=50))
@settings(max_examples=50)
def test_a_rate_holds_over_any_stretch_of_calls(calls: list[tuple[float, int]]) -> None:
    clock, rate = Clock(), 100.0
    meter, quota = LocalMeter(clock), Quota(bytes_per_second=rate)
    start, taken, largest = clock.now, 0, 0
    for pause, size in calls:
        clock.now += pause
        coroutine = meter.take("a", quota, 1, size)
        try:
            coroutine.send(None)
        except StopIteration as end:
            if end.value is None:
                taken, largest = taken + size, max(largest, size)
    assert taken <= rate * (clock.now - start + BURST_SECONDS) + largest + 1


async def test_stored_bytes_are_read_again_after_a_while() -> None:
    clock, store = Clock(), MemoryStore()
    stored, quota = StoredBytes(clock), Quota(stored_bytes=100)
    record = record_of(b"x" * 80)
    await stored.add(store, "a", quota, record.size)
    await store.commit(Scope("a", "one"), record, None, 3600)
    with pytest.raises(QuotaExceededError):
        await stored.add(store, "a", quota, 30)
    await store.delete(Scope("a", "one"), record.ref)
    with pytest.raises(QuotaExceededError):
        await stored.add(store, "a", quota, 30)
    clock.now += 6
    await stored.add(store, "a", quota, 30)


async def test_who_was_told_to_wait_is_refused_until_then_and_is_told_what_is_left() -> None:
    clock = Clock()
    excesses, quota = Excesses(clock), Quota(requests_per_second=0.5)
    excesses.check("a", quota)
    excesses.note("a", quota, Excess("requests_per_second", 0.5, 2.0))
    clock.now += 1.5
    with pytest.raises(QuotaExceededError) as raised:
        excesses.check("a", quota)
    assert raised.value.retry_after == pytest.approx(0.5)
    assert raised.value.metadata == {"quota": "requests_per_second", "limit": "0.5"}
    excesses.check("b", quota)
    excesses.check("a", Quota(requests_per_second=5))
    clock.now += 0.5
    excesses.check("a", quota)


@given(
    st.lists(st.tuples(st.floats(0, 3), st.integers(1, 3), st.integers(0, 300)), max_size=60),
    st.sampled_from([Quota(requests_per_second=1.5), Quota(bytes_per_second=100), Quota(2, 50)]),
)
async def test_what_is_refused_unasked_the_meter_would_have_refused(
    calls: list[tuple[float, int, int]], quota: Quota
) -> None:
    clock = Clock()
    meter, excesses = LocalMeter(clock), Excesses(clock)
    for pause, requests, size in calls:
        clock.now += pause
        refused = False
        try:
            excesses.check("a", quota)
        except QuotaExceededError:
            refused = True
        excess = await meter.take("a", quota, requests, size)
        assert excess is not None or not refused
        if excess is not None:
            excesses.note("a", quota, excess)
