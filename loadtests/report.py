"""Results as a table on the terminal, and as JSON for what is derived from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.measure import DEGRADED, LATE, OK, REFUSED, Phase
from loadtests.scenario import Limit, Parameters, Result, Settings

Json = bool | int | float | str | list["Json"] | dict[str, "Json"]
_HEAD = (
    *("phase", "offered/s", "calls", "ok/s", "degraded", "refused", "late", "failed"),
    *("p50 ms", "p90 ms", "p99 ms", "CPU ms/call", "lag ms"),
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A limit, what was measured, and whether it was kept; None: not judged in this form."""

    limit: Limit
    value: float
    kept: bool | None

    def __str__(self) -> str:
        word = {True: "kept", False: "BROKEN", None: "not judged"}[self.kept]
        return f"  {word:10} {self.limit.fact}: {self.value:.4g}, {self.limit}"


def judge(settings: Settings, result: Result, *, short: bool) -> list[Judged]:
    """Hold the facts to the limits. Raises KeyError for a limit whose fact was not measured."""
    judged = []
    for limit in settings.limits:
        value = result.facts[limit.fact]
        skip = short and limit.full
        judged.append(Judged(limit, value, None if skip else limit.kept_by(value)))
    return judged


def table(phases: Sequence[Phase]) -> str:
    """Return the phases, a row each, and under them what failed and how."""
    rows = [_HEAD, *(_row(phase) for phase in phases)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEAD))]
    return "\n".join(
        "  " + row[0].ljust(widths[0]) + "".join(
            f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True)
        )
        for row in rows
    ) + "".join(
        f"\n  failed in {phase.name}: {count} {how}"
        for phase in phases for how, count in phase.failures().items()
    )  # fmt: skip


def _row(phase: Phase) -> tuple[str, ...]:
    return (
        phase.name,
        f"{phase.offered:.1f}" if phase.offered else "waits",
        str(len(phase.calls)),
        f"{phase.goodput:.1f}",
        *(str(phase.count(outcome)) for outcome in (DEGRADED, REFUSED, LATE)),
        str(phase.failed),
        *(f"{phase.ms(share):.1f}" for share in (0.5, 0.9, 0.99)),
        f"{phase.cpu_ms:.2f}" if phase.cpu else "",
        f"{1000 * phase.lag:.0f}",
    )


def as_json(
    settings: Settings, parameters: Parameters, result: Result, judged: Sequence[Judged]
) -> dict[str, Json]:
    """Return a scenario's outcome for a file."""
    return {
        "about": settings.about,
        "parameters": dict(parameters.values),
        "skipped": result.skipped,
        "phases": [_phase(phase) for phase in result.phases],
        "facts": dict(result.facts),
        "limits": [
            {
                "fact": j.limit.fact,
                "bound": str(j.limit),
                "value": j.value,
                "kept": "not judged" if j.kept is None else j.kept,
            }
            for j in judged
        ],
    }


def _phase(phase: Phase) -> dict[str, Json]:
    return {
        "name": phase.name,
        "seconds": phase.seconds,
        "offered_per_second": phase.offered,
        "calls": len(phase.calls),
        "outcomes": dict(phase.outcomes()),
        "ok_per_second": phase.goodput,
        "p50_ms": phase.ms(0.5),
        "p90_ms": phase.ms(0.9),
        "p99_ms": phase.ms(0.99),
        "refusal_p99_ms": phase.ms(0.99, REFUSED),
        "cpu_ms_per_call": phase.cpu_ms,
        "cpu_seconds": dict(phase.cpu),
        "generator_lag_ms": 1000 * phase.lag,
        "ok": phase.count(OK),
    }
