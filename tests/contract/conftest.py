"""Every backend, bare and decorated."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contract.places import Clock, LivePlace, Place, StillPlace
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate
from furler_compressor.adapters.redis_store import RedisStore
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.app.ports import Scope, Store


def bare(store: Store) -> Store:
    return store


def stack(store: Store) -> Store:
    return decorate(store, StoreOptions(timeout=30.0))


LAYERS = {"bare": bare, "stack": stack}


@pytest.fixture(params=[f"{b}-{w}" for b in ("memory", "sqlite", "redis") for w in LAYERS])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    backend, layers = str(request.param).split("-")
    wrap = LAYERS[layers]
    clock = Clock()
    place: Place
    match backend:
        case "memory":
            place = StillPlace(wrap(MemoryStore(clock=clock)), clock)
        case "sqlite":
            place = StillPlace(wrap(SqliteStore(tmp_path / "store", clock=clock)), clock)
        case _:
            place = LivePlace(wrap(RedisStore(request.getfixturevalue("valkey_server"))))
    yield place
    await place.store.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


@pytest.fixture
def scope() -> Scope:
    """A scope that no other test uses: servers are shared."""
    return Scope(f"tenant-{uuid.uuid4().hex}", "default")
