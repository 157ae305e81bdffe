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
from furler_engine.shared.layout import Layout, layout_of
from furler_engine.shared.query import rare_hits
from furler_engine.shared.templates import Pattern, mine
from furler_engine.types import Draft, Policy, Source

_RARE: Final = 2
"""Patterns of at most this many lines are shown whole."""
_SEVERE_SAMPLES: Final = 2
_FEW_VALUES: Final = 8
_ODD_SHARE: Final = 4
"""A value is rare if at most two lines and a quarter of its pattern's have it."""
_ODD_CAP: Final = 6
"""Lines shown of one pattern because a field has a rare value."""
_HOSTS: Final = 8
_MIN_LINES: Final = 8
_MOST_PATTERNS: Final = 0.9
"""Patterns per line above which the text is no log."""
_MIN_GAIN: Final = 0.9


def plan(source: Source, policy: Policy) -> Draft | None:  # noqa: ARG001 - one signature for all
    """Show a log by its patterns. None for what has no patterns to speak of."""
    lines = numbered.cleaned_lines(source)
    if len(lines) < _MIN_LINES:
        return None
    layout = layout_of(lines)
    patterns = mine(lines, severity.level, layout.width)
    if len(patterns) > _MOST_PATTERNS * len(lines):
        return None
    page = numbered.Page(picked={0, len(lines) - 1}, opening=_opening(lines, layout))
    page.picked.update(rare_hits(source.hints.query, lines))
    for pattern in patterns:
        if pattern.words:
            _add(page, pattern, lines, layout)
    page.closing.append(_closing(patterns, len(lines)))
    view = numbered.draft(source, lines, page)
    return view if len(view.text) < _MIN_GAIN * len(source.text) else None


def _add(page: numbered.Page, pattern: Pattern, lines: Sequence[str], layout: Layout) -> None:
    first = pattern.rows[0]
    if pattern.count <= _RARE:
        page.picked.update(pattern.rows)
    else:
        fields = fields_of(pattern, lines, layout)
        page.picked.update(_samples(pattern, fields))
        page.notes[first] = [_note(pattern, fields)]
    for row in pattern.rows[1:]:
        page.like[row] = first


_LEGEND: Final = (
    "[one line per pattern; ×N: lines of that pattern, then what varies in them: name: value×lines, name low..high"
    " (different values); 40~12 = line 40 has the pattern of line 12 and is counted there]"
)


def _opening(lines: Sequence[str], layout: Layout) -> list[str]:
    opening = [_LEGEND]
    if layout.host >= 0:
        hosts = Counter(
            [
                words[layout.host]
                for line in lines
                if len(words := line.split(None, layout.host + 1)) > layout.host
            ]
        )
        if len(hosts) > 1:
            top = " ".join(f"{host}×{count}" for host, count in hosts.most_common(_HOSTS))
            more = f" +{len(hosts) - _HOSTS} values" if len(hosts) > _HOSTS else ""
            opening.append(f"[hosts, told here for all lines: {top}{more}]")
    return opening


def _samples(pattern: Pattern, fields: Sequence[Field]) -> list[int]:
    rows = pattern.rows
    picked = [rows[0]]
    if pattern.label != severity.CALM and not all(field.is_clock for field in fields):
        picked += [*rows[1:_SEVERE_SAMPLES], rows[-1]]
    odd = 0
    for field in fields:
        if len(field.counts) > _FEW_VALUES or pattern.count < 2 * len(field.counts):
            continue
        failed = _failed_statuses(field)
        for row, value in zip(rows, field.column, strict=True):
            count = field.counts[value]
            rare = count <= _RARE and _ODD_SHARE * count <= pattern.count
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


def _closing(patterns: Sequence[Pattern], total: int) -> str:
    tally = Counter[str]()
    blank = 0
    for pattern in patterns:
        tally[pattern.label] += pattern.count
        if not pattern.words:
            blank += pattern.count
    named = [p for p in patterns if p.words]
    folded = sum(p.count for p in named if p.count > _RARE)
    single = total - folded - blank
    levels = ", ".join(f"{name} {tally[name]:,}" for name in severity.SEVERE[:3])
    parts = [f"{folded:,} in patterns with ×N", f"{single:,} in full"]
    if blank:
        parts.append(f"{blank:,} blank")
    return (
        f"[end: all {len(named)} patterns are shown; {total:,} lines = {' + '.join(parts)}."
        f" Lines by level: {levels}; other lines with words like failed, denied, timeout: {tally[severity.TROUBLE]:,}]"
    )
