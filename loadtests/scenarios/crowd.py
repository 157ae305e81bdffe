"""More than there is room for: one tenant that floods, and a whole fleet of agents that does."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, closing
from pathlib import Path

from loadtests.apart import Cores, Flood, Sender, Sent, on
from loadtests.arrivals import open_loop
from loadtests.calls import Agents
from loadtests.contents import KB, Contents
from loadtests.fleet import Fleet, fleet
from loadtests.measure import OK, Phase, merged
from loadtests.scenario import Parameters, Result, common_facts, peak_of, spent

_QUIET = ("ada", "ben", "cai", "dee")
_NOISY = "noisy"
_SIZES = ((12 * KB, 5), (60 * KB, 5))
"""Work enough per call that the generator, which shares the machine, is not what is measured."""
_LEAST = 2.0
"""Calls per second that are taken for the peak at least: a machine that stood still has none."""
_WINDOW_SECONDS = 1.0
_CALM = 3.0
"""A second is calm if its median is at most this many times the median before the overload."""


async def overload(parameters: Parameters) -> Result:
    """New contents come at a multiple of what the fleet can do; then at half of it again."""
    contents = Contents(_SIZES)
    async with _apart(parameters) as running:
        agents = Agents(running.target, deadline=parameters["deadline"])

        async def phase(name: str, rate: float, seconds: float) -> Phase:
            return await spent(
                running,
                open_loop(name, lambda n: agents.compress(n, contents.new(name, n)), rate, seconds),
            )

        await asyncio.gather(*(agents.compress(n, contents.known(n)) for n in range(8)))
        peak = await peak_of(
            running, lambda n: agents.compress(n, contents.new("peak", n)), parameters
        )
        most = max(_LEAST, peak.goodput)
        calm = await phase("before", most * 0.5, parameters["calm_seconds"])
        busy = time.process_time()
        flood = await phase("overload", most * parameters["times"], parameters["seconds"])
        busy = time.process_time() - busy
        after = await phase("after", most * 0.5, parameters["recovery_seconds"])
        await agents.close()
    late = Phase("", after.seconds / 2, calls=[c for c in after.calls if c.due > after.seconds / 2])
    facts = common_facts(after, peak)
    facts["failed"] = float(sum(p.failed for p in (peak, calm, flood, after)))
    facts["goodput_share"] = flood.goodput / most
    facts["recovery_seconds"] = recovery(after, calm)
    facts["goodput_after"] = late.goodput / after.offered
    facts["refusal_p99_ms"] = flood.ms(0.99, "refused")
    facts["generator_busy"] = busy / flood.seconds
    return Result([peak, calm, flood, after], facts)


@asynccontextmanager
async def _apart(parameters: Parameters, keys: str = "") -> AsyncIterator[Fleet]:
    """Run a fleet on all cores but one, this process on that one. ``keys`` is a file of API keys.

    There are no more replicas than cores for them: two that share one would measure whose turn the
    kernel thinks it is.
    """
    cores = Cores.split()
    replicas = min(parameters.count("replicas"), max(1, len(cores.service)))
    engines = str(parameters.count("engines"))
    with ExitStack() as stack:
        with on(cores.service):
            running = stack.enter_context(
                fleet(replicas, engine_processes=engines, api_keys=keys, audit="off")
            )
        stack.enter_context(on(cores.generator))
        yield running


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
    """Tenants share a fleet at half of what it does; then one of them sends many times as much.

    Both take turns some times, so that what else the machine does hits both. The noisy tenant sends
    from a process of its own, as it would: what the quiet ones notice is the service.
    """
    contents = Contents(_SIZES)
    async with AsyncExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="furler-load-"))
        keys = str(_key_file(Path(directory)))
        running = await stack.enter_async_context(_apart(parameters, keys))
        sender = stack.enter_context(closing(Sender()))
        agents = {
            tenant: Agents(running.target, 2, token=tenant, deadline=parameters["deadline"])
            for tenant in _QUIET
        }
        for one in agents.values():
            stack.push_async_callback(one.close)

        async def send(name: str, number: int) -> str:
            tenant = _QUIET[number % len(_QUIET)]
            return await agents[tenant].compress(number, contents.new(name, number))

        async def side_by_side(name: str, noise: float) -> tuple[Phase, Sent]:
            flood = Flood(
                f"noisy, {name}", running.target, _NOISY, parameters["deadline"], _SIZES,
                noise * most, parameters["seconds"],
            )  # fmt: skip
            quiet = open_loop(
                f"quiet, {name}", lambda n: send(name, n), 0.3 * most, parameters["seconds"]
            )
            return await asyncio.gather(quiet, sender.send(flood))

        await asyncio.gather(*(send("warm", n) for n in range(8)))
        peak = await peak_of(running, lambda n: send("peak", n), parameters)
        most = max(_LEAST, peak.goodput)
        await side_by_side("warm", 0.2)
        usual, flood = [], []
        for at in range(parameters.count("rounds")):
            usual.append(await side_by_side(f"usual {at}", 0.2))
            flood.append(await side_by_side(f"flood {at}", parameters["times"]))
    phases = [peak, *_together("usual", usual), *_together("flood", flood)]
    facts = _fairness(phases)
    facts["sender_busy"] = sum(sent.busy for _, sent in flood) / phases[3].seconds
    return Result(phases, facts)


def _together(name: str, rounds: list[tuple[Phase, Sent]]) -> tuple[Phase, Phase]:
    """Return the quiet tenants' calls of all rounds, and the noisy one's."""
    return (
        merged(f"quiet, {name}", [quiet for quiet, _ in rounds]),
        merged(f"noisy, {name}", [sent.phase for _, sent in rounds]),
    )


def _fairness(phases: list[Phase]) -> dict[str, float]:
    """Return what the quiet tenants noticed: phases are peak, quiet and noisy as usual, and in the flood."""
    peak, usual, _, quiet, noisy = phases
    facts = common_facts(quiet, peak)
    facts["failed"] += usual.failed + noisy.failed
    facts["quiet_not_served"] = (len(quiet.calls) - quiet.count(OK)) / max(1, len(quiet.calls))
    facts["p99_ratio"] = quiet.ms(0.99) / max(0.001, usual.ms(0.99))
    facts["p50_ratio"] = quiet.ms(0.5) / max(0.001, usual.ms(0.5))
    facts["noisy_goodput_share"] = noisy.goodput / max(_LEAST, peak.goodput)
    return facts


def _key_file(directory: Path) -> Path:
    path = directory / "keys.toml"
    path.write_text("".join(_key(tenant) for tenant in (*_QUIET, _NOISY)))
    return path


def _key(tenant: str) -> str:
    """Return a tenant's entry of the key file; its key is its name."""
    digest = hashlib.sha256(tenant.encode()).hexdigest()
    return f'[[keys]]\nid = "{tenant}"\nsha256 = "{digest}"\ntenant = "{tenant}"\n'
