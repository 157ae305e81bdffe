"""What every use case is given: who calls, how long there is, and the service's settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

from furler_compressor.app.engine import EngineRunner
from furler_compressor.app.errors import (
    ContentTooLargeError,
    FieldInvalidError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Scope, Store, Tally
from furler_compressor.app.refs import reference, tenant_key
from furler_compressor.app.sharing import Sharing

_T = TypeVar("_T")

MAX_SPACE_LENGTH = 128


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds that requests are held to."""

    max_content_bytes: int
    max_batch_items: int
    max_chunk_bytes: int
    default_retention: float
    max_retention: float
    MESSAGE_HEADROOM: ClassVar = 1024 * 1024
    """Bytes a message may have beside its content."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and until when (event-loop time) an answer is of use."""

    tenant: str
    deadline: float
    agent: str = ""

    def time_left(self) -> float:
        """Return the seconds until the deadline; not negative."""
        return max(0.0, self.deadline - asyncio.get_running_loop().time())

    async def within(self, work: Awaitable[_T]) -> _T:
        """Await a store's answer, for no more than 40 % of the time that is left.

        A store that hangs must leave time for the answer without it. Raises
        StoreUnavailableError when that time is over.
        """
        try:
            async with asyncio.timeout(0.4 * self.time_left()):
                return await work
        except TimeoutError:
            raise StoreUnavailableError("the store did not answer in time") from None

    def scope(self, space: str) -> Scope:
        """Return the caller's scope for a space. Raises FieldInvalidError."""
        name = space or "default"
        if len(name) > MAX_SPACE_LENGTH or not name.isprintable():
            raise FieldInvalidError(
                f"space: want at most {MAX_SPACE_LENGTH} printable characters, got {len(name)}",
                field="space",
            )
        return Scope(self.tenant, name)


@dataclass(frozen=True, slots=True)
class Context:
    """The service: its engine, its store, its limits, its master key."""

    engine: EngineRunner
    store: Store
    limits: Limits
    master_key: bytes
    sharing: Sharing | None = None
    background: set[asyncio.Task[None]] = field(default_factory=set)

    def reference(self, scope: Scope, sha256: bytes) -> str:
        """Return the reference a content has for the scope's tenant."""
        return reference(tenant_key(self.master_key, scope.tenant), sha256)

    def retention(self, seconds: float) -> float:
        """Return a policy's retention, or the default. Raises FieldInvalidError."""
        if seconds < 0 or seconds > self.limits.max_retention:
            raise FieldInvalidError(
                f"policy.retention: want 0 to {self.limits.max_retention:.0f} s, got {seconds:.0f} s",
                field="policy.retention",
            )
        return seconds or self.limits.default_retention

    def check_size(self, size: int) -> None:
        """Raise ContentTooLargeError for a content over the limit."""
        limit = self.limits.max_content_bytes
        if size > limit:
            raise ContentTooLargeError(
                f"content: {size:,} bytes exceed the limit of {limit:,} bytes",
                limit_bytes=str(limit),
                size_bytes=str(size),
            )

    def add_in_background(self, scope: Scope, tally: Tally) -> None:
        """Add to a scope's counters without making the caller wait; a loss is tolerable."""

        async def add() -> None:
            with contextlib.suppress(StoreUnavailableError):
                await self.store.add(scope, tally)

        task = asyncio.create_task(add())
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self.background)
