"""Right bytes or an error: nothing that is read back differs from what was put."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contract.places import record_of
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.adapters.wrap.verified import VerifiedStore
from furler_compressor.app.errors import ContentCorruptError, StoreUnavailableError
from furler_compressor.app.ports import Held, Record, Scope, StoredView

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
LOG = record_of(b"ERROR disk full\n" * 40)
VIEW = StoredView("recipe", b"40 lines: ERROR disk full")


@pytest.mark.parametrize(
    "damaged",
    [
        replace(LOG, data=LOG.data.replace(b"full", b"fine", 1)),
        replace(LOG, data=LOG.data[:-1]),
        replace(LOG, data=b""),
        replace(LOG, size=LOG.size + 1),
        replace(LOG, sha256=bytes(32)),
    ],
    ids=["changed", "cut", "empty", "size", "digest"],
)
async def test_a_damaged_original_is_an_error_once_and_then_gone(damaged: Record) -> None:
    inner = MemoryStore()
    store = VerifiedStore(inner)
    await inner.commit(SCOPE, damaged, None, 60.0)
    with pytest.raises(ContentCorruptError):
        await store.fetch(SCOPE, LOG.ref)
    assert await store.fetch(SCOPE, LOG.ref) is None
    await store.commit(SCOPE, LOG, None, 60.0)
    held = await store.fetch(SCOPE, LOG.ref)
    assert held is not None
    assert held.record == LOG


class Broken(ForwardingStore):
    """Says that what it holds is damaged, and cannot delete it."""

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        raise ContentCorruptError(f"{ref} in {scope.space} does not unpack")

    async def delete(self, scope: Scope, ref: str) -> None:
        raise StoreUnavailableError(f"{ref} in {scope.space} cannot be deleted")


async def test_damage_is_reported_also_if_it_cannot_be_removed() -> None:
    with pytest.raises(ContentCorruptError):
        await VerifiedStore(Broken(MemoryStore())).fetch(SCOPE, LOG.ref)


async def test_damage_that_the_store_inside_reports_is_removed() -> None:
    class Damaged(ForwardingStore):
        async def fetch(self, scope: Scope, ref: str) -> Held | None:
            if await super().fetch(scope, ref) is None:
                return None
            raise ContentCorruptError("does not unpack")

    store = VerifiedStore(Damaged(MemoryStore()))
    await store.commit(SCOPE, LOG, VIEW, 60.0)
    with pytest.raises(ContentCorruptError):
        await store.fetch(SCOPE, LOG.ref)
    assert await store.fetch(SCOPE, LOG.ref) is None


async def test_a_view_that_changed_in_any_byte_is_a_miss() -> None:
    inner = MemoryStore()
    store = VerifiedStore(inner)
    await store.commit(SCOPE, LOG, VIEW, 60.0)
    kept = await inner.recall(SCOPE, LOG.ref, "recipe", 60.0)
    assert kept is not None
    for position in range(len(kept)):
        changed = bytearray(kept)
        changed[position] ^= 1
        await inner.commit(SCOPE, LOG, StoredView("recipe", bytes(changed)), 60.0)
        assert await store.recall(SCOPE, LOG.ref, "recipe", 60.0) is None
    await inner.commit(SCOPE, LOG, StoredView("recipe", kept), 60.0)
    assert await store.recall(SCOPE, LOG.ref, "recipe", 60.0) == VIEW.data


async def test_a_view_under_another_name_is_a_miss() -> None:
    inner = MemoryStore()
    store = VerifiedStore(inner)
    await store.commit(SCOPE, replace(LOG, ref="ab"), StoredView("c", b"data"), 60.0)
    kept = await inner.recall(SCOPE, "ab", "c", 60.0)
    assert kept is not None
    for ref, recipe in (("ab", "d"), ("a", "bc"), ("abc", "")):
        await inner.commit(SCOPE, replace(LOG, ref=ref), StoredView(recipe, kept), 60.0)
        assert await store.recall(SCOPE, ref, recipe, 60.0) is None
