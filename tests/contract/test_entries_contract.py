"""What every backend of shared entries promises: app.entries_port.Entries, run against each."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

import redis_fleets
from contract.entries_places import (
    LOG_LENGTH,
    EntriesPlace,
    history,
    open_place,
    put,
    told,
    with_request,
    write_of,
)
from furler_compressor.app.entries_port import Bounds, Entries, Removal
from furler_compressor.app.errors import (
    CursorExpiredError,
    EntryNotFoundError,
    FieldInvalidError,
    RevisionMismatchError,
    SpaceFullError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Scope

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite", "redis", "cluster", "locked"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EntriesPlace]:
    backend = str(request.param)

    def redis_url() -> str:
        name = {"redis": "valkey_server", "cluster": "cluster_url"}[backend]
        return str(request.getfixturevalue(name))

    if backend == "locked":
        server: redis_fleets.Locked = request.getfixturevalue("locked_server")
        place = open_place(backend, tmp_path, lambda: server.url, server.access)
    else:
        place = open_place(backend, tmp_path / "store", redis_url)
    yield place
    await place.entries.close()


@pytest.fixture
def entries(place: EntriesPlace) -> Entries:
    return place.entries


@pytest.fixture
def scope() -> Scope:
    """A scope that no other test uses: servers are shared."""
    return Scope(f"tenant-{uuid.uuid4().hex}", "default")


# Keeping


async def test_an_entry_comes_back_as_it_was_written(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    write = write_of("findings", "\0\xff body")
    entry = (await entries.put(scope, write)).entry
    found = await entries.get(scope, "findings")
    assert found.entry == entry
    assert found.revision == entry.revision
    assert (entry.key, entry.sha256, entry.size, entry.body) == (
        write.key,
        write.sha256,
        write.size,
        write.body,
    )
    assert entry.creator == "ana"
    assert entry.created_at == entry.written_at
    assert entry.written_at == pytest.approx(place.now(), abs=5.0)
    assert entry.expires_at == pytest.approx(place.now() + 3600.0, abs=5.0)


async def test_what_was_never_written_is_not_there(entries: Entries, scope: Scope) -> None:
    found = await entries.get(scope, "findings")
    assert (found.entry, found.revision) == (None, 0)
    assert (await entries.page(scope, "", "", 10)).entries == ()
    assert (await entries.changes(scope, 0, 10)).changes == ()
    assert await entries.sketches(scope, 10) == []


async def test_a_key_keeps_its_creator_and_names_its_last_write(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    first = (await entries.put(scope, write_of("k", "one"))).entry
    second = (await entries.put(scope, replace(write_of("k", "two"), author="ben"))).entry
    assert (second.creator, second.created_at) == ("ana", first.created_at)
    assert second.body == b"two"
    await entries.delete(scope, Removal("k"))
    third = (await entries.put(scope, replace(write_of("k", "three"), author="ben"))).entry
    assert third.creator == "ben"


# Revisions


async def test_every_write_has_a_larger_revision(entries: Entries, scope: Scope) -> None:
    revisions = [
        await put(entries, scope, "a"),
        await put(entries, scope, "b"),
        await put(entries, scope, "a"),
        await entries.delete(scope, Removal("b")),
        await put(entries, scope, "b"),
    ]
    assert revisions == sorted(set(revisions))
    assert (await entries.get(scope, "b")).revision == revisions[-1]


async def test_a_write_at_another_revision_is_refused_and_changes_nothing(
    entries: Entries, scope: Scope
) -> None:
    first = await put(entries, scope, "k", "one")
    second = await put(entries, scope, "k", "two")
    with pytest.raises(RevisionMismatchError) as refused:
        await entries.put(scope, replace(write_of("k", "three"), if_revision=first))
    assert refused.value.metadata == {"key": "k", "revision": str(second)}
    with pytest.raises(RevisionMismatchError):
        await entries.delete(scope, Removal("k", if_revision=first))
    assert told(await history(entries, scope, 0)) == [("k", "put"), ("k", "put")]
    await entries.put(scope, replace(write_of("k", "three"), if_revision=second))


async def test_revision_0_means_that_there_is_no_entry(entries: Entries, scope: Scope) -> None:
    await entries.put(scope, replace(write_of("k"), if_revision=0))
    with pytest.raises(RevisionMismatchError):
        await entries.put(scope, replace(write_of("k"), if_revision=0))
    with pytest.raises(RevisionMismatchError) as refused:
        await entries.put(scope, replace(write_of("other"), if_revision=7))
    assert refused.value.metadata == {"key": "other", "revision": "0"}


async def test_of_many_that_write_at_one_revision_one_succeeds(
    entries: Entries, scope: Scope
) -> None:
    at = await put(entries, scope, "k")
    outcomes = await asyncio.gather(
        *(entries.put(scope, replace(write_of("k", str(n)), if_revision=at)) for n in range(20)),
        return_exceptions=True,
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, RevisionMismatchError)]
    assert len(refused) == 19
    assert len(await history(entries, scope, at)) == 1


# Retries


async def test_a_retry_is_the_same_write(entries: Entries, scope: Scope) -> None:
    write = with_request(write_of("k", "one"), "request-1")
    first = await entries.put(scope, write)
    await put(entries, scope, "k", "two")
    # Other bytes of the body are no other write: views may differ by a replica's day.
    again = await entries.put(scope, replace(write, body=b"made anew"))
    assert again == replace(first, repeated=True)
    assert (await entries.get(scope, "k")).entry != first.entry
    assert len(await history(entries, scope, 0)) == 2


async def test_a_retried_deletion_is_the_same_deletion(entries: Entries, scope: Scope) -> None:
    await put(entries, scope, "k")
    removal = Removal("k", request_id="request-1")
    revision = await entries.delete(scope, removal)
    await put(entries, scope, "k")
    assert await entries.delete(scope, removal) == revision
    assert (await entries.get(scope, "k")).entry is not None


async def test_a_retry_of_a_conditional_write_succeeds_though_its_condition_is_gone(
    entries: Entries, scope: Scope
) -> None:
    write = with_request(replace(write_of("k"), if_revision=0), "request-1")
    first = await entries.put(scope, write)
    assert await entries.put(scope, write) == replace(first, repeated=True)


async def test_a_request_id_of_another_write_is_refused(entries: Entries, scope: Scope) -> None:
    await entries.put(scope, with_request(write_of("k", "one"), "request-1"))
    with pytest.raises(FieldInvalidError):
        await entries.put(scope, with_request(write_of("k", "two"), "request-1"))
    with pytest.raises(FieldInvalidError):
        await entries.put(scope, with_request(write_of("other", "one"), "request-1"))
    with pytest.raises(FieldInvalidError):
        await entries.delete(scope, Removal("k", request_id="request-1"))
    assert len(await history(entries, scope, 0)) == 1


async def test_a_refused_write_does_not_use_up_its_request_id(
    entries: Entries, scope: Scope
) -> None:
    at = await put(entries, scope, "k")
    write = with_request(replace(write_of("k"), if_revision=at), "request-1")
    with pytest.raises(SpaceFullError):
        await entries.put(scope, replace(write, bounds=Bounds(1, 0)))
    assert (await entries.put(scope, write)).repeated is False


# Lists


async def test_a_list_is_every_entry_with_the_prefix_in_order_over_pages(
    entries: Entries, scope: Scope
) -> None:
    keys = ["a", "a/1", "a/10", "a/2", "a0", "b/é", "b/ｚ", "b/😀", "B", "租户"]
    for key in reversed(keys):
        await put(entries, scope, key)
    for prefix in ("", "a", "a/", "a/1", "b/", "租", "nothing"):
        found: list[str] = []
        after, more = "", True
        while more:
            page = await entries.page(scope, prefix, after, 2)
            found += [entry.key for entry in page.entries]
            after, more = (found or [""])[-1], page.more
        wanted = sorted((key for key in keys if key.startswith(prefix)), key=str.encode)
        assert found == wanted


async def test_watching_after_a_lists_revision_misses_nothing(
    entries: Entries, scope: Scope
) -> None:
    await put(entries, scope, "a")
    revision = (await entries.page(scope, "", "", 10)).revision
    await put(entries, scope, "b")
    await entries.delete(scope, Removal("a"))
    assert told(await history(entries, scope, revision)) == [("b", "put"), ("a", "deleted")]


async def test_an_empty_scopes_list_can_be_watched_after(entries: Entries, scope: Scope) -> None:
    revision = (await entries.page(scope, "", "", 10)).revision
    await put(entries, scope, "a")
    assert told(await history(entries, scope, revision)) == [("a", "put")]


# Deleting


async def test_a_deleted_entry_is_gone_and_its_tombstone_stays(
    entries: Entries, scope: Scope
) -> None:
    at = await put(entries, scope, "k")
    revision = await entries.delete(scope, Removal("k", if_revision=at))
    assert (await entries.get(scope, "k")).entry is None
    assert (await entries.page(scope, "", "", 10)).entries == ()
    assert await entries.sketches(scope, 10) == []
    (change,) = await history(entries, scope, at)
    assert (change.key, change.revision, change.entry, change.expired) == (
        "k",
        revision,
        None,
        False,
    )


async def test_what_is_not_there_cannot_be_deleted(entries: Entries, scope: Scope) -> None:
    with pytest.raises(EntryNotFoundError):
        await entries.delete(scope, Removal("k"))
    with pytest.raises(EntryNotFoundError):
        await entries.delete(scope, Removal("k", if_revision=3))
    assert await history(entries, scope, 0) == []


# Watching


async def test_changes_come_in_order_each_once_after_every_position(
    entries: Entries, scope: Scope
) -> None:
    for number in range(10):
        await put(entries, scope, f"k{number % 3}", str(number))
    await entries.delete(scope, Removal("k1"))
    whole = await history(entries, scope, 0)
    revisions = [change.revision for change in whole]
    assert revisions == sorted(set(revisions))
    assert len(whole) == 11
    assert [change.entry.body for change in whole if change.entry] == [
        str(number).encode() for number in range(10)
    ]
    for limit in (1, 3, 100):
        for position, revision in enumerate([0, *revisions]):
            assert await history(entries, scope, revision, limit) == whole[position:]


async def test_a_change_shows_the_entry_as_it_was_then(entries: Entries, scope: Scope) -> None:
    first = (await entries.put(scope, write_of("k", "one"))).entry
    await put(entries, scope, "k", "two")
    assert (await history(entries, scope, 0))[0].entry == first


async def test_a_watch_from_now_starts_at_the_end(entries: Entries, scope: Scope) -> None:
    revision = await put(entries, scope, "a")
    now = await entries.changes(scope, None, 10)
    assert (now.changes, now.through) == ((), revision)


async def test_a_trimmed_position_is_expired_and_the_oldest_one_is_named(
    entries: Entries, scope: Scope
) -> None:
    revisions = [await put(entries, scope, f"k{n}") for n in range(LOG_LENGTH + 5)]
    for gone in (0, *revisions[:4]):
        with pytest.raises(CursorExpiredError) as refused:
            await entries.changes(scope, gone, 10)
        assert refused.value.metadata == {"oldest_revision": str(revisions[4])}
    rest = await history(entries, scope, revisions[4])
    assert [change.revision for change in rest] == revisions[5:]


async def test_a_position_that_was_never_one_is_expired(entries: Entries, scope: Scope) -> None:
    first = await put(entries, scope, "k")
    last = await put(entries, scope, "k")
    for other in {1, first - 1, last - 1, last + 1, last * 2} - {first}:
        with pytest.raises(CursorExpiredError):
            await entries.changes(scope, other, 10)


async def test_a_request_is_forgotten_with_its_change(entries: Entries, scope: Scope) -> None:
    await entries.put(scope, with_request(write_of("k", "one"), "request-1"))
    for number in range(LOG_LENGTH):
        await put(entries, scope, f"k{number}")
    assert not (await entries.put(scope, with_request(write_of("k", "two"), "request-1"))).repeated


async def test_a_wait_ends_with_the_next_change(entries: Entries, scope: Scope) -> None:
    at = await put(entries, scope, "a")
    async with asyncio.timeout(20.0):
        await entries.wait(scope, 0, 20.0)  # there is one already
        waiting = asyncio.create_task(entries.wait(scope, at, 20.0))
        while not waiting.done():
            # A wait may end early, so look: and then it must have been for this change.
            await put(entries, scope, "b")
            await asyncio.wait([waiting], timeout=0.2)
        await waiting
    assert (await entries.changes(scope, at, 10)).changes


async def test_a_wait_ends_when_its_time_is_over(entries: Entries, scope: Scope) -> None:
    at = await put(entries, scope, "a")
    async with asyncio.timeout(20.0):
        await entries.wait(scope, at, 0.05)


# Expiry


async def test_an_entry_is_found_until_its_time_and_not_after(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    await put(entries, scope, "k", retention=place.short)
    await put(entries, scope, "stays")
    assert (await entries.get(scope, "k")).entry is not None

    async def gone() -> bool:
        return (await entries.get(scope, "k")).entry is None

    await place.eventually(place.short, gone)
    assert [entry.key for entry in (await entries.page(scope, "", "", 10)).entries] == ["stays"]
    assert [key for key, _ in await entries.sketches(scope, 10)] == ["stays"]
    with pytest.raises(EntryNotFoundError):
        await entries.delete(scope, Removal("k"))


async def test_an_expiry_is_one_tombstone_in_order(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    for key, share in (("late", 3), ("early", 1), ("middle", 2)):
        await put(entries, scope, key, retention=place.short * share)
    at = (await entries.get(scope, "late")).revision

    async def three() -> bool:
        return len(await history(entries, scope, at)) == 3

    await place.eventually(place.short * 3, three)
    await put(entries, scope, "early")
    found = await history(entries, scope, at)
    assert told(found) == [
        ("early", "expired"),
        ("middle", "expired"),
        ("late", "expired"),
        ("early", "put"),
    ]
    revisions = [change.revision for change in found]
    assert revisions == sorted(set(revisions))


async def test_a_new_life_of_an_expired_key_comes_after_its_tombstone(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    first = (await entries.put(scope, write_of("k", retention=place.short))).entry

    async def gone() -> bool:
        return (await entries.get(scope, "k")).entry is None

    await place.eventually(place.short, gone)
    write = replace(write_of("k"), if_revision=0, author="ben")
    second = (await entries.put(scope, write)).entry
    assert second.creator == "ben"
    assert told(await history(entries, scope, first.revision)) == [("k", "expired"), ("k", "put")]


async def test_a_write_extends_the_time(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    await put(entries, scope, "k", retention=place.short)
    await put(entries, scope, "other", retention=place.short)
    await put(entries, scope, "k", retention=3600.0)

    async def only_k() -> bool:
        return [entry.key for entry in (await entries.page(scope, "", "", 9)).entries] == ["k"]

    await place.eventually(place.short, only_k)


async def test_changes_say_when_the_next_entry_expires(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    assert (await entries.changes(scope, None, 1)).due_in is None
    await put(entries, scope, "a", retention=500.0)
    await put(entries, scope, "b", retention=200.0)
    due_in = (await entries.changes(scope, None, 1)).due_in
    assert due_in == pytest.approx(200.0, abs=5.0)


# Bounds


async def test_a_full_scope_names_its_limit_and_makes_room(
    place: EntriesPlace, entries: Entries, scope: Scope
) -> None:
    tight = Bounds(entries=2, size=10)
    await entries.put(scope, replace(write_of("a", "12345"), bounds=tight))
    await entries.put(scope, replace(write_of("b", "123", place.short), bounds=tight))
    with pytest.raises(SpaceFullError) as refused:
        await entries.put(scope, replace(write_of("c", "1"), bounds=tight))
    assert refused.value.metadata == {"quota": "shared_entries", "limit": "2"}
    with pytest.raises(SpaceFullError) as refused:
        await entries.put(scope, replace(write_of("a", "12345678"), bounds=tight))
    assert refused.value.metadata == {"quota": "shared_bytes", "limit": "10"}
    # A write in the place of another counts the difference.
    await entries.put(scope, replace(write_of("a", "1234567"), bounds=tight))

    async def has_room() -> bool:
        try:
            await entries.put(scope, replace(write_of("c", "123"), bounds=tight))
        except SpaceFullError:
            return False
        return True

    await place.eventually(place.short, has_room)
    await entries.delete(scope, Removal("a"))
    await entries.put(scope, replace(write_of("d", "1234567"), bounds=tight))


# Sketches


async def test_sketches_are_of_the_latest_entries_newest_first(
    entries: Entries, scope: Scope
) -> None:
    for key in ("a", "b", "c", "a"):
        await put(entries, scope, key)
    assert await entries.sketches(scope, 2) == [("a", b"sketch of a"), ("c", b"sketch of c")]


# Isolation


async def test_a_scope_sees_only_its_own(entries: Entries, scope: Scope) -> None:
    tenant = scope.tenant
    others = [
        Scope(tenant, "other"),
        Scope(f"{tenant}/default", ""),
        Scope(f"{tenant}x", "default"),
    ]
    revision = await put(entries, scope, "k")
    for other in others:
        assert (await entries.get(other, "k")).entry is None
        assert (await entries.page(other, "", "", 10)).entries == ()
        assert await entries.sketches(other, 10) == []
        with pytest.raises(EntryNotFoundError):
            await entries.delete(other, Removal("k"))
        with pytest.raises(CursorExpiredError):
            await entries.changes(other, revision, 10)
        assert (await entries.changes(other, 0, 10)).changes == ()


async def test_a_request_id_is_a_scopes_own(entries: Entries, scope: Scope) -> None:
    write = with_request(write_of("k"), "request-1")
    await entries.put(scope, write)
    other = replace(scope, space="other")
    assert not (await entries.put(other, write)).repeated


# Ending


async def test_a_closed_backend_is_unavailable(entries: Entries, scope: Scope) -> None:
    await put(entries, scope, "k")
    await entries.close()
    with pytest.raises(StoreUnavailableError):
        await entries.get(scope, "k")
    with pytest.raises(StoreUnavailableError):
        await entries.changes(scope, 0, 1)
