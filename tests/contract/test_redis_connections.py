"""How many connections a real server has of us: what is needed, and not for long what once was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

import pytest
import redis

import redis_fleets
import servers
from furler_compressor.adapters.redis_idle import WINDOW_SECONDS, Demand
from furler_compressor.adapters.redis_link import RedisLink

pytestmark = pytest.mark.anyio

PATIENCE = 30.0
BURST = 20


class Watched:
    """A link with a clock of its own, and the servers behind it."""

    def __init__(self, url: str, nodes: list[str]) -> None:
        self.now = 0.0
        self.link = RedisLink(
            url, timeout=PATIENCE, connect_timeout=PATIENCE, clock=lambda: self.now
        )
        self._nodes = nodes

    async def ask(self, times: int) -> None:
        """Read the same key so many times at once."""
        get = self.link.client.get
        await asyncio.gather(*(self.link.ask(lambda: get("{one}")) for _ in range(times)))

    async def window(self) -> None:
        """Let a window of time pass; the next answer is its end."""
        self.now += WINDOW_SECONDS
        await self.ask(1)

    def connections(self) -> int:
        """Return how many connections servers have whose last command was ours."""
        return sum(map(_readers, self._nodes))

    async def settles_at(self, count: int) -> None:
        """Wait until servers have seen what was closed."""
        async with asyncio.timeout(PATIENCE):
            while self.connections() != count:
                await asyncio.sleep(0.05)


def _readers(url: str) -> int:
    with redis.Redis.from_url(url) as admin:
        return sum(client["cmd"] == "get" for client in admin.client_list())


@pytest.fixture(params=["single", "cluster"])  # what Sentinels lead to has the pool of "single"
async def watched(request: pytest.FixtureRequest) -> AsyncIterator[Watched]:
    with ExitStack() as stack:
        if request.param == "single":
            server = stack.enter_context(servers.valkey())
            found = Watched(server.url, [server.url])
        else:
            fleet = stack.enter_context(redis_fleets.cluster())
            found = Watched(fleet.url, [node.url for node in fleet.nodes])
        yield found
        await found.link.close()


async def test_what_a_burst_made_is_closed_once_it_was_not_needed_for_a_while(
    watched: Watched,
) -> None:
    await watched.ask(1)
    await watched.ask(BURST)
    assert watched.connections() == BURST
    await watched.window()  # the burst was in it
    assert watched.connections() == BURST
    await watched.window()
    await watched.settles_at(1)
    await watched.ask(BURST)
    assert watched.connections() == BURST


async def test_what_is_in_use_is_never_closed(watched: Watched) -> None:
    await watched.ask(BURST)
    await watched.window()
    for _ in range(5):
        watched.now += WINDOW_SECONDS / 2  # every second round ends a window, and the others wait
        await watched.ask(BURST)
        assert watched.connections() == BURST


def test_what_is_worth_keeping_is_the_most_of_a_window_and_what_goes_on() -> None:
    now = 0.0
    demand = Demand(lambda: now)
    for _ in range(3):
        demand.begin()
    assert [demand.end(), demand.end()] == [None, None]
    now = WINDOW_SECONDS
    demand.begin()
    assert demand.end() == 3
    now = 2 * WINDOW_SECONDS
    assert demand.end() == 1
    demand.begin()
    now = 3 * WINDOW_SECONDS
    assert demand.end() == 1
