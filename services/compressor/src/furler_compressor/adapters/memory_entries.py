"""Shared entries in this process's memory: for tests, and for ``--store memory``.

Also the plainest statement of what app.entries_port promises: the other adapters are compared
with it.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field

from furler_compressor.app.entries_port import (
    LOG_LENGTH,
    SWEEP_ENTRIES,
    Change,
    Changes,
    Entry,
    Found,
    Page,
    Removal,
    Write,
    Written,
)
from furler_compressor.app.errors import (
    CursorExpiredError,
    EntryNotFoundError,
    RevisionMismatchError,
    SpaceFullError,
    StoreUnavailableError,
    request_reused,
)
from furler_compressor.app.ports import Scope

_SWEEP_SECONDS = 60.0


@dataclass(slots=True)
class _Space:
    last: int = 0
    floor: int = 0
    """The newest revision that was trimmed from the log: the oldest that a watch can go on after."""
    size: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)
    sketches: dict[str, bytes] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    requests: dict[str, tuple[Change, str]] = field(default_factory=dict)
    """Changes in the log by their request_id, with their fingerprints."""
    request_ids: dict[int, str] = field(default_factory=dict)


class MemoryEntries:
    """Implements app.entries_port.Entries. Belongs to one event loop: only ``wait`` yields.

    Args:
        log_length: Changes kept per scope.
        clock: Unix time in seconds; tests move it by hand.
    """

    def __init__(
        self, log_length: int = LOG_LENGTH, clock: Callable[[], float] = time.time
    ) -> None:
        self._log_length = log_length
        self._clock = clock
        self._spaces: dict[Scope, _Space] = {}
        self._grown = asyncio.Event()
        self._next_sweep = 0.0
        self._closed = False

    async def put(self, scope: Scope, write: Write) -> Written:
        self._sweep_others_when_due()
        space = self._swept(scope)
        before = self._repeated(space, write.request_id, write.fingerprint())
        if before is not None:
            if before.entry is None:  # pragma: no cover - the fingerprint says that it was a put
                raise request_reused()
            return Written(before.entry, repeated=True)
        held = space.entries.get(write.key)
        if write.if_revision is not None and write.if_revision != (held.revision if held else 0):
            raise RevisionMismatchError.at(write.key, held.revision if held else 0)
        size = space.size - (held.size if held else 0) + write.size
        if held is None and len(space.entries) >= write.bounds.entries:
            raise SpaceFullError.over("shared_entries", write.bounds.entries)
        if size > write.bounds.size:
            raise SpaceFullError.over("shared_bytes", write.bounds.size)
        now = self._clock()
        entry = Entry(
            write.key,
            self._next_revision(space),
            write.sha256,
            write.size,
            held.creator if held else write.author,
            held.created_at if held else now,
            now,
            now + write.retention,
            write.body,
        )
        space.size = size
        space.entries[write.key] = entry
        space.sketches[write.key] = write.sketch
        change = Change(entry.revision, write.key, entry)
        self._append(space, change, write.request_id, write.fingerprint())
        return Written(entry, repeated=False)

    async def get(self, scope: Scope, key: str) -> Found:
        space = self._space(scope)
        entry = space.entries.get(key)
        return Found(entry if entry and self._lives(entry) else None, space.last)

    async def page(self, scope: Scope, prefix: str, after: str, limit: int) -> Page:
        space = self._space(scope)
        found = [
            space.entries[key]
            for key in sorted(space.entries)
            if key.startswith(prefix) and key > after and self._lives(space.entries[key])
        ]
        return Page(tuple(found[:limit]), len(found) > limit, space.last)

    async def delete(self, scope: Scope, removal: Removal) -> int:
        space = self._swept(scope)
        before = self._repeated(space, removal.request_id, removal.fingerprint())
        if before is not None:
            return before.revision
        held = space.entries.get(removal.key)
        if held is None:
            raise EntryNotFoundError.of(removal.key)
        if removal.if_revision is not None and removal.if_revision != held.revision:
            raise RevisionMismatchError.at(removal.key, held.revision)
        return self._remove(space, held, removal, expired=False)

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        space = self._swept(scope)
        due = min((entry.expires_at for entry in space.entries.values()), default=None)
        due_in = None if due is None else max(0.0, due - self._clock())
        if after is None:
            return Changes((), space.last, due_in)
        at = bisect_right(space.log, after, key=lambda change: change.revision)
        if after != space.floor and not (at and space.log[at - 1].revision == after):
            raise CursorExpiredError.before(space.floor)
        found = tuple(space.log[at : at + limit])
        through = space.last if at + limit >= len(space.log) else found[-1].revision
        return Changes(found, through, due_in)

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self._space(scope).last <= after:
                    await self._grown.wait()
        except TimeoutError:
            return

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        space = self._space(scope)
        live = [entry for entry in space.entries.values() if self._lives(entry)]
        live.sort(key=lambda entry: entry.revision, reverse=True)
        return [(entry.key, space.sketches[entry.key]) for entry in live[:limit]]

    async def close(self) -> None:
        self._closed = True
        self._spaces.clear()
        self._wake()

    def _space(self, scope: Scope) -> _Space:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        return self._spaces.get(scope) or _Space()

    def _swept(self, scope: Scope) -> _Space:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        space = self._spaces.setdefault(scope, _Space())
        due = [entry for entry in space.entries.values() if not self._lives(entry)]
        due.sort(key=lambda entry: (entry.expires_at, entry.key))
        for entry in due[:SWEEP_ENTRIES]:
            self._remove(space, entry, Removal(entry.key), expired=True)
        return space

    def _sweep_others_when_due(self) -> None:
        if self._clock() >= self._next_sweep:
            self._next_sweep = self._clock() + _SWEEP_SECONDS
            for scope in self._spaces:
                self._swept(scope)

    def _lives(self, entry: Entry) -> bool:
        return entry.expires_at > self._clock()

    def _next_revision(self, space: _Space) -> int:
        return max(space.last + 1, int(self._clock() * 1e6))

    def _repeated(self, space: _Space, request_id: str, fingerprint: str) -> Change | None:
        change, known = space.requests.get(request_id, (None, fingerprint))
        if known != fingerprint:
            raise request_reused()
        return change

    def _remove(self, space: _Space, entry: Entry, removal: Removal, *, expired: bool) -> int:
        del space.entries[entry.key], space.sketches[entry.key]
        space.size -= entry.size
        change = Change(self._next_revision(space), entry.key, None, expired)
        self._append(space, change, removal.request_id, removal.fingerprint())
        return change.revision

    def _append(self, space: _Space, change: Change, request_id: str, fingerprint: str) -> None:
        space.last = change.revision
        space.log.append(change)
        if request_id:
            space.requests[request_id] = (change, fingerprint)
            space.request_ids[change.revision] = request_id
        for old in space.log[: -self._log_length]:
            space.floor = old.revision
            known = space.request_ids.pop(old.revision, "")
            space.requests.pop(known, None)
        del space.log[: -self._log_length]
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()
