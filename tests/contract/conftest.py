"""Every backend, bare, decorated, and decorated with seals."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import redis_fleets
from contract.places import Clock, LivePlace, Place, StillPlace
from furler_compressor.adapters.keyring import Keyring, MasterKey
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate
from furler_compressor.adapters.redis_link import RedisLink
from furler_compressor.adapters.redis_store import RedisStore
from furler_compressor.adapters.sqlite_store import SqliteStore
from furler_compressor.app.ports import Scope, Store

PATIENCE = 30.0
"""Seconds for one call: a busy machine is no broken store."""


def bare(store: Store) -> Store:
    return store


def stack(store: Store) -> Store:
    return decorate(store, StoreOptions(timeout=PATIENCE))


def sealed(store: Store) -> Store:
    keyring = Keyring((MasterKey("tests", b"k" * 32),))
    return decorate(store, StoreOptions(timeout=PATIENCE, keyring=keyring))


LAYERS = {"bare": bare, "stack": stack, "sealed": sealed}
PLACES = [f"{backend}-{layers}" for backend in ("memory", "sqlite", "redis") for layers in LAYERS]


@pytest.fixture(scope="session")
def cluster_url() -> Iterator[str]:
    """A three-node Cluster, shared by the session."""
    with redis_fleets.cluster() as fleet:
        yield fleet.url


@pytest.fixture(scope="session")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_fleets.Locked]:
    """A server with TLS and an ACL user, shared by the session."""
    with redis_fleets.locked(tmp_path_factory.mktemp("locked")) as server:
        yield server


@pytest.fixture(params=[*PLACES, "cluster-bare", "cluster-stack", "locked-stack"])
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
        case "cluster":
            place = LivePlace(
                wrap(RedisStore(request.getfixturevalue("cluster_url"), timeout=PATIENCE))
            )
        case "locked":
            server: redis_fleets.Locked = request.getfixturevalue("locked_server")
            place = LivePlace(
                wrap(
                    RedisStore(
                        RedisLink(
                            server.url, server.access, timeout=PATIENCE, connect_timeout=PATIENCE
                        )
                    )
                )
            )
        case _:
            place = LivePlace(
                wrap(RedisStore(request.getfixturevalue("valkey_server"), timeout=PATIENCE))
            )
    yield place
    await place.store.close()


@pytest.fixture
def store(place: Place) -> Store:
    return place.store


@pytest.fixture
def scope() -> Scope:
    """A scope that no other test uses: servers are shared."""
    return Scope(f"tenant-{uuid.uuid4().hex}", "default")
