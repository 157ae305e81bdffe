"""What the Redis store promises beyond the contract: round trips, a full server, an absent one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import redis

import servers
from contract.places import LivePlace, record_of
from furler_compressor.adapters.open_store import StoreOptions, open_store
from furler_compressor.adapters.redis_store import RedisStore
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Lease, Scope, Store, StoredView, Tally, Usage

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
HOUR = 3600.0
LOG = record_of(b"ERROR disk full\n" * 40)
TABLE = record_of(b'[{"id": 1}, {"id": 2}]')
VIEW = StoredView("recipe", b"40 lines: ERROR disk full")


@pytest.fixture
async def store(valkey_server: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(valkey_server)
    yield store
    await store.close()


async def refused_everything(store: Store) -> list[str]:
    """Make every kind of call, each of which must raise StoreUnavailableError; return the texts."""
    calls = [
        store.recall(SCOPE, LOG.ref, "recipe", HOUR),
        store.release(SCOPE, LOG.ref, "recipe", "token"),
        store.commit(SCOPE, LOG, VIEW, HOUR),
        store.fetch(SCOPE, LOG.ref),
        store.find_missing(SCOPE, [LOG.ref], HOUR),
        store.delete(SCOPE, LOG.ref),
        store.add(SCOPE, Tally("log")),
        store.totals(SCOPE),
        store.usage(SCOPE),
        store.ping(),
    ]
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailableError] * len(calls)
    return [str(outcome) for outcome in outcomes]


# Round trips and keys


async def test_a_call_is_one_round_trip(
    store: RedisStore, scope: Scope, valkey_server: str
) -> None:
    with redis.Redis.from_url(valkey_server) as other:

        def reads() -> int:
            return int(other.info("stats")["total_reads_processed"])

        async def round_trips(call: asyncio.Future[object]) -> int:
            before = reads()
            await call
            return reads() - before - 1  # our own look is one

        for _warm_up in range(2):
            await store.commit(scope, LOG, VIEW, HOUR)
            await store.recall(scope, LOG.ref, "recipe", HOUR)
            await store.release(scope, LOG.ref, "recipe", "token")
            await store.find_missing(scope, [LOG.ref], HOUR)
            await store.add(scope, Tally("log"))
        calls = {
            "recall": store.recall(scope, LOG.ref, "recipe", HOUR),
            "lease": store.recall(scope, LOG.ref, "other", HOUR, Lease("token", 60.0)),
            "release": store.release(scope, LOG.ref, "other", "token"),
            "commit": store.commit(scope, TABLE, VIEW, HOUR),
            "commit_all": store.commit_all(scope, [LOG], HOUR),
            "fetch": store.fetch(scope, LOG.ref),
            "find_missing": store.find_missing(scope, [LOG.ref] * 20, HOUR),
            "add": store.add(scope, Tally("log")),
        }
        counts = {
            name: await round_trips(asyncio.ensure_future(call)) for name, call in calls.items()
        }
        assert counts == dict.fromkeys(calls, 1)


async def test_a_recall_of_a_fresh_view_writes_nothing(
    store: RedisStore, scope: Scope, valkey_server: str
) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    with redis.Redis.from_url(valkey_server) as other:
        before = other.info("persistence")["rdb_changes_since_last_save"]
        assert await store.recall(scope, LOG.ref, "recipe", HOUR) == VIEW.data
        assert other.info("persistence")["rdb_changes_since_last_save"] == before


async def test_all_keys_of_a_scope_lie_on_one_slot(store: RedisStore, valkey_server: str) -> None:
    scope = Scope("te}nant/{x}:é", "{}/*")
    await store.commit(scope, LOG, VIEW, HOUR)
    await store.add(scope, Tally("log", views=1))
    with redis.Redis.from_url(valkey_server) as other:
        keys = list(other.scan_iter("furler:{te%7Dnant*", count=10_000))
    # The tenant's own keys have a tag without a space.
    keys.remove(b"furler:{te%7Dnant%2F%7Bx%7D%3A%C3%A9}:s")
    tags = {key[key.index(b"{") + 1 : key.index(b"}")] for key in keys}
    assert sorted(key.rpartition(b"}:")[2][:1] for key in keys) == [b"c", b"o", b"u", b"v", b"x"]
    assert tags == {b"te%7Dnant%2F%7Bx%7D%3A%C3%A9/%7B%7D%2F%2A"}


async def test_nothing_but_counters_is_left_when_all_has_expired(
    store: RedisStore, scope: Scope, valkey_server: str
) -> None:
    await store.add(scope, Tally("log", views=1))
    for number in range(10):
        await store.commit(scope, record_of(b"%d" % number), None, 0.1)
        # A view that comes later, and asks for less, ends with its original all the same.
        await store.commit(scope, record_of(b"%d" % number), VIEW, 0.01)
    with redis.Redis.from_url(valkey_server) as other:

        async def only_counters() -> bool:
            keys = list(other.scan_iter(f"furler:{{{scope.tenant}/*", count=10_000))
            return [key.rpartition(b":")[2] for key in keys] == [b"c"]

        await LivePlace(store).eventually(0.1, only_counters)


async def test_usage_is_exact_after_thousands_expired(store: RedisStore, scope: Scope) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    records = [record_of(b"%d" % number) for number in range(2500)]
    await asyncio.gather(*(store.commit(scope, record, None, 0.5) for record in records))

    async def swept() -> bool:
        return await store.usage(scope) == Usage(1, LOG.size)

    await LivePlace(store).eventually(0.5, swept)


async def test_a_server_that_forgot_the_scripts_is_taught_again(
    store: RedisStore, scope: Scope, valkey_server: str
) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    with redis.Redis.from_url(valkey_server) as other:
        other.script_flush()
    assert await store.recall(scope, LOG.ref, "recipe", HOUR) == VIEW.data
    assert await store.find_missing(scope, ["x"], HOUR) == ["x"]


# Trouble


async def test_a_full_server_refuses_whole_commits_and_gives_back_what_it_holds() -> None:
    with servers.valkey("--maxmemory", "6mb", "--maxmemory-policy", "noeviction") as server:
        store = RedisStore(server.url)
        await store.commit(SCOPE, LOG, VIEW, HOUR)
        kept, refused = [LOG], []
        for _ in range(100):
            record = record_of(os.urandom(100_000))
            try:
                await store.commit(SCOPE, record, VIEW, HOUR)
                kept.append(record)
            except StoreRefusedError as error:
                assert error.message == "the store is full"  # noqa: PT017
                refused.append(record)
        assert kept
        assert refused
        # A new view of an original that is held needs space, too: refused, and not half written.
        with pytest.raises(StoreRefusedError, match="the store is full"):
            await store.commit(SCOPE, LOG, StoredView("other", b"x" * 100_000), HOUR)
        assert await store.recall(SCOPE, LOG.ref, "other", HOUR) is None
        refs = [record.ref for record in refused]
        assert await store.find_missing(SCOPE, refs, HOUR) == refs
        for record in refused:
            assert await store.recall(SCOPE, record.ref, "recipe", HOUR) is None
        for record in kept:
            held = await store.fetch(SCOPE, record.ref)
            assert held is not None
            assert held.record == record
        assert await store.usage(SCOPE) == Usage(len(kept), sum(record.size for record in kept))
        # Forgetting makes room.
        for record in kept:
            await store.delete(SCOPE, record.ref)
        await store.commit(SCOPE, refused[0], VIEW, HOUR)
        await store.close()


async def test_a_server_that_was_killed_and_started_again_is_used_again() -> None:
    with servers.valkey("--appendonly", "yes", "--appendfsync", "always") as server:
        store = RedisStore(server.url)
        await store.commit(SCOPE, LOG, VIEW, HOUR)
        server.kill()
        texts = await refused_everything(store)
        assert set(texts) == {"the store cannot be reached"}
        server.start()
        # Pooled connections are dead and the scripts forgotten; no call may show it.
        assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        held = await store.fetch(SCOPE, LOG.ref)
        assert held is not None
        assert held.record == LOG
        await store.commit(SCOPE, TABLE, VIEW, HOUR)
        assert await store.usage(SCOPE) == Usage(2, LOG.size + TABLE.size)
        await store.close()


async def test_a_server_that_hangs_costs_the_time_limit_and_no_answer_is_mixed_up() -> None:
    with servers.valkey() as server:
        store = RedisStore(server.url, timeout=0.1)
        await store.commit(SCOPE, LOG, VIEW, HOUR)
        await store.commit(SCOPE, TABLE, StoredView("recipe", b"table"), HOUR)
        server.pause()
        # Nine calls at once, each bounded by itself: far less than the driver's own defaults.
        async with asyncio.timeout(5.0):
            texts = await refused_everything(store)
        assert set(texts) == {"the store did not answer in time"}
        server.resume()
        # The late answers of the calls above come now, and must not be taken for these.
        for _ in range(20):
            assert await store.recall(SCOPE, TABLE.ref, "recipe", HOUR) in (b"table", None)
            held = await store.fetch(SCOPE, TABLE.ref)
            assert held is None or held.record == TABLE
        await store.close()


async def test_a_server_that_accepts_and_never_answers_is_soon_left_alone() -> None:
    with servers.silent_server() as address:
        options = StoreOptions(timeout=0.1, breaker_failures=3, breaker_pause=60.0)
        store = open_store(f"redis://{address}/0", options)
        for _ in range(3):
            with pytest.raises(StoreUnavailableError, match="did not answer"):
                await store.fetch(SCOPE, LOG.ref)
        texts = await refused_everything(store)
        assert set(texts) == {"the store failed lately and is left alone for a moment"}
        await store.close()


async def test_no_error_text_holds_an_address_or_a_secret() -> None:
    with servers.valkey("--requirepass", "s3cret") as server:
        wrong = server.url.replace("unix://", "unix://:wr0ng@")
        right = server.url.replace("unix://", "unix://:s3cret@")
        none = RedisStore(server.url)
        bad = RedisStore(wrong)
        good = RedisStore(right)
        await good.ping()
        texts = [*await refused_everything(none), *await refused_everything(bad)]
        assert set(texts) == {"the store refuses our credentials"}
        server.kill()
        texts = await refused_everything(good)
        assert set(texts) == {"the store cannot be reached"}
        for store in (none, bad, good):
            await store.close()


async def test_a_read_only_replica_refuses_writes_and_answers_reads() -> None:
    with servers.valkey() as server:
        store = RedisStore(server.url)
        await store.commit(SCOPE, LOG, VIEW, HOUR)
        with redis.Redis.from_url(server.url) as other:
            other.replicaof("127.0.0.1", "1")
        with pytest.raises(StoreRefusedError, match="refuses"):
            await store.commit(SCOPE, TABLE, VIEW, HOUR)
        assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        assert await store.fetch(SCOPE, LOG.ref) is not None
        await store.close()


async def test_more_calls_than_connections_wait_for_their_turn(valkey_server: str) -> None:
    store = RedisStore(valkey_server, max_connections=2, timeout=30.0)
    scope = Scope("connections", "space")
    await asyncio.gather(*(store.add(scope, Tally("log", views=1)) for _ in range(200)))
    assert await store.totals(scope) == [Tally("log", views=200)]
    await store.close()
