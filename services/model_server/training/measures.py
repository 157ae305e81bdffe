"""Measures of agreement and their intervals: no torch, no product code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Bools: TypeAlias = NDArray[np.bool_]

Z: Final = 1.959964
"""Standard normal quantile of 95 % intervals."""
RESAMPLES: Final = 1000


def f1(kept: Bools, wanted: Bools) -> float:
    """Return the F1 of the words kept against those wanted; 1 where both are empty."""
    both = int((kept & wanted).sum())
    total = int(kept.sum()) + int(wanted.sum())
    return 2 * both / total if total else 1.0


def best_f1(scores: NDArray[np.float32], wanted: Bools) -> tuple[float, float]:
    """Return the best F1 over thresholds .05, .075, ... .95, and the threshold."""
    return max((f1(scores > t, wanted), float(t)) for t in np.arange(0.05, 0.96, 0.025))


@dataclass(frozen=True, slots=True)
class Share:
    """A share of yes among independent answers, with its 95 % interval."""

    value: float
    low: float
    high: float


def share(answers: Bools) -> Share:
    """Return the share of true answers and its Wilson score interval (Wilson 1927)."""
    n = len(answers)
    if not n:
        return Share(0.0, 0.0, 1.0)
    p = float(answers.mean())
    spread = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    middle, scale = p + Z * Z / (2 * n), 1 + Z * Z / n
    return Share(p, (middle - spread) / scale, (middle + spread) / scale)


def bootstrap_f1(kept: Sequence[Bools], wanted: Sequence[Bools], seed: int = 1) -> Share:
    """Return the pooled F1 over passages, and its interval from resampled passages (Efron 1979)."""
    both = np.asarray([int((k & w).sum()) for k, w in zip(kept, wanted, strict=True)])
    total = np.asarray([int(k.sum()) + int(w.sum()) for k, w in zip(kept, wanted, strict=True)])
    draws = np.random.default_rng(seed).integers(0, len(both), (RESAMPLES, len(both)))
    values = 2 * both[draws].sum(axis=1) / np.maximum(1, total[draws].sum(axis=1))
    low, high = np.quantile(values, (0.025, 0.975))
    return Share(2 * both.sum() / max(1, total.sum()), float(low), float(high))
