"""Records of many lines, read: sections of INI, items of a YAML list, stanzas, rows printed downwards.

What lives here: where a record begins and ends, and its values by name. What does not: which
records a view shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

MIN_RECORDS: Final = 12
_MIN_LINES: Final = 3
"""Lines of a record, on average: shorter ones are rows."""
_COMMON: Final = 0.6
"""Share of the records that have a name, and of the lines that such names take: else they are not alike."""
_ROW = re.compile(r"-\[ RECORD \d+ \][-+]*|\*{5,} *\d+\. row *\*{5,}", re.ASCII)
_SECTION = re.compile(r"\[[^\[\]]+\]")
_DOCUMENT = re.compile(r"---(?: .*)?")
_ITEM = re.compile(r"( *)- [\w.\"'/$@-]+:(?: .*)?")
_FIELD = re.compile(r"( *(?:- )?)([^\s:=|#;\[][^:=|]{0,80}?)\s*(?::(?=\s|$)|=|\|)\s*(.*)")
_STANZA = re.compile(r"[A-Za-z][\w. ()-]{0,60}:(?:\s.*)?")


@dataclass(frozen=True, slots=True)
class Record:
    """Lines ``first`` to ``last``, half-open, from 0; ``title`` '' where it has none."""

    first: int
    last: int
    title: str
    values: dict[str, str]


def read(lines: Sequence[str]) -> list[Record] | None:
    """Read records that are alike; None for what has none. Linear."""
    heads = (_headed(lines, head) for head in (_ROW, _SECTION, _DOCUMENT))
    for bounds in (*heads, _items(lines), _stanzas(lines)):
        if len(bounds) >= MIN_RECORDS:
            records = [_record(lines, first, last) for first, last in bounds]
            return records if _are_alike(records) else None
    return None


def columns(records: Sequence[Record], missing: object) -> dict[str, list[object]]:
    """Return what the records say, by name, for names that most of them have."""
    counts = Counter(name for record in records for name in record.values)
    names = [name for name, count in counts.items() if count >= _COMMON * len(records)]
    return {name: [record.values.get(name, missing) for record in records] for name in names}


Bounds = list[tuple[int, int]]


def _headed(lines: Sequence[str], head: re.Pattern[str]) -> Bounds:
    starts = [at for at, line in enumerate(lines) if head.fullmatch(line.rstrip())]
    return _closed(lines, list(pairwise([*starts, len(lines)])))


def _items(lines: Sequence[str]) -> Bounds:
    """Return the items of the longest list of maps, by the blanks before its hyphens."""
    depths = Counter(len(m[1]) for m in map(_ITEM.fullmatch, lines) if m is not None)
    if not depths:
        return []
    runs: list[Bounds] = []
    for depth, count in depths.most_common(3):
        if count >= MIN_RECORDS:
            runs += _runs_of(lines, depth)
    return max(runs, key=len, default=[])


def _runs_of(lines: Sequence[str], depth: int) -> Iterator[Bounds]:
    run: Bounds = []
    start = -1
    for at, line in enumerate([*lines, "."]):
        if not line.strip() or line.startswith(" " * (depth + 1)):
            continue
        if start >= 0:
            run.append((start, at))
        match = _ITEM.fullmatch(line)
        start = at if match is not None and len(match[1]) == depth else -1
        if start < 0 and run:
            yield run
            run = []


def _stanzas(lines: Sequence[str]) -> Bounds:
    """Return the blocks between blank lines that open with a name and a colon."""
    bounds: Bounds = []
    start = -1
    for at, line in enumerate([*lines, ""]):
        if line.strip():
            start = at if start < 0 else start
        elif start >= 0:
            bounds.append((start, at))
            start = -1
    named = [b for b in bounds if _STANZA.fullmatch(lines[b[0]])]
    return named if len(named) >= _COMMON * len(bounds) else []


def _closed(lines: Sequence[str], bounds: Bounds) -> Bounds:
    """Leave blank lines at the ends of records to nobody."""
    closed = []
    for first, end in bounds:
        last = end
        while last > first + 1 and not lines[last - 1].strip():
            last -= 1
        closed.append((first, last))
    return closed


def _record(lines: Sequence[str], first: int, last: int) -> Record:
    title = lines[first].strip() if _SECTION.fullmatch(lines[first].strip()) else ""
    values: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in lines[first:last]:
        match = _FIELD.fullmatch(line.rstrip())
        if match is None:
            continue
        depth = len(match[1])
        while above and above[-1][0] >= depth:
            above.pop()
        name = ".".join([*(part for _, part in above), match[2]])
        if match[3]:
            values.setdefault(name, match[3].strip("\"'"))
        else:
            above.append((depth, match[2]))
    return Record(first, last, title, values)


def _are_alike(records: Sequence[Record]) -> bool:
    counts = Counter(name for record in records for name in record.values)
    common = [count for count in counts.values() if count >= _COMMON * len(records)]
    lines = sum(record.last - record.first for record in records)
    return lines >= _MIN_LINES * len(records) and sum(common) >= _COMMON * lines / 1.5
