"""From a store's URL to the backend of shared entries beside that store."""

from __future__ import annotations

import time
from collections.abc import Callable

from furler_compressor.adapters.memory_entries import MemoryEntries
from furler_compressor.adapters.open_store import split_url, store_directory
from furler_compressor.adapters.redis_url import RedisAccess
from furler_compressor.adapters.sqlite_entries import SqliteEntries
from furler_compressor.adapters.wrap.bounded_entries import BoundedEntries
from furler_compressor.app.entries_port import LOG_LENGTH, Entries


def open_entries(
    url: str, clock: Callable[[], float] = time.time, access: RedisAccess | None = None
) -> Entries:
    """Return the backend for a URL that open_store takes, guarded. Nothing is connected yet.

    Raises:
        StoreUrlError: The URL names no store.
    """
    return BoundedEntries(_open(url, clock, access))


def _open(url: str, clock: Callable[[], float], access: RedisAccess | None) -> Entries:
    scheme, rest = split_url(url)
    match scheme:
        case "memory":
            return MemoryEntries(LOG_LENGTH, clock)
        case "sqlite":
            return SqliteEntries(store_directory(rest), clock=clock)
        case _:
            # redis.py takes 0.1 s to import: the embedded default does without.
            from furler_compressor.adapters.redis_entries import RedisEntries  # noqa: PLC0415

            return RedisEntries(url, access=access)
