"""Measures of agreement and their intervals: no torch, no product code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


def f1(kept: Bools, wanted: Bools) -> float:
    """Return the F1 of the words kept against those wanted; 1 where both are empty."""
    both = int((kept & wanted).sum())
    total = int(kept.sum()) + int(wanted.sum())
    return 2 * both / total if total else 1.0


def best_f1(scores: NDArray[np.float32], wanted: Bools) -> tuple[float, float]:
    """Return the best F1 over thresholds .05, .075, ... .95, and the threshold."""
    return max((f1(scores > t, wanted), float(t)) for t in np.arange(0.05, 0.96, 0.025))
