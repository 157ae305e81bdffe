"""The SQLite store's conversations: statements over its tables conversation and pin.

Transactions, time and errors are sqlite_store's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from furler_compressor.app.ports import Pin, Scope


class Conversation(NamedTuple):
    """A row of conversation."""

    id: int
    expires_ms: int


def conversation(
    connection: sqlite3.Connection, scope: Scope, name: str, now_ms: int
) -> Conversation | None:
    """Return a conversation that is held."""
    row: tuple[int, int] | None = connection.execute(
        "SELECT conversation.id, expires_ms FROM conversation"
        " JOIN scope ON scope.id = conversation.scope"
        " WHERE tenant = ? AND space = ? AND name = ? AND expires_ms > ?",
        (scope.tenant, scope.space, name, now_ms),
    ).fetchone()
    return None if row is None else Conversation(*row)


def open_conversation(
    connection: sqlite3.Connection, scope_id: int, name: str, now_and_expiry_ms: tuple[int, int]
) -> int:
    """Return a conversation's row id, made if need be, with at least this expiry."""
    now_ms, expires_ms = now_and_expiry_ms
    # It may be there still, expired and not yet swept.
    connection.execute(
        "DELETE FROM conversation WHERE scope = ? AND name = ? AND expires_ms <= ?",
        (scope_id, name, now_ms),
    )
    connection.execute(
        "INSERT INTO conversation (scope, name, expires_ms) VALUES (?, ?, ?)"
        " ON CONFLICT (scope, name) DO UPDATE SET expires_ms = max(expires_ms, excluded.expires_ms)",
        (scope_id, name, expires_ms),
    )
    (row_id,) = connection.execute(
        "SELECT id FROM conversation WHERE scope = ? AND name = ?", (scope_id, name)
    ).fetchone()
    return int(row_id)


def extend(connection: sqlite3.Connection, row_id: int, expires_ms: int) -> None:
    """Keep a conversation for at least so long."""
    connection.execute(
        "UPDATE conversation SET expires_ms = max(expires_ms, ?) WHERE id = ?", (expires_ms, row_id)
    )


def of(connection: sqlite3.Connection, row_id: int) -> dict[str, bytes]:
    """Return a conversation's pins."""
    rows = connection.execute("SELECT key, data FROM pin WHERE conversation = ?", (row_id,))
    return dict(rows.fetchall())


def add(connection: sqlite3.Connection, row_id: int, pins: Mapping[str, Pin]) -> dict[str, bytes]:
    """Add the pins whose keys are free; return what stands under all of them."""
    found: dict[str, bytes] = {}
    for key, pin in pins.items():
        connection.execute(
            "INSERT OR IGNORE INTO pin VALUES (?, ?, ?, ?)", (row_id, key, pin.ref, pin.data)
        )
        (found[key],) = connection.execute(
            "SELECT data FROM pin WHERE conversation = ? AND key = ?", (row_id, key)
        ).fetchone()
    return found


def forget(connection: sqlite3.Connection, scope: Scope, ref: str) -> None:
    """Forget the pins of an original."""
    connection.execute(
        "DELETE FROM pin WHERE ref = ? AND conversation IN (SELECT conversation.id FROM conversation"
        " JOIN scope ON scope.id = conversation.scope WHERE tenant = ? AND space = ?)",
        (ref, scope.tenant, scope.space),
    )


def sweep(connection: sqlite3.Connection, now_ms: int, limit: int) -> int:
    """Forget conversations that have expired; return how many."""
    return connection.execute(
        "DELETE FROM conversation WHERE id IN (SELECT id FROM conversation WHERE expires_ms <= ?"
        " ORDER BY expires_ms LIMIT ?)",
        (now_ms, limit),
    ).rowcount
