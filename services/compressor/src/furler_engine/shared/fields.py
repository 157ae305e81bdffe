"""What varies among the lines of one pattern, said in one line.

What lives here: naming a varying word, its value counts or range. What does
not: which lines make a pattern, or which are shown. Every value printed is one
of the values; long ones are cut at an ellipsis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.templates import WILD, Pattern

_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,12})?")
_CLOCK: Final = re.compile(
    r"\d{1,4}[-/.:]\w{1,3}[-/.:]\d{2,4}|\d\d:\d\d\b|(?:1[0-9]{9})(?:[.]?\d+)?$|(?:19|20)\d{6}$"
)
_NAME_BEFORE: Final = re.compile(r"[\w.\-]*[A-Za-z][\w.\-]*$")
_LONGEST: Final = 40
_FIELDS: Final = 6
_TOP: Final = 3
_ALL_VALUES: Final = 6
"""A field with at most this many values shows each with its count."""


@dataclass(frozen=True, slots=True)
class Field:
    """One varying word: its name, its values by row, how many lines have each value."""

    name: str
    column: tuple[str, ...]
    counts: Counter[str]

    @property
    def is_clock(self) -> bool:
        """Whether the values are times or dates: they always vary and say nothing by count."""
        return all(_CLOCK.match(value.strip("[]()\"'<>")) for value in list(self.counts)[:8])


def fields_of(pattern: Pattern, lines: Sequence[str]) -> list[Field]:
    """Return the varying fields of a pattern, in the order of the line; equal columns once."""
    offset = 1 if pattern.words[:1] == ("",) else 0
    columns = list(zip(*[lines[row].split() for row in pattern.rows], strict=True))
    found: list[Field] = []
    seen: set[tuple[str, ...]] = set()
    for place, word in enumerate(pattern.words[offset:]):
        if not word.endswith(WILD):
            continue
        column = columns[place]
        if len(set(column)) == 1:
            continue
        before = pattern.words[offset + place - 1] if place else ""
        field = _field(column, before, place)
        if field.column not in seen:
            seen.add(field.column)
            found.append(field)
    return found


def _field(column: tuple[str, ...], before: str, place: int) -> Field:
    low, high = min(column), max(column)
    prefix = _common_prefix(low, high)
    cut = len(prefix)
    while cut and prefix[cut - 1].isalnum():
        cut -= 1
    prefix = prefix[:cut]
    # The shared end of two values is only a guess for the others: checked below.
    suffix = _common_prefix(low[cut:][::-1], high[cut:][::-1])[::-1]
    start = 0
    while start < len(suffix) and suffix[start].isalnum():
        start += 1
    suffix = suffix[start:]
    if suffix and not all(value.endswith(suffix) for value in set(column)):
        suffix = ""
    end = -len(suffix) or None
    values = tuple([value[cut:end] for value in column])
    named = _NAME_BEFORE.search(prefix.rstrip("=:[({\"'#@/<"))
    if named is None and not before.endswith(WILD):
        named = _NAME_BEFORE.search(before.strip("=:[(,;)]\"'"))
    name = named[0] if named else f"word {place + 1}"
    return Field(name, values, Counter(values))


def _common_prefix(low: str, high: str) -> str:
    size = 0
    for a, b in zip(low, high, strict=False):
        if a != b:
            break
        size += 1
    return low[:size]


def describe(fields: Sequence[Field]) -> str:
    """Say what varies: value counts where values repeat, a range for numbers, else how many."""
    told = [field for field in fields if not field.is_clock]
    told.sort(key=lambda field: len(field.counts) > _ALL_VALUES)
    said = [f"{field.name}: {_values(field)}" for field in told[:_FIELDS]]
    if len(told) > _FIELDS:
        rest = ", ".join(field.name for field in told[_FIELDS:])
        said.append(f"+{len(told) - _FIELDS} more fields vary ({rest})")
    return "; ".join(said)


def _values(field: Field) -> str:
    counts, total = field.counts, len(field.column)
    if len(counts) <= _ALL_VALUES and len(counts) < total:
        return " ".join(f"{_cut(value)}×{count}" for value, count in _ranked(counts))
    if all(_NUMBER.fullmatch(value) for value in counts):
        low, high = min(counts, key=float), max(counts, key=float)
        return f"{len(counts)} values {low}..{high}"
    top = [(value, count) for value, count in _ranked(counts)[:_TOP] if count > 1]
    if not top:
        return f"{len(counts)} values"
    rest = len(counts) - len(top)
    return " ".join(f"{_cut(value)}×{count}" for value, count in top) + f" +{rest} values"


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    """Most frequent first, then in the order of the lines."""
    return counts.most_common()


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
