"""What varies among the lines of one pattern, said in one line.

What lives here: naming a varying word, its value counts or range. What does
not: which lines make a pattern, or which are shown. Every value printed is one
of the values; long ones are cut at an ellipsis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.blocks import blocks, taken
from furler_engine.shared.layout import Layout, is_clock
from furler_engine.shared.templates import WILD, Pattern, is_bar

_NUMBER: Final = re.compile(r"-?(?:0|[1-9]\d{0,17})(?:\.\d{1,12})?")
_NAME_BEFORE: Final = re.compile(r"[\w.\-]*[A-Za-z][\w.\-]*$")
_OPENS: Final = "=([{<\"'|#@/\\,;"
_CLOSES: Final = ")]}>\"'|,;"
"""What ends and begins the steady part of a word around its value."""
_LONGEST: Final = 40
_FIELDS: Final = 6
_TOP: Final = 3
_ALL_VALUES: Final = 6
"""A field with at most this many values shows each with its count."""


@dataclass(frozen=True, slots=True)
class Field:
    """One varying word: its name, its values by row, how many lines have each value."""

    name: str
    is_pid: bool
    column: tuple[str, ...]
    counts: Counter[str]

    @property
    def repeats(self) -> bool:
        """Whether some values are frequent enough to be worth their names."""
        few = len(self.counts) <= _ALL_VALUES and len(self.counts) < len(self.column)
        return few or 2 * len(self.counts) <= len(self.column)

    @property
    def is_number(self) -> bool:
        """Whether all values are plain numbers, and no process ids."""
        return not self.is_pid and all(map(_NUMBER.fullmatch, self.counts))

    @property
    def is_clock(self) -> bool:
        """Whether the values are times or dates: they always vary and say nothing by count."""
        return all(is_clock(value) for value in list(self.counts)[:8])


def fields_of(pattern: Pattern, lines: Sequence[str], header: Layout) -> list[Field]:
    """Return the varying fields of a pattern, in the order of the line; equal columns once.

    Of the header only the host is a field, and only where it tells trouble apart.
    """
    offset = 1 if pattern.words[:1] == ("",) else 0
    width = len(lines[pattern.rows[0]].split())
    skip = header.width if width > header.width and not offset else 0
    keep = header.host if pattern.label else -1
    places = [
        place
        for place, word in enumerate(pattern.words[offset:])
        if word.endswith(WILD) and (place >= skip or place == keep)
    ]
    columns = _columns(pattern, lines, {near for at in places for near in (at - 1, at)})
    found: list[Field] = []
    seen: set[tuple[str, ...]] = set()
    for place in places:
        column = columns[place]
        if len(set(column)) == 1 or is_bar(column[0]):
            continue
        before = _steady(columns[place - 1]) if place else ""
        if place < skip:
            before = "host"
        field = _field(column, before, place)
        if field.column not in seen:
            seen.add(field.column)
            found.append(field)
    return found


def _columns(
    pattern: Pattern, lines: Sequence[str], places: Collection[int]
) -> dict[int, tuple[str, ...]]:
    """Return the words that the lines of a pattern have in some places."""
    if not places:
        return {}
    columns: dict[int, list[str]] = {}
    known: dict[str, str] = {}
    for block in blocks(pattern.rows):
        for place, words in enumerate(zip(*map(str.split, taken(lines, block)), strict=True)):
            if place in places:
                # Equal words of a long log are one object: most columns have few.
                several = len(block) < len(pattern.rows)
                equal = [known.setdefault(word, word) for word in words] if several else words
                columns.setdefault(place, []).extend(equal)
    return {place: tuple(column) for place, column in columns.items()}


def _field(column: tuple[str, ...], before: str, place: int) -> Field:
    low, high = min(column), max(column)
    prefix = _common_prefix(low, high)
    cut = len(prefix)
    # Never inside an address, a date, a version: 10.0.3.7 stays whole.
    while cut and not _opens_value(prefix, cut - 1):
        cut -= 1
    prefix = prefix[:cut]
    # The shared end of two values is only a guess for the others: checked below.
    suffix = _common_prefix(low[cut:][::-1], high[cut:][::-1])[::-1]
    start = 0
    while start < len(suffix) and suffix[start] not in _CLOSES:
        start += 1
    suffix = suffix[start:]
    if suffix and not all(value.endswith(suffix) for value in set(column)):
        suffix = ""
    end = -len(suffix) or None
    values = column
    if cut or end:
        short = {value: value[cut:end] for value in dict.fromkeys(column)}
        values = tuple([short[value] for value in column])
    named = _NAME_BEFORE.search(prefix.rstrip("=:[({\"'#@/<"))
    if named is None:
        named = _NAME_BEFORE.search(before.strip("=:[(,;)]\"'"))
    if before.startswith("HTTP/"):
        return Field("status", False, values, Counter(values))
    name = named[0] if named else f"word {place + 1}"
    return Field(name, prefix.endswith("[") and suffix.startswith("]"), values, Counter(values))


def _opens_value(prefix: str, at: int) -> bool:
    char = prefix[at]
    return char in _OPENS or (char == ":" and at > 0 and prefix[at - 1].isalpha())


def _steady(column: tuple[str, ...]) -> str:
    """Return what all lines have in a place, or nothing."""
    return column[0] if column.count(column[0]) == len(column) else ""


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
    repeating = [f"{f.name}: {_repeating(f)}" for f in told if f.repeats]
    ranges = [f"{f.name} {_range(f)}" for f in told if not f.repeats and f.is_number]
    rest = [f"{f.name} ({len(f.counts)})" for f in told if not f.repeats and not f.is_number]
    said = repeating + ranges
    if len(said) > _FIELDS:
        names = [f.name for f in told if f.repeats] + [
            f.name for f in told if not f.repeats and f.is_number
        ]
        said[_FIELDS:] = [f"+{len(said) - _FIELDS} more fields vary ({', '.join(names[_FIELDS:])})"]
    if rest:
        said.append("differing values: " + ", ".join(rest))
    return "; ".join(said)


def _repeating(field: Field) -> str:
    ranked = field.counts.most_common()
    shown = ranked if len(ranked) <= _ALL_VALUES else ranked[:_TOP]
    said = " ".join(f"{_cut(value)}×{count}" for value, count in shown)
    return said if len(shown) == len(ranked) else f"{said} +{len(ranked) - len(shown)} values"


def _range(field: Field) -> str:
    low, high = min(field.counts, key=float), max(field.counts, key=float)
    return f"{low}..{high} ({len(field.counts)})"


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else value[: _LONGEST - 1] + "…"
