"""What calls gave: how they ended, how long they took, what they cost. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

OK = "ok"
DEGRADED = "degraded"
REFUSED = "refused"
"""RESOURCE_EXHAUSTED, or its store did not answer: the service said no, and when to come back."""
LATE = "late"
"""DEADLINE_EXCEEDED."""
_NO_FAILURES = frozenset({OK, DEGRADED, REFUSED, LATE})


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when it was due, in seconds since the phase began, how long it took, how it ended.

    ``seconds`` counts from when it was due, not from when the generator came to send it: what a
    queue anywhere costs is seen (no coordinated omission).
    """

    due: float
    seconds: float
    outcome: str


@dataclass(slots=True)
class Phase:
    """The calls of one phase, and what processes spent on them."""

    name: str
    seconds: float
    offered: float = 0.0
    """Calls per second that were due; 0 in a closed loop, which waits for answers."""
    calls: list[Call] = field(default_factory=list)
    cpu: dict[str, float] = field(default_factory=dict)
    """Seconds of processor time, by part of the service."""
    lag: float = 0.0
    """The most by which the generator itself was behind; large: it is the bottleneck."""

    def count(self, *outcomes: str) -> int:
        """Return how many calls ended in one of these ways."""
        return sum(call.outcome in outcomes for call in self.calls)

    @property
    def failed(self) -> int:
        """Calls that ended in an error that is neither a refusal nor a deadline."""
        return sum(self.failures().values())

    def failures(self) -> dict[str, int]:
        """Return how many calls ended in each such error."""
        return {how: n for how, n in self.outcomes().items() if how not in _NO_FAILURES}

    @property
    def goodput(self) -> float:
        """Calls per second that got what they came for."""
        return self.count(OK) / self.seconds if self.seconds else 0.0

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor time per answered call, all parts of the service."""
        answered = self.count(OK, DEGRADED)
        return 1000 * sum(self.cpu.values()) / answered if answered else 0.0

    def ms(self, share: float, *outcomes: str) -> float:
        """Return a percentile of the milliseconds of calls that ended so; of OK ones by default."""
        wanted = outcomes or (OK, DEGRADED)
        return 1000 * percentile([c.seconds for c in self.calls if c.outcome in wanted], share)

    def outcomes(self) -> dict[str, int]:
        """Return how many calls ended in each way."""
        return dict(sorted(Counter(call.outcome for call in self.calls).items()))


def merged(name: str, rounds: Sequence[Phase]) -> Phase:
    """Return phases of one kind, at least one, as if they had been one that was as long as all."""
    whole = Phase(name, 0.0, rounds[0].offered)
    for phase in rounds:
        whole.calls += [replace(call, due=call.due + whole.seconds) for call in phase.calls]
        whole.seconds += phase.seconds
        whole.lag = max(whole.lag, phase.lag)
        for part, seconds in phase.cpu.items():
            whole.cpu[part] = whole.cpu.get(part, 0.0) + seconds
    return whole


def percentile(samples: list[float], share: float) -> float:
    """Return a percentile: the nearest rank; 0 of no samples."""
    if not samples:
        return 0.0
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
