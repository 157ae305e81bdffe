"""What the Redis store promises where there are several servers, locks, or little memory."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
import redis

import redis_fleets
import servers
from contract.places import record_of
from furler_compressor.adapters.open_store import StoreOptions, open_backend
from furler_compressor.adapters.redis_link import RedisLink
from furler_compressor.adapters.redis_meter import RedisMeter
from furler_compressor.adapters.redis_store import RedisStore
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Lease, LeaseHeldError, Scope, Store, StoredView
from furler_compressor.app.quota import Quota

pytestmark = pytest.mark.anyio

SCOPE = Scope("tenant", "space")
HOUR = 3600.0
LOG = record_of(b"ERROR disk full\n" * 40)
VIEW = StoredView("recipe", b"40 lines: ERROR disk full")


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def works(store: RedisStore, scope: Scope) -> bool:
    """Return whether a commit is acknowledged and read back."""
    try:
        await store.commit(scope, LOG, VIEW, HOUR)
        return await store.recall(scope, LOG.ref, "recipe", HOUR) == VIEW.data
    except StoreUnavailableError:
        return False


# Topologies


async def test_scopes_spread_over_a_cluster_and_each_lies_on_one_node(cluster_url: str) -> None:
    store = RedisStore(cluster_url)
    scopes = [Scope(f"spread-{number}", "space") for number in range(30)]
    for scope in scopes:
        await store.commit(scope, LOG, VIEW, HOUR)
    homes: dict[str, set[str]] = {scope.tenant: set() for scope in scopes}
    for place in cluster_url.removeprefix("redis+cluster://").split(","):
        with redis.Redis.from_url(f"redis://{place}", decode_responses=True) as node:
            for key in node.scan_iter("furler:{spread-*/*", count=10_000):
                homes[key.removeprefix("furler:{").partition("/")[0]].add(place)
    assert [len(places) for places in homes.values()] == [1] * 30
    assert len(set.union(*homes.values())) == 3
    await store.close()


async def test_a_cluster_that_lost_a_node_says_so_and_serves_the_rest() -> None:
    with redis_fleets.cluster() as fleet:
        for port in fleet.ports:
            with redis.Redis(port=port) as node:
                node.config_set("cluster-require-full-coverage", "no")
        store = RedisStore(fleet.url)
        scopes = [Scope(f"tenant-{number}", "space") for number in range(12)]
        for scope in scopes:
            await store.commit(scope, LOG, VIEW, HOUR)
        fleet.nodes[2].kill()

        async def outcomes() -> set[str]:
            found: set[str] = set()
            messages: set[str] = set()
            for scope in scopes:
                try:
                    held = await store.fetch(scope, LOG.ref)
                    found.add("held" if held is not None else "lost")
                except StoreUnavailableError as error:
                    found.add("unavailable")
                    messages.add(error.message)
            assert not any("127.0.0.1" in message for message in messages)
            return found

        async def settled() -> bool:
            return await outcomes() == {"held", "unavailable"}

        await eventually(settled)
        await store.close()


async def test_a_replica_takes_over_a_lost_nodes_slots_with_what_they_held() -> None:
    with redis_fleets.cluster(replicas=1) as fleet:
        store = RedisStore(fleet.url)
        scopes = [Scope(f"tenant-{number}", "space") for number in range(12)]
        for scope in scopes:
            await store.commit(scope, LOG, VIEW, HOUR)
        with (
            redis.Redis.from_url(fleet.nodes[2].url) as lost,
            redis.Redis.from_url(fleet.nodes[3].url) as replica,
        ):
            held = int(lost.dbsize())
            assert held > 0

            async def copied() -> bool:
                return int(replica.dbsize()) == held

            await eventually(copied)
        fleet.nodes[2].kill()

        async def answered() -> bool:
            try:
                held = [await store.fetch(scope, LOG.ref) for scope in scopes]
            except StoreUnavailableError:
                return False
            assert None not in held
            return True

        assert not await answered()
        await eventually(answered)
        assert all([await works(store, scope) for scope in scopes])
        await store.close()


async def test_sentinels_lead_to_the_new_primary_after_a_failover() -> None:
    with redis_fleets.watched() as fleet:
        store = RedisStore(fleet.url)
        assert await works(store, SCOPE)
        with redis.Redis.from_url(fleet.replica.url) as replica:

            async def copied() -> bool:
                return int(replica.dbsize()) > 0

            await eventually(copied)
        fleet.primary.kill()
        with pytest.raises(StoreUnavailableError):
            await store.fetch(SCOPE, LOG.ref)

        async def recovered() -> bool:
            return await works(store, Scope("after", "failover"))

        await eventually(recovered)
        assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        await store.close()


async def test_tls_and_an_acl_user_are_given_by_settings_and_nobody_else_gets_in(
    locked_server: redis_fleets.Locked,
) -> None:
    good = locked_server.access
    store = RedisStore(RedisLink(locked_server.url, good))
    assert await works(store, SCOPE)
    assert await store.ping() == [
        "the store has no maxmemory: it grows until the system ends it; set maxmemory"
    ]
    await store.close()
    for access, url in (
        (replace(good, password="wr0ng"), locked_server.url),  # noqa: S106 - that is the test
        (replace(good, cert_file="", key_file=""), locked_server.url),
        (replace(good, ca_file=""), locked_server.url),
        (good, locked_server.url.replace("rediss", "redis")),
    ):
        store = RedisStore(RedisLink(url, access))
        with pytest.raises(StoreUnavailableError) as raised:
            await store.ping()
        assert not {"127.0.0.1", "s3cret", "wr0ng"} & set(raised.value.message.split())
        await store.close()


async def test_our_user_needs_no_more_than_it_is_given(
    locked_server: redis_fleets.Locked,
) -> None:
    backend = open_backend(locked_server.url, StoreOptions(redis=locked_server.access))
    assert await granted(backend.store, SCOPE, "acl", Lease("ours", 10.0))
    assert not await granted(backend.store, SCOPE, "acl", Lease("theirs", 10.0))
    await backend.store.release(SCOPE, LOG.ref, "acl", "ours")
    assert await granted(backend.store, SCOPE, "acl", Lease("theirs", 10.0))
    assert await backend.meter.take("acl", Quota(requests_per_second=1), 6, 0) is None
    assert await backend.meter.take("acl", Quota(requests_per_second=1), 1, 0) is not None
    assert (await backend.store.tenant_usage("tenant")).originals >= 0
    await backend.store.close()


# Memory


async def test_above_the_watermark_nothing_new_is_kept_and_what_is_held_is_given_back() -> None:
    with servers.valkey("--maxmemory", "20mb", "--maxmemory-policy", "noeviction") as server:
        store = RedisStore(server.url, watermark=0.5)
        await store.commit(SCOPE, LOG, VIEW, HOUR)
        with redis.Redis.from_url(server.url) as other:
            for number in range(12):
                other.set(f"ballast{number}", os.urandom(1_000_000))
        refusals: list[str] = []

        async def refused() -> bool:
            try:
                await store.commit(SCOPE, record_of(os.urandom(10)), VIEW, HOUR)
            except StoreRefusedError as error:
                refusals.append(error.message)
            return bool(refusals)

        await eventually(refused)
        assert refusals == ["the store is nearly full: over 50% of its memory is used"]
        assert await store.recall(SCOPE, LOG.ref, "recipe", HOUR) == VIEW.data
        assert await store.fetch(SCOPE, LOG.ref) is not None
        with redis.Redis.from_url(server.url) as other:
            other.delete(*(f"ballast{number}" for number in range(12)))

        async def kept() -> bool:
            return await works(store, SCOPE)

        await eventually(kept)
        await store.close()


async def test_a_server_that_evicts_is_named_at_ping() -> None:
    with servers.valkey("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-lru") as server:
        store = RedisStore(server.url)
        (advice,) = await store.ping()
        assert "(maxmemory-policy allkeys-lru): set maxmemory-policy noeviction" in advice
        with redis.Redis.from_url(server.url) as other:
            other.config_set("maxmemory-policy", "noeviction")
        assert await store.ping() == []
        await store.close()


# Leases


async def granted(store: Store, scope: Scope, name: str, lease: Lease) -> bool:
    """Return whether a miss of the view ``name`` takes the lease."""
    try:
        assert await store.recall(scope, LOG.ref, name, HOUR, lease) is None
    except LeaseHeldError:
        return False
    return True


@pytest.fixture
async def store(valkey_server: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(valkey_server)
    yield store
    await store.close()


async def test_a_lease_is_held_by_one_until_it_is_released(store: RedisStore, scope: Scope) -> None:
    ours, theirs = Lease("ours", 60.0), Lease("theirs", 60.0)
    assert await granted(store, scope, "name", ours)
    assert not await granted(store, scope, "name", theirs)
    assert await granted(store, scope, "other name", theirs)
    assert await granted(store, Scope(scope.tenant, "elsewhere"), "name", theirs)
    await store.release(scope, LOG.ref, "name", "theirs")
    assert not await granted(store, scope, "name", theirs)
    await store.release(scope, LOG.ref, "name", "ours")
    assert await granted(store, scope, "name", theirs)


async def test_a_view_is_given_out_whoever_holds_its_lease(store: RedisStore, scope: Scope) -> None:
    assert await granted(store, scope, VIEW.recipe, Lease("ours", 60.0))
    await store.commit(scope, LOG, VIEW, HOUR)
    lease = Lease("theirs", 60.0)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR, lease) == VIEW.data


async def test_a_dead_holders_lease_ends_by_itself(store: RedisStore, scope: Scope) -> None:
    assert await granted(store, scope, "name", Lease("dead", 0.1))
    await eventually(lambda: granted(store, scope, "name", Lease("heir", 60.0)))
    # The old holder comes back late: the lease is not its own any more.
    await store.release(scope, LOG.ref, "name", "dead")
    assert not await granted(store, scope, "name", Lease("third", 60.0))


async def test_a_full_server_grants_every_lease(scope: Scope) -> None:
    with servers.valkey("--maxmemory", "1", "--maxmemory-policy", "noeviction") as server:
        store = RedisStore(server.url)
        assert await granted(store, scope, "name", Lease("ours", 60.0))
        assert await granted(store, scope, "name", Lease("theirs", 60.0))
        await store.close()


async def test_a_meter_whose_server_is_silent_lets_every_call_in() -> None:
    with servers.silent_server() as address:
        link = RedisLink(f"redis://{address}/0", timeout=5.0)
        meter = RedisMeter(link)
        assert await meter.take("tenant", Quota(requests_per_second=1), 1, 0) is None
        await link.close()


# Counting


@pytest.fixture
async def link(valkey_server: str) -> AsyncIterator[RedisLink]:
    link = RedisLink(valkey_server)
    yield link
    await link.close()


async def test_a_tenants_rate_is_one_for_all_processes(link: RedisLink, scope: Scope) -> None:
    one, other = RedisMeter(link), RedisMeter(link)
    quota = Quota(requests_per_second=0.01, bytes_per_second=1000)
    assert await one.take(scope.tenant, quota, 1, 10) is None
    excess = await other.take(scope.tenant, quota, 1, 10)
    assert excess is not None
    assert (excess.name, excess.limit) == ("requests_per_second", 0.01)
    assert 90.0 < excess.seconds <= 100.1
    assert await other.take(scope.tenant + "x", quota, 1, 10) is None


async def test_what_one_meter_counts_no_other_does(link: RedisLink, scope: Scope) -> None:
    bytes_sent, tokens_judged = RedisMeter(link), RedisMeter(link, "m")
    quota = Quota(bytes_per_second=10)
    assert await bytes_sent.take(scope.tenant, quota, 1, 50_000) is None
    assert await tokens_judged.take(scope.tenant, quota, 0, 50_000) is None
    assert await bytes_sent.take(scope.tenant, quota, 1, 1) is not None
    assert await tokens_judged.take(scope.tenant, quota, 0, 1) is not None


async def test_a_large_call_goes_into_debt_and_the_rate_holds_all_the_same(
    link: RedisLink, scope: Scope
) -> None:
    meter, quota = RedisMeter(link), Quota(bytes_per_second=1000)
    assert await meter.take(scope.tenant, quota, 1, 50_000) is None
    excess = await meter.take(scope.tenant, quota, 1, 1)
    assert excess is not None
    assert excess.name == "bytes_per_second"
    assert 44.0 < excess.seconds <= 45.1
