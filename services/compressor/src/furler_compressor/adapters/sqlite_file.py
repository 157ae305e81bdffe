"""The SQLite store's file: where it lies, its schema, how it is opened, what its errors mean.

What is kept in it, and when, is sqlite_store's.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Scope

FILE_NAME = "furler.sqlite3"
SCHEMA_VERSION = 2
# "FURL": tells file(1), and us, whose database this is.
_APPLICATION_ID = 0x4655524C
# A commit of 20 MB leaves a write-ahead log of 20 MB behind; give the disk back down to this.
_WAL_KEPT_BYTES = 8 * 1024 * 1024
_RETRY_SECONDS = 0.01

# Bodies lie apart from originals so that extending a retention rewrites 100 bytes, not megabytes.
# The cascade makes "never a view without its original" a property of the schema.
_SCHEMA = """
CREATE TABLE scope (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    space TEXT NOT NULL,
    UNIQUE (tenant, space)
);
CREATE TABLE original (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL REFERENCES scope,
    ref TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    UNIQUE (scope, ref)
);
CREATE INDEX original_by_expiry ON original (expires_ms);
CREATE TABLE body (
    original INTEGER PRIMARY KEY REFERENCES original ON DELETE CASCADE,
    data BLOB NOT NULL
);
CREATE TABLE view (
    original INTEGER NOT NULL REFERENCES original ON DELETE CASCADE,
    recipe TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (original, recipe)
);
CREATE TABLE tally (
    scope INTEGER NOT NULL REFERENCES scope,
    name TEXT NOT NULL,
    views INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    tokens_before INTEGER NOT NULL,
    tokens_after INTEGER NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;
"""
_PINS = """
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY,
    scope INTEGER NOT NULL REFERENCES scope,
    name TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    UNIQUE (scope, name)
);
CREATE INDEX conversation_by_expiry ON conversation (expires_ms);
CREATE TABLE pin (
    conversation INTEGER NOT NULL REFERENCES conversation ON DELETE CASCADE,
    key TEXT NOT NULL,
    ref TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (conversation, key)
);
CREATE INDEX pin_by_ref ON pin (ref);
"""
_STEPS = (_SCHEMA, _PINS)
"""What makes version n of the schema out of version n - 1."""


def open_file(
    directory: Path, busy_timeout: float, max_bytes: int | None = None
) -> sqlite3.Connection:
    """Open the store's file, creating what is missing. Safe when several processes start at once.

    The directory is created for its owner alone (0700), the file likewise (0600); SQLite gives
    the -wal and -shm files the same mode. Transactions are explicit (autocommit otherwise).

    Raises:
        StoreUnavailableError: It cannot be created or opened, is damaged, or is not ours.
        sqlite3.Error: Anything else; translate it with ``as_store_error``.
    """
    path = directory / FILE_NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_CLOEXEC", 0), 0o600))
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise StoreUnavailableError(f"the store's file cannot be opened: {reason}") from None
    connection = sqlite3.connect(
        path, timeout=busy_timeout, isolation_level=None, check_same_thread=False
    )
    try:
        _prepare(connection, busy_timeout)
        if max_bytes is not None:
            (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count={max(1, max_bytes // int(page_bytes))}")
    except BaseException:
        connection.close()
        raise
    return connection


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, *, durable: bool = False) -> Iterator[None]:
    """Run the body as one write transaction; ``durable``: synced to the disk when it ends."""
    if durable:
        connection.execute("PRAGMA synchronous=FULL")
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    finally:
        if durable:
            connection.execute("PRAGMA synchronous=NORMAL")


def find_scope(connection: sqlite3.Connection, scope: Scope) -> int:
    """Return a scope's row id, made if need be."""
    names = (scope.tenant, scope.space)
    connection.execute("INSERT OR IGNORE INTO scope (tenant, space) VALUES (?, ?)", names)
    (scope_id,) = connection.execute(
        "SELECT id FROM scope WHERE tenant = ? AND space = ?", names
    ).fetchone()
    return int(scope_id)


def _prepare(connection: sqlite3.Connection, busy_timeout: float) -> None:
    # Must precede the first page: lets a sweep give pages back to the disk.
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    write_ahead(connection, busy_timeout)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA journal_size_limit={_WAL_KEPT_BYTES}")
    if _version(connection) == SCHEMA_VERSION:
        return
    # Exclusive, then looked at again: of several first starts, one creates.
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for step in _STEPS[_version(connection) :]:
            for statement in step.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def write_ahead(connection: sqlite3.Connection, busy_timeout: float) -> None:
    """Switch to WAL. The switch ignores the busy timeout, so wait for other first starts here."""
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            break
    if mode != "wal":
        raise StoreUnavailableError(
            "the store's directory cannot hold a write-ahead log; use a local file system"
        )


def _version(connection: sqlite3.Connection) -> int:
    """Return the schema's version, 0 for an empty file.

    Raises:
        StoreUnavailableError: The file is another program's, or a newer version's.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application not in (0, _APPLICATION_ID) or (tables and application == 0):
        raise StoreUnavailableError(f"{FILE_NAME} is another program's database")
    if version > SCHEMA_VERSION:
        raise StoreUnavailableError(
            f"{FILE_NAME} has schema {version}, written by a newer version; "
            f"this one reads up to {SCHEMA_VERSION}"
        )
    return int(version)


def as_store_error(error: sqlite3.Error) -> StoreUnavailableError:
    """Return what a driver's error means to a caller: no paths, no statements."""
    match _primary(error):
        case sqlite3.SQLITE_FULL:
            return StoreRefusedError("the store is full: its size limit or the disk")
        case sqlite3.SQLITE_READONLY:
            return StoreRefusedError("the store's file is read-only")
        case sqlite3.SQLITE_TOOBIG:
            return StoreRefusedError("the content is larger than the store can hold")
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreUnavailableError("the store's file is locked by another process")
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreUnavailableError(
                f"the store's file is damaged; move {FILE_NAME} away to start afresh"
            )
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreUnavailableError("the store's file cannot be opened")
        case sqlite3.SQLITE_IOERR:
            return StoreUnavailableError("reading or writing the store's file failed")
        case _:
            return StoreUnavailableError(f"the store's file failed ({type(error).__name__})")


def is_full(error: sqlite3.Error) -> bool:
    """Tell whether the size limit, or the disk, is reached."""
    return _primary(error) == sqlite3.SQLITE_FULL


def is_lost(error: sqlite3.Error) -> bool:
    """Tell whether the connection is not worth keeping: a fresh one may do better."""
    return _primary(error) in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
    )


def _primary(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code; its extended codes hold it in the low byte."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
