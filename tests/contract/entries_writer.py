"""A process that writes shared entries: what tests of several processes start, and kill.

Prints each revision once its write is acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from contract.entries_places import write_of
from furler_compressor.adapters.redis_entries import RedisEntries
from furler_compressor.adapters.sqlite_entries import SqliteEntries
from furler_compressor.app.entries_port import Entries, Removal
from furler_compressor.app.ports import Scope

SCOPE_OF_WRITERS = "writers"


def opened(place: str, log_length: int = 100_000) -> Entries:
    """Open a directory's SQLite file, or a Redis server by its URL."""
    if "://" in place:
        return RedisEntries(place, log_length, timeout=30.0)
    return SqliteEntries(Path(place), log_length, 30.0)


def start_writer(place: str, tenant: str, name: str, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "contract.entries_writer", place, tenant, name, str(count)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


def tell(revision: int) -> None:
    sys.stdout.write(f"{revision}\n")
    sys.stdout.flush()


async def _write(place: str, tenant: str, name: str, count: int) -> None:
    entries = opened(place)
    scope = Scope(tenant, SCOPE_OF_WRITERS)
    for number in range(count):
        # Every writer has one key of its own, and one that all of them write and delete.
        key = f"{name}/{number % 5}" if number % 3 else "contended"
        written = await entries.put(scope, write_of(key, f"{name} {number}"))
        tell(written.entry.revision)
        if number % 7 == 6 and key != "contended":
            tell(await entries.delete(scope, Removal(key)))
    await entries.close()


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
