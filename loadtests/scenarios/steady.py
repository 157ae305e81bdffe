"""Steady traffic of one kind: the most the fleet does of it, and how it feels at a share of that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from furler.v1.compression_pb2 import View
from loadtests.arrivals import Traffic, open_loop
from loadtests.calls import Agents
from loadtests.contents import KB, Contents, turn
from loadtests.contents import prose as prose_text
from loadtests.fleet import COMPRESSOR, Fleet, fleet
from loadtests.measure import DEGRADED, OK, REFUSED, Phase
from loadtests.scenario import Parameters, Result, common_facts, peak_of, spent

_TRIES = 5
_WARM_CALLS = 8
"""Calls before anything is measured: connections are made, code is loaded."""


async def hits(parameters: Parameters) -> Result:
    """Agents ask for views that the fleet has made before."""
    contents = Contents()
    async with _running(parameters) as (running, agents):
        await asyncio.gather(*(agents.compress(n, contents.known(n)) for n in range(len(contents))))
        return await _measured(running, parameters, lambda n: agents.compress(n, contents.known(n)))


async def cold(parameters: Parameters) -> Result:
    """Every content is new, of mixed kinds and sizes."""
    contents = Contents()
    async with _running(parameters) as (running, agents):
        return await _measured(
            running, parameters, lambda n: agents.compress(n, contents.new("cold", n))
        )


async def large(parameters: Parameters) -> Result:
    """Large new contents, while other agents ask for small known ones."""
    big = Contents(((parameters.count("bytes"), 4),))
    small = Contents(((3 * KB, 4),))
    async with _running(parameters) as (running, agents):
        await asyncio.gather(*(agents.compress(n, small.known(n)) for n in range(len(small))))
        alone = await open_loop(
            "small alone", lambda n: agents.compress(n, small.known(n)),
            parameters["small_rate"], parameters["seconds"],
        )  # fmt: skip
        beside, result = await asyncio.gather(
            open_loop(
                "small beside large", lambda n: agents.compress(n, small.known(n)),
                parameters["small_rate"], parameters["seconds"],
            ),
            _measured(running, parameters, lambda n: agents.compress(n, big.new("large", n))),
        )  # fmt: skip
    result.phases = [alone, beside, *result.phases]
    result.facts["failed"] += alone.failed + beside.failed
    result.facts["small_p99_ms"] = beside.ms(0.99)
    result.facts["small_p50_ratio"] = beside.ms(0.5) / max(0.001, alone.ms(0.5))
    return result


async def conversations(parameters: Parameters) -> Result:
    """Agents talk: every turn sends all that came before, and one new result."""
    contents = Contents(((3 * KB, 8),))
    turns, talks = parameters.count("turns"), parameters.count("conversations")
    bodies = {
        (talk, at): turn(talk, at + 1, contents) for talk in range(talks) for at in range(turns)
    }
    async with _running(parameters) as (running, agents):

        def talk(number: int) -> Traffic:
            async def traffic(call: int) -> str:
                # A conversation's turns come one after the other; many conversations at a time.
                which, at = call % talks, call // talks % turns
                name = f"{number}-{call // talks // turns}-{which}"
                return await agents.converse(which, bodies[which, at], name)

            return traffic

        held = running.stored()
        peak = await peak_of(running, talk(0), parameters)
        rate = max(1.0, peak.goodput * parameters["load"])
        steady = await spent(running, open_loop("steady", talk(1), rate, parameters["seconds"]))
        growth = kept(running, held, peak, steady)
    return Result([peak, steady], {**common_facts(steady, peak), **growth})


async def prose(parameters: Parameters) -> Result:
    """New prose, which goes to the model where there is one."""
    texts = [prose_text(parameters.count("bytes"), seed) for seed in range(16)]
    async with _running(parameters, model="auto") as (running, agents):
        return await _measured(
            running,
            parameters,
            lambda n: agents.compress(n, b"Report %d.\n\n" % n + texts[n % len(texts)]),
        )


async def streams(parameters: Parameters) -> Result:
    """New contents that go in chunks, as those above 4 MiB do."""
    contents = Contents(((parameters.count("bytes"), 4),))
    async with _running(parameters) as (running, agents):
        return await _measured(
            running, parameters, lambda n: agents.stream(n, contents.new("stream", n))
        )


async def retrievals(parameters: Parameters) -> Result:
    """Agents ask for parts of what was left out, all at once; every answer's bytes are compared."""
    contents = Contents(((60 * KB, 2),), kinds=("log", "search"))
    async with _running(parameters) as (running, agents):
        held = [await _kept_original(agents, n, contents.known(n)) for n in range(len(contents))]

        async def traffic(number: int) -> str:
            ref, original = held[number % len(held)]
            if number % 4 == 0:
                return await agents.retrieve(number, ref, "", original)
            return await agents.retrieve(number, ref, "ERROR|raise")

        return await _measured(running, parameters, traffic)


async def _kept_original(agents: Agents, number: int, data: bytes) -> tuple[str, bytes]:
    """Compress a content until its original is held; its reference. Raises ConnectionError."""
    view: View | str = ""
    for _ in range(_TRIES):  # a store that did not answer once costs the saving, and the reference
        view = await agents.view(number, data)
        if not isinstance(view, str) and view.ref:
            return view.ref, data
    raise ConnectionError(f"cannot prepare: {view}")


async def gateway(parameters: Parameters) -> Result:
    """Agents send whole requests over HTTP; the results in them are new."""
    contents = Contents(((3 * KB, 8), (12 * KB, 2)))
    async with _running(parameters, gateway=True) as (running, _agents):
        if running.gateway is None:
            raise RuntimeError("the fleet has no gateway")
        url = f"http://{running.gateway.address}/v1/compress"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def traffic(number: int) -> str:
                body = turn(number, 1, contents)[:-1] + b', "config": {"mode": "ccr"}}'
                headers = {"Content-Type": "application/json"}
                async with session.post(url, data=body, headers=headers) as answer:
                    reply = await answer.read()
                if answer.status == 429:
                    return REFUSED
                if answer.status != 200:
                    return f"HTTP {answer.status}"
                return DEGRADED if b'"compression_skipped":true' in reply else OK

            return await _measured(running, parameters, traffic)


@asynccontextmanager
async def _running(
    parameters: Parameters, *, gateway: bool = False, model: str = "none"
) -> AsyncIterator[tuple[Fleet, Agents]]:
    """Run a fleet of the scenario's size, and agents that call it."""
    with fleet(parameters.count("replicas"), gateway=gateway, model=model) as running:
        agents = Agents(running.target)
        try:
            yield running, agents
        finally:
            await agents.close()


async def _measured(running: Fleet, parameters: Parameters, traffic: Traffic) -> Result:
    """Find the peak with waiting clients, then offer a share of it and see how that feels."""
    await asyncio.gather(*(traffic(n) for n in range(_WARM_CALLS)))
    held = running.stored()
    peak = await peak_of(running, _shifted(traffic, 1), parameters)
    rate = max(1.0, peak.goodput * parameters["load"])
    steady = await spent(
        running, open_loop("steady", _shifted(traffic, 2), rate, parameters["seconds"])
    )
    return Result(
        [peak, steady], {**common_facts(steady, peak), **kept(running, held, peak, steady)}
    )


def kept(running: Fleet, before: int, *phases: Phase) -> dict[str, float]:
    """Return what the fleet holds at the end, and by how much a call made the store grow."""
    answered = max(1, sum(phase.count(OK) for phase in phases))
    resident = [size for part, size in running.resident().items() if part.startswith(COMPRESSOR)]
    return {
        "store_bytes_per_call": (running.stored() - before) / answered,
        "resident_mb": max(resident) / 1e6,
    }


def _shifted(traffic: Traffic, phase: int) -> Traffic:
    """Return traffic whose numbers no other phase has: new contents are new in every phase."""

    async def shifted(number: int) -> str:
        return await traffic(phase * 10_000_000 + number)

    return shifted
