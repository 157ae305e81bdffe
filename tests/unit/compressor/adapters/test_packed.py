"""zstd around a store: smaller inside, the same outside, and damage is no surprise."""

from __future__ import annotations

from dataclasses import replace

import pytest
import zstandard

from contract.places import record_of
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.wrap.packed import PackedStore
from furler_compressor.app.errors import ContentCorruptError
from furler_compressor.app.ports import Scope, StoredView

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
LOG = record_of(b"2026-01-01 INFO request served\n" * 1000)
VIEW = StoredView("recipe", b"1000 lines: INFO request served " * 50)


async def test_what_is_kept_is_smaller_and_states_its_unpacked_size() -> None:
    inner = MemoryStore()
    await PackedStore(inner).commit(SCOPE, LOG, VIEW, 60.0)
    held = await inner.fetch(SCOPE, LOG.ref)
    view = await inner.recall(SCOPE, LOG.ref, "recipe", 60.0)
    assert held is not None
    assert view is not None
    assert len(held.record.data) < LOG.size / 20
    assert len(view) < len(VIEW.data) / 5
    assert (held.record.size, held.record.sha256) == (LOG.size, LOG.sha256)


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not zstd at all",
        zstandard.compress(LOG.data)[:-3],
        zstandard.compress(LOG.data) + b"more",
        zstandard.compress(LOG.data[:-1]),
        zstandard.compress(b"\0" * 10_000_000),  # a bomb: 10 MB in 1 kB
        zstandard.ZstdCompressor(write_content_size=False).compress(LOG.data),
    ],
    ids=["empty", "foreign", "cut", "trailing", "shorter", "bomb", "sizeless"],
)
async def test_a_damaged_original_is_an_error_and_never_other_bytes(damaged: bytes) -> None:
    inner = MemoryStore()
    await inner.commit(SCOPE, replace(LOG, data=damaged), None, 60.0)
    with pytest.raises(ContentCorruptError):
        await PackedStore(inner).fetch(SCOPE, LOG.ref)


async def test_a_flipped_bit_anywhere_never_yields_other_bytes() -> None:
    inner = MemoryStore()
    store = PackedStore(inner)
    await store.commit(SCOPE, LOG, None, 60.0)
    held = await inner.fetch(SCOPE, LOG.ref)
    assert held is not None
    packed = held.record.data
    for position in range(len(packed)):
        flipped = bytearray(packed)
        flipped[position] ^= 0x10
        await inner.delete(SCOPE, LOG.ref)
        await inner.commit(SCOPE, replace(LOG, data=bytes(flipped)), None, 60.0)
        try:
            found = await store.fetch(SCOPE, LOG.ref)
        except ContentCorruptError:
            continue
        assert found is not None
        assert found.record.data == LOG.data


@pytest.mark.parametrize("damaged", [b"", b"not zstd", zstandard.compress(VIEW.data)[:-1]])
async def test_a_damaged_view_is_a_miss(damaged: bytes) -> None:
    inner = MemoryStore()
    await inner.commit(SCOPE, LOG, StoredView("recipe", damaged), 60.0)
    assert await PackedStore(inner).recall(SCOPE, LOG.ref, "recipe", 60.0) is None


async def test_a_view_that_unpacks_beyond_its_bound_is_a_miss() -> None:
    inner = MemoryStore()
    bomb = zstandard.compress(b"\0" * 1001)
    await inner.commit(SCOPE, LOG, StoredView("recipe", bomb), 60.0)
    assert await PackedStore(inner, 1000).recall(SCOPE, LOG.ref, "recipe", 60.0) is None
    assert await PackedStore(inner, 1001).recall(SCOPE, LOG.ref, "recipe", 60.0) == b"\0" * 1001
