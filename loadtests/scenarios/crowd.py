"""More than there is room for: one tenant that floods, and a whole fleet of agents that does."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from loadtests.arrivals import closed_loop, open_loop
from loadtests.calls import Agents
from loadtests.contents import KB, Contents
from loadtests.fleet import fleet
from loadtests.measure import OK, Phase
from loadtests.scenario import Parameters, Result, common_facts, spent

_QUIET = ("ada", "ben", "cai", "dee")
_NOISY = "noisy"
_SIZES = ((12 * KB, 5), (60 * KB, 5))
"""Work enough per call that the generator, which shares the machine, is not what is measured."""
_WINDOW_SECONDS = 1.0
_CALM = 3.0
"""A second is calm if its median is at most this many times the median before the overload."""


async def overload(parameters: Parameters) -> Result:
    """New contents come at a multiple of what the fleet can do; then at half of it again."""
    contents = Contents(_SIZES)
    with fleet(
        parameters.count("replicas"), engine_processes=str(parameters.count("engines"))
    ) as running:
        agents = Agents(running.target, deadline=parameters["deadline"])

        async def phase(name: str, rate: float, seconds: float) -> Phase:
            return await spent(
                running,
                open_loop(name, lambda n: agents.compress(n, contents.new(name, n)), rate, seconds),
            )

        await asyncio.gather(*(agents.compress(n, contents.known(n)) for n in range(8)))
        peak = await spent(
            running,
            closed_loop(
                "peak", lambda n: agents.compress(n, contents.new("peak", n)),
                parameters.count("clients"), parameters["peak_seconds"],
            ),
        )  # fmt: skip
        calm = await phase("before", peak.goodput * 0.5, parameters["calm_seconds"])
        flood = await phase("overload", peak.goodput * parameters["times"], parameters["seconds"])
        after = await phase("after", peak.goodput * 0.5, parameters["recovery_seconds"])
        await agents.close()
    late = Phase("", after.seconds / 2, calls=[c for c in after.calls if c.due > after.seconds / 2])
    facts = common_facts(after, peak)
    facts["failed"] = float(sum(p.failed for p in (peak, calm, flood, after)))
    facts["goodput_share"] = flood.goodput / peak.goodput
    facts["recovery_seconds"] = recovery(after, calm)
    facts["goodput_after"] = late.goodput / after.offered
    facts["refusal_p99_ms"] = flood.ms(0.99, "refused")
    return Result([peak, calm, flood, after], facts)


def recovery(after: Phase, before: Phase) -> float:
    """Return the seconds after which every second was calm: all calls well, and as quick as before."""
    usual = before.ms(0.5)
    windows = int(after.seconds / _WINDOW_SECONDS)
    for window in reversed(range(windows)):
        begin = window * _WINDOW_SECONDS
        calls = [c for c in after.calls if begin <= c.due < begin + _WINDOW_SECONDS]
        part = Phase("", _WINDOW_SECONDS, calls=calls)
        if part.count(OK) < len(calls) or part.ms(0.5) > _CALM * usual:
            return begin + _WINDOW_SECONDS
    return 0.0


async def neighbour(parameters: Parameters) -> Result:
    """Tenants share a fleet at half of what it does; then one of them sends many times as much."""
    contents = Contents(_SIZES)
    with tempfile.TemporaryDirectory(prefix="furler-load-") as directory:
        keys = _key_file(Path(directory))
        async with AsyncExitStack() as stack:
            running = stack.enter_context(
                fleet(
                    parameters.count("replicas"),
                    engine_processes=str(parameters.count("engines")),
                    api_keys=str(keys),
                    audit="off",
                )
            )
            agents = {
                tenant: Agents(running.target, 2, token=tenant, deadline=parameters["deadline"])
                for tenant in (*_QUIET, _NOISY)
            }
            for one in agents.values():
                stack.push_async_callback(one.close)

            async def send(name: str, number: int) -> str:
                tenant = _QUIET[number % len(_QUIET)]
                return await agents[tenant].compress(number, contents.new(name, number))

            async def shout(name: str, number: int) -> str:
                data = contents.new(f"{name} noisy", number)
                return await agents[_NOISY].compress(number, data)

            await asyncio.gather(*(send("warm", n) for n in range(8)))
            peak = await spent(
                running,
                closed_loop(
                    "peak", lambda n: send("peak", n),
                    parameters.count("clients"), parameters["peak_seconds"],
                ),
            )  # fmt: skip
            phases = [peak]
            for name, noise in (("usual", 0.2), ("flood", parameters["times"])):
                quiet, noisy = await asyncio.gather(
                    open_loop(
                        f"quiet, {name}", lambda n, name=name: send(name, n),  # type: ignore[misc]
                        0.3 * peak.goodput, parameters["seconds"],
                    ),
                    open_loop(
                        f"noisy, {name}", lambda n, name=name: shout(name, n),  # type: ignore[misc]
                        noise * peak.goodput, parameters["seconds"], seed=2,
                    ),
                )  # fmt: skip
                phases += [quiet, noisy]
    return Result(phases, _fairness(phases))


def _fairness(phases: list[Phase]) -> dict[str, float]:
    """Return what the quiet tenants noticed: phases are peak, quiet and noisy as usual, and in the flood."""
    peak, usual, _, quiet, noisy = phases
    facts = common_facts(quiet, peak)
    facts["quiet_not_served"] = (len(quiet.calls) - quiet.count(OK)) / max(1, len(quiet.calls))
    facts["p99_ratio"] = quiet.ms(0.99) / max(0.001, usual.ms(0.99))
    facts["p50_ratio"] = quiet.ms(0.5) / max(0.001, usual.ms(0.5))
    facts["noisy_goodput_share"] = noisy.goodput / peak.goodput
    return facts


def _key_file(directory: Path) -> Path:
    path = directory / "keys.toml"
    path.write_text("".join(_key(tenant) for tenant in (*_QUIET, _NOISY)))
    return path


def _key(tenant: str) -> str:
    """Return a tenant's entry of the key file; its key is its name."""
    digest = hashlib.sha256(tenant.encode()).hexdigest()
    return f'[[keys]]\nid = "{tenant}"\nsha256 = "{digest}"\ntenant = "{tenant}"\n'
