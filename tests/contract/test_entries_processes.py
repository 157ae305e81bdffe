"""Order, and nothing lost or torn, while several processes write, watch, and are killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import uuid
from pathlib import Path

import pytest

from contract.entries_places import history, write_of
from contract.entries_writer import SCOPE_OF_WRITERS, opened, start_writer
from furler_compressor.app.entries_port import Change, Entries
from furler_compressor.app.ports import Scope

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WRITERS = 3
WRITES = 120


@pytest.fixture(params=["sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "store")
    return str(request.getfixturevalue("valkey_server"))


@pytest.fixture
def scope() -> Scope:
    return Scope(f"tenant-{uuid.uuid4().hex}", SCOPE_OF_WRITERS)


async def acknowledged(writer: subprocess.Popen[bytes]) -> list[int]:
    output, _ = await asyncio.to_thread(writer.communicate)
    return [int(line) for line in output.splitlines()]


async def follow(entries: Entries, scope: Scope, limit: int, enough: asyncio.Event) -> list[Change]:
    """Watch from the start, page by page, until told that there is no more to come."""
    seen: list[Change] = []
    after = 0
    while True:
        ended = enough.is_set()
        page = await entries.changes(scope, after, limit)
        seen += page.changes
        if page.through == after and ended:
            return seen
        if page.through == after:
            await entries.wait(scope, after, 0.2)
        after = page.through


async def test_watchers_see_every_write_of_every_process_once_and_in_order(
    place: str, scope: Scope
) -> None:
    entries = opened(place)
    await entries.put(scope, write_of("first"))
    enough = asyncio.Event()
    watches = [asyncio.create_task(follow(entries, scope, n, enough)) for n in (1, 7, 100)]
    writers = [start_writer(place, scope.tenant, f"w{n}", WRITES) for n in range(WRITERS)]
    by_writer = [await acknowledged(writer) for writer in writers]
    enough.set()
    seen = await asyncio.gather(*watches)
    assert seen[0] == seen[1] == seen[2]
    revisions = [change.revision for change in seen[0]]
    assert revisions == sorted(set(revisions))
    for own in by_writer:
        assert own == sorted(set(own))
        assert len(own) > WRITES
    assert sorted(revision for own in by_writer for revision in own) == revisions[1:]
    # After every position the rest follows, without gap or repeat.
    for position in range(0, len(revisions), 17):
        rest = await history(entries, scope, revisions[position], 50)
        assert [change.revision for change in rest] == revisions[position + 1 :]
    state = {change.key: change.revision for change in seen[0] if change.entry}
    for change in seen[0]:
        if change.entry is None and state.get(change.key, 0) < change.revision:
            del state[change.key]
    page = await entries.page(scope, "", "", 1000)
    assert {entry.key: entry.revision for entry in page.entries} == state
    await entries.close()


async def test_a_killed_writer_leaves_whole_writes_only_and_every_acknowledged_one(
    place: str, scope: Scope
) -> None:
    entries = opened(place)
    told: list[int] = []
    for name in ("w0", "w1", "w2"):
        writer = start_writer(place, scope.tenant, name, 100_000)
        assert writer.stdout is not None
        told += [int(await asyncio.to_thread(writer.stdout.readline)) for _ in range(30)]
        os.kill(writer.pid, signal.SIGKILL)
        told += await acknowledged(writer)
    whole = await history(entries, scope, 0, 100)
    revisions = [change.revision for change in whole]
    assert revisions == sorted(set(revisions))
    assert set(told) <= set(revisions)
    # What was written without being acknowledged is at most one write per kill.
    assert len(revisions) <= len(told) + 3
    # The entries are what the log says, and the bounds' counters are of them.
    page = await entries.page(scope, "", "", 1000)
    latest = {change.key: change.entry for change in whole}
    assert {entry.key: entry for entry in page.entries} == {
        key: entry for key, entry in latest.items() if entry is not None
    }
    await entries.put(scope, write_of("after"))
    assert len(await history(entries, scope, revisions[-1])) == 1
    await entries.close()
