"""Erasing a tenant: everything a store holds of it, in all its spaces, at once.

For an operator, while the service runs: in slices, so that nobody waits for long. What the tenant
writes meanwhile may stay: its credentials are taken away first. What replicas remember of it in
memory goes when they restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

from furler_compressor.adapters.open_store import split_url, store_directory
from furler_compressor.adapters.redis_keys import tenant_prefix
from furler_compressor.adapters.redis_url import RedisAccess
from furler_compressor.adapters.sqlite_entries import FILE_NAME as ENTRIES_FILE
from furler_compressor.adapters.sqlite_file import FILE_NAME, transaction

_SLICE = 256
"""Keys looked at, or unlinked, per round trip: about a millisecond of the server's time."""
_BUSY_SECONDS = 30.0

# Children first; bodies, views and pins go with their parents (ON DELETE CASCADE).
_OF_ORIGINALS = (
    "DELETE FROM original WHERE scope IN (SELECT id FROM scope WHERE tenant = ?)",
    "DELETE FROM conversation WHERE scope IN (SELECT id FROM scope WHERE tenant = ?)",
    "DELETE FROM tally WHERE scope IN (SELECT id FROM scope WHERE tenant = ?)",
    "DELETE FROM scope WHERE tenant = ?",
)
_OF_ENTRIES = (
    "DELETE FROM entry WHERE space IN (SELECT id FROM space WHERE tenant = ?)",
    "DELETE FROM change WHERE space IN (SELECT id FROM space WHERE tenant = ?)",
    "DELETE FROM space WHERE tenant = ?",
)


async def erase(url: str, tenant: str, access: RedisAccess) -> int:
    """Erase a tenant from the store of a URL; return how many records or keys that were.

    Raises StoreUrlError, StoreUnavailableError, or ValueError for a store that has nothing to keep.
    """
    scheme, rest = split_url(url)
    match scheme:
        case "memory":
            raise ValueError("a memory store is erased by ending its process")
        case "sqlite":
            return await asyncio.to_thread(_erase_files, store_directory(rest), tenant)
        case _:
            return await _erase_keys(url, tenant, access)


def _erase_files(directory: Path, tenant: str) -> int:
    files = ((directory / FILE_NAME, _OF_ORIGINALS), (directory / ENTRIES_FILE, _OF_ENTRIES))
    return sum(_erase_file(path, statements, tenant) for path, statements in files)


def _erase_file(path: Path, statements: Sequence[str], tenant: str) -> int:
    if not path.is_file():
        return 0
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    with contextlib.closing(connection):
        connection.execute("PRAGMA foreign_keys=ON")
        # Overwritten with zeros, so that nothing can be read in pages that are free.
        connection.execute("PRAGMA secure_delete=ON")
        with transaction(connection, durable=True):
            rows = sum(connection.execute(s, (tenant,)).rowcount for s in statements)
        # The log still holds the pages as they were; it is emptied once nobody reads in it.
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return rows


async def _erase_keys(url: str, tenant: str, access: RedisAccess) -> int:
    # redis.py takes 0.1 s to import: the embedded default does without.
    from furler_compressor.adapters.redis_link import RedisLink  # noqa: PLC0415

    link = RedisLink(url, access)
    erased = 0
    try:
        for pattern in key_patterns(tenant):
            keys = link.client.scan_iter(match=pattern, count=_SLICE)
            while batch := await link.ask(partial(_some, keys)):
                # One key per command: in a Cluster they lie on many nodes.
                unlinked = [link.ask(partial(link.client.unlink, key)) for key in batch]
                erased += sum(await asyncio.gather(*unlinked))
    finally:
        await link.close()
    return erased


async def _some(keys: AsyncIterator[bytes]) -> list[bytes]:
    """Return the next keys, at most a slice; none at the end."""
    found: list[bytes] = []
    async for key in keys:
        found.append(key)
        if len(found) >= _SLICE:
            break
    return found


def key_patterns(tenant: str) -> tuple[str, str]:
    """Return the patterns that match a tenant's keys, and no other's: its own, and its spaces'."""
    # Quoted names have no character that a pattern gives a meaning; ~ . - _ have none either.
    return f"{tenant_prefix(tenant)}*", f"furler:{{{quote(tenant, safe='')}/*"
