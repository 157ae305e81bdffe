"""What the memory store promises beyond the contract: a bound, and no eviction."""

from __future__ import annotations

import pytest

from contract.places import Clock, record_of
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.errors import StoreRefusedError
from furler_compressor.app.ports import Scope, StoredView, Usage

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
FIRST, SECOND = record_of(b"a" * 60_000), record_of(b"b" * 60_000)
VIEW = StoredView("recipe", b"v" * 10_000)


async def test_a_full_store_refuses_and_keeps_what_it_holds() -> None:
    store = MemoryStore(max_bytes=100_000)
    await store.commit(SCOPE, FIRST, VIEW, 60.0)
    with pytest.raises(StoreRefusedError, match="full"):
        await store.commit(SCOPE, SECOND, None, 60.0)
    with pytest.raises(StoreRefusedError, match="full"):
        await store.commit(SCOPE, FIRST, StoredView("other", b"v" * 40_000), 60.0)
    assert await store.recall(SCOPE, FIRST.ref, "recipe", 60.0) == VIEW.data
    assert await store.recall(SCOPE, FIRST.ref, "other", 60.0) is None
    assert await store.usage(SCOPE) == Usage(1, 60_000)


async def test_expiry_and_deletion_make_room() -> None:
    clock = Clock()
    store = MemoryStore(max_bytes=100_000, clock=clock)
    for _ in range(5):
        await store.commit(SCOPE, FIRST, VIEW, 30.0)
        clock.now += 31.0
        await store.commit(Scope("another", "space"), SECOND, VIEW, 3600.0)
        await store.delete(Scope("another", "space"), SECOND.ref)


async def test_a_view_that_is_replaced_is_counted_once() -> None:
    store = MemoryStore(max_bytes=100_000)
    for _ in range(20):
        await store.commit(SCOPE, FIRST, VIEW, 60.0)
