"""Identical computations that run at the same time in this process run once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(slots=True)
class _Flight(Generic[V]):
    task: asyncio.Task[V]
    waiters: int = 0


class SingleFlight(Generic[K, V]):
    """Shares the running computation of a key between all who ask for it meanwhile.

    Nothing is remembered once it has ended: this is no cache. A waiter that is cancelled leaves
    the others alone; when the last one leaves, the computation is cancelled, too.
    """

    def __init__(self) -> None:
        self._flights: dict[K, _Flight[V]] = {}

    async def run(self, key: K, compute: Callable[[], Coroutine[None, None, V]]) -> V:
        """Return ``compute()``, or what the running computation of ``key`` returns or raises."""
        flight = self._flights.get(key)
        if flight is None:
            flight = _Flight(asyncio.create_task(compute()))
            flight.task.add_done_callback(_mark_seen)
            self._flights[key] = flight
        flight.waiters += 1
        try:
            # wait, unlike await, leaves the task running when this waiter is cancelled.
            await asyncio.wait({flight.task})
        finally:
            flight.waiters -= 1
            if flight.task.done() or not flight.waiters:
                # A newcomer from here on starts afresh.
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()
        return flight.task.result()


def _mark_seen(task: asyncio.Task[V]) -> None:
    # If it failed just as the last waiter left, nobody is told: there is nobody to tell.
    if not task.cancelled():
        task.exception()
