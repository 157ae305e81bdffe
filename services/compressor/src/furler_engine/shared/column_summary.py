"""What a column says as a whole, in a few words: counts of its values, or their range."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from furler_engine.json_value import dumps
from furler_engine.shared.column_values import (
    CATEGORY_SHARE,
    FEW_VALUES,
    NUMBER,
    doubles,
    kind_of,
    kinds_of,
    main_kind,
)

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_SHOWN_VALUES: Final = 8
_LONGEST: Final = 40


def describe(values: Sequence[object], missing: object) -> str:
    """Return a column's statistics: value counts, a range with the mean, or how many differ."""
    present = [value for value in values if value is not missing] if missing in values else values
    if not present:
        return ""
    kinds = kinds_of(present)
    kind = main_kind(kinds)
    where = "" if len(present) == len(values) else f" (in {len(present)})"
    if kind == "number":
        numbers = present
        if len(kinds) > 1:
            numbers = [value for value in present if kind_of(value) == kind]
        different = _count_different(numbers)
        if different > FEW_VALUES or different == len(numbers):
            array = doubles(numbers)
            low, high = numbers[int(array.argmin())], numbers[int(array.argmax())]
            mean = "" if different == len(numbers) else f", mean {array.mean():.4g}"
            return f"{low}..{high}{mean}{where}"
        return _counts(Counter(map(dumps, present)), len(values)) + where
    if kind == "array":
        sizes = [len(value) for value in present if isinstance(value, list)]
        return f"{min(sizes)}..{max(sizes)} elements{where}"
    if kind in {"string", "boolean"}:
        texts = [value if isinstance(value, str) else dumps(value) for value in present]
        counts = Counter(texts)
        ranged = len(counts) > FEW_VALUES
        if ranged and all(map(NUMBER.fullmatch, counts)):
            return f"{min(counts, key=float)}..{max(counts, key=float)}{where}"
        if ranged and all(map(_DATE.match, counts)):
            return f"{_say(min(counts))}..{_say(max(counts))}{where}"
        return _counts(counts, len(values)) + where
    return f"in {len(present)}" if where else ""


def _count_different(numbers: Sequence[object]) -> int:
    """Count the numbers that are written differently, as 1 and 1.0 are, and 0.0 and -0.0."""
    if set(map(type, numbers)) in ({int}, {float}):
        different = set(numbers)
        if 0 not in different:
            return len(different)
    return len(set(map(str, numbers)))


def _counts(counts: Counter[str], count: int) -> str:
    all_differ = len(counts) > 3 and max(counts.values()) == 1
    if all_differ or len(counts) > max(FEW_VALUES, CATEGORY_SHARE * count):
        value, most = counts.most_common(1)[0]
        often = f", {_say(value)}×{most}" if most > max(2, count // 10) else ""
        return f"{len(counts)} values{often}"
    said = " ".join(f"{_say(value)}×{times}" for value, times in counts.most_common(_SHOWN_VALUES))
    rest = len(counts) - _SHOWN_VALUES
    return f"{said} +{rest} more values" if rest > 0 else said


def _say(value: str) -> str:
    short = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
    return short if short.isprintable() and short else dumps(short)
