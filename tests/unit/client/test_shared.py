"""Shared context's client against a backend from a script: retries, and watches that go on."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from google.protobuf.message import Message

from furler import (
    AsyncFurler,
    CursorExpiredError,
    DeadlineExceededError,
    EntryNotFoundError,
    FurlerError,
    RevisionMismatchError,
    StoreUnavailableError,
    UnavailableError,
)
from furler.errors import from_reason
from furler.sharing import Change
from furler.v1 import shared_context_service_pb2 as shared
from support.fake_backend import FakeBackend, Outcome, in_turn

pytestmark = pytest.mark.anyio


def batch(through: int, *changes: shared.Change) -> shared.WatchEntriesResponse:
    return shared.WatchEntriesResponse(changes=changes, through_revision=through)


def put(revision: int, key: str = "k") -> shared.Change:
    return shared.Change(put=shared.Entry(key=key, revision=revision))


def gone(revision: int) -> shared.Change:
    return shared.Change(deleted=shared.Tombstone(key="k", revision=revision, expired=True))


def watching(*streams: list[Outcome], timeout: float = 60.0) -> tuple[FakeBackend, AsyncFurler]:
    backend = FakeBackend({"WatchEntries": in_turn(*streams)})
    return backend, AsyncFurler(backend, timeout=timeout, agent="ana")


async def first(changes: AsyncGenerator[Change], count: int) -> list[int]:
    found: list[int] = []
    async with aclosing(changes):
        async for change in changes:
            found.append(change.revision)
            if len(found) == count:
                break
    return found


def cursors(backend: FakeBackend) -> list[int | None]:
    """Return the revision after which each stream was asked for."""
    requests: list[Message] = backend.requests("WatchEntries")
    return [
        request.after_revision if request.HasField("after_revision") else None
        for request in requests
        if isinstance(request, shared.WatchEntriesRequest)
    ]


async def test_a_broken_watch_goes_on_after_the_last_change_it_gave_out() -> None:
    backend, furler = watching(
        [batch(5), batch(7, put(6), put(7)), UnavailableError("gone")],
        [UnavailableError("still gone")],
        [batch(9, gone(8), put(9)), DeadlineExceededError("over")],
        [batch(9), batch(12, put(10)), StoreUnavailableError("a moment")],
        [batch(13, put(13))],
    )
    assert await first(furler.shared().watch(), 6) == [6, 7, 8, 9, 10, 13]
    assert cursors(backend) == [None, 7, 7, 9, 12]


async def test_a_watch_that_breaks_between_two_changes_of_a_batch_repeats_neither() -> None:
    backend, furler = watching([batch(7, put(6), put(7))], [batch(8, put(8))])
    watch = furler.shared().watch(after=5)
    async with aclosing(watch):
        assert (await anext(watch)).revision == 6
    again = furler.shared().watch(after=6)
    assert await first(again, 1) == [8]
    assert cursors(backend) == [5, 6]


async def test_a_stream_that_ended_well_is_followed_by_the_next() -> None:
    backend, furler = watching([batch(5)], [batch(6, put(6))])
    assert await first(furler.shared().watch(after=0), 1) == [6]
    assert cursors(backend) == [0, 5]


async def test_what_does_not_pass_is_raised() -> None:
    _, furler = watching([CursorExpiredError("too old")])
    with pytest.raises(CursorExpiredError):
        await anext(furler.shared().watch(after=1))


async def test_a_server_out_of_reach_for_the_clients_timeout_is_an_error() -> None:
    backend, furler = watching([UnavailableError("gone")], timeout=0.2)
    with pytest.raises(UnavailableError):
        await anext(furler.shared().watch())
    assert len(cursors(backend)) > 1


async def test_a_write_has_a_request_id_that_only_its_own_retries_share() -> None:
    backend = FakeBackend()
    space = AsyncFurler(backend, agent="ana").shared("s")
    await space.put("k", "text")
    await space.put("k", "text", author="ben", if_revision=0, request_id="mine")
    await space.delete("k")
    puts = [r for r in backend.requests("PutEntry") if isinstance(r, shared.PutEntryRequest)]
    assert [(r.space, r.author, r.HasField("if_revision")) for r in puts] == [
        ("s", "ana", False),
        ("s", "ben", True),
    ]
    (removal,) = backend.requests("DeleteEntry")
    assert isinstance(removal, shared.DeleteEntryRequest)
    assert len({puts[0].request_id, puts[1].request_id, removal.request_id, ""}) == 4
    assert puts[1].request_id == "mine"


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("ENTRY_NOT_FOUND", EntryNotFoundError),
        ("REVISION_MISMATCH", RevisionMismatchError),
        ("CURSOR_EXPIRED", CursorExpiredError),
    ],
)
def test_reasons_are_errors_of_their_own(reason: str, kind: type[FurlerError]) -> None:
    assert type(from_reason(reason, "message", {"revision": "7"})) is kind


def test_a_mismatch_says_where_the_entry_is() -> None:
    error = from_reason("REVISION_MISMATCH", "message", {"key": "k", "revision": "7"})
    assert isinstance(error, RevisionMismatchError)
    assert error.revision == 7
