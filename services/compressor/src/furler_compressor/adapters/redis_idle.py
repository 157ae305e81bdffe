"""Connections to Redis that a burst has made and nobody needs any more.

The driver's pools only grow: to the most that were ever needed at a time, and a moment in which the
process stood still is enough for that. So what was needed lately is counted, and the rest is closed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from redis.asyncio import Redis, RedisCluster

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

WINDOW_SECONDS: Final = 10.0
"""What a whole one of these did not need is closed at its end. Making another takes a millisecond, so that
a burst may come back; with 30 a single stall was still to be seen in the mean of minutes."""


@dataclass(slots=True)
class Demand:
    """Counts how many connections are in use, and the most that were so within a window of time."""

    clock: Callable[[], float]
    _now: int = 0
    _most: int = 0
    _ends: float = field(init=False)

    def __post_init__(self) -> None:
        self._ends = self.clock() + WINDOW_SECONDS

    def begin(self) -> None:
        """Count one that is in use from now on."""
        self._now += 1
        self._most = max(self._most, self._now)

    def end(self) -> int | None:
        """Count one that is in use no more. Returns how many are worth keeping, once per window."""
        self._now -= 1
        if self.clock() < self._ends:
            return None
        keep, self._most = self._most, self._now
        self._ends = self.clock() + WINDOW_SECONDS
        return keep


async def close_idle(client: Redis | RedisCluster, keep: int) -> None:
    """Close connections that are not in use until there are ``keep``; in a Cluster, per node."""
    for connection in _taken(client, keep):
        await connection.disconnect(nowait=True)


def _taken(client: Redis | RedisCluster, keep: int) -> list[AbstractConnection]:
    """Take idle connections out of the pools, the longest idle first: what is taken, nobody is given.

    The driver has no public way to it; the contract tests count what a real server is left with.
    """
    taken: list[AbstractConnection] = []
    if isinstance(client, RedisCluster):
        for node in client.get_nodes():
            while node._free and len(node._connections) > keep:  # noqa: SLF001
                connection = node._free.popleft()  # noqa: SLF001
                node._connections.remove(connection)  # noqa: SLF001
                taken.append(connection)
        return taken
    pool = client.connection_pool
    idle = pool._available_connections  # noqa: SLF001
    in_use = len(pool._in_use_connections)  # noqa: SLF001
    surplus = min(len(idle), max(0, len(idle) + in_use - keep))
    taken, idle[:surplus] = idle[:surplus], []
    return taken
