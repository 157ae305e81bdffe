"""One thread that owns one SQLite file's connection: opens it, runs jobs on it, translates errors.

What the file holds is its user's.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from furler_compressor.adapters.sqlite_file import (
    as_store_error,
    is_lost,
    transaction,
    write_ahead,
)
from furler_compressor.app.errors import StoreUnavailableError

T = TypeVar("T")


class SqliteWorker:
    """Runs jobs in order on a thread of its own, over a file that is opened at first use.

    A failed open is tried again by the next job; a file that was moved away is left alone, and a
    new one is made.

    Args:
        path: The file. It and its directory are created for their owner alone.
        schema: Statements that create what is missing (IF NOT EXISTS), apart by semicolons.
        busy_timeout: Seconds to wait for other processes' locks.
    """

    def __init__(self, path: Path, schema: str, busy_timeout: float) -> None:
        self._path = path
        self._schema = schema
        self._busy_timeout = busy_timeout
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="furler-entries")
        self._closed = False
        # Touched by the thread only.
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job. Raises what it raises; sqlite3's errors become StoreUnavailableError."""
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._work, job)

    async def close(self) -> None:
        """Close the file after the jobs that wait."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False)

    def _work(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return job(self._connected())
        except sqlite3.Error as error:
            if is_lost(error):
                self._disconnect()
            raise as_store_error(error) from None

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._inode != self._inode_now():
            # Somebody moved the file away; what we would write there, nobody would find.
            self._disconnect()
        if self._connection is None:
            self._connection = self._open()
            self._inode = self._inode_now()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0)
            os.close(os.open(self._path, flags, 0o600))
        except OSError as error:
            reason = error.strerror or "unknown error"
            raise StoreUnavailableError(f"the store's file cannot be opened: {reason}") from None
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout, isolation_level=None, check_same_thread=False
        )
        try:
            write_ahead(connection, self._busy_timeout)
            connection.execute("PRAGMA synchronous=NORMAL")
            with transaction(connection):
                for statement in self._schema.split(";"):
                    connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _inode_now(self) -> int:
        try:
            return self._path.stat().st_ino
        except OSError:
            return -1

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
