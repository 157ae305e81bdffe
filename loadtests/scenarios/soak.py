"""Hours of mixed traffic: memory, files and the store's size must be flat once they have settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import grpc

from loadtests.arrivals import open_loop
from loadtests.calls import Agents
from loadtests.contents import Contents, turn
from loadtests.fleet import Fleet, fleet
from loadtests.measure import LATE, Phase
from loadtests.scenario import Parameters, Result, common_facts, peak_of, spent

_GONE = grpc.StatusCode.NOT_FOUND.name
_KNOWN = 3
"""Of ten calls so many ask for what was asked before."""


@dataclass(slots=True)
class Readings:
    """What was read at intervals, by part."""

    resident: dict[str, list[int]] = field(default_factory=dict)
    descriptors: dict[str, list[int]] = field(default_factory=dict)
    stored: list[int] = field(default_factory=list)

    def take(self, running: Fleet) -> None:
        """Read everything once."""
        for part, value in running.resident().items():
            self.resident.setdefault(part, []).append(value)
        for part, value in running.descriptors().items():
            self.descriptors.setdefault(part, []).append(value)
        self.stored.append(running.stored())

    def facts(self) -> dict[str, float]:
        """Return by how much things grew from the second quarter of the time to the last."""
        return {
            "resident_growth": max(map(growth, self.resident.values())),
            "descriptor_growth": max(map(growth, self.descriptors.values())),
            "store_growth": growth(self.stored),
            "resident_mb": max(max(values) for values in self.resident.values()) / 1e6,
            "store_mb": max(self.stored) / 1e6,
        }


def growth(values: list[int]) -> float:
    """Return the mean of the last quarter over that of the second one; 1 is flat.

    The first quarter is left out: caches fill, and contents' retention begins to end.
    """
    quarter = max(1, len(values) // 4)
    second, last = values[quarter : 2 * quarter] or values, values[-quarter:]
    return (sum(last) / len(last)) / max(1.0, sum(second) / len(second))


async def soak(parameters: Parameters) -> Result:
    """Mixed traffic at a share of the peak, with a short retention so that the store lets go."""
    contents = Contents()
    readings = Readings()
    retention = parameters["retention"]
    with fleet(parameters.count("replicas")) as running:
        agents = Agents(running.target)

        async def traffic(number: int) -> str:
            match number % 10:
                case kind if kind < _KNOWN:
                    return await agents.compress(number, contents.known(number))
                case 9:
                    body = turn(number // 40, number // 10 % 4 + 1, contents)
                    name = f"soak-{number // 40}"
                    return await agents.converse(number, body, name, retention=retention)
            data = contents.new("soak", number)
            asked = asyncio.get_running_loop().time()
            view = await agents.view(number, data, retention=retention)
            if isinstance(view, str) or number % 10 != 8 or not view.ref:
                return view if isinstance(view, str) else "ok" if not view.degraded else "degraded"
            outcome = await agents.retrieve(number, view.ref, "", data)
            took = asyncio.get_running_loop().time() - asked
            # After its retention an original may be gone: who came so late was held up on this machine.
            return LATE if outcome == _GONE and took >= retention else outcome

        peak = await peak_of(running, traffic, parameters)
        rate = max(2.0, parameters["load"] * peak.goodput)

        def shifted(number: int) -> asyncio.Task[str]:
            return asyncio.ensure_future(traffic(10_000_000 + number))

        async def read() -> None:
            while True:
                await asyncio.to_thread(readings.take, running)
                await asyncio.sleep(parameters["interval"])

        reading = asyncio.ensure_future(read())
        steady: Phase = await spent(
            running, open_loop("steady", shifted, rate, parameters["seconds"])
        )
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await agents.close()
    return Result([peak, steady], {**common_facts(steady, peak), **readings.facts()})
