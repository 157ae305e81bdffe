"""Logs by templates: one line per pattern, with counts and what varies; rare lines all.

What lives here: which lines of a log are shown and what is said of the rest.
Grouping is in shared/templates.py, writing in shared/numbered.py.

Kept: the first and the last line, every line of a pattern with at most two
lines, an exemplar of every other pattern (more for severe ones), lines with a
rare value in a field of few values, and lines that the query names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from furler_engine.shared import numbered, severity
from furler_engine.shared.fields import Field, describe, fields_of
from furler_engine.shared.query import rare_hits
from furler_engine.shared.templates import Pattern, mine
from furler_engine.types import Draft, Policy, Source

_RARE: Final = 2
"""Patterns of at most this many lines are shown whole."""
_SEVERE_SAMPLES: Final = 2
_FEW_VALUES: Final = 8
_ODD_COUNT: Final = 1
_ODD_CAP: Final = 4
"""Lines shown of one pattern because a field has a rare value."""
_MIN_LINES: Final = 8
_MOST_PATTERNS: Final = 0.9
"""Patterns per line above which the text is no log."""
_MIN_GAIN: Final = 0.9


def plan(source: Source, policy: Policy) -> Draft | None:  # noqa: ARG001 - one signature for all
    """Show a log by its patterns. None for what has no patterns to speak of."""
    lines = numbered.cleaned_lines(source)
    if len(lines) < _MIN_LINES:
        return None
    patterns = mine(lines, severity.level)
    if len(patterns) > _MOST_PATTERNS * len(lines):
        return None
    page = numbered.Page(picked={0, len(lines) - 1}, opening=[_OPENING])
    page.picked.update(rare_hits(source.hints.query, lines))
    for pattern in patterns:
        if pattern.words:
            _add(page, pattern, lines)
    page.closing.append(_closing(patterns, len(lines)))
    view = numbered.draft(source, lines, page)
    return view if len(view.text) < _MIN_GAIN * len(source.text) else None


def _add(page: numbered.Page, pattern: Pattern, lines: Sequence[str]) -> None:
    first = pattern.rows[0]
    if pattern.count <= _RARE:
        page.picked.update(pattern.rows)
    else:
        fields = fields_of(pattern, lines)
        page.picked.update(_samples(pattern, fields))
        page.notes[first] = [_note(pattern, fields)]
    for row in pattern.rows[1:]:
        page.like[row] = first


_OPENING: Final = (
    "[one line per pattern; ×N counts its lines, told is what varies (value×lines; times are not told);"
    " 40~12 = line 40 has the pattern of line 12, counted there]"
)


def _samples(pattern: Pattern, fields: Sequence[Field]) -> list[int]:
    rows = pattern.rows
    picked = [rows[0]]
    if pattern.label != severity.CALM:
        picked += [*rows[1:_SEVERE_SAMPLES], rows[-1]]
    odd = 0
    for field in fields:
        if len(field.counts) > _FEW_VALUES or pattern.count < 3 * len(field.counts):
            continue
        for row, value in zip(rows, field.column, strict=True):
            if field.counts[value] <= _ODD_COUNT and odd < _ODD_CAP:
                picked.append(row)
                odd += 1
    return picked


def _note(pattern: Pattern, fields: Sequence[Field]) -> str:
    rows = pattern.rows
    contiguous = rows[-1] - rows[0] + 1 == len(rows)
    where = f"L{rows[0] + 1}-{rows[-1] + 1}, contiguous" if contiguous else f"to L{rows[-1] + 1}"
    told = describe(fields)
    return f"  ×{pattern.count} {where}" + (f": {told}" if told else "")


def _closing(patterns: Sequence[Pattern], total: int) -> str:
    tally = Counter[str]()
    blank = 0
    for pattern in patterns:
        tally[pattern.label] += pattern.count
        if not pattern.words:
            blank += pattern.count
    named = [p for p in patterns if p.words]
    folded = [p for p in named if p.count > _RARE]
    covered = sum(p.count for p in folded)
    levels = ", ".join(f"{name} {tally[name]}" for name in severity.SEVERE[:3])
    return (
        f"[all {len(named)} patterns shown: {len(folded)} with ×N cover {covered:,} lines, the other"
        f" {total - covered - blank:,} lines stand above"
        + (f", {blank:,} are blank" if blank else "")
        + f"; {total:,} lines. By level: {levels}; other lines with words like failed or denied: {tally[severity.TROUBLE]}]"
    )
