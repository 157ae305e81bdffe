"""Originals and views are kept as zstd frames; who asks gets them unpacked.

A frame carries its content's size and checksum. What does not unpack to the size recorded beside
it is damage: it is never unpacked further than that size, so a bomb costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import zstandard

from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.adapters.wrap.offload import offload
from furler_compressor.app.errors import ContentCorruptError
from furler_compressor.app.ports import Held, Lease, Pin, Record, Scope, Store, StoredView

# 3: logs to a tenth at 300 MB/s; 9 saves 5 % more and takes four times as long.
_LEVEL = 3
# No original is larger (64 MiB), and no view is longer than its original, but for its wrapping.
_MAX_VIEW_BYTES = 80 * 1024 * 1024


class PackedStore(ForwardingStore):
    """Packs what is committed, unpacks what is read.

    ``fetch`` raises ContentCorruptError for an original that does not unpack to its recorded size
    (wrap.verified removes it); a view that does not unpack is a miss.
    """

    def __init__(self, inner: Store, max_view_bytes: int = _MAX_VIEW_BYTES) -> None:
        super().__init__(inner)
        self._max_view_bytes = max_view_bytes

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        packed = await self._inner.recall(scope, ref, recipe, retention, lease)
        if packed is None:
            return None
        size = _content_size(packed)
        if size is None or size > self._max_view_bytes:
            return None
        return await offload(size, lambda: _unpack(packed, size))

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        packed = replace(record, data=await _packed(record.data))
        if view is not None:
            view = replace(view, data=await _packed(view.data))
        await self._inner.commit(scope, packed, view, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        packed = [replace(record, data=await _packed(record.data)) for record in records]
        await self._inner.commit_all(scope, packed, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        return await self._unpacked(await self._inner.pins(scope, conversation, retention))

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        packed = {key: Pin(pin.ref, await _packed(pin.data)) for key, pin in pins.items()}
        return await self._unpacked(await self._inner.pin(scope, conversation, packed, retention))

    async def _unpacked(self, pins: Mapping[str, bytes]) -> dict[str, bytes]:
        """Unpack pins; one that does not unpack is none."""
        sizes = {key: _content_size(data) or 0 for key, data in pins.items()}

        def work() -> dict[str, bytes]:
            unpacked = {
                key: _unpack(data, sizes[key])
                for key, data in pins.items()
                if sizes[key] <= self._max_view_bytes
            }
            return {key: data for key, data in unpacked.items() if data is not None}

        return await offload(sum(sizes.values()), work)

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        held = await self._inner.fetch(scope, ref)
        if held is None:
            return None
        record = held.record
        data = await offload(record.size, lambda: _unpack(record.data, record.size))
        if data is None:
            raise ContentCorruptError("the stored original does not unpack")
        return Held(replace(record, data=data), held.expires_at)


async def _packed(data: bytes) -> bytes:
    return await offload(len(data), lambda: _pack(data))


def _pack(data: bytes) -> bytes:
    # A context per call: they may not be shared between threads, and making one takes 10 µs.
    return zstandard.ZstdCompressor(
        level=_LEVEL, write_checksum=True, write_content_size=True
    ).compress(data)


def _content_size(packed: bytes) -> int | None:
    """Return the size that the frame says it unpacks to, or None if it says none."""
    try:
        size = zstandard.frame_content_size(packed)
    except zstandard.ZstdError:
        return None
    return size if size >= 0 else None


def _unpack(packed: bytes, size: int) -> bytes | None:
    """Return the frame's content if it is whole and of ``size`` bytes, else None."""
    # Looked at first: the decompressor allocates what the frame announces.
    if _content_size(packed) != size:
        return None
    try:
        data = zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError:
        return None
    return data if len(data) == size else None
