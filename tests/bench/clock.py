"""Time: how often a piece of work is repeated and what is reported of it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one piece of work, every repetition.

    ``samples`` are by the wall clock. ``cpu`` is what the thread itself has
    spent: on a machine that others use too, the work without the waiting.
    """

    samples: tuple[float, ...]
    cpu: tuple[float, ...] = ()

    @property
    def cpu_p50(self) -> float:
        """The median of the thread's own time."""
        return percentile(self.cpu, 0.50)

    @property
    def cpu_p95(self) -> float:
        """The 95th percentile of the thread's own time."""
        return percentile(self.cpu, 0.95)

    @property
    def p50(self) -> float:
        """The median."""
        return percentile(self.samples, 0.50)

    @property
    def p95(self) -> float:
        """The 95th percentile; of few samples, nearly the worst."""
        return percentile(self.samples, 0.95)


def percentile(samples: tuple[float, ...] | list[float], share: float) -> float:
    """Return a percentile by linear interpolation between ranks; 0 of no samples."""
    if not samples:
        return 0.0
    ordered = sorted(samples)
    at = share * (len(ordered) - 1)
    low = int(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def both(work: Callable[[], object]) -> tuple[float, float]:
    """Return the milliseconds that one run takes: by the wall clock, and of this thread."""
    started, busy = time.perf_counter(), time.thread_time()
    work()
    spent = time.thread_time() - busy
    return (time.perf_counter() - started) * 1000, spent * 1000


def once(work: Callable[[], object]) -> float:
    """Return the milliseconds that one run takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def repeat(
    work: Callable[[], object], *, least: int = 5, most: int = 25, seconds: float = 0.5
) -> Times:
    """Time a piece of work after one unmeasured run.

    At least ``least`` times, then until ``seconds`` have passed or ``most``
    repetitions are done.
    """
    work()
    gc.collect()
    # As in the engine's processes: what was there before is no part of a call, nor is its collection.
    gc.freeze()
    samples: list[tuple[float, float]] = []
    until = time.perf_counter() + seconds
    while len(samples) < least or (len(samples) < most and time.perf_counter() < until):
        samples.append(both(work))
    gc.unfreeze()
    return Times(tuple(wall for wall, _ in samples), tuple(cpu for _, cpu in samples))
