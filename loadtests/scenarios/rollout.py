"""Replicas come and go under load, as an autoscaler and a rollout have it: no call may fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from loadtests.arrivals import open_loop
from loadtests.calls import Agents
from loadtests.contents import Contents
from loadtests.fleet import Fleet, fleet
from loadtests.measure import OK, Phase, merged
from loadtests.scenario import Parameters, Result, common_facts, peak_of

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
        peak = await peak_of(running, lambda n: traffic("peak", n), parameters)
        still, changing, after = await while_it_changes(
            parameters, traffic, lambda: steps(running), peak
        )
        left = len(running.running)
        await agents.close()
    facts = common_facts(after, peak)
    facts["failed"] = float(sum(phase.failed for phase in (peak, still, changing, after)))
    facts["not_served_share"] = 1 - changing.count(OK) / max(1, len(changing.calls))
    facts["p99_ratio"] = changing.ms(0.99) / max(0.001, still.ms(0.99))
    facts["replicas_left"] = float(left)
    return Result([peak, still, changing, after], facts)


async def while_it_changes(
    parameters: Parameters,
    traffic: Callable[[str, int], Awaitable[str]],
    steps: Callable[[], Awaitable[None]],
    peak: Phase,
) -> tuple[Phase, Phase, Phase]:
    """Offer a share of the peak before, during and after some steps; the phases of the three.

    ``traffic`` is given the phase's name and the number of the call in it.
    """
    rate = max(2.0, parameters["load"] * peak.goodput)

    async def phase(name: str) -> Phase:
        return await open_loop(name, lambda n: traffic(name, n), rate, parameters["seconds"])

    still = await phase("still")
    changing = asyncio.ensure_future(steps())
    phases: list[Phase] = []
    while not changing.done():
        phases.append(await phase(f"changing {len(phases) + 1}"))
    await changing
    return still, merged("changing", phases), await phase("after")
