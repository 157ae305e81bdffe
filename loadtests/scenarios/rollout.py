"""Replicas come and go under load, as an autoscaler and a rollout have it: no call may fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loadtests.arrivals import closed_loop, open_loop
from loadtests.calls import Agents
from loadtests.contents import Contents
from loadtests.fleet import Fleet, fleet
from loadtests.measure import Phase
from loadtests.scenario import Parameters, Result, common_facts, spent

_SETTLED_SECONDS = 0.5
"""Between two steps: long enough that calls are made in every state of the fleet."""


async def replicas(parameters: Parameters) -> Result:
    """Two replicas become four, and then two others than at the beginning."""

    async def steps(running: Fleet) -> None:
        for index in (2, 3):
            await running.start_aside(index)
        await asyncio.sleep(parameters["pause"])
        for index in (0, 1):
            await running.stop_aside(index)
            await asyncio.sleep(_SETTLED_SECONDS)

    return await _under_load(parameters, steps)


async def restart(parameters: Parameters) -> Result:
    """Every replica is replaced, one after the other: first the new one, then the old one goes."""

    async def steps(running: Fleet) -> None:
        for old, new in ((0, 2), (1, 3)):
            await running.start_aside(new)
            await asyncio.sleep(parameters["pause"])
            await running.stop_aside(old)
            await asyncio.sleep(_SETTLED_SECONDS)

    return await _under_load(parameters, steps)


async def _under_load(parameters: Parameters, steps: Callable[[Fleet], Awaitable[None]]) -> Result:
    """Send new and known contents while the fleet changes, and go on for a while after that."""
    contents = Contents()
    with fleet(2, most=4) as running:
        agents = Agents(running.target, deadline=parameters["deadline"])

        async def traffic(name: str, number: int) -> str:
            if number % 2:
                return await agents.compress(number, contents.known(number))
            return await agents.compress(number, contents.new(name, number))

        await asyncio.gather(*(traffic("warm", n) for n in range(8)))
        peak = await spent(
            running,
            closed_loop(
                "peak", lambda n: traffic("peak", n),
                parameters.count("clients"), parameters["peak_seconds"],
            ),
        )  # fmt: skip
        rate = max(2.0, parameters["load"] * peak.goodput)
        still = await open_loop("still", lambda n: traffic("still", n), rate, parameters["seconds"])
        changing = asyncio.ensure_future(steps(running))
        phases: list[Phase] = []
        while not changing.done():
            name = f"changing {len(phases) + 1}"
            phases.append(
                await open_loop(
                    name, lambda n, name=name: traffic(name, n), rate, parameters["seconds"]  # type: ignore[misc]
                )
            )  # fmt: skip
        await changing
        after = await open_loop("after", lambda n: traffic("after", n), rate, parameters["seconds"])
        left = len(running.running)
        await agents.close()
    facts = common_facts(after, peak)
    facts["failed"] = float(sum(p.failed for p in (peak, still, *phases, after)))
    changed = [call for phase in phases for call in phase.calls]
    whole = Phase("changing", sum(p.seconds for p in phases), offered=rate, calls=changed)
    facts["not_served_share"] = 1 - whole.count("ok") / max(1, len(changed))
    facts["p99_ratio"] = whole.ms(0.99) / max(0.001, still.ms(0.99))
    facts["replicas_left"] = float(left)
    return Result([peak, still, whole, after], facts)
