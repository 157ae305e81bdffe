"""What shared entries in Redis promise beyond the contract: round trips, lost writes, a full server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import redis

import servers
from contract.entries_places import AMPLE, EntriesPlace, history, put, told, write_of
from furler_compressor.adapters.redis_entries import _WAITERS, RedisEntries
from furler_compressor.app.entries_port import Removal
from furler_compressor.app.errors import (
    CursorExpiredError,
    StoreRefusedError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Scope

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")


@pytest.fixture
async def entries(valkey_server: str) -> AsyncIterator[RedisEntries]:
    entries = RedisEntries(valkey_server)
    yield entries
    await entries.close()


@pytest.fixture
def scope(request: pytest.FixtureRequest) -> Scope:
    """A scope that no other test uses: the server is shared."""
    return Scope(f"redis-entries-{os.getpid()}-{request.node.name}", "space")


# Round trips and keys


async def test_a_call_is_one_round_trip(
    entries: RedisEntries, scope: Scope, valkey_server: str
) -> None:
    with redis.Redis.from_url(valkey_server) as other:

        def reads() -> int:
            return int(other.info("stats")["total_reads_processed"])

        async def round_trips(call: asyncio.Future[object]) -> int:
            before = reads()
            await call
            return reads() - before - 1  # our own look is one

        async def each_once() -> dict[str, int]:
            calls = {
                "put": entries.put(scope, write_of("k")),
                "get": entries.get(scope, "k"),
                "page": entries.page(scope, "", "", 10),
                "changes": entries.changes(scope, None, 10),
                "sketches": entries.sketches(scope, 10),
                "delete": entries.delete(scope, Removal("k")),
            }
            return {
                name: await round_trips(asyncio.ensure_future(call)) for name, call in calls.items()
            }

        # The first time the server is taught the scripts.
        await each_once()
        assert set((await each_once()).values()) == {1}


async def test_all_keys_of_a_scope_lie_on_one_slot(
    entries: RedisEntries, valkey_server: str
) -> None:
    scope = Scope("en}tries/{x}:é", "{}/*")
    await entries.put(scope, replace(write_of("k"), request_id="r"))
    with redis.Redis.from_url(valkey_server) as other:
        keys = list(other.scan_iter("furler:{en%7Dtries*", count=10_000))
    assert {key[key.index(b"{") + 1 : key.index(b"}")] for key in keys} == {
        b"en%7Dtries%2F%7Bx%7D%3A%C3%A9/%7B%7D%2F%2A"
    }
    names = sorted(key.rpartition(b"}:")[2] for key in keys)
    assert names == [b"e", b"eh", b"ek", b"eq", b"es", b"et", b"ew", b"log"]


async def test_reads_write_nothing(entries: RedisEntries, scope: Scope, valkey_server: str) -> None:
    await put(entries, scope, "k")
    with redis.Redis.from_url(valkey_server) as other:
        before = other.info("persistence")["rdb_changes_since_last_save"]
        await entries.get(scope, "k")
        await entries.page(scope, "", "", 10)
        await entries.changes(scope, 0, 10)
        await entries.sketches(scope, 10)
        assert other.info("persistence")["rdb_changes_since_last_save"] == before


async def test_more_waits_than_connections_keep_nobody_waiting(
    entries: RedisEntries, scope: Scope
) -> None:
    at = await put(entries, scope, "k")
    waits = [asyncio.create_task(entries.wait(scope, at, 4.0)) for _ in range(_WAITERS + 10)]
    async with asyncio.timeout(30.0):
        await put(entries, scope, "k")
        await asyncio.gather(*waits)


# Lost writes


async def test_a_failover_that_loses_writes_reuses_no_revision_and_expires_their_cursors() -> None:
    with servers.valkey() as server:
        entries = RedisEntries(server.url)
        kept = await put(entries, SCOPE, "kept")
        with redis.Redis.from_url(server.url) as other:
            other.save()
        lost = [await put(entries, SCOPE, f"lost-{number}") for number in range(20)]
        # As a replica that is behind takes over: what was acknowledged last is not there.
        server.kill()
        server.start()
        assert (await entries.get(SCOPE, "lost-0")).entry is None
        with pytest.raises(CursorExpiredError):
            await entries.changes(SCOPE, lost[-1], 10)
        new = [await put(entries, SCOPE, f"new-{number}") for number in range(50)]
        assert min(new) > max(lost)
        for revision in lost:
            with pytest.raises(CursorExpiredError):
                await entries.changes(SCOPE, revision, 10)
        # Who had not seen what was lost goes on as if it had never been.
        assert [change.revision for change in await history(entries, SCOPE, kept)] == new
        await entries.close()


async def test_a_server_that_lost_everything_expires_every_cursor() -> None:
    with servers.valkey() as server:
        entries = RedisEntries(server.url)
        at = await put(entries, SCOPE, "k")
        server.kill()
        server.start()
        with pytest.raises(CursorExpiredError):
            await entries.changes(SCOPE, at, 10)
        assert await put(entries, SCOPE, "k") > at
        await entries.close()


# Idle scopes


async def test_an_idle_scope_leaves_only_its_head(valkey_server: str, scope: Scope) -> None:
    entries = RedisEntries(valkey_server, grace=0.2)
    at = await put(entries, scope, "k", retention=0.05)
    await put(entries, scope, "gone", retention=0.1)
    last = await entries.delete(scope, Removal("gone"))
    with redis.Redis.from_url(valkey_server) as other:

        async def only_the_head() -> bool:
            keys = list(other.scan_iter(f"furler:{{{scope.tenant}/*", count=10_000))
            return [key.rpartition(b":")[2] for key in keys] == [b"eh"]

        await EntriesPlace(entries, None).eventually(0.4, only_the_head)
    # k's tombstone was never written: whoever saw k must be told to look again.
    for cursor in (0, at, last):
        with pytest.raises(CursorExpiredError):
            await entries.changes(scope, cursor, 10)
    revision = (await entries.page(scope, "", "", 10)).revision
    assert revision > last
    assert (await entries.changes(scope, revision, 10)).changes == ()
    new = await put(entries, scope, "k")
    assert [change.revision for change in await history(entries, scope, revision)] == [new]
    await entries.close()


async def test_an_idle_scopes_watch_that_has_seen_all_goes_on(
    valkey_server: str, scope: Scope
) -> None:
    entries = RedisEntries(valkey_server, grace=0.2)
    await put(entries, scope, "k", retention=0.01)

    async def swept() -> bool:
        return told(await history(entries, scope, 0)) == [("k", "put"), ("k", "expired")]

    await EntriesPlace(entries, None).eventually(0.05, swept)
    at = (await entries.changes(scope, None, 1)).through
    with redis.Redis.from_url(valkey_server) as other:

        async def gone() -> bool:
            return not other.exists(f"furler:{{{scope.tenant}/space}}:log")

        await EntriesPlace(entries, None).eventually(0.3, gone)
    assert (await entries.changes(scope, at, 10)).changes == ()
    new = await put(entries, scope, "k")
    assert [change.revision for change in await history(entries, scope, at)] == [new]
    with pytest.raises(CursorExpiredError):
        await entries.changes(scope, 0, 10)
    await entries.close()


# Trouble


async def test_a_full_server_refuses_whole_writes_and_deletions_make_room() -> None:
    with servers.valkey("--maxmemory", "6mb", "--maxmemory-policy", "noeviction") as server:
        entries = RedisEntries(server.url)
        kept: list[str] = []
        refused = ""
        for number in range(200):
            write = replace(write_of(f"k{number}"), body=os.urandom(50_000), bounds=AMPLE)
            try:
                await entries.put(SCOPE, write)
                kept.append(write.key)
            except StoreRefusedError as error:
                assert error.message == "the store is full"  # noqa: PT017
                refused = write.key
                break
        assert kept
        assert refused
        assert (await entries.get(SCOPE, refused)).entry is None
        page = await entries.page(SCOPE, "", "", 1000)
        assert [entry.key for entry in page.entries] == sorted(kept)
        assert len(await history(entries, SCOPE, 0)) == len(kept)
        await entries.delete(SCOPE, Removal(kept[0]))
        assert told(await history(entries, SCOPE, page.revision)) == [(kept[0], "deleted")]
        await entries.close()


async def test_trouble_is_named_and_a_wait_ends_with_it() -> None:
    with servers.valkey("--appendonly", "yes", "--appendfsync", "always") as server:
        entries = RedisEntries(server.url)
        at = await put(entries, SCOPE, "k")
        waiting = asyncio.create_task(entries.wait(SCOPE, at, 4.0))
        await asyncio.wait([waiting], timeout=0.1)
        server.kill()
        with pytest.raises(StoreUnavailableError, match="the store cannot be reached"):
            await entries.get(SCOPE, "k")
        with pytest.raises(StoreUnavailableError):
            await waiting
        server.start()
        assert (await entries.get(SCOPE, "k")).revision == at
        assert (await entries.changes(SCOPE, at, 10)).changes == ()
        await entries.close()
