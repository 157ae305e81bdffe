"""Opens a span around every call of the shared entries' backend; a wait is none, it only waits."""

from __future__ import annotations

from functools import partial

from furler_compressor import telemetry
from furler_compressor.app.entries_port import (
    Changes,
    Entries,
    Found,
    Page,
    Removal,
    Write,
    Written,
)
from furler_compressor.app.ports import Scope


class TracedEntries:
    """Entries whose calls are measured by operation, named ``entries.`` and the operation."""

    def __init__(self, inner: Entries, system: str) -> None:
        self._inner = inner
        self._call = partial(telemetry.store_call, system)

    async def put(self, scope: Scope, write: Write) -> Written:
        with self._call("entries.put"):
            return await self._inner.put(scope, write)

    async def get(self, scope: Scope, key: str) -> Found:
        with self._call("entries.get"):
            return await self._inner.get(scope, key)

    async def page(self, scope: Scope, prefix: str, after: str, limit: int) -> Page:
        with self._call("entries.page"):
            return await self._inner.page(scope, prefix, after, limit)

    async def delete(self, scope: Scope, removal: Removal) -> int:
        with self._call("entries.delete"):
            return await self._inner.delete(scope, removal)

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        with self._call("entries.changes"):
            return await self._inner.changes(scope, after, limit)

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        await self._inner.wait(scope, after, seconds)

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        with self._call("entries.sketches"):
            return await self._inner.sketches(scope, limit)

    async def close(self) -> None:
        await self._inner.close()
