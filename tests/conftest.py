"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

import servers
import triton_servers

# The model takes 100 MB and a second of each service that loads it: its tests ask for it.
os.environ.setdefault("FURLER_MODEL", "none")

# A test says what holds, not how fast: on a busy machine any example may take a second.
settings.register_profile("furler", deadline=None)
settings.load_profile("furler")


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The URL of a Valkey server, shared by the session: use a tenant of your own."""
    yield from servers.valkey_server()


@pytest.fixture(scope="session")
def triton_server(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[triton_servers.TritonServer]:
    """A Triton with the real model and a faulty one, shared by the session: leave it running."""
    repository = triton_servers.write_repository(tmp_path_factory.mktemp("models"))
    with triton_servers.triton(repository) as server:
        yield server
