"""Opens a span around every call of a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from furler_compressor import telemetry
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


class TracedStore:
    """A Store whose calls are spans named ``furler.store.`` and the operation."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        """Return a cached view's data."""
        with telemetry.store_span("recall"):
            return await self._inner.recall(scope, ref, recipe, retention, lease)

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        """End the lease on a view."""
        with telemetry.store_span("release"):
            await self._inner.release(scope, ref, recipe, token)

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        """Keep an original and a view of it."""
        with telemetry.store_span("commit"):
            await self._inner.commit(scope, record, view, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        """Keep many originals."""
        with telemetry.store_span("commit_all"):
            await self._inner.commit_all(scope, records, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        """Return what a conversation holds on to."""
        with telemetry.store_span("pins"):
            return await self._inner.pins(scope, conversation, retention)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        """Pin what is not pinned yet."""
        with telemetry.store_span("pin"):
            return await self._inner.pin(scope, conversation, pins, retention)

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        """Return an original."""
        with telemetry.store_span("fetch"):
            return await self._inner.fetch(scope, ref)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        """Return the refs that are not held."""
        with telemetry.store_span("find_missing"):
            return await self._inner.find_missing(scope, refs, retention)

    async def delete(self, scope: Scope, ref: str) -> None:
        """Forget an original and its views."""
        with telemetry.store_span("delete"):
            await self._inner.delete(scope, ref)

    async def add(self, scope: Scope, tally: Tally) -> None:
        """Add to the scope's counters."""
        with telemetry.store_span("add"):
            await self._inner.add(scope, tally)

    async def totals(self, scope: Scope) -> list[Tally]:
        """Return the scope's counters."""
        with telemetry.store_span("totals"):
            return await self._inner.totals(scope)

    async def usage(self, scope: Scope) -> Usage:
        """Return what the scope holds."""
        with telemetry.store_span("usage"):
            return await self._inner.usage(scope)

    async def tenant_usage(self, tenant: str) -> Usage:
        """Return what a tenant holds."""
        with telemetry.store_span("tenant_usage"):
            return await self._inner.tenant_usage(tenant)

    async def ping(self) -> list[str]:
        """Return if the store answers."""
        with telemetry.store_span("ping"):
            return await self._inner.ping()

    async def close(self) -> None:
        """Release connections and files."""
        await self._inner.close()
