"""Shared context through the client: the same against a server and the engine in this process."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path

import pytest

from furler import (
    AsyncFurler,
    AsyncSharedSpace,
    Change,
    ContentNotFoundError,
    CursorExpiredError,
    EntryNotFoundError,
    FieldInvalidError,
    Furler,
    QuotaExceededError,
    RevisionMismatchError,
    loop,
)
from support.inputs import orders, service_log
from support.one_loop import in_clients_loop
from support.service import running_service

LOG = service_log(900)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_service(shared_max_entries="40", shared_checkpoint_seconds="0.3") as service:
        yield service.address


@pytest.fixture(params=["embedded", "connected"])
def furler(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AsyncFurler]:
    if request.param == "embedded":
        client = AsyncFurler.embedded(str(tmp_path / "store"), agent="ana")
    else:
        client = AsyncFurler.connect(request.getfixturevalue("server"), agent="ana")
    yield client
    loop.run(client.close())


@pytest.fixture
def space() -> str:
    return f"space-{uuid.uuid4().hex}"


@pytest.fixture
def shared(furler: AsyncFurler, space: str) -> AsyncSharedSpace:
    return furler.shared(space)


@in_clients_loop
async def test_what_one_agent_puts_another_gets_shorter_and_whole_on_demand(
    furler: AsyncFurler, shared: AsyncSharedSpace, space: str
) -> None:
    written = await shared.put("logs/checkout", LOG, tool="kubectl", query="why did it fail?")
    entry = await shared.get("logs/checkout", original=True)
    assert entry.original == LOG.encode()
    assert entry.view.tokens_after < entry.view.tokens_before / 5
    assert "FATAL db pool exhausted" in entry.text
    assert (entry.author, entry.creator, entry.source_tool) == ("ana", "ana", "kubectl")
    assert entry.revision == written.entry.revision
    part = await furler.retrieve(entry.view.ref, lines="451", space=space)
    assert part.text == LOG.splitlines(keepends=True)[450]
    # What lists and writes show is the same without text.
    assert written.entry.text == ""
    assert written.entry.view.tokens_after == entry.view.tokens_after


@in_clients_loop
async def test_a_view_is_the_one_that_compress_gives(
    furler: AsyncFurler, shared: AsyncSharedSpace, space: str
) -> None:
    view = await furler.compress(LOG, query="why?", space=space)
    await shared.put("k", LOG, query="why?")
    entry = await shared.get("k")
    assert entry.text == view.text
    assert entry.view.ref == view.ref
    assert entry.view.elisions == view.elisions


@in_clients_loop
async def test_a_short_content_is_its_own_view_and_can_be_retrieved(
    furler: AsyncFurler, shared: AsyncSharedSpace, space: str
) -> None:
    await shared.put("note", "the pool is too small\n")
    entry = await shared.get("note", original=True)
    assert entry.text == "the pool is too small\n"
    assert entry.original == b"the pool is too small\n"
    assert (await furler.retrieve(entry.view.ref, space=space)).text == entry.text


@in_clients_loop
async def test_equal_content_under_two_keys_is_stored_once(
    furler: AsyncFurler, shared: AsyncSharedSpace, space: str
) -> None:
    await shared.put("one", LOG)
    written = await shared.put("two", LOG)
    assert (await furler.stats(space=space)).originals == 1
    assert written.resembles is not None
    assert (written.resembles.key, written.resembles.identical) == ("one", True)
    assert written.resembles.lines_added == 0


@in_clients_loop
async def test_a_near_duplicate_is_named_with_what_differs(shared: AsyncSharedSpace) -> None:
    await shared.put("ana/orders", orders(200), author="ana")
    await shared.put("unrelated", LOG)
    changed = orders(200).replace("refund_failed", "refunded") + "\n# checked\n"
    written = await shared.put("ben/orders", changed, author="ben")
    near = written.resembles
    assert near is not None
    assert (near.key, near.author, near.identical) == ("ana/orders", "ana", False)
    assert 0.9 < near.similarity <= 1.0
    assert (near.lines_added, near.lines_removed) == (2, 1)
    assert [line.text.strip() for line in near.added] == ['"status": "refunded",', "# checked"]
    assert [line.text.strip() for line in near.removed] == ['"status": "refund_failed",']
    original = orders(200).splitlines()
    assert original[near.removed[0].line - 1] == near.removed[0].text


@in_clients_loop
async def test_a_key_does_not_resemble_its_own_last_content(shared: AsyncSharedSpace) -> None:
    await shared.put("k", LOG)
    assert (await shared.put("k", LOG + "one more\n")).resembles is None


@in_clients_loop
async def test_a_write_in_anothers_place_needs_the_revision_it_saw(
    shared: AsyncSharedSpace,
) -> None:
    first = await shared.put("k", "one", if_revision=0)
    second = await shared.put("k", "two", if_revision=first.entry.revision, author="ben")
    assert (second.entry.author, second.entry.creator) == ("ben", "ana")
    with pytest.raises(RevisionMismatchError) as refused:
        await shared.put("k", "three", if_revision=first.entry.revision)
    assert refused.value.revision == second.entry.revision
    with pytest.raises(RevisionMismatchError):
        await shared.delete("k", if_revision=first.entry.revision)
    assert (await shared.get("k")).text == "two"


@in_clients_loop
async def test_a_repeated_request_writes_once(shared: AsyncSharedSpace) -> None:
    first = await shared.put("k", "one", request_id="request-1")
    again = await shared.put("k", "one", request_id="request-1")
    assert (first.repeated, again.repeated) == (False, True)
    assert again.entry == first.entry
    with pytest.raises(FieldInvalidError) as refused:
        await shared.put("k", "two", request_id="request-1")
    assert refused.value.metadata["field"] == "request_id"


@in_clients_loop
async def test_a_deleted_entry_is_not_found(shared: AsyncSharedSpace) -> None:
    at = (await shared.put("k", "one")).entry.revision
    assert await shared.delete("k") > at
    for call in (shared.get("k"), shared.delete("k"), shared.get("never")):
        with pytest.raises(EntryNotFoundError):
            await call


@in_clients_loop
async def test_erasing_the_content_reaches_every_entry(
    furler: AsyncFurler, shared: AsyncSharedSpace, space: str
) -> None:
    entry = (await shared.put("one", LOG)).entry
    await shared.put("two", LOG)
    await furler.delete(entry.view.ref, space=space)
    for key in ("one", "two"):
        with pytest.raises(ContentNotFoundError):
            await shared.get(key)


@in_clients_loop
async def test_a_list_has_every_entry_with_the_prefix_in_order(shared: AsyncSharedSpace) -> None:
    for key in ("b/2", "a", "b/1", "b", "c"):
        await shared.put(key, key)
    listing = await shared.list("b")
    assert [entry.key for entry in listing.entries] == ["b", "b/1", "b/2"]
    assert listing.revision == (await shared.get("c")).revision
    assert (await shared.list("nothing")).entries == ()


@in_clients_loop
async def test_a_read_is_not_older_than_asked_for(shared: AsyncSharedSpace) -> None:
    revision = (await shared.put("k", "one")).entry.revision
    assert (await shared.get("k", min_revision=revision)).revision == revision


@in_clients_loop
async def test_spaces_do_not_see_each_other(furler: AsyncFurler, shared: AsyncSharedSpace) -> None:
    revision = (await shared.put("k", "one")).entry.revision
    other = furler.shared(f"other-{uuid.uuid4().hex}")
    with pytest.raises(EntryNotFoundError):
        await other.get("k")
    assert (await other.list()).entries == ()
    with pytest.raises(CursorExpiredError):
        await anext(other.watch(after=revision))


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("key", {"key": ""}),
        ("key", {"key": "a\nb"}),
        ("key", {"key": "k" * 513}),
        ("retention", {"retention": 10.0**9}),
        ("policy.fidelity", {"policy": {"fidelity": "irreversible"}}),
        ("request_id", {"request_id": "r" * 129}),
        ("author", {"author": "a" * 257}),
    ],
)
@in_clients_loop
async def test_a_wrong_field_is_named(
    shared: AsyncSharedSpace, field: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(FieldInvalidError) as refused:
        await shared.put(**{"key": "k", "content": "text", **arguments})  # type: ignore[arg-type]
    assert refused.value.metadata == {"field": field}


# Watching


@in_clients_loop
async def test_a_watch_has_every_change_in_order(shared: AsyncSharedSpace) -> None:
    start = (await shared.list()).revision
    await shared.put("a", "one")
    await shared.put("b", "two", retention=0.2)
    await shared.put("a", "three")
    await shared.delete("a")
    seen: list[Change] = []
    async with aclosing(shared.watch(after=start, seconds=30.0)) as changes:
        async for change in changes:
            seen.append(change)
            if change.expired:
                break
    shown = [(c.key, c.entry is not None, c.expired) for c in seen if c.key == "a"]
    assert shown == [("a", True, False), ("a", True, False), ("a", False, False)]
    assert [(c.key, c.entry is not None, c.expired) for c in seen if c.key == "b"] == [
        ("b", True, False),
        ("b", False, True),
    ]
    revisions = [change.revision for change in seen]
    assert revisions == sorted(set(revisions))
    # Resumed after every position it has the rest.
    for position, revision in itertools.islice(enumerate(revisions), len(revisions) - 1):
        rest: list[Change] = []
        async with aclosing(shared.watch(after=revision, seconds=30.0)) as changes:
            async for change in changes:
                rest.append(change)
                if change.expired:
                    break
        assert rest == seen[position + 1 :]


@in_clients_loop
async def test_a_watch_from_now_on_has_what_comes_and_only_its_prefix(
    shared: AsyncSharedSpace,
) -> None:
    await shared.put("a/before", "x")
    async with aclosing(shared.watch("a/", seconds=30.0)) as changes:
        # A watch from now is not there before its first answer; so write until it sees one.
        following = asyncio.ensure_future(anext(changes))
        number = 0
        while not following.done():
            number += 1
            await shared.put("b/other", str(number))
            await shared.put("a/after", str(number))
            await asyncio.wait([following], timeout=0.05)
        change = await following
    assert change.key == "a/after"


@in_clients_loop
async def test_a_watch_ends_when_its_time_is_over(shared: AsyncSharedSpace) -> None:
    await shared.put("a", "one")
    assert [change async for change in shared.watch(seconds=0.5)] == []


@in_clients_loop
async def test_a_full_space_names_its_limit(server: str, space: str) -> None:
    async with AsyncFurler.connect(server) as furler:
        shared = furler.shared(space)
        for number in range(40):
            await shared.put(f"k{number}", str(number))
        with pytest.raises(QuotaExceededError) as refused:
            await shared.put("one too many", "x")
        assert refused.value.metadata == {"quota": "shared_entries", "limit": "40"}
        assert refused.value.retry_after == 60.0
        await shared.put("k0", "in its place")


# Threads


def test_the_synchronous_face_does_the_same(tmp_path: Path) -> None:
    with Furler.embedded(str(tmp_path), agent="ana") as furler:
        shared = furler.shared()
        written = shared.put("k", LOG)
        entry = shared.get("k", original=True)
        assert entry.original == LOG.encode()
        assert [each.key for each in shared.list().entries] == ["k"]
        removed = shared.delete("k")
        changes = shared.watch(after=0, seconds=30.0)
        assert [next(changes).revision, next(changes).revision] == [
            written.entry.revision,
            removed,
        ]
        changes.close()  # type: ignore[attr-defined]
