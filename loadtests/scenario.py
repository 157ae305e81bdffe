"""What a scenario is given and what it gives back; its limits, and whether they were kept."""

from __future__ import annotations

import tomllib
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from loadtests.arrivals import Traffic, closed_loop
from loadtests.fleet import Fleet
from loadtests.measure import DEGRADED, LATE, OK, REFUSED, Phase

SETTINGS: Final = Path(__file__).with_name("scenarios.toml")


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of one fact. ``full``: judged in the full form only, as it wants a quiet machine."""

    fact: str
    at_most: float | None = None
    at_least: float | None = None
    full: bool = False

    def kept_by(self, value: float) -> bool:
        """Return whether a value is within the bound."""
        if self.at_most is not None and value > self.at_most:
            return False
        return self.at_least is None or value >= self.at_least

    def __str__(self) -> str:
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """A scenario's numbers."""

    name: str
    values: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def count(self, name: str) -> int:
        """Return a number that counts things."""
        return int(self.values[name])


@dataclass(frozen=True, slots=True)
class Settings:
    """One table of scenarios.toml."""

    name: str
    about: str
    short: dict[str, float]
    full: dict[str, float]
    limits: tuple[Limit, ...]

    def parameters(self, *, short: bool, given: dict[str, float]) -> Parameters:
        """Return the parameters of a form; ``given`` ones come first. Raises ValueError."""
        base = {**self.full, **self.short} if short else self.full
        if unknown := set(given) - set(base):
            raise ValueError(f"{self.name}: no parameter {', '.join(sorted(unknown))}")
        return Parameters(self.name, {**base, **given})


@dataclass(slots=True)
class Result:
    """What a scenario measured. ``skipped`` says why it did not run."""

    phases: list[Phase] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    skipped: str = ""


Scenario = Callable[[Parameters], Coroutine[None, None, Result]]


def load_settings(path: Path = SETTINGS) -> dict[str, Settings]:
    """Return the scenarios' settings by name. Raises ValueError for what is malformed."""
    tables = tomllib.loads(path.read_text())
    return {name: _settings(name, table) for name, table in tables.items()}


def _settings(name: str, table: dict[str, object]) -> Settings:
    match table:
        case {
            "about": str(about),
            "full": dict(full),
            "short": dict(short),
            "limits": list(limits),
        }:
            bounds = tuple(Limit(**limit) for limit in limits)
        case _:
            raise ValueError(f"{name}: want about, full, short and limits")
    for bound in bounds:
        if (bound.at_most is None) == (bound.at_least is None):
            raise ValueError(f"{name}: {bound.fact}: want at_most or at_least")
    return Settings(name, about, short, full, bounds)


async def spent(fleet: Fleet, running: Awaitable[Phase]) -> Phase:
    """Return a phase with what the fleet's processes spent on it."""
    before = fleet.cpu()
    phase = await running
    after = fleet.cpu()
    phase.cpu = {part: after[part] - before.get(part, 0.0) for part in after}
    return phase


async def peak_of(fleet: Fleet, traffic: Traffic, parameters: Parameters) -> Phase:
    """Return what the fleet does for clients that call again as soon as they are answered."""
    clients, seconds = parameters.count("clients"), parameters["peak_seconds"]
    return await spent(fleet, closed_loop("peak", traffic, clients, seconds))


def common_facts(phase: Phase, peak: Phase | None = None) -> dict[str, float]:
    """Return what is true of any phase, for limits to speak of."""
    calls = max(1, len(phase.calls))
    p50, p99 = phase.ms(0.5), phase.ms(0.99)
    facts = {
        "calls": float(len(phase.calls)),
        "failed": float(phase.failed),
        "served_share": phase.count(OK) / calls,
        "refused_share": phase.count(REFUSED) / calls,
        "degraded_share": phase.count(DEGRADED) / calls,
        "late_share": phase.count(LATE) / calls,
        "p50_ms": p50,
        "p99_ms": p99,
        "p99_over_p50": p99 / p50 if p50 else 0.0,
        "cpu_ms_per_call": phase.cpu_ms,
    }
    if peak is not None:
        facts["peak_per_second"] = peak.goodput
        facts["failed"] += peak.failed
    return facts
