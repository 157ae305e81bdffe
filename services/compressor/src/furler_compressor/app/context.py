"""What every use case is given besides its caller: the engine, the store, the service's settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Hashable
from dataclasses import dataclass, field
from typing import ClassVar

from furler_compressor.app.audit import AuditTrail, NoTrail
from furler_compressor.app.caller import Caller
from furler_compressor.app.engine import EngineRunner
from furler_compressor.app.errors import (
    ContentTooLargeError,
    FieldInvalidError,
    StoreUnavailableError,
)
from furler_compressor.app.judging import Judging
from furler_compressor.app.memo import Memo
from furler_compressor.app.outcome import Led
from furler_compressor.app.pin_memory import PinMemory
from furler_compressor.app.ports import Scope, Store, Tally
from furler_compressor.app.quota import StoredBytes
from furler_compressor.app.refs import reference, tenant_key
from furler_compressor.app.sharing import Sharing
from furler_compressor.app.singleflight import SingleFlight

__all__ = ["Caller", "Context", "Limits"]


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
class Context:
    """The service: its engine, its store, its model, its limits, its master key."""

    engine: EngineRunner
    store: Store
    limits: Limits
    master_key: bytes
    sharing: Sharing | None = None
    judging: Judging = field(default_factory=Judging)
    trail: AuditTrail = field(default_factory=NoTrail)
    pin_memory: PinMemory = field(default_factory=PinMemory)
    memo: Memo = field(default_factory=lambda: Memo(0))
    stored: StoredBytes = field(default_factory=StoredBytes)
    flights: SingleFlight[Hashable, Led] = field(default_factory=SingleFlight)
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

    async def admit(self, caller: Caller, size: int) -> None:
        """Count what is about to be stored. Raises QuotaExceededError, StoreUnavailableError."""
        quota = caller.grant.quota
        if quota.stored_bytes:
            await caller.within(self.stored.add(self.store, caller.tenant, quota, size))

    def add_in_background(self, scope: Scope, tally: Tally) -> None:
        """Add to a scope's counters without making the caller wait; a loss is tolerable."""

        async def add() -> None:
            with contextlib.suppress(StoreUnavailableError):
                await self.store.add(scope, tally)

        self.in_background(add())

    def in_background(self, work: Coroutine[None, None, None]) -> None:
        """Run something that no caller waits for, and that does not raise."""
        task = asyncio.create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)

    async def drain(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self.background)
