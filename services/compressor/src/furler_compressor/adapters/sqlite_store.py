"""A Store in one SQLite file: the embedded default. One machine, any number of processes.

A commit is synced to the disk before it returns (synchronous=FULL for that transaction): a view
is revealed only after its original would survive a power cut. That costs one fsync, measured as
0.3 to 4 ms by the disk's load, and only for views that were not held yet. What else is written
survives a killed process, but a power cut may undo the last of it: that takes 0.04 ms.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from furler_compressor.adapters import sqlite_pins
from furler_compressor.adapters.retention import with_slack
from furler_compressor.adapters.sqlite_file import (
    FILE_NAME,
    as_store_error,
    find_scope,
    is_full,
    is_lost,
    open_file,
    transaction,
)
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Held, Lease, Pin, Record, Scope, StoredView, Tally, Usage

T = TypeVar("T")

# Below the service's time limit for a store call, so that a locked file says so itself.
DEFAULT_BUSY_TIMEOUT = 1.5
_SWEEP_SECONDS = 60.0
_SWEEP_COMMITS = 64
# Per sweep, rows forgotten and pages given back: a few milliseconds of work between two requests.
_SWEEP_ROWS = 128
_VACUUM_PAGES = 256

_LIVE = """
SELECT original.id, sha256, expires_ms FROM original JOIN scope ON scope.id = original.scope
WHERE tenant = ? AND space = ? AND ref = ? AND expires_ms > ?
"""


class SqliteStore:
    """Implements app.ports.Store over one file in ``directory``, opened at first use.

    All work runs on one thread of its own, in order. A failed open is tried again by the next
    call, so a store that was repaired, or moved away, comes back by itself.

    Args:
        directory: Created with mode 0700 if it does not exist.
        max_bytes: Size limit of the file; None for none. The write-ahead log comes on top.
        busy_timeout: Seconds to wait for other processes' locks.
        clock: Unix time in seconds; tests move it by hand.
    """

    def __init__(
        self,
        directory: Path,
        max_bytes: int | None = None,
        busy_timeout: float = DEFAULT_BUSY_TIMEOUT,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._busy_timeout = busy_timeout
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="furler-sqlite")
        self._closed = False
        # Touched by the thread only.
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._next_sweep = 0.0
        self._commits = 0

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        del lease  # its processes seldom make one view at once

        def job(connection: sqlite3.Connection) -> bytes | None:
            # One statement: between two, another process may give a row id to other content.
            row: tuple[int, int, bytes] | None = connection.execute(
                "SELECT original.id, expires_ms, data FROM original"
                " JOIN scope ON scope.id = original.scope JOIN view ON original = original.id"
                " WHERE tenant = ? AND space = ? AND ref = ? AND expires_ms > ? AND recipe = ?",
                (scope.tenant, scope.space, ref, self._now_ms(), recipe),
            ).fetchone()
            if row is None:
                return None
            row_id, expires_ms, data = row
            self._extend(connection, row_id, expires_ms, retention)
            return data

        return await self._run(job)

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        """Do nothing: every lease is granted, none is kept."""

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        await self._commit_together(scope, [(record, view)], retention)

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        await self._commit_together(scope, [(record, None) for record in records], retention)

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        def job(connection: sqlite3.Connection) -> dict[str, bytes]:
            held = sqlite_pins.conversation(connection, scope, conversation, self._now_ms())
            if held is None:
                return {}
            if held.expires_ms < (self._clock() + retention) * 1000:
                sqlite_pins.extend(connection, held.id, self._expiry_ms(retention))
            return sqlite_pins.of(connection, held.id)

        return await self._run(job)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        def job(connection: sqlite3.Connection) -> dict[str, bytes]:
            times = (self._now_ms(), self._expiry_ms(retention))
            with transaction(connection):
                scope_id = find_scope(connection, scope)
                row_id = sqlite_pins.open_conversation(connection, scope_id, conversation, times)
                return sqlite_pins.add(connection, row_id, pins)

        return await self._make_room(job)

    async def _commit_together(
        self, scope: Scope, pairs: Sequence[tuple[Record, StoredView | None]], retention: float
    ) -> None:
        def job(connection: sqlite3.Connection) -> None:
            with transaction(connection, durable=True):
                for record, view in pairs:
                    self._commit(connection, scope, record, view, retention)
            self._commits += len(pairs)

        await self._make_room(job)

    async def _make_room(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job that writes; if the file is full, sweep and run it again."""

        def make_room_if_full(connection: sqlite3.Connection) -> T:
            try:
                return job(connection)
            except sqlite3.Error as error:
                if not is_full(error) or not self._sweep(connection):
                    raise
                while self._sweep(connection):
                    pass
                return job(connection)

        return await self._run(make_room_if_full)

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        def job(connection: sqlite3.Connection) -> Held | None:
            row: tuple[bytes, int, int, bytes] | None = connection.execute(
                "SELECT sha256, size, expires_ms, data FROM original"
                " JOIN scope ON scope.id = original.scope JOIN body ON original = original.id"
                " WHERE tenant = ? AND space = ? AND ref = ? AND expires_ms > ?",
                (scope.tenant, scope.space, ref, self._now_ms()),
            ).fetchone()
            if row is None:
                return None
            sha256, size, expires_ms, data = row
            return Held(Record(ref, sha256, size, data), expires_ms / 1000)

        return await self._run(job)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        def job(connection: sqlite3.Connection) -> list[str]:
            missing: list[str] = []
            with transaction(connection):
                for ref in refs:
                    held = self._live(connection, scope, ref)
                    if held is None:
                        missing.append(ref)
                    else:
                        self._extend(connection, held[0], held[2], retention)
            return missing

        return await self._run(job)

    async def delete(self, scope: Scope, ref: str) -> None:
        def job(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "DELETE FROM original WHERE ref = ?"
                    " AND scope = (SELECT id FROM scope WHERE tenant = ? AND space = ?)",
                    (ref, scope.tenant, scope.space),
                )
                sqlite_pins.forget(connection, scope, ref)

        await self._run(job)

    async def add(self, scope: Scope, tally: Tally) -> None:
        def job(connection: sqlite3.Connection) -> None:
            with transaction(connection):
                connection.execute(
                    "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?)"
                    " ON CONFLICT (scope, name) DO UPDATE SET views = views + excluded.views,"
                    " cached = cached + excluded.cached, degraded = degraded + excluded.degraded,"
                    " tokens_before = tokens_before + excluded.tokens_before,"
                    " tokens_after = tokens_after + excluded.tokens_after",
                    (
                        find_scope(connection, scope),
                        tally.name,
                        tally.views,
                        tally.cached,
                        tally.degraded,
                        tally.tokens_before,
                        tally.tokens_after,
                    ),
                )

        await self._run(job)

    async def totals(self, scope: Scope) -> list[Tally]:
        def job(connection: sqlite3.Connection) -> list[Tally]:
            rows = connection.execute(
                "SELECT name, views, cached, degraded, tokens_before, tokens_after FROM tally"
                " JOIN scope ON scope.id = tally.scope WHERE tenant = ? AND space = ?"
                " ORDER BY name",
                (scope.tenant, scope.space),
            )
            return [Tally(*row) for row in rows]

        return await self._run(job)

    async def usage(self, scope: Scope) -> Usage:
        return await self._usage("tenant = ? AND space = ?", scope.tenant, scope.space)

    async def tenant_usage(self, tenant: str) -> Usage:
        return await self._usage("tenant = ?", tenant)

    async def _usage(self, where: str, *names: str) -> Usage:
        def job(connection: sqlite3.Connection) -> Usage:
            originals, stored_bytes = connection.execute(
                "SELECT count(*), coalesce(sum(size), 0) FROM original"  # noqa: S608 - ours, above
                f" JOIN scope ON scope.id = original.scope WHERE {where} AND expires_ms > ?",
                (*names, self._now_ms()),
            ).fetchone()
            return Usage(originals, stored_bytes)

        return await self._run(job)

    async def ping(self) -> list[str]:
        await self._run(lambda connection: connection.execute("SELECT 1").fetchone())
        return []

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    # What follows runs on the thread.

    async def _run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, job)

    def _work(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            connection = self._connected()
            result = job(connection)
        except sqlite3.Error as error:
            if is_lost(error):
                self._disconnect()
            raise as_store_error(error) from None
        if self._commits >= _SWEEP_COMMITS or self._clock() >= self._next_sweep:
            # Queued behind this call's answer: nobody waits for a sweep.
            self._thread.submit(self._sweep_quietly)
            self._commits, self._next_sweep = 0, self._clock() + _SWEEP_SECONDS
        return result

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._inode != self._inode_now():
            # Somebody moved the file away; what we would write there, nobody would find.
            self._disconnect()
        if self._connection is None:
            self._connection = open_file(self._directory, self._busy_timeout, self._max_bytes)
            self._inode = self._inode_now()
        return self._connection

    def _inode_now(self) -> int:
        try:
            return (self._directory / FILE_NAME).stat().st_ino
        except OSError:
            return -1

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _expiry_ms(self, retention: float) -> int:
        return math.ceil((self._clock() + with_slack(retention)) * 1000)

    def _live(
        self, connection: sqlite3.Connection, scope: Scope, ref: str
    ) -> tuple[int, bytes, int] | None:
        """Return (row id, digest, expiry in ms) of an original that is held."""
        row: tuple[int, bytes, int] | None = connection.execute(
            _LIVE, (scope.tenant, scope.space, ref, self._now_ms())
        ).fetchone()
        return row

    def _extend(
        self, connection: sqlite3.Connection, row_id: int, expires_ms: int, retention: float
    ) -> None:
        if expires_ms < (self._clock() + retention) * 1000:
            connection.execute(
                "UPDATE original SET expires_ms = max(expires_ms, ?) WHERE id = ?",
                (self._expiry_ms(retention), row_id),
            )

    def _commit(
        self,
        connection: sqlite3.Connection,
        scope: Scope,
        record: Record,
        view: StoredView | None,
        retention: float,
    ) -> None:
        held = self._live(connection, scope, record.ref)
        if held is not None and held[1] != record.sha256:
            raise StoreRefusedError("the reference is held with another digest")
        if held is not None:
            row_id = held[0]
            self._extend(connection, row_id, held[2], retention)
            if record.mark:
                connection.execute(
                    "UPDATE body SET data = ? WHERE original = ? AND substr(data, 1, ?) != ?",
                    (record.data, row_id, len(record.mark), record.mark),
                )
        else:
            row_id = self._insert(connection, scope, record, retention)
        if view is not None:
            connection.execute(
                "INSERT INTO view VALUES (?, ?, ?)"
                " ON CONFLICT (original, recipe) DO UPDATE SET data = excluded.data",
                (row_id, view.recipe, view.data),
            )

    def _insert(
        self, connection: sqlite3.Connection, scope: Scope, record: Record, retention: float
    ) -> int:
        scope_id = find_scope(connection, scope)
        # It may be there still, expired and not yet swept.
        connection.execute(
            "DELETE FROM original WHERE scope = ? AND ref = ?", (scope_id, record.ref)
        )
        row_id = connection.execute(
            "INSERT INTO original (scope, ref, sha256, size, expires_ms) VALUES (?, ?, ?, ?, ?)",
            (scope_id, record.ref, record.sha256, record.size, self._expiry_ms(retention)),
        ).lastrowid
        if row_id is None:  # pragma: no cover - an INSERT that did not fail has a row id
            raise StoreUnavailableError("the store's file failed")
        connection.execute("INSERT INTO body VALUES (?, ?)", (row_id, record.data))
        return row_id

    def _sweep(self, connection: sqlite3.Connection) -> int:
        """Forget one batch of what has expired; return how many things that were."""
        swept = connection.execute(
            "DELETE FROM original WHERE id IN (SELECT id FROM original WHERE expires_ms <= ?"
            " ORDER BY expires_ms LIMIT ?)",
            (self._now_ms(), _SWEEP_ROWS),
        ).rowcount
        swept += sqlite_pins.sweep(connection, self._now_ms(), _SWEEP_ROWS)
        # As a script: execute() would take one step, and a step gives back one page.
        connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
        return swept

    def _sweep_quietly(self) -> None:
        if self._connection is None:
            return
        try:
            swept = self._sweep(self._connection)
            (free_pages,) = self._connection.execute("PRAGMA freelist_count").fetchone()
            if swept >= _SWEEP_ROWS or free_pages >= _VACUUM_PAGES:
                self._next_sweep = 0.0  # there is more: go on after the next call
        except sqlite3.Error:
            # Locked or full: expired rows stay unreadable, and the next sweep takes them.
            self._next_sweep = self._clock() + _SWEEP_SECONDS
