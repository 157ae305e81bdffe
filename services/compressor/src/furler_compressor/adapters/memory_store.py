"""A Store in this process's memory: for tests, and for ``--store memory``.

It promises what the others promise, but for as long as the process lives. It evicts nothing:
a held original is a promise, and promises come before space, so a full store refuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Held, Lease, Pin, Record, Scope, StoredView, Tally, Usage

DEFAULT_MAX_BYTES = 256 * 1024 * 1024
# What an entry costs beside its data: dictionary slots, keys, objects. Measured about 700 bytes.
_ENTRY_BYTES = 1024
_SWEEP_SECONDS = 60.0


@dataclass(slots=True)
class _Entry:
    record: Record
    expires_at: float
    views: dict[str, bytes] = field(default_factory=dict)

    def cost(self) -> int:
        return (
            _ENTRY_BYTES
            + len(self.record.data)
            + sum(_ENTRY_BYTES + len(data) for data in self.views.values())
        )


@dataclass(slots=True)
class _Conversation:
    expires_at: float
    pins: dict[str, Pin] = field(default_factory=dict)

    def cost(self) -> int:
        return sum(_ENTRY_BYTES + len(pin.data) for pin in self.pins.values())


@dataclass(slots=True)
class _Space:
    entries: dict[str, _Entry] = field(default_factory=dict)
    conversations: dict[str, _Conversation] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)


class MemoryStore:
    """Implements app.ports.Store. Belongs to one event loop: no method yields halfway.

    Args:
        max_bytes: Refuse to hold more than this, data and bookkeeping together.
        clock: Unix time in seconds; tests move it by hand.
    """

    def __init__(
        self, max_bytes: int = DEFAULT_MAX_BYTES, clock: Callable[[], float] = time.time
    ) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._spaces: dict[Scope, _Space] = {}
        self._bytes = 0
        self._next_sweep = 0.0
        self._closed = False

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        del lease  # nobody shares this store
        entry = self._live(scope, ref)
        if entry is None or recipe not in entry.views:
            return None
        self._extend(entry, retention)
        return entry.views[recipe]

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        del scope, ref, recipe, token  # every lease is granted, none is kept

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        entry = self._live(scope, record.ref)
        if entry is not None and entry.record.sha256 != record.sha256:
            raise StoreRefusedError("the reference is held with another digest")
        self._sweep_when_due()
        stale = entry is not None and not entry.record.data.startswith(record.mark)
        fresh = entry or _Entry(record, expires_at=0.0)
        old_view = None if view is None else fresh.views.get(view.recipe)
        growth = 0 if entry is not None else fresh.cost()
        if view is not None:
            growth += len(view.data) - len(old_view or b"")
            growth += _ENTRY_BYTES if old_view is None else 0
        if stale:
            growth += len(record.data) - len(fresh.record.data)
        self._reserve(growth)
        if stale:
            fresh.record = record
        self._spaces.setdefault(scope, _Space()).entries[record.ref] = fresh
        if view is not None:
            fresh.views[view.recipe] = view.data
        self._extend(fresh, retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        for record in records:
            await self.commit(scope, record, None, retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        held = self._conversation(scope, conversation)
        if held is None:
            return {}
        held.expires_at = max(held.expires_at, self._clock() + retention)
        return {key: pin.data for key, pin in held.pins.items()}

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        self._sweep_when_due()
        held = self._conversation(scope, conversation) or _Conversation(0.0)
        fresh = {key: pin for key, pin in pins.items() if key not in held.pins}
        self._reserve(sum(_ENTRY_BYTES + len(pin.data) for pin in fresh.values()))
        held.pins |= fresh
        held.expires_at = max(held.expires_at, self._clock() + retention)
        if held.pins:
            self._spaces.setdefault(scope, _Space()).conversations[conversation] = held
        return {key: held.pins[key].data for key in pins}

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        entry = self._live(scope, ref)
        if entry is None:
            return None
        return Held(replace(entry.record, mark=b""), entry.expires_at)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        missing: list[str] = []
        for ref in refs:
            entry = self._live(scope, ref)
            if entry is None:
                missing.append(ref)
            else:
                self._extend(entry, retention)
        return missing

    async def delete(self, scope: Scope, ref: str) -> None:
        self._check_open()
        space = self._spaces.get(scope)
        if space is None:
            return
        self._forget(space, ref)
        for held in space.conversations.values():
            for key in [key for key, pin in held.pins.items() if pin.ref == ref]:
                self._bytes -= _ENTRY_BYTES + len(held.pins.pop(key).data)

    async def add(self, scope: Scope, tally: Tally) -> None:
        self._check_open()
        tallies = self._spaces.setdefault(scope, _Space()).tallies
        old = tallies.get(tally.name, Tally(tally.name))
        tallies[tally.name] = Tally(
            tally.name,
            views=old.views + tally.views,
            cached=old.cached + tally.cached,
            degraded=old.degraded + tally.degraded,
            tokens_before=old.tokens_before + tally.tokens_before,
            tokens_after=old.tokens_after + tally.tokens_after,
        )

    async def totals(self, scope: Scope) -> list[Tally]:
        self._check_open()
        space = self._spaces.get(scope)
        return [] if space is None else [space.tallies[name] for name in sorted(space.tallies)]

    async def usage(self, scope: Scope) -> Usage:
        self._check_open()
        now = self._clock()
        space = self._spaces.get(scope, _Space())
        sizes = [entry.record.size for entry in space.entries.values() if entry.expires_at > now]
        return Usage(originals=len(sizes), stored_bytes=sum(sizes))

    async def tenant_usage(self, tenant: str) -> Usage:
        scopes = [scope for scope in self._spaces if scope.tenant == tenant]
        usages = [await self.usage(scope) for scope in scopes]
        return Usage(
            originals=sum(usage.originals for usage in usages),
            stored_bytes=sum(usage.stored_bytes for usage in usages),
        )

    async def ping(self) -> list[str]:
        self._check_open()
        return []

    async def close(self) -> None:
        self._closed = True
        self._spaces.clear()
        self._bytes = 0

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailableError("the store is closed")

    def _live(self, scope: Scope, ref: str) -> _Entry | None:
        self._check_open()
        space = self._spaces.get(scope)
        entry = None if space is None else space.entries.get(ref)
        if space is None or entry is None:
            return None
        if entry.expires_at <= self._clock():
            self._forget(space, ref)
            return None
        return entry

    def _conversation(self, scope: Scope, name: str) -> _Conversation | None:
        self._check_open()
        space = self._spaces.get(scope)
        held = None if space is None else space.conversations.get(name)
        if space is None or held is None:
            return None
        if held.expires_at <= self._clock():
            self._bytes -= space.conversations.pop(name).cost()
            return None
        return held

    def _extend(self, entry: _Entry, retention: float) -> None:
        entry.expires_at = max(entry.expires_at, self._clock() + retention)

    def _forget(self, space: _Space, ref: str) -> None:
        entry = space.entries.pop(ref, None)
        if entry is not None:
            self._bytes -= entry.cost()

    def _reserve(self, growth: int) -> None:
        if self._bytes + growth > self._max_bytes:
            self._sweep()
        if self._bytes + growth > self._max_bytes:
            raise StoreRefusedError(f"the store is full: {self._max_bytes} bytes are held")
        self._bytes += growth

    def _sweep_when_due(self) -> None:
        if self._clock() >= self._next_sweep:
            self._sweep()

    def _sweep(self) -> None:
        now = self._clock()
        self._next_sweep = now + _SWEEP_SECONDS
        for space in self._spaces.values():
            for ref in [ref for ref, entry in space.entries.items() if entry.expires_at <= now]:
                self._forget(space, ref)
            ended = [name for name, c in space.conversations.items() if c.expires_at <= now]
            for name in ended:
                self._bytes -= space.conversations.pop(name).cost()
