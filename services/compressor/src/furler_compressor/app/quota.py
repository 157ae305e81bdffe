"""What a tenant may use, and the token buckets that hold it to that.

A bucket fills at its rate and holds a few seconds' worth. A call is let in while there is one
request, one byte, and takes its whole cost, into debt if need be: so a large call is never refused
for ever, and the rate holds over time all the same.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from furler_compressor.app.errors import QuotaExceededError
from furler_compressor.app.ports import Store

BURST_SECONDS = 5.0
"""A bucket holds this much of its rate: agents start turns together."""
_MOST_TENANTS = 10_000
_USAGE_SECONDS = 5.0
"""How old a reading of what a tenant stores may be; what this process adds meanwhile is counted."""
_STORED_RETRY_SECONDS = 60.0
"""Stored bytes go down as originals expire: by the minute, not by the second."""


@dataclass(frozen=True, slots=True)
class Quota:
    """Bounds of one tenant; 0 is no bound. A batch counts as its items.

    A call over ``model_tokens_per_second`` is answered without the model, not refused.
    """

    requests_per_second: float = 0
    bytes_per_second: float = 0
    stored_bytes: int = 0
    model_tokens_per_second: float = 0

    @property
    def counts_calls(self) -> bool:
        """Whether calls and their bytes are bounded at all."""
        return bool(self.requests_per_second or self.bytes_per_second)


UNLIMITED = Quota()


@dataclass(frozen=True, slots=True)
class Excess:
    """Which bound a call would break, and the seconds after which it would not."""

    name: str
    limit: float
    seconds: float


class Meter(Protocol):
    """Counts what tenants use per second. Never raises, soon returns: in doubt, a call is let in."""

    async def take(self, tenant: str, quota: Quota, requests: int, size: int) -> Excess | None:
        """Charge a call, or say why it is not let in: then nothing is charged."""
        ...


@dataclass(slots=True)
class _Level:
    requests: float
    size: float
    at: float


@dataclass(slots=True)
class LocalMeter:
    """Implements Meter for one process."""

    clock: Callable[[], float] = time.monotonic
    _levels: OrderedDict[str, _Level] = field(default_factory=OrderedDict)

    async def take(self, tenant: str, quota: Quota, requests: int, size: int) -> Excess | None:
        """Charge a call, or say why it is not let in."""
        now = self.clock()
        level = self._levels.pop(tenant, None)
        if level is None:
            level = _Level(
                capacity(quota.requests_per_second), capacity(quota.bytes_per_second), now
            )
        # Least recently used first: who has not called for long has full buckets anyway.
        self._levels[tenant] = level
        if len(self._levels) > _MOST_TENANTS:
            self._levels.popitem(last=False)
        passed, level.at = now - level.at, now
        level.requests = refilled(level.requests, quota.requests_per_second, passed)
        level.size = refilled(level.size, quota.bytes_per_second, passed)
        excess = excess_of(quota, level.requests, level.size)
        if excess is None:
            level.requests -= requests
            level.size -= size
        return excess


def capacity(rate: float) -> float:
    """Return what a bucket of this rate holds; one call at least."""
    return max(1.0, rate * BURST_SECONDS)


def refilled(level: float, rate: float, seconds: float) -> float:
    """Return a bucket's level after some time."""
    return min(capacity(rate), level + rate * max(0.0, seconds))


def excess_of(quota: Quota, requests: float, size: float) -> Excess | None:
    """Return the first bound whose bucket is empty at these levels."""
    for name, rate, level in (
        ("requests_per_second", quota.requests_per_second, requests),
        ("bytes_per_second", quota.bytes_per_second, size),
    ):
        if rate and level < 1:
            # A millisecond more, so that who waits exactly that long finds something.
            return Excess(name, rate, (1 - level) / rate + 0.001)
    return None


@dataclass(slots=True)
class Excesses:
    """Knows whose buckets are empty, and until when: such a call is refused unread and unasked.

    Buckets fill at their rate and no faster, so nothing is refused that the meter would let in.
    """

    clock: Callable[[], float] = time.monotonic
    _until: OrderedDict[tuple[str, Quota], tuple[float, Excess]] = field(
        default_factory=OrderedDict
    )

    def note(self, tenant: str, quota: Quota, excess: Excess) -> None:
        """Remember what a tenant was refused for."""
        key = (tenant, quota)
        self._until[key] = (self.clock() + excess.seconds, excess)
        self._until.move_to_end(key)
        if len(self._until) > _MOST_TENANTS:
            self._until.popitem(last=False)

    def check(self, tenant: str, quota: Quota) -> None:
        """Raise QuotaExceededError if the tenant has to wait still."""
        if not self._until:
            return
        key = (tenant, quota)
        until, excess = self._until.get(key, (0.0, None))
        if excess is None:
            return
        left = until - self.clock()
        if left > 0:
            raise exceeded(tenant, replace(excess, seconds=left))
        del self._until[key]


@dataclass(slots=True)
class StoredBytes:
    """Knows, by a few seconds, what tenants store.

    A soft bound: replicas learn of each other's commits when they read again.
    """

    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    async def add(self, store: Store, tenant: str, quota: Quota, size: int) -> None:
        """Count an original that is about to be stored. Raises QuotaExceededError, or the store's."""
        if not quota.stored_bytes:
            return
        read_at, held = self._known.pop(tenant, (float("-inf"), 0))
        if self.clock() - read_at >= _USAGE_SECONDS:
            read_at, held = self.clock(), (await store.tenant_usage(tenant)).stored_bytes
        fits = held + size <= quota.stored_bytes
        self._known[tenant] = (read_at, held + size if fits else held)
        if len(self._known) > _MOST_TENANTS:
            self._known.popitem(last=False)
        if not fits:
            excess = Excess("stored_bytes", quota.stored_bytes, _STORED_RETRY_SECONDS)
            raise exceeded(tenant, excess)


def exceeded(tenant: str, excess: Excess) -> QuotaExceededError:
    """Return the error that tells a caller of an excess."""
    return QuotaExceededError(
        f"quota: over {excess.name} of {excess.limit:g}",
        retry_after=excess.seconds,
        subject=f"tenant:{tenant}",
        quota=excess.name,
        limit=f"{excess.limit:g}",
    )
