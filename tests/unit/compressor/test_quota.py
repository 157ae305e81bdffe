"""Buckets hold a tenant to its rate, over time, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.places import Clock, record_of
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.errors import QuotaExceededError
from furler_compressor.app.ports import Scope
from furler_compressor.app.quota import BURST_SECONDS, LocalMeter, Quota, StoredBytes

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
