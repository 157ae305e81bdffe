"""When calls are made: open loop (they come when they come), or closed (clients wait for answers).

An open loop is what a fleet of agents is: a slow service does not slow its arrivals. Latencies
count from when a call was due. A closed loop finds the most that the service can do.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from loadtests.measure import Call, Phase

Traffic = Callable[[int], Awaitable[str]]
"""Makes the n-th call and returns how it ended, one of measure's words or an error's name."""
_DRAIN_SECONDS = 60.0
"""The last calls have deadlines of their own; this bounds what none of them should reach."""


async def open_loop(
    name: str, traffic: Traffic, rate: float, seconds: float, seed: int = 1
) -> Phase:
    """Make calls at a rate (per second, Poisson) for some seconds; wait for the last answers."""
    loop = asyncio.get_running_loop()
    chance = random.Random(seed)  # noqa: S311 - no secret
    phase = Phase(name, seconds, offered=rate)
    tasks: set[asyncio.Task[None]] = set()
    start = loop.time()
    due = chance.expovariate(rate)
    number = 0
    while due < seconds:
        ahead = start + due - loop.time()
        if ahead > 0:
            await asyncio.sleep(ahead)
        phase.lag = max(phase.lag, loop.time() - start - due)
        task = loop.create_task(_call(phase, traffic, number, due, start))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        due += chance.expovariate(rate)
        number += 1
    async with asyncio.timeout(_DRAIN_SECONDS):
        await asyncio.gather(*tasks)
    return phase


async def closed_loop(name: str, traffic: Traffic, clients: int, seconds: float) -> Phase:
    """Let so many clients call, each again as soon as it is answered, for some seconds."""
    loop = asyncio.get_running_loop()
    phase = Phase(name, seconds)
    start = loop.time()
    numbers = iter(range(1 << 40))

    async def client() -> None:
        while (due := loop.time() - start) < seconds:
            await _call(phase, traffic, next(numbers), due, start)

    await asyncio.gather(*(client() for _ in range(clients)))
    phase.seconds = loop.time() - start
    return phase


async def _call(phase: Phase, traffic: Traffic, number: int, due: float, start: float) -> None:
    outcome = await traffic(number)
    took = asyncio.get_running_loop().time() - start - due
    phase.calls.append(Call(due, took, outcome))
