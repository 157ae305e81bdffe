"""Folding lines by pattern: what is shown of each, and the note that stands for the rest.

What lives here: samples, notes, and the sum that closes the book. What does
not: the mining (templates.py) and the writing (numbered.py).

Shown are every line of a pattern with at most two lines, an exemplar of every
other one (three of a severe one), and lines with a rare value in a field of
few values. A tight page shows exemplars only; notes still tell the rare values.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine.shared import severity
from furler_engine.shared.blocks import blocks, taken
from furler_engine.shared.fields import Field, describe, fields_of
from furler_engine.shared.layout import Layout
from furler_engine.shared.numbered import Page
from furler_engine.shared.templates import Pattern, mine
from furler_engine.shared.traces import Trace, find_traces, has_traces, show_traces

RARE: Final = 2
"""Patterns of at most this many lines are shown whole."""
_SEVERE_SAMPLES: Final = 2
_FEW_LINES: Final = 10
_FEW_VALUES: Final = 8
_ODD_SHARE: Final = 3
"""A value is rare if at most two lines have it, and the commonest value has three times as many."""
_ODD_CAP: Final = 6
"""Lines shown of one pattern because a field has a rare value."""


@dataclass(slots=True)
class Tally:
    """The book: how many patterns, and lines by how they are told."""

    patterns: int = 0
    folded: int = 0
    single: int = 0
    blank: int = 0
    traces: int = 0
    traced: int = 0
    levels: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Say that it adds up, and how severe the lines are."""
        levels = [f"{name} {self.levels[name]:,}" for name in severity.SEVERE[:3]]
        said = ", ".join(levels) if self.is_severe else "no WARN, ERROR, FATAL"
        trouble = self.levels[severity.TROUBLE]
        words = f"; {trouble:,} more lines say failed, denied or the like" if trouble else ""
        return f"{self.book()}. Levels: {said}{words}"

    @property
    def is_severe(self) -> bool:
        """Whether a line has a level of warning or worse."""
        return any(map(self.levels.get, severity.SEVERE[:3]))

    def book(self) -> str:
        """Say that it adds up."""
        parts = [
            f"{count:,} {what}"
            for count, what in (
                (self.folded, "in ×N patterns"),
                (self.single, "in full"),
                (self.traced, f"in {self.traces:,} stack traces"),
                (self.blank, "blank"),
            )
            if count
        ]
        total = self.folded + self.single + self.blank + self.traced
        shown = f"all {self.patterns:,} patterns shown, " if self.patterns else ""
        return f"{shown}{total:,} lines = {' + '.join(parts) or '0'}"


def legend(page: Page) -> list[str]:
    """Explain the notation of folded lines, as far as the page uses it."""
    parts = []
    notes = [note for several in page.notes.values() for note in several]
    if any(note.startswith("  ×") for note in notes):
        parts.append("×N: its lines, to the last, then what varies")
    if any("×" in note[3:] for note in notes):
        parts.append("value×lines")
    if any(".." in note for note in notes):
        parts.append("low..high (distinct values)")
    if any(row in page.like for row in page.picked):
        parts.append("40~12: line 40 is of line 12's pattern")
    return parts


def _outside(rows: Iterable[int], traces: Iterable[Trace], news: set[int]) -> Iterator[int]:
    """Yield the rows that are in no trace, or are news."""
    later = iter(traces)
    trace = next(later, None)
    for row in rows:
        while trace is not None and row >= trace.end:
            trace = next(later, None)
        if trace is None or row < trace.start or row in news:
            yield row


def fold(page: Page, lines: Sequence[str], rows: Sequence[int], layout: Layout) -> Tally:
    """Put the given lines, by pattern, on the page; ``rows`` are ascending indexes into ``lines``.

    What the page is to show besides must have been picked: only of picked lines it is noted
    which pattern they have.
    """
    tally = Tally()
    if any(has_traces("\n".join(taken(lines, block))) for block in blocks(rows)):
        traces = find_traces(lines, rows)
        news = show_traces(page, lines, traces)
        rows = array("i", _outside(rows, traces, set(news)))
        tally.traces = len(traces)
        tally.traced = sum(trace.end - trace.start for trace in traces) - len(news)
    patterns = mine(lines, severity.level, layout.width, rows)
    tally.blank = len(rows) - sum(pattern.count for pattern in patterns)
    for pattern in patterns:
        tally.levels[pattern.label] += pattern.count
        if not pattern.words:
            tally.blank += pattern.count
            continue
        tally.patterns += 1
        if pattern.count <= RARE:
            tally.single += pattern.count
            page.picked.update(pattern.rows)
        else:
            tally.folded += pattern.count
            first = pattern.rows[0]
            fields = fields_of(pattern, lines, layout)
            page.picked.update([first] if page.tight else _samples(pattern, fields))
            page.notes.setdefault(first, []).append(_note(pattern, fields))
    for pattern in patterns:
        shown = page.picked.intersection(pattern.rows) if pattern.words else set()
        if not _stands_out(pattern):
            page.plain.update(shown)
        page.like.update(dict.fromkeys(shown - {pattern.rows[0]}, pattern.rows[0]))
    return tally


def _stands_out(pattern: Pattern) -> bool:
    """Whether lines are shown to the letter: the ones a reader quotes."""
    rare = pattern.count <= RARE and pattern.label != severity.CALM
    return rare or pattern.label in (severity.FATAL, severity.ERROR)


def _samples(pattern: Pattern, fields: Sequence[Field]) -> list[int]:
    rows = pattern.rows
    picked = [rows[0]]
    if pattern.label != severity.CALM and not all(field.is_clock for field in fields):
        # Few of a kind: two tell as much as three.
        picked += [*rows[1:_SEVERE_SAMPLES], rows[-1]] if len(rows) > _FEW_LINES else [rows[-1]]
    odd = 0
    for one in fields:
        if len(one.counts) > _FEW_VALUES or pattern.count < 2 * len(one.counts):
            continue
        failed = _failed_statuses(one)
        most = max(one.counts.values())
        for row, value in zip(rows, one.column, strict=True):
            count = one.counts[value]
            # The exemplar shows its own values, rare ones too.
            rare = count <= RARE and count * _ODD_SHARE <= most and value != one.column[0]
            if (rare and odd < _ODD_CAP) or value in failed:
                picked.append(row)
                odd += 1
                failed.pop(value, None)
    return picked


def _failed_statuses(field: Field) -> dict[str, None]:
    """Return the values from 400 up, if all are HTTP status codes: each shows one line."""
    codes = [value.strip("\"',;)") for value in field.counts]
    if not all(len(code) == 3 and code.isdecimal() and "100" <= code < "600" for code in codes):
        return {}
    return {v: None for v, code in zip(field.counts, codes, strict=True) if code >= "400"}


def _note(pattern: Pattern, fields: Sequence[Field]) -> str:
    rows = pattern.rows
    contiguous = rows[-1] - rows[0] + 1 == len(rows)
    where = f"L{rows[0] + 1}-{rows[-1] + 1}, contiguous" if contiguous else f"to L{rows[-1] + 1}"
    told = describe(fields)
    return f"  ×{pattern.count} {where}" + (f": {told}" if told else "")
