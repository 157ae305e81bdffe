"""A store whose calls are guarded: each has a time limit, and none is made while it is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from furler_compressor.adapters.wrap.forward import ForwardingStore
from furler_compressor.adapters.wrap.guard import Guard
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


class BoundedStore(ForwardingStore):
    """Asks a guard before each call of ``inner``."""

    def __init__(self, inner: Store, guard: Guard | None = None) -> None:
        super().__init__(inner)
        self._ask = (guard or Guard()).ask

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        return await self._ask(lambda: self._inner.recall(scope, ref, recipe, retention, lease))

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        await self._ask(lambda: self._inner.release(scope, ref, recipe, token))

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        await self._ask(lambda: self._inner.commit(scope, record, view, retention))

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        await self._ask(lambda: self._inner.commit_all(scope, records, retention))

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        return await self._ask(lambda: self._inner.pins(scope, conversation, retention))

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        return await self._ask(lambda: self._inner.pin(scope, conversation, pins, retention))

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        return await self._ask(lambda: self._inner.fetch(scope, ref))

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        return await self._ask(lambda: self._inner.find_missing(scope, refs, retention))

    async def delete(self, scope: Scope, ref: str) -> None:
        await self._ask(lambda: self._inner.delete(scope, ref))

    async def add(self, scope: Scope, tally: Tally) -> None:
        await self._ask(lambda: self._inner.add(scope, tally))

    async def totals(self, scope: Scope) -> list[Tally]:
        return await self._ask(lambda: self._inner.totals(scope))

    async def usage(self, scope: Scope) -> Usage:
        return await self._ask(lambda: self._inner.usage(scope))

    async def tenant_usage(self, tenant: str) -> Usage:
        return await self._ask(lambda: self._inner.tenant_usage(tenant))

    async def ping(self) -> list[str]:
        return await self._ask(self._inner.ping)
