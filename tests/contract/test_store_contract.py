"""What every store promises: app.ports.Store, run against each backend and through its decorators."""

from __future__ import annotations

import asyncio
import itertools
import random
import uuid
from dataclasses import replace

import pytest

from contract.places import Place, record_of
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Scope, Store, StoredView, Tally, Usage

pytestmark = pytest.mark.anyio

HOUR = 3600.0
LOG = record_of(b"ERROR disk full\n" * 40)
TABLE = record_of(b'[{"id": 1}, {"id": 2}]')
VIEW = StoredView("recipe-1", b"40 lines: ERROR disk full")
# Each pair would collide if names were only joined with a separator, or cut at a NUL.
AWKWARD = ["", "a", "a/b", "b", "a}", "{a", "a:b", "a%2Fb", "é", "e\u0301", "租户", "a\0b", " a", "A"]  # fmt: skip


# Keeping


async def test_a_committed_original_comes_back_as_it_was(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, None, HOUR)
    held = await store.fetch(scope, LOG.ref)
    assert held is not None
    assert held.record == LOG


async def test_what_was_never_stored_is_not_there(store: Store, scope: Scope) -> None:
    assert await store.fetch(scope, LOG.ref) is None
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None
    assert await store.usage(scope) == Usage(0, 0)
    assert await store.totals(scope) == []


async def test_a_view_is_recalled_by_its_own_recipe_only(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    await store.commit(scope, LOG, StoredView("recipe-2", b"other"), HOUR)
    assert await store.recall(scope, LOG.ref, "recipe-1", HOUR) == VIEW.data
    assert await store.recall(scope, LOG.ref, "recipe-2", HOUR) == b"other"
    assert await store.recall(scope, LOG.ref, "recipe-3", HOUR) is None
    assert await store.recall(scope, TABLE.ref, "recipe-1", HOUR) is None


async def test_an_original_without_a_view_is_a_miss_for_recall(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, None, HOUR)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None


async def test_committing_twice_is_committing_once(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    await store.commit(scope, LOG, VIEW, HOUR)
    assert await store.usage(scope) == Usage(1, LOG.size)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) == VIEW.data


async def test_a_commit_without_a_view_keeps_the_views(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    await store.commit(scope, LOG, None, HOUR)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) == VIEW.data


async def test_the_latest_view_of_a_recipe_counts(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, StoredView(VIEW.recipe, b"damaged"), HOUR)
    await store.commit(scope, LOG, VIEW, HOUR)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) == VIEW.data


async def test_a_reference_held_with_another_digest_is_refused(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, None, HOUR)
    with pytest.raises(StoreRefusedError):
        await store.commit(scope, replace(TABLE, ref=LOG.ref), VIEW, HOUR)
    held = await store.fetch(scope, LOG.ref)
    assert held is not None
    assert held.record == LOG
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"\r\n\r\n", bytes(range(256)) * 3, "日本 🏴‍☠️\u2028".encode(), b"\xff\xfe{"],
)
async def test_any_bytes_are_kept(store: Store, scope: Scope, data: bytes) -> None:
    record = record_of(data)
    await store.commit(scope, record, StoredView("r", data), HOUR)
    held = await store.fetch(scope, record.ref)
    assert held is not None
    assert held.record.data == data
    assert await store.recall(scope, record.ref, "r", HOUR) == data


@pytest.mark.slow
async def test_twenty_megabytes_are_kept(store: Store, scope: Scope) -> None:
    record = record_of(random.Random(1).randbytes(20_000_000))  # noqa: S311 - data, not a secret
    await store.commit(scope, record, VIEW, HOUR)
    held = await store.fetch(scope, record.ref)
    assert held is not None
    assert held.record == record
    assert await store.usage(scope) == Usage(1, 20_000_000)


# Forgetting


async def test_a_deleted_original_takes_its_views_along(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    await store.commit(scope, TABLE, VIEW, HOUR)
    await store.delete(scope, LOG.ref)
    assert await store.fetch(scope, LOG.ref) is None
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None
    assert await store.usage(scope) == Usage(1, TABLE.size)


async def test_a_view_does_not_return_with_an_original_put_again(
    store: Store, scope: Scope
) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    await store.delete(scope, LOG.ref)
    await store.commit(scope, LOG, None, HOUR)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None


async def test_deleting_what_is_not_held_does_nothing(store: Store, scope: Scope) -> None:
    await store.delete(scope, LOG.ref)
    await store.commit(scope, LOG, None, HOUR)
    await store.delete(scope, LOG.ref)
    await store.delete(scope, LOG.ref)
    assert await store.usage(scope) == Usage(0, 0)


async def test_nothing_is_visible_after_its_retention(place: Place, scope: Scope) -> None:
    store = place.store
    await store.commit(scope, LOG, VIEW, place.short)
    await store.commit(scope, TABLE, VIEW, HOUR)

    async def gone() -> bool:
        return await store.fetch(scope, LOG.ref) is None

    await place.eventually(2 * place.short, gone)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None
    assert await store.find_missing(scope, [LOG.ref, TABLE.ref], HOUR) == [LOG.ref]
    assert await store.usage(scope) == Usage(1, TABLE.size)


async def test_what_expired_can_be_put_again(place: Place, scope: Scope) -> None:
    store = place.store
    await store.commit(scope, LOG, VIEW, place.short)

    async def gone() -> bool:
        return await store.fetch(scope, LOG.ref) is None

    await place.eventually(2 * place.short, gone)
    await store.commit(scope, LOG, None, HOUR)
    held = await store.fetch(scope, LOG.ref)
    assert held is not None
    assert held.record == LOG
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) is None
    assert await store.usage(scope) == Usage(1, LOG.size)


async def test_an_original_is_held_for_its_retention(place: Place, scope: Scope) -> None:
    before = place.now()
    await place.store.commit(scope, LOG, VIEW, HOUR)
    after = place.now()
    held = await place.store.fetch(scope, LOG.ref)
    assert held is not None
    # A minute of grace is what a store may add.
    assert before + HOUR - 0.01 <= held.expires_at <= after + HOUR + 60.01


@pytest.mark.parametrize("how", ["commit", "recall", "find_missing"])
@pytest.mark.parametrize(("retention", "expected"), [(2 * HOUR, 2 * HOUR), (60.0, HOUR)])
async def test_using_an_original_extends_its_retention_and_never_shortens_it(
    place: Place, scope: Scope, how: str, retention: float, expected: float
) -> None:
    store, before = place.store, place.now()
    await store.commit(scope, LOG, VIEW, HOUR)
    match how:
        case "commit":
            await store.commit(scope, LOG, None, retention)
        case "recall":
            assert await store.recall(scope, LOG.ref, VIEW.recipe, retention) == VIEW.data
        case _:
            assert await store.find_missing(scope, [LOG.ref], retention) == []
    held = await store.fetch(scope, LOG.ref)
    assert held is not None
    assert before + expected - 0.01 <= held.expires_at <= place.now() + expected + 60.01


async def test_a_view_lives_as_long_as_its_original(place: Place, scope: Scope) -> None:
    store = place.store
    await store.commit(scope, TABLE, StoredView("early", b"early"), place.short)
    await store.commit(scope, TABLE, StoredView("late", b"late"), HOUR)
    await store.commit(scope, LOG, VIEW, place.short)

    async def gone() -> bool:
        return await store.fetch(scope, LOG.ref) is None

    await place.eventually(2 * place.short, gone)
    assert await store.recall(scope, TABLE.ref, "early", 1.0) == b"early"
    assert await store.recall(scope, TABLE.ref, "late", 1.0) == b"late"


async def test_an_extended_retention_is_the_views_too(place: Place, scope: Scope) -> None:
    store = place.store
    for record in (LOG, TABLE):
        await store.commit(scope, record, VIEW, place.short)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) == VIEW.data

    async def gone() -> bool:
        return await store.fetch(scope, TABLE.ref) is None

    await place.eventually(2 * place.short, gone)
    assert await store.recall(scope, LOG.ref, VIEW.recipe, 1.0) == VIEW.data


# Finding


async def test_missing_references_are_named_in_order(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, None, HOUR)
    refs = ["z", LOG.ref, "a", "z", LOG.ref]
    assert await store.find_missing(scope, refs, HOUR) == ["z", "a", "z"]
    assert await store.find_missing(scope, [], HOUR) == []


async def test_a_thousand_references_are_looked_up_at_once(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, None, HOUR)
    absent = [f"ref-{number}" for number in range(1200)]
    refs = [*absent[:700], LOG.ref, *absent[700:]]
    assert await store.find_missing(scope, refs, HOUR) == absent


# Isolation


async def test_a_scope_sees_only_its_own(store: Store) -> None:
    unique = uuid.uuid4().hex
    scopes = [
        Scope(unique + tenant, space) for tenant, space in itertools.product(AWKWARD, AWKWARD)
    ]
    for number, scope in enumerate(scopes):
        record = replace(record_of(b"%d" % number), ref="same")
        await store.commit(scope, record, StoredView("r", b"view %d" % number), HOUR)
        await store.add(scope, Tally("log", views=number))
    for number, scope in enumerate(scopes):
        held = await store.fetch(scope, "same")
        assert held is not None
        assert held.record.data == b"%d" % number
        assert await store.recall(scope, "same", "r", HOUR) == b"view %d" % number
        assert await store.totals(scope) == [Tally("log", views=number)]


async def test_another_scope_can_neither_read_nor_find_nor_delete(
    store: Store, scope: Scope
) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    for other in (Scope(scope.tenant, "other"), Scope(scope.tenant + "x", scope.space)):
        assert await store.fetch(other, LOG.ref) is None
        assert await store.recall(other, LOG.ref, VIEW.recipe, HOUR) is None
        assert await store.find_missing(other, [LOG.ref], HOUR) == [LOG.ref]
        assert await store.usage(other) == Usage(0, 0)
        await store.delete(other, LOG.ref)
    assert await store.fetch(scope, LOG.ref) is not None


# Counting


async def test_counters_add_up_by_name(store: Store, scope: Scope) -> None:
    one = Tally("log", views=1, cached=2, degraded=3, tokens_before=4, tokens_after=5)
    await store.add(scope, one)
    await store.add(scope, one)
    await store.add(scope, Tally("a:b é", views=1))
    await store.add(scope, Tally("retrieval_miss"))
    assert await store.totals(scope) == [
        Tally("a:b é", views=1),
        Tally("log", views=2, cached=4, degraded=6, tokens_before=8, tokens_after=10),
        Tally("retrieval_miss"),
    ]


async def test_usage_counts_unpacked_bytes_of_what_is_held(store: Store, scope: Scope) -> None:
    for record in (LOG, TABLE):
        await store.commit(scope, record, VIEW, HOUR)
    assert await store.usage(scope) == Usage(2, LOG.size + TABLE.size)


async def test_a_tenants_usage_is_the_sum_of_its_spaces(store: Store, scope: Scope) -> None:
    for space in ("a", "b/c", "é"):
        await store.commit(Scope(scope.tenant, space), LOG, VIEW, HOUR)
    await store.commit(Scope(scope.tenant + "x", "a"), LOG, VIEW, HOUR)
    assert await store.tenant_usage(scope.tenant) == Usage(3, 3 * LOG.size)
    await store.delete(Scope(scope.tenant, "a"), LOG.ref)
    assert await store.tenant_usage(scope.tenant) == Usage(2, 2 * LOG.size)
    assert await store.tenant_usage(scope.tenant + "y") == Usage(0, 0)


# At the same time


async def test_concurrent_commits_of_the_same_content_keep_it_once(
    store: Store, scope: Scope
) -> None:
    await asyncio.gather(*(store.commit(scope, LOG, VIEW, HOUR) for _ in range(30)))
    assert await store.usage(scope) == Usage(1, LOG.size)


async def test_many_tasks_do_not_get_each_others_answers(store: Store, scope: Scope) -> None:
    async def one(number: int) -> None:
        record = record_of(b"content %d" % number)
        await store.commit(scope, record, StoredView("r", b"view %d" % number), HOUR)
        await store.add(scope, Tally("log", views=1))
        held = await store.fetch(scope, record.ref)
        assert held is not None
        assert held.record == record
        assert await store.recall(scope, record.ref, "r", HOUR) == b"view %d" % number

    await asyncio.gather(*(one(number) for number in range(100)))
    assert await store.totals(scope) == [Tally("log", views=100)]


async def test_a_cancelled_call_does_not_disturb_the_next(store: Store, scope: Scope) -> None:
    await store.commit(scope, LOG, VIEW, HOUR)
    for steps in range(12):
        call = asyncio.create_task(store.fetch(scope, LOG.ref))
        for _ in range(steps):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert await store.recall(scope, LOG.ref, VIEW.recipe, HOUR) == VIEW.data
        assert await store.find_missing(scope, ["absent"], HOUR) == ["absent"]


# Ending


async def test_a_store_answers_until_it_is_closed(store: Store, scope: Scope) -> None:
    await store.ping()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnavailableError):
        await store.ping()
    with pytest.raises(StoreUnavailableError):
        await store.fetch(scope, LOG.ref)
