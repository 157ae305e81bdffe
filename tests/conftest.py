"""Fixtures of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import servers


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    """The URL of a Valkey server, shared by the session: use a tenant of your own."""
    yield from servers.valkey_server()
