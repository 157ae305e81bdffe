"""What stands out in the columns of a table.

What lives here: which rows are rare, odd, extreme or in trouble. What does not: how many of them
a view shows, what a column says as a whole (column_summary). Everything is counted over all rows;
ties go to the earlier row, so that the same table gives the same rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

import numpy as np
import numpy.typing as npt

from furler_engine.shared.blocks import blocks
from furler_engine.shared.column_values import (
    CATEGORY_SHARE,
    FEW_VALUES,
    NUMBER,
    doubles,
    kind_of,
    kinds_of,
    main_kind,
)
from furler_engine.shared.severity import CALM, ERROR, FATAL, TROUBLE, WARN, level

MUST: Final = 8.0
"""Weight from which a row belongs in every view."""
STRIKING: Final = 7.0
"""Weight from which a row is worth exceeding a budget."""
_RARE_SHARE: Final = 0.02
"""Share of rows up to which a member or a type is an exception to the rest."""
_RARE_VALUE: Final = 0.005
_OUTLIER: Final = 6.0
"""Robust z above which a number is worth a row; 3.5 is usual (Iglewicz & Hoaglin), but a
table has many columns and heavy tails."""
_FAR: Final = 12.0
_CHANGE: Final = 3.0
"""Standard deviations within a stretch by which the next one differs in level."""
_MAD: Final = 1.4826
_IQR: Final = 1.349
"""Median absolute deviation and interquartile range to standard deviations, normal law."""
_MOST: Final = 6
"""Rows one column may claim for one reason."""
_ALNUM: Final = re.compile(r"[^\W_]+")


@dataclass(slots=True)
class Notable:
    """How much each row stands out: the highest weight of any of its cells."""

    weights: dict[int, float] = field(default_factory=dict)

    def add(self, row: int, weight: float) -> None:
        """Count a reason to show a row."""
        if weight > self.weights.get(row, 0.0):
            self.weights[row] = weight

    def ranked(self) -> list[tuple[int, float]]:
        """Return the rows that stand out and their weights, the most notable first."""
        return sorted(self.weights.items(), key=lambda item: (-item[1], item[0]))


def notable(columns: Iterable[Sequence[object]], count: int, missing: object) -> Notable:
    """Return what stands out among ``count`` rows; ``missing`` marks cells without a value."""
    found = Notable()
    for column in columns:
        rows: Sequence[int] = range(count)
        values = column
        if missing in column:
            rows = [row for row, value in enumerate(column) if value is not missing]
            values = [column[row] for row in rows]
            if len(rows) <= _few(count):
                for row in rows[:_MOST]:
                    found.add(row, 9)
        if not values:
            continue
        kinds = kinds_of(values)
        if len(kinds) > 1:
            _odd_types(rows, values, count, found)
            main = main_kind(kinds)
            chosen = [at for at, value in enumerate(values) if kind_of(value) == main]
            rows, values = [rows[at] for at in chosen], [values[at] for at in chosen]
        _of_kind(main_kind(kinds), rows, values, count, found)
    return found


def troubled(rows: Sequence[int], texts: Sequence[str]) -> list[int]:
    """Return the rows whose texts tell of trouble that most do not tell of."""
    found = Notable()
    _trouble(rows, texts, Counter(texts), found)
    return [row for row, weight in found.ranked() if weight >= STRIKING][:_MOST]


def _of_kind(
    kind: str, rows: Sequence[int], values: Sequence[object], count: int, found: Notable
) -> None:
    if kind == "number":
        _numbers(rows, values, found)
    elif kind == "string":
        _strings(rows, [value for value in values if isinstance(value, str)], count, found)
    elif kind == "boolean":
        _rare_values(rows, list(map(str, values)), max(2, count // 100), found)
    elif kind == "array":
        lists = [value for value in values if isinstance(value, list)]
        _numbers(rows, list(map(len, lists)), found)
        _rare_elements(rows, lists, count, found)


def _few(count: int) -> int:
    return max(1, int(_RARE_SHARE * count))


def _odd_types(rows: Sequence[int], values: Sequence[object], count: int, found: Notable) -> None:
    of: dict[str, list[int]] = {}
    for row, value in zip(rows, values, strict=True):
        of.setdefault(kind_of(value), []).append(row)
    most = max(map(len, of.values()))
    for odd in of.values():
        if len(odd) <= _few(count) and len(odd) < most:
            for row in odd[:_MOST]:
                found.add(row, 9)


def _numbers(rows: Sequence[int], numbers: Sequence[object], found: Notable) -> None:
    if len(rows) <= 8:
        return
    values = doubles(numbers)
    if values.min() == values.max():
        return
    steps = np.diff(values)
    if max((steps > 0).mean(), (steps < 0).mean()) > 0.98:
        _gaps(rows, steps, found)
        return
    ordered = np.sort(values)
    low, median, high = (float(ordered[len(ordered) * part // 4]) for part in (1, 2, 3))
    deviation = _median(np.abs(values - median))
    scale = max(_MAD * deviation, (high - low) / _IQR) or float(values.std())
    scores = np.abs(values - median) / scale
    far = np.flatnonzero(scores > _OUTLIER)
    for at in far[np.argsort(-scores[far], kind="stable")][:_MOST]:
        found.add(rows[int(at)], MUST if scores[at] > _FAR else 5)
    found.add(rows[int(values.argmax())], 4)
    found.add(rows[int(values.argmin())], 2)
    _change(rows, values, found)


def _median(values: npt.NDArray[np.float64]) -> float:
    """Return the upper median: numpy's own costs ten times as much on short arrays."""
    return float(np.sort(values)[len(values) // 2])


def _gaps(rows: Sequence[int], steps: npt.NDArray[np.float64], found: Notable) -> None:
    """Find the largest gaps of a column that only rises or only falls: ids, times."""
    usual = _median(steps)
    off = np.abs(steps - usual)
    scale = _median(off) or abs(usual) or 1.0
    for at in np.argsort(-off, kind="stable")[:3]:
        if off[at] > 20 * scale:
            found.add(rows[int(at) + 1], 5)


def _change(rows: Sequence[int], values: npt.NDArray[np.float64], found: Notable) -> None:
    """Find where the level of a column changes: the extreme of the cumulative sum (CUSUM)."""
    if len(values) < 30:
        return
    drift = np.abs(np.cumsum(values - values.mean()))
    at = int(drift.argmax()) + 1
    if not 5 < at < len(values) - 5:
        return
    before, after = values[:at], values[at:]
    low, high = _median(before), _median(after)
    spread = max(_median(np.abs(before - low)), _median(np.abs(after - high)))
    if abs(high - low) > _CHANGE * _MAD * spread:
        found.add(rows[at], 6)


def _rare_values(rows: Sequence[int], values: Sequence[str], most: int, found: Notable) -> None:
    counts = Counter(values)
    rare = {value for value, times in counts.items() if times <= most}
    if rare and len(counts) > 1:
        for row, value in zip(rows, values, strict=True):
            if value in rare:
                found.add(row, MUST)


def _rare_elements(
    rows: Sequence[int], lists: Sequence[list[object]], count: int, found: Notable
) -> None:
    words = Counter(item for items in lists for item in items if isinstance(item, str))
    if len(words) > max(FEW_VALUES, CATEGORY_SHARE * count):
        return
    rare = {word for word, times in words.items() if times <= max(1, int(_RARE_VALUE * count))}
    if not rare:
        return
    for row, items in zip(rows, lists, strict=True):
        if any(isinstance(item, str) and item in rare for item in items):
            found.add(row, MUST)


def _strings(rows: Sequence[int], values: Sequence[str], count: int, found: Notable) -> None:
    counts = Counter(values)
    _trouble(rows, values, counts, found)
    if len(counts) <= max(FEW_VALUES, CATEGORY_SHARE * count) and len(counts) <= count / 2:
        _rare_values(rows, values, max(1, int(_RARE_VALUE * count)), found)
        seen: set[str] = set()
        for row, value in zip(rows, values, strict=True):
            if value not in seen:
                seen.add(value)
                found.add(row, 3)
        return
    if all(map(NUMBER.fullmatch, counts)):
        _numbers(rows, list(map(float, values)), found)
        return
    _long(rows, values, found)
    size = sum(map(len, values))
    if size <= 60 * len(values):
        _odd_forms(rows, values, count, found)
    if "".join(values).count(" ") >= 2 * len(values):
        _novel_words(rows, values, found)


def _trouble(
    rows: Sequence[int], values: Sequence[str], counts: Mapping[str, int], found: Notable
) -> None:
    """Find rows that tell of trouble, by how bad it is."""
    levels: dict[str, str] = {}
    bad: dict[str, str] = {}
    forms = "\n".join(counts).translate(_NO_DIGITS).split("\n")
    if len(forms) != len(counts):
        forms = [value.translate(_NO_DIGITS) for value in counts]
    for value, whole in zip(counts, forms, strict=True):
        form = whole[:_READ]
        if form not in levels:
            levels[form] = level(form)
        if levels[form] != CALM:
            bad[value] = form
    if not bad:
        return
    having: dict[str, list[int]] = {}
    for row, value in zip(rows, values, strict=True):
        if value in bad:
            having.setdefault(bad[value], []).append(row)
    if sum(map(len, having.values())) > len(values) / 2:
        return  # what most rows say is no trouble
    for form, of in having.items():
        first, later = _TROUBLE_WEIGHTS[levels[form]]
        for at, row in enumerate(of):
            found.add(row, first if at < 2 else later)


_TROUBLE_WEIGHTS: Final = {
    FATAL: (MUST + 1, MUST),
    ERROR: (MUST, 7.5),
    TROUBLE: (7, 3),
    WARN: (6, 2),
}
"""Weights of the first two rows of a text, numbers aside, and of the later ones."""
_READ: Final = 2000
"""Characters of a text that are searched for words of trouble."""
_NO_DIGITS: Final = str.maketrans("", "", "0123456789")


def _long(rows: Sequence[int], values: Sequence[str], found: Notable) -> None:
    sizes = np.array([len(value) for value in values], dtype=float)
    median = _median(sizes)
    scale = _MAD * _median(np.abs(sizes - median)) or max(1.0, float(sizes.std()))
    for at in np.argsort(-sizes, kind="stable")[:3]:
        if sizes[at] > median + _OUTLIER * scale and sizes[at] > 1.5 * median:
            found.add(rows[int(at)], 5)


def _odd_forms(rows: Sequence[int], values: Sequence[str], count: int, found: Notable) -> None:
    """Find strings of a rare form: their letters and digits aside, as few others have it."""
    forms: list[str] = []
    known: dict[str, str] = {}
    limit = max(_MOST, CATEGORY_SHARE * count)
    for block in blocks(range(len(values))):
        taken = values[block[0] : block[-1] + 1]
        some = _ALNUM.sub("a", "\n".join(taken)).split("\n")
        # Equal forms are one object: there are few, or this says nothing.
        forms += [known.setdefault(form, form) for form in some]
        if len(some) != len(taken) or len(known) > limit:
            return
    counts = Counter(forms)
    most = max(1, int(_RARE_VALUE * count))
    rare = {form for form, times in counts.items() if times <= most}
    if rare and len(counts) > 1:
        for row, form in zip(rows, forms, strict=True):
            if form in rare:
                found.add(row, 7)


def _novel_words(rows: Sequence[int], values: Sequence[str], found: Notable) -> None:
    """Find texts with words that no other row has, where that is rare."""
    counts = Counter(chain.from_iterable(map(set, map(str.split, values))))
    novel = {word for word, times in counts.items() if times == 1 and word.isalpha()}
    if not novel:
        return
    some = [
        (words, row)
        for row, value in zip(rows, values, strict=True)
        if (words := len(novel.intersection(value.split())))
    ]
    if len(some) <= max(5, 0.03 * len(rows)):
        for words, row in some:
            found.add(row, 5 + min(2, words))
