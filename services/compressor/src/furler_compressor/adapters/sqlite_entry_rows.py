"""The shared entries' SQLite file: its schema, and its rows as values.

What is written when is sqlite_entries'.
"""

from __future__ import annotations

import sqlite3
from typing import TypeAlias

from furler_compressor.app.entries_port import Change, Entry
from furler_compressor.app.errors import request_reused
from furler_compressor.app.ports import Scope

ENTRY = "key, revision, sha256, size, creator, created_us, written_us, expires_ms, body"
SCHEMA = """
CREATE TABLE IF NOT EXISTS space (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    space TEXT NOT NULL,
    last INTEGER NOT NULL DEFAULT 0,
    floor INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, space)
);
CREATE TABLE IF NOT EXISTS entry (
    space INTEGER NOT NULL REFERENCES space,
    key TEXT NOT NULL,
    revision INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    size INTEGER NOT NULL,
    creator TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    written_us INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    body BLOB NOT NULL,
    sketch BLOB NOT NULL,
    PRIMARY KEY (space, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_by_expiry ON entry (expires_ms);
CREATE INDEX IF NOT EXISTS entry_by_revision ON entry (space, revision);
CREATE TABLE IF NOT EXISTS change (
    space INTEGER NOT NULL REFERENCES space,
    revision INTEGER NOT NULL,
    expired INTEGER NOT NULL,
    request TEXT,
    fingerprint TEXT NOT NULL,
    key TEXT NOT NULL,
    sha256 BLOB,
    size INTEGER,
    creator TEXT,
    created_us INTEGER,
    written_us INTEGER,
    expires_ms INTEGER,
    body BLOB,
    PRIMARY KEY (space, revision)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS change_by_request ON change (space, request)
    WHERE request IS NOT NULL
"""


Row: TypeAlias = tuple[str, int, bytes, int, str, int, int, int, bytes]


ChangeRow: TypeAlias = tuple[int, str, int, bytes, int, str, int, int, int, bytes]


def find_space(connection: sqlite3.Connection, scope: Scope) -> tuple[int, int, int]:
    """Return a scope's (row id, last, floor): zeros for one that has nothing."""
    row: tuple[int, int, int] | None = connection.execute(
        "SELECT id, last, floor FROM space WHERE tenant = ? AND space = ?",
        (scope.tenant, scope.space),
    ).fetchone()
    return row or (0, 0, 0)


def find_repeated(
    connection: sqlite3.Connection, space: int, request_id: str, fingerprint: str
) -> Change | None:
    """Return what an earlier write of the same request did."""
    if not request_id:
        return None
    row = connection.execute(
        f"SELECT fingerprint, expired, {ENTRY} FROM change"  # noqa: S608 - constants
        " WHERE space = ? AND request = ?",
        (space, request_id),
    ).fetchone()
    if row is None:
        return None
    if row[0] != fingerprint:
        raise request_reused()
    return change_of(row[1:])


def change_of(row: ChangeRow) -> Change:
    """Return the change of a row: expired, then ENTRY's columns."""
    expired, key, revision = row[:3]
    # Only puts have a digest.
    sha256: bytes | None = row[3]
    return Change(revision, key, None if sha256 is None else entry_of(row[1:]), bool(expired))


def entry_of(row: Row) -> Entry:
    """Return the entry of a row of ENTRY's columns."""
    key, revision, sha256, size, creator, created_us, written_us, expires_ms, body = row
    times = created_us / 1e6, written_us / 1e6, expires_ms / 1000
    return Entry(key, revision, sha256, size, creator, *times, body)
