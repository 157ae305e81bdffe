"""Any sequence of calls gets the same answers from every store: the memory store is the model."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.places import Clock, record_of
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate
from furler_compressor.adapters.redis_store import RedisStore
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.app.ports import Pin, Scope, Store, StoredView, Tally

RECORDS = [record_of(data) for data in (b"", b"one", b"two" * 500)]
# Twice these is how far time moves. No sum of 30 moves ends within a retention's slack (up to 1/64
# or a minute), where stores may differ.
SECONDS = [7.0, 101.0, 15001.0]


@dataclass(frozen=True)
class Call:
    """One step: which method, on which of two scopes, three records, two recipes, for how long."""

    method: str
    scope: int
    record: int
    recipe: str
    data: bytes
    seconds: float


def calls(*methods: str) -> st.SearchStrategy[list[Call]]:
    return st.lists(
        st.builds(
            Call,
            st.sampled_from(methods),
            st.integers(0, 1),
            st.integers(0, len(RECORDS) - 1),
            st.sampled_from(["", "r"]),
            st.binary(max_size=8),
            st.sampled_from(SECONDS),
        ),
        max_size=30,
    )


METHODS = (
    "recall", "commit", "fetch", "find_missing", "delete", "add", "usage", "totals",
    "commit_all", "pins", "pin",
)  # fmt: skip


async def answer(store: Store, tenant: str, call: Call) -> object:
    scope, record = Scope(tenant, f"space-{call.scope}"), RECORDS[call.record]
    match call.method:
        case "recall":
            return await store.recall(scope, record.ref, call.recipe, call.seconds)
        case "commit":
            view = StoredView(call.recipe, call.data) if call.recipe else None
            await store.commit(scope, record, view, call.seconds)
        case "fetch":
            held = await store.fetch(scope, record.ref)
            return held and held.record
        case "find_missing":
            return await store.find_missing(scope, [record.ref, "x", record.ref], call.seconds)
        case "commit_all":
            await store.commit_all(scope, [record, RECORDS[0]], call.seconds)
        case "pins":
            return await store.pins(scope, f"c{call.recipe}", call.seconds)
        case "pin":
            pins = {"k": Pin(record.ref, call.data), f"k{call.record}": Pin("", b"x")}
            return await store.pin(scope, f"c{call.recipe}", pins, call.seconds)
        case "delete":
            await store.delete(scope, record.ref)
        case "add":
            await store.add(scope, Tally(call.recipe, views=1, tokens_after=len(call.data)))
        case "usage":
            return await store.usage(scope)
        case _:
            return await store.totals(scope)
    return None


async def disagreements(
    steps: list[Call], clock: Clock, model: Store, store: Store, tenant: str
) -> list[Call]:
    found = []
    for step in steps:
        if step.method == "pass":
            clock.now += 2 * step.seconds
        elif await answer(model, tenant, step) != await answer(store, tenant, step):
            found.append(step)
    await model.close()
    await store.close()
    return found


@settings(max_examples=60, deadline=None)
@given(calls(*METHODS, "pass"))
def test_sqlite_answers_as_memory_does_while_time_passes(steps: list[Call]) -> None:
    directory, clock = Path(tempfile.mkdtemp()), Clock()
    try:
        store = decorate(SqliteStore(directory, clock=clock), StoreOptions(timeout=30.0))
        model = MemoryStore(clock=clock)
        assert asyncio.run(disagreements(steps, clock, model, store, "tenant")) == []
    finally:
        shutil.rmtree(directory)


@pytest.fixture
def tenants() -> list[str]:
    """Grows by one name per example: a server outlives them all."""
    return ["agree"]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=calls(*METHODS))
def test_redis_answers_as_memory_does(
    steps: list[Call], valkey_server: str, tenants: list[str]
) -> None:
    tenants.append(f"agree-{len(tenants)}-{id(tenants)}")

    async def compare() -> list[Call]:
        store = decorate(RedisStore(valkey_server), StoreOptions(timeout=30.0))
        return await disagreements(steps, Clock(), MemoryStore(), store, tenants[-1])

    assert asyncio.run(compare()) == []
