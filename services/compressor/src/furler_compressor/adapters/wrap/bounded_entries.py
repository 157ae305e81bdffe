"""Shared entries whose calls are guarded: each has a time limit, and none is made while they are down."""

from __future__ import annotations

from furler_compressor.adapters.wrap.guard import Guard
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


class BoundedEntries:
    """Asks a guard before each call of ``inner``; not before a wait, which only waits."""

    def __init__(self, inner: Entries, guard: Guard | None = None) -> None:
        self._inner = inner
        self._ask = (guard or Guard()).ask

    async def put(self, scope: Scope, write: Write) -> Written:
        return await self._ask(lambda: self._inner.put(scope, write))

    async def get(self, scope: Scope, key: str) -> Found:
        return await self._ask(lambda: self._inner.get(scope, key))

    async def page(self, scope: Scope, prefix: str, after: str, limit: int) -> Page:
        return await self._ask(lambda: self._inner.page(scope, prefix, after, limit))

    async def delete(self, scope: Scope, removal: Removal) -> int:
        return await self._ask(lambda: self._inner.delete(scope, removal))

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        return await self._ask(lambda: self._inner.changes(scope, after, limit))

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        await self._inner.wait(scope, after, seconds)

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        return await self._ask(lambda: self._inner.sketches(scope, limit))

    async def close(self) -> None:
        await self._inner.close()
