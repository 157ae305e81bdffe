"""What the SQLite store promises beyond the contract: one file, many processes, honest trouble."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from contract.places import Clock, record_of
from furler_compressor.adapters.sqlite_file import FILE_NAME
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Pin, Scope, Store, StoredView, Tally, Usage

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
HOUR = 3600.0
LOG = record_of(b"ERROR disk full\n" * 40)
TABLE = record_of(b'[{"id": 1}, {"id": 2}]')
VIEW = StoredView("recipe", b"40 lines: ERROR disk full")

# Commits numbered contents with views, printing each number once it is acknowledged.
WRITER = """
import asyncio, sys
from pathlib import Path
from contract.places import record_of
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.app.ports import Scope, StoredView, Tally

async def main(directory, first, count):
    store = SqliteStore(Path(directory), busy_timeout=30.0)
    for number in range(first, first + count):
        record = record_of(b"%d " % number * 5000)
        view = StoredView("recipe", b"view %d" % number)
        await store.commit(Scope("tenant", "space"), record, view, 3600.0)
        await store.add(Scope("tenant", "space"), Tally("log", views=1))
        print(number, flush=True)
    await store.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def start_writer(directory: Path, first: int, count: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(first), str(count)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )


@contextlib.contextmanager
def opened(directory: Path) -> Iterator[sqlite3.Connection]:
    """Look into the file past the store, in autocommit."""
    with contextlib.closing(
        sqlite3.connect(directory / FILE_NAME, isolation_level=None)
    ) as connection:
        yield connection


async def is_whole(store: Store, number: int) -> bool:
    """Tell whether a writer's numbered content and its view are both there."""
    record = record_of(b"%d " % number * 5000)
    held = await store.fetch(SCOPE, record.ref)
    view = await store.recall(SCOPE, record.ref, "recipe", 1.0)
    return held is not None and held.record == record and view == b"view %d" % number


# Files


async def test_nobody_else_can_read_what_is_created(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "furler"
    store = SqliteStore(directory)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert modes == {FILE_NAME: 0o600, FILE_NAME + "-wal": 0o600, FILE_NAME + "-shm": 0o600}
    await store.close()


async def test_what_is_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    await store.add(SCOPE, Tally("log", views=1))
    await store.close()
    store = SqliteStore(tmp_path)
    assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
    assert await store.totals(SCOPE) == [Tally("log", views=1)]
    await store.close()


async def test_a_commit_is_synced_to_the_disk_and_a_recall_writes_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.ping()
    statements: list[str] = []
    assert store._connection is not None
    store._connection.set_trace_callback(statements.append)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    begin = statements.index("BEGIN IMMEDIATE")
    assert statements[begin - 1] == "PRAGMA synchronous=FULL"
    assert statements[-2:] == ["COMMIT", "PRAGMA synchronous=NORMAL"]

    before = store._connection.total_changes
    assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
    assert store._connection.total_changes == before
    await store.close()


async def test_what_expired_is_swept_and_the_disk_given_back(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path, clock=clock)
    for number in range(200):
        await store.commit(SCOPE, record_of(b"%d " % number * 2000), VIEW, 60.0)
    await store.commit(SCOPE, LOG, VIEW, 2 * HOUR)
    clock.now += HOUR
    # A sweep takes a batch after a call's answer; a full batch asks for another.
    for _ in range(6):
        await store.ping()
    with opened(tmp_path) as connection:
        for table in ("original", "body", "view"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (1,)  # noqa: S608
        assert connection.execute("PRAGMA freelist_count").fetchone()[0] < 256
    assert await store.recall(SCOPE, LOG.ref, "recipe", 1.0) == VIEW.data
    await store.close()


async def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    for suffix in ("", "-wal", "-shm"):
        os.unlink(f"{tmp_path}/{FILE_NAME}{suffix}")  # noqa: PTH108
    assert await store.fetch(SCOPE, LOG.ref) is None
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    other = SqliteStore(tmp_path)
    assert await other.fetch(SCOPE, LOG.ref) is not None
    await store.close()
    await other.close()


# Processes


@pytest.mark.slow
async def test_several_processes_start_on_one_file_at_once_and_lose_nothing(
    tmp_path: Path,
) -> None:
    directory = tmp_path / "store"
    writers = [start_writer(directory, first, 20) for first in (0, 20, 40)]
    for writer in writers:
        await asyncio.to_thread(writer.communicate)
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    store = SqliteStore(directory)
    assert [number for number in range(60) if not await is_whole(store, number)] == []
    assert await store.totals(SCOPE) == [Tally("log", views=60)]
    await store.close()


@pytest.mark.slow
@pytest.mark.parametrize("acknowledged", [1, 7, 30])
async def test_a_killed_writer_leaves_all_it_acknowledged_and_nothing_half(
    tmp_path: Path, acknowledged: int
) -> None:
    writer = start_writer(tmp_path, 0, 1_000_000)
    assert writer.stdout is not None
    numbers = [int(await asyncio.to_thread(writer.stdout.readline)) for _ in range(acknowledged)]
    os.kill(writer.pid, signal.SIGKILL)
    numbers += [int(line) for line in writer.stdout.read().split(b"\n")[:-1]]
    writer.stdout.close()
    writer.wait()

    store = SqliteStore(tmp_path)
    assert [number for number in numbers if not await is_whole(store, number)] == []
    with opened(tmp_path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = {
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            for table in ("original", "body", "view")
        }
    # One more than was acknowledged may be there, but whole.
    assert counts <= {(len(numbers),), (len(numbers) + 1,)}
    assert len(counts) == 1
    await store.close()


async def test_two_stores_on_one_file_see_each_others_commits(tmp_path: Path) -> None:
    one, two = SqliteStore(tmp_path), SqliteStore(tmp_path)
    await asyncio.gather(one.ping(), two.ping())
    await one.commit(SCOPE, LOG, VIEW, HOUR)
    assert await two.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
    await two.delete(SCOPE, LOG.ref)
    assert await one.fetch(SCOPE, LOG.ref) is None
    await one.close()
    await two.close()


# Trouble


async def test_a_locked_file_is_said_to_be_locked_and_can_still_be_read(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path, busy_timeout=0.02)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    with opened(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked by another process"):
            await store.commit(SCOPE, TABLE, VIEW, HOUR)
        assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        other.execute("ROLLBACK")
    await store.commit(SCOPE, TABLE, VIEW, HOUR)
    await store.close()


async def test_a_full_store_refuses_keeps_what_it_holds_and_has_room_after_expiry(
    tmp_path: Path,
) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path, max_bytes=400_000, clock=clock)
    await store.commit(SCOPE, LOG, VIEW, 2 * HOUR)
    records = [record_of(os.urandom(50_000)) for _ in range(20)]
    kept = 5
    for record in records[:kept]:
        await store.commit(SCOPE, record, VIEW, HOUR)
    for record in records[kept + 1 :]:
        with pytest.raises(StoreRefusedError, match="full"):
            await store.commit(SCOPE, replace(record, data=record.data * 3), VIEW, HOUR)
    assert await store.usage(SCOPE) == Usage(kept + 1, kept * 50_000 + LOG.size)
    assert await store.recall(SCOPE, records[0].ref, "recipe", 1.0) == VIEW.data
    assert await store.fetch(SCOPE, records[kept].ref) is None

    clock.now += 1.5 * HOUR
    # Not swept yet: the commit makes its own room, and only where retention has ended.
    store._next_sweep = float("inf")
    await store.commit(SCOPE, records[kept], VIEW, HOUR)
    assert await store.usage(SCOPE) == Usage(2, 50_000 + LOG.size)
    assert (tmp_path / FILE_NAME).stat().st_size <= 400_000
    await store.close()


async def test_a_read_only_file_refuses_and_can_still_be_read(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    assert store._connection is not None
    store._connection.execute("PRAGMA query_only=ON")
    with pytest.raises(StoreRefusedError, match="read-only"):
        await store.commit(SCOPE, TABLE, VIEW, HOUR)
    assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
    await store.close()


async def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"not a database, but long enough to be one " * 100)
    store = SqliteStore(tmp_path)
    with pytest.raises(StoreUnavailableError, match="is damaged; move"):
        await store.fetch(SCOPE, LOG.ref)
    # Moved away, the same store starts afresh.
    (tmp_path / FILE_NAME).rename(tmp_path / "damaged")
    assert await store.fetch(SCOPE, LOG.ref) is None
    await store.close()


async def test_pages_damaged_behind_its_back_are_never_other_bytes(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    for number in range(50):
        await store.commit(SCOPE, record_of(b"%d " % number * 5000), VIEW, HOUR)
    await store.close()
    with (tmp_path / FILE_NAME).open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 4096 * 20)
    store = SqliteStore(tmp_path)
    with pytest.raises(StoreUnavailableError, match="damaged"):
        await store.find_missing(SCOPE, [record_of(b"0 " * 5000).ref], HOUR)
    await store.close()


async def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with opened(tmp_path) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    store = SqliteStore(tmp_path)
    with pytest.raises(StoreUnavailableError, match="another program's database"):
        await store.commit(SCOPE, LOG, VIEW, HOUR)
    with opened(tmp_path) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]
    await store.close()


async def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.ping()
    await store.close()
    with opened(tmp_path) as connection:
        connection.execute("PRAGMA user_version=99")
    store = SqliteStore(tmp_path)
    with pytest.raises(StoreUnavailableError, match="schema 99, written by a newer version"):
        await store.ping()
    await store.close()


async def test_a_directory_that_cannot_be_made_is_said_so_without_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = SqliteStore(tmp_path / "file" / "store")
    with pytest.raises(StoreUnavailableError, match="cannot be opened: Not a directory") as caught:
        await store.ping()
    assert str(tmp_path) not in caught.value.message
    await store.close()


async def test_a_file_of_the_first_schema_is_taken_over(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    await store.commit(SCOPE, LOG, VIEW, HOUR)
    await store.close()
    with opened(tmp_path) as connection:
        connection.executescript("DROP TABLE pin; DROP TABLE conversation; PRAGMA user_version=1")
    store = SqliteStore(tmp_path)
    assert await store.pin(SCOPE, "c", {"k": Pin(LOG.ref, b"x")}, HOUR) == {"k": b"x"}
    assert await store.recall(SCOPE, LOG.ref, VIEW.recipe, HOUR) == VIEW.data
    await store.close()


async def test_conversations_that_ended_leave_the_file(tmp_path: Path) -> None:
    clock = Clock()
    store = SqliteStore(tmp_path, clock=clock)
    await store.pin(SCOPE, "c", {"k": Pin("", b"x")}, HOUR)
    clock.now += 2 * HOUR
    await store.ping()
    await store.ping()
    with opened(tmp_path) as connection:
        (left,) = connection.execute("SELECT count(*) FROM conversation").fetchone()
        (pins,) = connection.execute("SELECT count(*) FROM pin").fetchone()
    assert (left, pins) == (0, 0)
    await store.close()
