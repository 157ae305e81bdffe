"""What every decorator of a store starts from: each call goes on to the store inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from furler_compressor.app.ports import (
    Held,
    Lease,
    Pin,
    Record,
    Scope,
    Store,
    StoredView,
    Tally,
    Usage,
)


class ForwardingStore:
    """Implements app.ports.Store by asking ``inner``. A decorator overrides what it cares about."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        return await self._inner.recall(scope, ref, recipe, retention, lease)

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        await self._inner.release(scope, ref, recipe, token)

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        await self._inner.commit(scope, record, view, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        await self._inner.commit_all(scope, records, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        return await self._inner.pins(scope, conversation, retention)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        return await self._inner.pin(scope, conversation, pins, retention)

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        return await self._inner.fetch(scope, ref)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        return await self._inner.find_missing(scope, refs, retention)

    async def delete(self, scope: Scope, ref: str) -> None:
        await self._inner.delete(scope, ref)

    async def add(self, scope: Scope, tally: Tally) -> None:
        await self._inner.add(scope, tally)

    async def totals(self, scope: Scope) -> list[Tally]:
        return await self._inner.totals(scope)

    async def usage(self, scope: Scope) -> Usage:
        return await self._inner.usage(scope)

    async def tenant_usage(self, tenant: str) -> Usage:
        return await self._inner.tenant_usage(tenant)

    async def ping(self) -> list[str]:
        return await self._inner.ping()

    async def close(self) -> None:
        await self._inner.close()
