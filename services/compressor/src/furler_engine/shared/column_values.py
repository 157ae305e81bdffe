"""The values of a column: of which kinds they are, and its numbers as doubles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

import numpy as np
import numpy.typing as npt

FEW_VALUES: Final = 12
CATEGORY_SHARE: Final = 0.05
"""Distinct values per row up to which a column of strings is a category."""
NUMBER: Final = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
"""A number in quotes, as Prometheus and many ledgers write them."""
_HUGE: Final = 1e150
_KINDS: Final[Mapping[type, str]] = {
    str: "string", int: "number", float: "number", bool: "boolean", list: "array",
    dict: "object", type(None): "null", Decimal: "number",
}  # fmt: skip


def kind_of(value: object) -> str:
    """Return the kind of a JSON value."""
    return _KINDS[type(value)]


def kinds_of(values: Sequence[object]) -> Counter[str]:
    """Count the values by kind."""
    types = set(map(type, values))
    if len(types) == 1:
        return Counter({_KINDS[types.pop()]: len(values)})
    return Counter(map(kind_of, values))


def main_kind(kinds: Counter[str]) -> str:
    """Return the kind most values have; null only if all have it."""
    others = {kind: times for kind, times in kinds.items() if kind != "null"}
    return max(others, key=lambda kind: (others[kind], kind)) if others else "null"


def doubles(numbers: Sequence[object]) -> npt.NDArray[np.float64]:
    """Return numbers as doubles, those beyond 1e150 as that: their squares must not overflow."""
    try:
        values = np.array(numbers, dtype=float)
    except OverflowError:
        values = np.array([float(Decimal(str(number))) for number in numbers])
    clipped: npt.NDArray[np.float64] = np.clip(values, -_HUGE, _HUGE)
    return clipped
