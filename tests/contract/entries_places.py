"""The places shared entries are kept in, each with the means to let time pass there."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from contract.places import POLL_SECONDS, Clock
from furler_compressor.adapters.memory_entries import MemoryEntries
from furler_compressor.adapters.redis_entries import RedisEntries
from furler_compressor.adapters.redis_url import RedisAccess
from furler_compressor.adapters.sqlite_entries import SqliteEntries
from furler_compressor.app.entries_port import Bounds, Change, Entries, Write
from furler_compressor.app.ports import Scope

LOG_LENGTH = 50
AMPLE = Bounds(1000, 10**9)


@dataclass(slots=True)
class EntriesPlace:
    """One backend; ``clock`` None: time is the server's."""

    entries: Entries
    clock: Clock | None

    @property
    def short(self) -> float:
        """The shortest retention worth testing, in seconds."""
        return 0.1 if self.clock is None else 10.0

    def now(self) -> float:
        return time.time() if self.clock is None else self.clock.now

    async def eventually(self, seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
        """Let ``seconds`` pass and assert that ``condition`` holds."""
        if self.clock is not None:
            self.clock.now += seconds
            assert await condition()
            return
        deadline = time.monotonic() + seconds + POLL_SECONDS
        while not await condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


def open_place(
    backend: str, directory: Path, redis_url: Callable[[], str], access: RedisAccess | None = None
) -> EntriesPlace:
    clock = Clock()
    match backend:
        case "memory":
            return EntriesPlace(MemoryEntries(LOG_LENGTH, clock), clock)
        case "sqlite":
            return EntriesPlace(SqliteEntries(directory, LOG_LENGTH, 30.0, clock), clock)
        case _:
            entries = RedisEntries(redis_url(), LOG_LENGTH, timeout=30.0, access=access)
            return EntriesPlace(entries, None)


def write_of(key: str, text: str = "", retention: float = 3600.0) -> Write:
    data = (text or key).encode()
    return Write(
        key=key,
        sha256=hashlib.sha256(data).digest(),
        size=len(data),
        author="ana",
        body=data,
        sketch=b"sketch of " + data,
        retention=retention,
        bounds=AMPLE,
    )


async def put(
    entries: Entries, scope: Scope, key: str, text: str = "", retention: float = 3600.0
) -> int:
    """Put an entry and return its revision."""
    written = await entries.put(scope, write_of(key, text, retention))
    return written.entry.revision


async def history(entries: Entries, scope: Scope, after: int, limit: int = 7) -> list[Change]:
    """Return every change after a revision, page by page."""
    found: list[Change] = []
    while True:
        page = await entries.changes(scope, after, limit)
        found += page.changes
        if page.through == after:
            return found
        after = page.through


def told(changes: list[Change]) -> list[tuple[str, str]]:
    """Return what happened to which key, without revisions."""
    return [
        (change.key, "expired" if change.expired else "put" if change.entry else "deleted")
        for change in changes
    ]


def with_request(write: Write, request_id: str) -> Write:
    return replace(write, request_id=request_id)
