"""What stands out in the columns of a table, and what the columns say as a whole.

What lives here: which rows are rare, odd, extreme or in trouble, and a line of
statistics. What does not: how many of them a view shows. Everything is counted over
all rows; ties go to the earlier row, so that the same table gives the same rows.
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

from furler_engine.json_value import dumps
from furler_engine.shared.severity import CALM, ERROR, FATAL, TROUBLE, WARN, level

MUST: Final = 8.0
"""Weight from which a row belongs in every view."""
STRIKING: Final = 7.0
"""Weight from which a row is worth exceeding a budget."""
_RARE_SHARE: Final = 0.02
"""Share of rows up to which a member or a type is an exception to the rest."""
_RARE_VALUE: Final = 0.005
_FEW_VALUES: Final = 12
_CATEGORY_SHARE: Final = 0.05
"""Distinct values per row up to which a column of strings is a category."""
_OUTLIER: Final = 6.0
"""Robust z above which a number is worth a row; 3.5 is usual (Iglewicz & Hoaglin), but a
table has many columns and heavy tails."""
_FAR: Final = 12.0
_MAD: Final = 1.4826
_IQR: Final = 1.349
"""Median absolute deviation and interquartile range to standard deviations, normal law."""
_MOST: Final = 6
"""Rows one column may claim for one reason."""
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_ALNUM: Final = re.compile(r"[^\W_]+")
_SHOWN_VALUES: Final = 8
_LONGEST: Final = 40

Present = list[tuple[int, object]]
"""Row and value, rows without a value left out."""


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
    for values in columns:
        present = [(row, value) for row, value in enumerate(values) if value is not missing]
        if len(present) <= _few(count):
            for row, _ in present[:_MOST]:
                found.add(row, 9)
        if not present:
            continue
        _odd_types(present, count, found)
        kind = _main_kind(present)
        if kind == "number":
            _numbers([(r, v) for r, v in present if _is_number(v)], found)
        elif kind == "string":
            _strings([(r, v) for r, v in present if isinstance(v, str)], count, found)
        elif kind == "boolean":
            _rare_values([(r, str(v)) for r, v in present], max(2, count // 100), found)
        elif kind == "array":
            lists = [(r, v) for r, v in present if isinstance(v, list)]
            _numbers([(r, len(v)) for r, v in lists], found)
            _rare_elements(lists, count, found)
    return found


def describe(values: Sequence[object], missing: object) -> str:
    """Return a column's statistics: value counts, a range with the mean, or how many differ."""
    present = [value for value in values if value is not missing]
    kind = _main_kind(list(enumerate(present)))
    where = "" if len(present) == len(values) else f" (in {len(present)})"
    if kind == "number":
        numbers = [
            value for value in present if isinstance(value, int | float) and _is_number(value)
        ]
        counts = Counter(numbers)
        if len(counts) > _FEW_VALUES:
            mean = float(np.mean(np.array(numbers, dtype=float)))
            return f"{min(numbers)}..{max(numbers)}, mean {mean:.4g}{where}"
        return _counts(Counter(map(dumps, numbers)), len(values)) + where
    if kind == "array":
        sizes = [len(value) for value in present if isinstance(value, list)]
        return f"{min(sizes)}..{max(sizes)} elements{where}"
    if kind in {"string", "boolean"}:
        texts = [value if isinstance(value, str) else dumps(value) for value in present]
        if all(_DATE.match(text) for text in texts) and len(set(texts)) > _FEW_VALUES:
            return f"{_say(min(texts))}..{_say(max(texts))}{where}"
        return _counts(Counter(texts), len(values)) + where
    return f"in {len(present)}" if where else ""


def _counts(counts: Counter[str], count: int) -> str:
    if len(counts) > max(_FEW_VALUES, _CATEGORY_SHARE * count):
        value, most = counts.most_common(1)[0]
        often = f", {_say(value)}×{most}" if most > max(2, count // 10) else ""
        return f"{len(counts)} values{often}"
    said = " ".join(f"{_say(value)}×{times}" for value, times in counts.most_common(_SHOWN_VALUES))
    rest = len(counts) - _SHOWN_VALUES
    return f"{said} +{rest} more values" if rest > 0 else said


def _say(value: str) -> str:
    short = value if len(value) <= _LONGEST else value[:_LONGEST] + "…"
    return short if short.isprintable() and short else dumps(short)


def _few(count: int) -> int:
    return max(1, int(_RARE_SHARE * count))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_KINDS: Final[Mapping[type, str]] = {
    str: "string", int: "number", float: "number", bool: "boolean", list: "array",
    dict: "object", type(None): "null",
}  # fmt: skip


def _main_kind(present: Present) -> str:
    kinds = Counter(type(value) for _, value in present)
    named: Counter[str] = Counter()
    for kind, times in kinds.items():
        named[_KINDS.get(kind, "other")] += times
    if named["null"] < len(present):
        del named["null"]
    return named.most_common(1)[0][0] if named else ""


def _odd_types(present: Present, count: int, found: Notable) -> None:
    kinds = {type(value) for _, value in present}
    if len(kinds) < 2:
        return
    of: dict[str, list[int]] = {}
    for row, value in present:
        of.setdefault(_KINDS.get(type(value), "other"), []).append(row)
    most = max(map(len, of.values()))
    for rows in of.values():
        if len(rows) <= _few(count) and len(rows) < most:
            for row in rows[:_MOST]:
                found.add(row, 9)


def _numbers(present: Sequence[tuple[int, object]], found: Notable) -> None:
    if len(present) <= 8:
        return
    rows = [row for row, _ in present]
    values = np.array([value for _, value in present], dtype=float)
    low, median, high = np.percentile(values, [25, 50, 75])
    if values.min() == values.max():
        return
    steps = np.diff(values)
    rising = max((steps > 0).mean(), (steps < 0).mean()) > 0.98
    if rising:
        _gaps(rows, steps, found)
        return
    deviation = float(np.median(np.abs(values - median)))
    scale = max(_MAD * deviation, (high - low) / _IQR) or float(values.std())
    scores = np.abs(values - median) / scale
    far = np.flatnonzero(scores > _OUTLIER)
    for at in far[np.argsort(-scores[far], kind="stable")][:_MOST]:
        found.add(rows[int(at)], MUST if scores[at] > _FAR else 5)
    found.add(rows[int(values.argmax())], 4)
    found.add(rows[int(values.argmin())], 2)
    _change(rows, values, scale, found)


def _gaps(rows: Sequence[int], steps: npt.NDArray[np.float64], found: Notable) -> None:
    """Find the largest gaps of a column that only rises or only falls: ids, times."""
    usual = float(np.median(steps))
    off = np.abs(steps - usual)
    scale = float(np.median(off)) or abs(usual) or 1.0
    for at in np.argsort(-off, kind="stable")[:3]:
        if off[at] > 20 * scale:
            found.add(rows[int(at) + 1], 5)


def _change(
    rows: Sequence[int], values: npt.NDArray[np.float64], scale: float, found: Notable
) -> None:
    """Find where the level of a column changes: the extreme of the cumulative sum (CUSUM)."""
    if len(values) < 30:
        return
    drift = np.abs(np.cumsum(values - values.mean()))
    at = int(drift.argmax()) + 1
    if 5 < at < len(values) - 5:
        before, after = np.median(values[:at]), np.median(values[at:])
        if abs(before - after) > 1.5 * scale:
            found.add(rows[at], 6)


def _rare_values(present: Sequence[tuple[int, str]], most: int, found: Notable) -> None:
    counts = Counter(value for _, value in present)
    if len(counts) < 2:
        return
    for row, value in present:
        if counts[value] <= most:
            found.add(row, MUST)


def _rare_elements(lists: Sequence[tuple[int, list[object]]], count: int, found: Notable) -> None:
    words = Counter(v for _, value in lists for v in value if isinstance(v, str))
    if len(words) > max(_FEW_VALUES, _CATEGORY_SHARE * count):
        return
    rare = {word for word, times in words.items() if times <= max(1, int(_RARE_VALUE * count))}
    for row, value in lists:
        if rare and any(v in rare for v in value if isinstance(v, str)):
            found.add(row, MUST)


def _strings(present: Sequence[tuple[int, str]], count: int, found: Notable) -> None:
    counts = Counter(value for _, value in present)
    _trouble(present, counts, found)
    if len(counts) <= max(_FEW_VALUES, _CATEGORY_SHARE * count) and len(counts) <= count / 2:
        rare = max(1, int(_RARE_VALUE * count))
        if len(counts) > 1:
            _rare_values(present, rare, found)
        seen: set[str] = set()
        for row, value in present:
            if value not in seen:
                seen.add(value)
                found.add(row, 3)
        return
    _long(present, found)
    sizes = sum(len(value) for _, value in present)
    if sizes <= 60 * len(present):
        _odd_forms(present, count, found)
    _novel_words(present, found)


def _trouble(present: Sequence[tuple[int, str]], counts: Mapping[str, int], found: Notable) -> None:
    """Find rows that tell of trouble, by how bad it is."""
    bad: dict[str, str] = {}
    forms: dict[str, str] = {}
    for value in counts:
        form = value.translate(_NO_DIGITS)
        if form not in forms:
            forms[form] = level(form[:2000])
        if forms[form] != CALM:
            bad[value] = form
    if not bad:
        return
    rows: dict[str, list[int]] = {}
    for row, value in present:
        if value in bad:
            rows.setdefault(bad[value], []).append(row)
    if sum(map(len, rows.values())) > len(present) / 2:
        return  # what most rows say is no trouble
    for form, of in rows.items():
        first, later = _TROUBLE_WEIGHTS[forms[form]]
        for at, row in enumerate(of):
            found.add(row, first if at < 2 else later)


_TROUBLE_WEIGHTS: Final = {
    FATAL: (MUST + 1, MUST),
    ERROR: (MUST, 7.5),
    TROUBLE: (7, 3),
    WARN: (6, 2),
}
"""Weights of the first two rows of a text, numbers aside, and of the later ones."""
_NO_DIGITS: Final = str.maketrans("", "", "0123456789")


def _long(present: Sequence[tuple[int, str]], found: Notable) -> None:
    sizes = np.array([len(value) for _, value in present], dtype=float)
    median = float(np.median(sizes))
    scale = _MAD * float(np.median(np.abs(sizes - median))) or max(1.0, float(sizes.std()))
    for at in np.argsort(-sizes, kind="stable")[:3]:
        if sizes[at] > median + _OUTLIER * scale and sizes[at] > 1.5 * median:
            found.add(present[int(at)][0], 5)


def _odd_forms(present: Sequence[tuple[int, str]], count: int, found: Notable) -> None:
    """Find strings of a rare form: their letters and digits aside, as few others have it."""
    joined = "\n".join(value for _, value in present)
    forms = _ALNUM.sub("a", joined).split("\n")
    if len(forms) != len(present):
        return
    counts = Counter(forms)
    if len(counts) > max(_MOST, _CATEGORY_SHARE * count):
        return
    most = max(1, int(_RARE_VALUE * count))
    for (row, _), form in zip(present, forms, strict=True):
        if counts[form] <= most:
            found.add(row, 7)


def _novel_words(present: Sequence[tuple[int, str]], found: Notable) -> None:
    """Find texts with words that no other row has, where that is rare."""
    split = [set(value.split()) for _, value in present]
    counts = Counter(chain.from_iterable(split))
    novel = [
        (sum(counts[word] == 1 and word.isalpha() for word in words), row)
        for words, (row, _) in zip(split, present, strict=True)
    ]
    some = [(words, row) for words, row in novel if words]
    if 0 < len(some) <= max(5, 0.03 * len(present)):
        for words, row in some:
            found.add(row, 5 + min(2, words))
