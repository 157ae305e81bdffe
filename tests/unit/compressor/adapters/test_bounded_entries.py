"""Shared entries in trouble cost a time limit, then nothing; an answer that says no is an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from contract.places import Clock
from furler_compressor.adapters.breaker import Breaker
from furler_compressor.adapters.memory_entries import MemoryEntries
from furler_compressor.adapters.wrap.bounded_entries import BoundedEntries
from furler_compressor.adapters.wrap.guard import Guard
from furler_compressor.app.entries_port import Bounds, Entries, Removal, Write
from furler_compressor.app.errors import EntryNotFoundError, StoreUnavailableError
from furler_compressor.app.ports import Scope

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
WRITE = Write("plan", b"\0" * 32, 10, "agent", b"body", b"", 60.0, Bounds(10, 1000))
CALLS: dict[str, Callable[[Entries], Awaitable[object]]] = {
    "put": lambda entries: entries.put(SCOPE, WRITE),
    "get": lambda entries: entries.get(SCOPE, "plan"),
    "page": lambda entries: entries.page(SCOPE, "", "", 10),
    "delete": lambda entries: entries.delete(SCOPE, Removal("plan")),
    "changes": lambda entries: entries.changes(SCOPE, None, 10),
    "sketches": lambda entries: entries.sketches(SCOPE, 10),
}


async def hang(*_: object) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize("name", CALLS)
async def test_a_call_that_hangs_ends_at_its_limit_and_the_next_is_not_made(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = MemoryEntries()
    entries = BoundedEntries(inner, Guard(0.01, Breaker(failures=1, clock=Clock())))
    monkeypatch.setattr(inner, name, hang)
    with pytest.raises(StoreUnavailableError, match=r"within 0\.01 s"):
        await CALLS[name](entries)
    monkeypatch.undo()
    with pytest.raises(StoreUnavailableError, match="left alone"):
        await CALLS[name](entries)


async def test_entries_that_answer_no_are_not_left_alone() -> None:
    entries = BoundedEntries(MemoryEntries(), Guard(breaker=Breaker(failures=1, clock=Clock())))
    for _ in range(3):
        with pytest.raises(EntryNotFoundError):
            await entries.delete(SCOPE, Removal("plan"))
    assert (await entries.put(SCOPE, WRITE)).entry.key == "plan"


async def test_a_wait_is_as_long_as_it_is() -> None:
    entries = BoundedEntries(MemoryEntries(), Guard(0.01))
    revision = (await entries.put(SCOPE, WRITE)).entry.revision
    await entries.wait(SCOPE, revision, 0.05)
    assert (await entries.get(SCOPE, "plan")).revision == revision
