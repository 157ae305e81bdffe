"""Right bytes or an error, never wrong bytes: what is read is checked against its digest."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping

from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.adapters.wrap.offload import offload
from furler_compressor.app.errors import ContentCorruptError, StoreUnavailableError
from furler_compressor.app.ports import Held, Lease, Pin, Record, Scope, StoredView

# Against damage and mix-ups, not against a forger: who writes to the store can write anything.
_SEAL_BYTES = 16


class VerifiedStore(ForwardingStore):
    """Checks originals and views as they are read.

    ``fetch`` deletes an original whose bytes do not match its digest and size, and raises
    ContentCorruptError: put again, it is whole. A view carries a seal over its reference, its
    recipe and its bytes; one whose seal does not match is a miss, made and committed anew.
    """

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        sealed = await self._inner.recall(scope, ref, recipe, retention, lease)
        if sealed is None:
            return None
        seal, data = sealed[:_SEAL_BYTES], sealed[_SEAL_BYTES:]
        expected = await offload(len(data), lambda: _seal(ref, recipe, data))
        return data if seal == expected else None

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        if view is not None:
            recipe, data = view.recipe, view.data
            seal = await offload(len(data), lambda: _seal(record.ref, recipe, data))
            view = StoredView(recipe, seal + data)
        await self._inner.commit(scope, record, view, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        return _whole(conversation, await self._inner.pins(scope, conversation, retention))

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        sealed = {
            key: Pin(pin.ref, _seal(conversation, key, pin.data) + pin.data)
            for key, pin in pins.items()
        }
        return _whole(conversation, await self._inner.pin(scope, conversation, sealed, retention))

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        try:
            held = await self._inner.fetch(scope, ref)
        except ContentCorruptError:
            await self._forget(scope, ref)
            raise
        if held is None:
            return None
        record = held.record
        if not await offload(record.size, lambda: _is_whole(record)):
            await self._forget(scope, ref)
            raise ContentCorruptError("the stored original does not match its digest")
        return held

    async def _forget(self, scope: Scope, ref: str) -> None:
        # If even that fails, the next fetch finds the same damage and tries again.
        with contextlib.suppress(StoreUnavailableError):
            await self._inner.delete(scope, ref)


def _is_whole(record: Record) -> bool:
    return len(record.data) == record.size and hashlib.sha256(record.data).digest() == record.sha256


def _whole(conversation: str, sealed: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the pins whose seals match; a damaged one is none."""
    return {
        key: data[_SEAL_BYTES:]
        for key, data in sealed.items()
        if data[:_SEAL_BYTES] == _seal(conversation, key, data[_SEAL_BYTES:])
    }


def _seal(ref: str, recipe: str, data: bytes) -> bytes:
    # The lengths keep ("ab", "c") and ("a", "bc") apart.
    seal = hashlib.sha256(f"{len(ref)} {len(recipe)} {ref}{recipe}".encode())
    seal.update(data)
    return seal.digest()[:_SEAL_BYTES]
