"""Opens a span around every call of a store, and measures it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

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
    """A Store whose calls are measured by operation; ``system`` is what keeps it, such as redis."""

    def __init__(self, inner: Store, system: str) -> None:
        self._inner = inner
        self._call = partial(telemetry.store_call, system)

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        """Return a cached view's data."""
        with self._call("recall"):
            return await self._inner.recall(scope, ref, recipe, retention, lease)

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        """End the lease on a view."""
        with self._call("release"):
            await self._inner.release(scope, ref, recipe, token)

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        """Keep an original and a view of it."""
        with self._call("commit"):
            await self._inner.commit(scope, record, view, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        """Keep many originals."""
        with self._call("commit_all"):
            await self._inner.commit_all(scope, records, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        """Return what a conversation holds on to."""
        with self._call("pins"):
            return await self._inner.pins(scope, conversation, retention)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        """Pin what is not pinned yet."""
        with self._call("pin"):
            return await self._inner.pin(scope, conversation, pins, retention)

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        """Return an original."""
        with self._call("fetch"):
            return await self._inner.fetch(scope, ref)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        """Return the refs that are not held."""
        with self._call("find_missing"):
            return await self._inner.find_missing(scope, refs, retention)

    async def delete(self, scope: Scope, ref: str) -> None:
        """Forget an original and its views."""
        with self._call("delete"):
            await self._inner.delete(scope, ref)

    async def add(self, scope: Scope, tally: Tally) -> None:
        """Add to the scope's counters."""
        with self._call("add"):
            await self._inner.add(scope, tally)

    async def totals(self, scope: Scope) -> list[Tally]:
        """Return the scope's counters."""
        with self._call("totals"):
            return await self._inner.totals(scope)

    async def usage(self, scope: Scope) -> Usage:
        """Return what the scope holds."""
        with self._call("usage"):
            return await self._inner.usage(scope)

    async def tenant_usage(self, tenant: str) -> Usage:
        """Return what a tenant holds."""
        with self._call("tenant_usage"):
            return await self._inner.tenant_usage(tenant)

    async def ping(self) -> list[str]:
        """Return if the store answers."""
        with self._call("ping"):
            return await self._inner.ping()

    async def close(self) -> None:
        """Release connections and files."""
        await self._inner.close()
