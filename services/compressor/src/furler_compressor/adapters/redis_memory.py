"""How full a Redis server is, and whether it keeps what it is given.

A server at its maxmemory refuses writes, those that make room included in a bad moment: so
commits stop below it. Recalls and fetches go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from redis.asyncio import RedisCluster
from redis.exceptions import SlotNotCoveredError

from furler_compressor.adapters.redis_link import RedisLink
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError

DEFAULT_WATERMARK = 0.9
# Old enough to cost nothing (one INFO of 60 µs per process and period), young enough that a
# server does not fill its last tenth meanwhile; if it does, it refuses by itself.
_PERIOD_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Reading:
    share: float
    policy: str
    limited: bool


class MemoryGauge:
    """Reads the servers' memory now and then, beside the calls.

    Args:
        link: Where the servers are.
        watermark: Share of maxmemory above which ``check`` refuses; 1 and more: never.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, link: RedisLink, watermark: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._link = link
        self._watermark = watermark
        self._clock = clock
        self._readings: dict[str, _Reading] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def check(self, key: str) -> None:
        """Raise StoreRefusedError if the server that holds ``key`` is nearly full."""
        if self._watermark >= 1:
            return
        first = self._read_at == float("-inf")
        if self._clock() - self._read_at >= _PERIOD_SECONDS:
            self._read_at = self._clock()
            self._reading = asyncio.create_task(self._read_quietly())
        if first and self._reading is not None:
            await asyncio.wait({self._reading})
        reading = self._readings.get(self._node_of(key))
        if reading is not None and reading.share > self._watermark:
            raise StoreRefusedError(
                f"the store is nearly full: over {self._watermark:.0%} of its memory is used"
            )

    async def advice(self) -> list[str]:
        """Return what an operator should put right, one sentence each. Raises like any call."""
        await self._read()
        if not self._readings:
            return ["the store does not say how it treats its memory: let our user call INFO"]
        advice: list[str] = []
        evicting = sorted({r.policy for r in self._readings.values()} - {"noeviction"})
        if evicting:
            advice.append(
                f"the store evicts originals under pressure (maxmemory-policy {evicting[0]}):"
                " set maxmemory-policy noeviction"
            )
        if not all(reading.limited for reading in self._readings.values()):
            advice.append(
                "the store has no maxmemory: it grows until the system ends it; set maxmemory"
            )
        return advice

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    def _node_of(self, key: str) -> str:
        client = self._link.client
        if not isinstance(client, RedisCluster):
            return ""
        try:
            node = client.get_node_from_key(key)
        except SlotNotCoveredError:
            # Not connected yet, or nobody's for the moment: the call itself will tell.
            return ""
        return node.name if node is not None else ""

    async def _read_quietly(self) -> None:
        # A store in trouble tells so by the calls themselves; INFO may be forbidden to our user.
        with contextlib.suppress(StoreUnavailableError):
            await self._read()

    async def _read(self) -> None:
        client = self._link.client
        if isinstance(client, RedisCluster):
            cluster = client
            answers = await self._link.ask(
                lambda: cluster.info("memory", target_nodes=RedisCluster.PRIMARIES)
            )
            # One primary alone is answered for without its name.
            by_node = answers if "used_memory" not in answers else {"": answers}
        else:
            by_node = {"": await self._link.ask(lambda: client.info("memory"))}
        self._readings = {name: _reading(info) for name, info in by_node.items()}


def _reading(info: Mapping[str, int | str]) -> _Reading:
    limit = int(info.get("maxmemory", 0))
    # What the server itself leaves out when it compares with maxmemory: replication buffers.
    used = int(info.get("used_memory", 0)) - int(info.get("mem_not_counted_for_evict", 0))
    policy = str(info.get("maxmemory_policy", ""))
    return _Reading(used / limit if limit else 0.0, policy, limited=bool(limit))
