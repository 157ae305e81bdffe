"""Compress keeps its promises when the store, the engine or the clock do not."""

from __future__ import annotations

import asyncio

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.compress import CompressRequest, Degraded, compress, explain
from furler_compressor.app.engine import CompressJob, EngineRunner
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.app.ports import Record, Scope, Store, StoredView
from furler_engine.markers import find_ref
from furler_engine.types import Fidelity, Hints, Policy, View
from support.fakes import (
    CrashingEngine,
    DirectEngine,
    FailingStore,
    FullStore,
    HangingEngine,
    HangingStore,
    caller,
    context,
)
from support.inputs import orders, service_log

LOG = service_log(500)
pytestmark = pytest.mark.anyio


def request(text: str = LOG, **policy: Fidelity | int) -> CompressRequest:
    return CompressRequest("", text.encode(), Hints(), Policy(**policy))  # type: ignore[arg-type]


@pytest.mark.parametrize("store", [FailingStore(), HangingStore(), FullStore()])
async def test_nothing_is_elided_when_the_store_does_not_acknowledge(store: Store) -> None:
    done = await compress(context(store), caller(seconds=2.0), request())
    view = done.outcome.view
    assert done.outcome.degraded is Degraded.STORE_UNAVAILABLE
    assert (view.text, view.ref, view.elisions) == (LOG, "", ())
    assert find_ref(view.text) is None
    assert view.tokens_after == view.tokens_before > 0


async def test_a_lossless_view_needs_no_store() -> None:
    text = orders(100)
    done = await compress(
        context(FailingStore()), caller(), request(text, fidelity=Fidelity.LOSSLESS)
    )
    view = done.outcome.view
    assert done.outcome.degraded is Degraded.STORE_UNAVAILABLE
    assert view.ref == ""
    assert find_ref(view.text) is None
    assert view.tokens_after < view.tokens_before


async def test_the_original_is_stored_before_its_reference_is_given_out() -> None:
    order: list[str] = []

    class Watching(MemoryStore):
        async def commit(
            self, scope: Scope, record: Record, view: StoredView | None, retention: float
        ) -> None:
            await super().commit(scope, record, view, retention)
            order.append(f"stored {record.ref}")

    done = await compress(context(Watching()), caller(), request())
    order.append(f"revealed {done.outcome.view.ref}")
    ref = done.outcome.view.ref
    assert order == [f"stored {ref}", f"revealed {ref}"]


@pytest.mark.parametrize(
    ("engine", "reason"),
    [(CrashingEngine(), Degraded.COMPRESSOR_FAILED), (HangingEngine(), Degraded.DEADLINE)],
)
async def test_engine_trouble_passes_the_content_through(
    engine: EngineRunner, reason: Degraded
) -> None:
    store = MemoryStore()
    done = await compress(context(store, engine), caller(seconds=0.3), request())
    assert (done.outcome.degraded, done.outcome.view.text) == (reason, LOG)
    assert (await store.usage(Scope("acme", "default"))).originals == 0


async def test_an_irreversible_view_stores_nothing_and_says_so() -> None:
    store = MemoryStore()
    done = await compress(context(store), caller(), request(fidelity=Fidelity.IRREVERSIBLE))
    view = done.outcome.view
    assert view.ref == ""
    assert view.text.splitlines()[-1].endswith("original not stored]")
    assert (await store.usage(Scope("acme", "default"))).originals == 0


async def test_a_cached_view_is_the_same_view() -> None:
    service = context(MemoryStore())
    first = await compress(service, caller(), request())
    second = await compress(service, caller(), request())
    assert (first.outcome.cached, second.outcome.cached) == (False, True)
    assert pruned(second.outcome.view) == pruned(first.outcome.view)


def pruned(view: View) -> tuple[object, ...]:
    return (view.text, view.ref, view.kind, view.compressors, view.elisions, view.recipe)


async def test_an_earlier_recipe_is_served_while_the_cache_holds_it() -> None:
    service = context(MemoryStore())
    before = (await compress(service, caller(), request())).outcome.view
    changed = CompressRequest("", LOG.encode(), Hints(query="fatal"), Policy(), before.recipe)
    after = (await compress(service, caller(), changed)).outcome
    assert (after.cached, after.view.text) == (True, before.text)


async def test_tenants_get_different_references_for_the_same_content() -> None:
    service = context(MemoryStore())
    ours = await compress(service, caller(tenant="acme"), request())
    theirs = await compress(service, caller(tenant="globex"), request())
    assert ours.outcome.view.ref != theirs.outcome.view.ref
    assert theirs.outcome.cached is False


async def test_explain_stores_nothing() -> None:
    store = MemoryStore()
    done = await explain(context(store), caller(), request())
    assert done.outcome.view.compressors[0] in {d.compressor for d in done.outcome.view.decisions}
    assert (await store.usage(Scope("acme", "default"))).originals == 0


async def test_a_counter_that_fails_does_not_fail_the_call() -> None:
    service = context(FailingStore())
    await compress(service, caller(), request("too short to compress"))
    await service.drain()


@pytest.mark.parametrize("seconds", [-1, 86_401])
async def test_a_retention_out_of_range_is_refused(seconds: int) -> None:
    with pytest.raises(FieldInvalidError) as raised:
        await compress(context(MemoryStore()), caller(), request(retention_seconds=seconds))
    assert raised.value.metadata == {"field": "policy.retention"}


async def test_a_space_of_control_characters_is_refused() -> None:
    wanted = CompressRequest("a\nb", b"", Hints(), Policy())
    with pytest.raises(FieldInvalidError):
        await compress(context(MemoryStore()), caller(), wanted)


async def test_the_engine_gets_what_is_left_of_the_deadline_less_a_reserve() -> None:
    given: list[float] = []

    class Noting(DirectEngine):
        async def compress(self, job: CompressJob, seconds: float) -> View:
            given.append(seconds)
            return await super().compress(job, seconds)

    await compress(context(MemoryStore(), Noting()), caller(seconds=10), request())
    assert 9 < given[0] <= 9.9


async def test_concurrent_compressions_agree() -> None:
    service = context(MemoryStore())
    done = await asyncio.gather(*(compress(service, caller(), request()) for _ in range(8)))
    assert len({d.outcome.view.text for d in done}) == 1
