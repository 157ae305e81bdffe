"""Stand-ins for the ports of the service, each wrong in one way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from furler_compressor.app.context import Caller, Context, Limits
from furler_compressor.app.conversed import ConversationJob, Conversed
from furler_compressor.app.engine import (
    CompressJob,
    EngineFailedError,
    EngineRunner,
    Picked,
    SelectJob,
)
from furler_compressor.app.errors import StoreUnavailableError
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
from furler_compressor.app.work import COMPRESSORS, perform
from furler_engine.types import View

LIMITS = Limits(
    max_content_bytes=64 * 1024 * 1024,
    max_batch_items=16,
    max_chunk_bytes=1024 * 1024,
    default_retention=3600,
    max_retention=86_400,
)


class DirectEngine:
    """Performs jobs where it is called."""

    @property
    def compressors(self) -> tuple[str, ...]:
        return COMPRESSORS

    async def compress(self, job: CompressJob, seconds: float) -> View:
        view = perform(job)
        assert isinstance(view, View)
        return view

    async def select(self, job: SelectJob, seconds: float) -> Picked:
        picked = perform(job)
        assert isinstance(picked, Picked)
        return picked

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        done = perform(job)
        assert isinstance(done, Conversed)
        return done

    async def close(self) -> None:
        return


class CrashingEngine(DirectEngine):
    """Fails every job."""

    async def compress(self, job: CompressJob, seconds: float) -> View:
        raise EngineFailedError("MemoryError")

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        raise EngineFailedError("MemoryError")


class HangingEngine(DirectEngine):
    """Answers no job within its time."""

    async def compress(self, job: CompressJob, seconds: float) -> View:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
        raise AssertionError

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        async with asyncio.timeout(seconds):
            await asyncio.Event().wait()
        raise AssertionError


class FailingStore:
    """Refuses everything, as a store does that is down or full."""

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        await self._fail()
        return None

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        await self._fail()

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        await self._fail()

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        await self._fail()

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        await self._fail()
        return {}

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        await self._fail()
        return {}

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        await self._fail()
        return None

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        await self._fail()
        return refs

    async def delete(self, scope: Scope, ref: str) -> None:
        await self._fail()

    async def add(self, scope: Scope, tally: Tally) -> None:
        await self._fail()

    async def totals(self, scope: Scope) -> list[Tally]:
        await self._fail()
        return []

    async def usage(self, scope: Scope) -> Usage:
        await self._fail()
        return Usage(0, 0)

    async def tenant_usage(self, tenant: str) -> Usage:
        await self._fail()
        return Usage(0, 0)

    async def ping(self) -> list[str]:
        await self._fail()
        return []

    async def close(self) -> None:
        return

    async def _fail(self) -> None:
        raise StoreUnavailableError("the store is down")


class HangingStore(FailingStore):
    """Never answers."""

    async def _fail(self) -> None:
        await asyncio.Event().wait()


class FullStore(FailingStore):
    """Reads, and refuses to write."""

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        return None

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        return {}


def context(store: Store, engine: EngineRunner | None = None) -> Context:
    """Return a service's context around a store."""
    return Context(engine or DirectEngine(), store, LIMITS, b"a key of the tests")


def caller(seconds: float = 30.0, tenant: str = "acme") -> Caller:
    """Return a caller with this much time."""
    return Caller(tenant, asyncio.get_running_loop().time() + seconds)
