"""Generate docs/capacity.md: what a fleet of agents needs, from what a load run measured.

What lives here: the arithmetic from loadtests' JSON (a run of all scenarios, full form) and
loadtests/capacity.toml to tables. No number of the page is written by hand.
"""

from __future__ import annotations

import argparse
import json
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "loadtests/results.json"
ASSUMED: Final = ROOT / "loadtests/capacity.toml"
TARGET: Final = ROOT / "docs/capacity.md"
_PARTS: Final = ("serving", "engine", "store", "gateway")

Assumed = Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time that one answered call costs each part, and bytes it leaves."""

    serving: float
    engine: float
    store: float
    gateway: float = 0.0
    stored_bytes: float = 0.0

    @property
    def all_ms(self) -> float:
        """All parts together."""
        return self.serving + self.engine + self.store + self.gateway


@dataclass(frozen=True, slots=True)
class Needs:
    """What some agents need."""

    agents: int
    rate: float
    """Turns per second."""
    replicas: int
    gateways: int
    redis_memory_gb: dict[float, float]
    """By hours of retention."""
    redis_core: float
    """Share of one core that runs commands."""
    model_cores: float


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """Something that runs out: at how many agents, and what takes it away."""

    what: str
    agents: float
    remedy: str


def costs(results: Mapping[str, object]) -> dict[str, Cost]:
    """Return what a call of each steady scenario costs: of both its phases together."""
    scenarios = results["scenarios"]
    assert isinstance(scenarios, dict)  # noqa: S101 - a file of our own
    found = {}
    for name, scenario in scenarios.items():
        phases = [phase for phase in scenario["phases"] if phase["cpu_seconds"]]
        if "store_bytes_per_call" not in scenario["facts"]:
            continue
        calls = sum(phase["ok"] for phase in phases)
        spent = {
            part: 1000 * sum(phase["cpu_seconds"].get(part, 0.0) for phase in phases) / calls
            for part in _PARTS
        }
        found[name] = Cost(**spent, stored_bytes=scenario["facts"]["store_bytes_per_call"])
    return found


def turn_cost(measured: Mapping[str, Cost], assumed: Assumed) -> Cost:
    """Return what a turn costs, the retrievals that come with it included."""
    turn, retrieval = measured["conversations"], measured["retrievals"]
    share = assumed["agents"]["retrievals_per_turn"]
    # The gateway scenario's requests are larger; what its process spends is taken from there.
    return Cost(
        turn.serving + share * retrieval.serving,
        turn.engine + share * retrieval.engine,
        turn.store + share * retrieval.store,
        measured["gateway"].gateway,
        turn.stored_bytes,
    )


def needs(agents: int, measured: Mapping[str, Cost], assumed: Assumed) -> Needs:
    """Return what so many agents need; two of what must not be alone."""
    turn = turn_cost(measured, assumed)
    rate = agents * assumed["agents"]["turns_per_second"]
    by_cores = rate * (turn.serving + turn.engine) / 1000 / assumed["replica"]["busy"]
    by_loop = rate * turn.serving / 1000 / assumed["replica"]["busy"]
    replicas = max(2, math.ceil(by_cores / assumed["replica"]["cores"]), math.ceil(by_loop))
    gateways = max(2, math.ceil(rate * turn.gateway / 1000 / assumed["gateway"]["busy"]))
    hours = assumed["redis"]["retention_hours"]
    assert isinstance(hours, list)  # noqa: S101 - a file of our own
    memory = {
        hour: _stored_gb(rate, turn.stored_bytes, hour, assumed["agents"]["hours_per_day"])
        * assumed["redis"]["overhead"]
        for hour in hours
    }
    model = rate * assumed["agents"]["prose_share"] * measured["prose"].all_ms / 1000
    return Needs(agents, rate, replicas, gateways, memory, rate * turn.store / 1000, model)


def _stored_gb(rate: float, size: float, hours: float, hours_per_day: float) -> float:
    """Return what is held at a time: of a day's retention, the hours that agents work."""
    return rate * size * min(hours, hours_per_day * max(1.0, hours / 24)) * 3600 / 1e9


def bottlenecks(measured: Mapping[str, Cost], assumed: Assumed) -> list[Bottleneck]:
    """Return what runs out first, for a fleet of one of everything."""
    turn = turn_cost(measured, assumed)
    per_agent = assumed["agents"]["turns_per_second"]
    replica, redis = assumed["replica"], assumed["redis"]
    hours = redis["retention_hours"]
    assert isinstance(hours, list)  # noqa: S101 - a file of our own
    work = turn.serving + turn.engine
    gb = _stored_gb(per_agent, turn.stored_bytes, hours[0], assumed["agents"]["hours_per_day"])
    prose = per_agent * assumed["agents"]["prose_share"] * measured["prose"].all_ms / 1000
    usable = redis["memory_gb"] * redis["fill"] / redis["overhead"]
    found = [
        Bottleneck(
            f"the {replica['cores']:g} cores of one replica",
            1000 * replica["cores"] * replica["busy"] / work / per_agent,
            "more replicas: the HPA adds them by processor time",
        ),
        Bottleneck(
            "the one core that serves calls in a replica",
            1000 * replica["busy"] / turn.serving / per_agent,
            "more replicas, or `FURLER_WORKERS` above 1",
        ),
        Bottleneck(
            "the event loop of one gateway",
            1000 * assumed["gateway"]["busy"] / turn.gateway / per_agent,
            "more gateways: the HPA; agents that speak gRPC need none",
        ),
        Bottleneck(
            f"memory of one Redis of {redis['memory_gb']:g} GB, kept for {hours[0]:g} h",
            usable / gb,
            "a shorter retention first; then Redis Cluster: a space's keys stay together, spaces spread",
        ),
        Bottleneck(
            "the core of one Redis that runs commands",
            1000 * redis["busy"] / turn.store / per_agent,
            "Redis Cluster: a core per shard",
        ),
        Bottleneck(
            f"the model on the {replica['cores']:g} cores of one replica",
            replica["cores"] * replica["busy"] / prose,
            "Triton on a GPU (`model.mode: triton`), scaled by its queue",
        ),
    ]
    return sorted(found, key=lambda b: b.agents)


def page(results: Mapping[str, object], assumed: Assumed) -> str:
    """Return the page."""
    measured = costs(results)
    machine = results["machine"]
    assert isinstance(machine, dict)  # noqa: S101 - a file of our own
    on = ", ".join(f"{key}: {value}" for key, value in machine.items())
    counts = assumed["agents"]["counts"]
    assert isinstance(counts, list)  # noqa: S101 - a file of our own
    rows = [needs(count, measured, assumed) for count in counts]
    return "\n".join(
        (
            _HEAD.format(on=on, form=results["form"]),
            "## Measured: a call\n",
            _table(_COST_HEAD, _cost_rows(measured, assumed)),
            "\n## Assumed\n",
            _table(("what", "value"), _assumed_rows(assumed)),
            "\n## A fleet\n",
            _table(_needs_head(assumed), _needs_rows(rows)),
            f"\n{_NOTES}",
            "## What runs out first\n",
            "With one of everything, in the order in which it happens:\n",
            _table(
                ("at agents", "what", "what takes it away"), _bottleneck_rows(measured, assumed)
            ),
            "",
        )
    )


_HEAD: Final = """\
# Capacity

Made by `make capacity` from [a load run](../loadtests/results.json) (`make load FULL=1 JSON=loadtests/results.json`; {form} form; {on}) and
[assumptions](../loadtests/capacity.toml). Change either and make it again; do not edit this page. All parts and the generator of the load shared the machine,
so processor time per call is what counts here, not latency.
"""
_NOTES: Final = """\
Two replicas and two gateways at least, so that one may go. Agents that speak gRPC need no gateway. Memory of Redis is for originals, views and pins of new results;
a result that somebody stored before in the same space takes none.
"""
_COST_HEAD: Final = (
    *("scenario", "serving ms", "engine ms", "store ms", "gateway ms", "stored bytes"),
    *("core-hours per million", "cost per million"),
)


def _cost_rows(measured: Mapping[str, Cost], assumed: Assumed) -> Iterator[Sequence[str]]:
    prices = assumed["prices"]
    hours = assumed["redis"]["retention_hours"]
    assert isinstance(hours, list)  # noqa: S101 - a file of our own
    for name, cost in measured.items():
        core_hours = cost.all_ms * 1e6 / 1000 / 3600
        gb = max(0.0, cost.stored_bytes) * assumed["redis"]["overhead"] * 1e6 / 1e9
        money = core_hours * prices["core_hour"] + gb * hours[0] * prices["gb_hour"]
        yield (
            name,
            *(f"{getattr(cost, part):.2f}" for part in _PARTS),
            f"{max(0.0, cost.stored_bytes):,.0f}",
            f"{core_hours:.1f}",
            f"{money:.2f}",
        )


def _assumed_rows(assumed: Assumed) -> Iterator[Sequence[str]]:
    for table, values in assumed.items():
        for name, value in values.items():
            text = ", ".join(map(str, value)) if isinstance(value, list) else f"{value:g}"
            yield f"`{table}.{name}`", text


def _needs_head(assumed: Assumed) -> Sequence[str]:
    hours = assumed["redis"]["retention_hours"]
    assert isinstance(hours, list)  # noqa: S101 - a file of our own
    memory = (f"Redis GB, {hour:g} h" for hour in hours)
    return ("agents", "turns/s", "replicas", "gateways", *memory, "Redis cores", "model cores")


def _needs_rows(rows: Sequence[Needs]) -> Iterator[Sequence[str]]:
    for row in rows:
        yield (
            f"{row.agents:,}",
            f"{row.rate:,.0f}",
            f"{row.replicas:,}",
            f"{row.gateways:,}",
            *(f"{gb:,.1f}" for gb in row.redis_memory_gb.values()),
            f"{row.redis_core:,.2f}",
            f"{row.model_cores:,.1f}",
        )


def _bottleneck_rows(measured: Mapping[str, Cost], assumed: Assumed) -> Iterator[Sequence[str]]:
    for found in bottlenecks(measured, assumed):
        yield f"{_rounded(found.agents):,}", found.what, found.remedy


def _rounded(value: float) -> int:
    """Return a number with two figures: more would be made up."""
    digits = max(0, int(math.log10(max(1.0, value))) - 1)
    return int(round(value, -digits))


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--target", type=Path, default=TARGET)
    arguments = parser.parse_args()
    results = json.loads(arguments.results.read_text())
    arguments.target.write_text(page(results, tomllib.loads(ASSUMED.read_text())))


if __name__ == "__main__":
    main()
