"""Shared entries in one SQLite file: one machine, any number of processes.

A file of its own beside the originals': entries are small and written often, originals are large,
and neither waits for the other's transactions. A write survives a killed process; a power cut may
undo the last of them, as a failover may elsewhere: entries are cache, and what is undone keeps its
revision for itself, because revisions follow the clock.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from furler_compressor.adapters.sqlite_entry_rows import (
    ENTRY,
    SCHEMA,
    Row,
    change_of,
    entry_of,
    find_repeated,
    find_space,
)
from furler_compressor.adapters.sqlite_file import transaction
from furler_compressor.adapters.sqlite_worker import SqliteWorker
from furler_compressor.app.entries_port import (
    LAST_CHARACTER,
    LOG_LENGTH,
    SWEEP_ENTRIES,
    Changes,
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
    request_reused,
)
from furler_compressor.app.ports import Scope

FILE_NAME = "shared.sqlite3"
DEFAULT_BUSY_TIMEOUT = 1.5
# What another process's write may come late by; 20 looks a second cost 0.1 % of a processor.
_POLL_SECONDS = 0.05
# Other scopes whose expiries a put takes along, so that a space nobody touches shrinks, too.
_SWEEP_SPACES = 4

_SWEEP_SPACES = 4

_DUE_SPACES = "SELECT DISTINCT space FROM entry WHERE expires_ms <= ? LIMIT ?"


class SqliteEntries:
    """Implements app.entries_port.Entries over one file in ``directory``, opened at first use.

    Args:
        directory: Created with mode 0700 if it does not exist.
        log_length: Changes kept per scope.
        busy_timeout: Seconds to wait for other processes' locks.
        clock: Unix time in seconds; tests move it by hand.
    """

    def __init__(
        self,
        directory: Path,
        log_length: int = LOG_LENGTH,
        busy_timeout: float = DEFAULT_BUSY_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log_length = log_length
        self._clock = clock
        self._worker = SqliteWorker(directory / FILE_NAME, SCHEMA, busy_timeout)
        # Set, and made anew, by each write of this process: its own watches need not poll for it.
        self._grown = asyncio.Event()

    async def put(self, scope: Scope, write: Write) -> Written:
        def job(connection: sqlite3.Connection) -> Written:
            with transaction(connection):
                space = self._swept(connection, scope)
                others = connection.execute(_DUE_SPACES, (self._now_ms(), _SWEEP_SPACES)).fetchall()
                for (other,) in others:
                    self._sweep(connection, other)
                return self._put(connection, space, write)

        written = await self._worker.run(job)
        self._wake()
        return written

    async def get(self, scope: Scope, key: str) -> Found:
        def job(connection: sqlite3.Connection) -> Found:
            # One statement reads both at one moment.
            row = connection.execute(
                f"SELECT last, {ENTRY} FROM space LEFT JOIN entry"  # noqa: S608 - constants
                " ON entry.space = space.id AND key = ? AND expires_ms > ?"
                " WHERE tenant = ? AND space.space = ?",
                (key, self._now_ms(), scope.tenant, scope.space),
            ).fetchone()
            if row is None:
                return Found(None, 0)
            return Found(entry_of(row[1:]) if row[1] is not None else None, row[0])

        return await self._worker.run(job)

    async def page(self, scope: Scope, prefix: str, after: str, limit: int) -> Page:
        def job(connection: sqlite3.Connection) -> Page:
            connection.execute("BEGIN")
            try:
                space, last, _ = find_space(connection, scope)
                rows = connection.execute(
                    f"SELECT {ENTRY} FROM entry WHERE space = ? AND key >= ? AND key > ?"  # noqa: S608
                    " AND key < ? AND expires_ms > ? ORDER BY key LIMIT ?",
                    (space, prefix, after, prefix + LAST_CHARACTER, self._now_ms(), limit + 1),
                ).fetchall()
            finally:
                connection.execute("COMMIT")
            return Page(tuple(map(entry_of, rows[:limit])), len(rows) > limit, last)

        return await self._worker.run(job)

    async def delete(self, scope: Scope, removal: Removal) -> int:
        def job(connection: sqlite3.Connection) -> int:
            with transaction(connection):
                space = self._swept(connection, scope)
                before = find_repeated(connection, space, removal.request_id, removal.fingerprint())
                if before is not None:
                    return before.revision
                row = connection.execute(
                    "SELECT revision FROM entry WHERE space = ? AND key = ?", (space, removal.key)
                ).fetchone()
                if row is None:
                    raise EntryNotFoundError.of(removal.key)
                if removal.if_revision is not None and removal.if_revision != row[0]:
                    raise RevisionMismatchError.at(removal.key, row[0])
                return self._remove(connection, space, removal, expired=False)

        revision = await self._worker.run(job)
        self._wake()
        return revision

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        def job(connection: sqlite3.Connection) -> Changes:
            if self._is_due(connection, scope):
                with transaction(connection):
                    self._swept(connection, scope)
            connection.execute("BEGIN")
            try:
                return self._changes(connection, scope, after, limit)
            finally:
                connection.execute("COMMIT")

        return await self._worker.run(job)

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            # Taken before the look: a write between the two sets it.
            grown = self._grown
            last = await self._worker.run(lambda connection: find_space(connection, scope)[1])
            left = end - loop.time()
            if last > after or left <= 0:
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, _POLL_SECONDS)):
                    await grown.wait()

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        def job(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
            space, _, _ = find_space(connection, scope)
            return connection.execute(
                "SELECT key, sketch FROM entry WHERE space = ? AND expires_ms > ?"
                " ORDER BY revision DESC LIMIT ?",
                (space, self._now_ms(), limit),
            ).fetchall()

        return await self._worker.run(job)

    async def close(self) -> None:
        await self._worker.close()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    # What follows runs on the worker's thread, inside a transaction.

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _put(self, connection: sqlite3.Connection, space: int, write: Write) -> Written:
        before = find_repeated(connection, space, write.request_id, write.fingerprint())
        if before is not None:
            if before.entry is None:  # pragma: no cover - the fingerprint says that it was a put
                raise request_reused()
            return Written(before.entry, repeated=True)
        held = connection.execute(
            "SELECT revision, size, creator, created_us FROM entry WHERE space = ? AND key = ?",
            (space, write.key),
        ).fetchone()
        revision = held[0] if held else 0
        if write.if_revision is not None and write.if_revision != revision:
            raise RevisionMismatchError.at(write.key, revision)
        growth = (0 if held else 1, write.size - (held[1] if held else 0))
        entries, size = connection.execute(
            "UPDATE space SET held = held + ?, bytes = bytes + ? WHERE id = ?"
            " RETURNING held, bytes",
            (*growth, space),
        ).fetchone()
        # What is raised here undoes the update.
        if held is None and entries > write.bounds.entries:
            raise SpaceFullError.over("shared_entries", write.bounds.entries)
        if size > write.bounds.size:
            raise SpaceFullError.over("shared_bytes", write.bounds.size)
        now_us = int(self._clock() * 1e6)
        row: Row = (
            write.key,
            self._next_revision(connection, space),
            write.sha256,
            write.size,
            held[2] if held else write.author,
            held[3] if held else now_us,
            now_us,
            math.ceil((self._clock() + write.retention) * 1000),
            write.body,
        )
        connection.execute(
            f"INSERT OR REPLACE INTO entry (space, {ENTRY}, sketch)"  # noqa: S608 - constants
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (space, *row, write.sketch),
        )
        connection.execute(
            f"INSERT INTO change (space, expired, request, fingerprint, {ENTRY})"  # noqa: S608
            " VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (space, write.request_id or None, write.fingerprint(), *row),
        )
        self._trim(connection, space)
        return Written(entry_of(row), repeated=False)

    def _remove(
        self, connection: sqlite3.Connection, space: int, removal: Removal, *, expired: bool
    ) -> int:
        (size,) = connection.execute(
            "DELETE FROM entry WHERE space = ? AND key = ? RETURNING size", (space, removal.key)
        ).fetchone()
        connection.execute(
            "UPDATE space SET held = held - 1, bytes = bytes - ? WHERE id = ?", (size, space)
        )
        revision = self._next_revision(connection, space)
        connection.execute(
            "INSERT INTO change (space, revision, expired, request, fingerprint, key)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                space,
                revision,
                expired,
                removal.request_id or None,
                removal.fingerprint(),
                removal.key,
            ),
        )
        self._trim(connection, space)
        return revision

    def _next_revision(self, connection: sqlite3.Connection, space: int) -> int:
        (revision,) = connection.execute(
            "UPDATE space SET last = max(last + 1, ?) WHERE id = ? RETURNING last",
            (int(self._clock() * 1e6), space),
        ).fetchone()
        return int(revision)

    def _trim(self, connection: sqlite3.Connection, space: int) -> None:
        row = connection.execute(
            "SELECT revision FROM change WHERE space = ? ORDER BY revision DESC LIMIT 1 OFFSET ?",
            (space, self._log_length),
        ).fetchone()
        if row is not None:
            connection.execute(
                "DELETE FROM change WHERE space = ? AND revision <= ?", (space, *row)
            )
            connection.execute("UPDATE space SET floor = ? WHERE id = ?", (*row, space))

    def _is_due(self, connection: sqlite3.Connection, scope: Scope) -> bool:
        row = connection.execute(
            "SELECT 1 FROM entry JOIN space ON space.id = entry.space"
            " WHERE tenant = ? AND space.space = ? AND expires_ms <= ? LIMIT 1",
            (scope.tenant, scope.space, self._now_ms()),
        ).fetchone()
        return row is not None

    def _swept(self, connection: sqlite3.Connection, scope: Scope) -> int:
        """Return a scope's row id after its expiries became tombstones."""
        names = (scope.tenant, scope.space)
        connection.execute("INSERT OR IGNORE INTO space (tenant, space) VALUES (?, ?)", names)
        space, _, _ = find_space(connection, scope)
        self._sweep(connection, space)
        return space

    def _sweep(self, connection: sqlite3.Connection, space: int) -> None:
        due = connection.execute(
            "SELECT key FROM entry WHERE space = ? AND expires_ms <= ?"
            " ORDER BY expires_ms, key LIMIT ?",
            (space, self._now_ms(), SWEEP_ENTRIES),
        ).fetchall()
        for (key,) in due:
            self._remove(connection, space, Removal(key), expired=True)

    def _changes(
        self, connection: sqlite3.Connection, scope: Scope, after: int | None, limit: int
    ) -> Changes:
        space, last, floor = find_space(connection, scope)
        (due_ms,) = connection.execute(
            "SELECT min(expires_ms) FROM entry WHERE space = ?", (space,)
        ).fetchone()
        due_in = None if due_ms is None else max(0.0, due_ms / 1000 - self._clock())
        if after is None:
            return Changes((), last, due_in)
        known = connection.execute(
            "SELECT 1 FROM change WHERE space = ? AND revision = ?", (space, after)
        ).fetchone()
        if after != floor and known is None:
            raise CursorExpiredError.before(floor)
        rows = connection.execute(
            f"SELECT expired, {ENTRY} FROM change WHERE space = ? AND revision > ?"  # noqa: S608
            " ORDER BY revision LIMIT ?",
            (space, after, limit),
        ).fetchall()
        changes = tuple(map(change_of, rows))
        return Changes(changes, changes[-1].revision if len(changes) == limit else last, due_in)
