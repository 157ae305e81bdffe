"""The generator apart from what it measures: cores of its own, and floods from processes of their own.

On a machine that both share, a flood takes processor time to send, and a quiet tenant's calls wait in the
queue of the very process that floods. Both would be read as the service's latency.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.arrivals import open_loop
from loadtests.calls import Agents
from loadtests.contents import Contents
from loadtests.measure import Phase

_NICE = 5
"""A flood's sender leaves the generator's core to those whose latency is measured."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Which processors the service has, and which the generator; the same ones where there is but one."""

    service: frozenset[int]
    generator: frozenset[int]

    @classmethod
    def split(cls) -> Cores:
        """Return a division of this process's cores: one for the generator, the others for the service."""
        if not hasattr(os, "sched_getaffinity"):
            return cls(frozenset(), frozenset())
        mine = sorted(os.sched_getaffinity(0))
        return cls(frozenset(mine[:-1] or mine), frozenset(mine[-1:]))


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """Keep this process, and what it starts meanwhile, on some cores; on no particular ones if empty."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    _move(cores)
    try:
        yield
    finally:
        _move(before)


def _move(cores: set[int] | frozenset[int]) -> None:
    """Move every thread; gRPC and executors have some of their own."""
    for thread in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), cores)
        except ProcessLookupError:  # it ended meanwhile
            continue


@dataclass(frozen=True, slots=True)
class Flood:
    """An open loop of new contents, and whose it is."""

    name: str
    target: str
    token: str
    deadline: float
    sizes: tuple[tuple[int, int], ...]
    rate: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a flood, and the processor time its sender took, in seconds."""

    phase: Phase
    busy: float


class Sender:
    """A process that sends floods, one at a time."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, spawn, initializer=os.nice, initargs=(_NICE,))

    async def send(self, flood: Flood) -> Sent:
        """Send a flood, wait until the last call is answered."""
        return await asyncio.get_running_loop().run_in_executor(self._process, _send, flood)

    def close(self) -> None:
        """End the process."""
        self._process.shutdown(cancel_futures=True)


def _send(flood: Flood) -> Sent:
    started = time.process_time()
    phase = asyncio.run(_sent(flood))
    return Sent(phase, time.process_time() - started)


async def _sent(flood: Flood) -> Phase:
    contents = Contents(flood.sizes)
    agents = Agents(flood.target, 2, token=flood.token, deadline=flood.deadline)
    try:
        return await open_loop(
            flood.name,
            lambda n: agents.compress(n, contents.new(flood.name, n)),
            flood.rate,
            flood.seconds,
            seed=2,
        )
    finally:
        await agents.close()
