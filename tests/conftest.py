"""Fixtures of all tests."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import servers
import triton_servers

# The model takes 100 MB and a second of each service that loads it: its tests ask for it.
os.environ.setdefault("FURLER_MODEL", "none")

# A test says what holds, not how fast: on a busy machine any example may take a second, and so may
# making it. The same examples each time: a change is blamed for what it did. `make fuzz` looks for others.
settings.register_profile(
    "furler", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("fuzz", deadline=None, print_blob=True)
settings.load_profile("furler")

_report = asyncio.BaseEventLoop.call_exception_handler


def _report_own(loop: asyncio.BaseEventLoop, context: dict[str, Any]) -> None:
    """Report what went wrong in a loop, but for what gRPC had to tell a test's loop that is closed.

    Its one queue of events serves all loops of a process: an earlier test's call that
    ended after its loop would fail whichever test runs by then.
    """
    if "PollerCompletionQueue" in context["message"] and isinstance(
        context.get("exception"), RuntimeError
    ):
        return
    _report(loop, context)


asyncio.BaseEventLoop.call_exception_handler = _report_own  # type: ignore[method-assign, assignment]


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
