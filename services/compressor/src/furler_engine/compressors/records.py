"""Records of many lines: the first, the last, and those that stand out, whole; the others counted.

What lives here: which sections, items, stanzas and printed rows a view shows, and what it says
of all. What does not: reading them (shared.stanzas), what stands out (shared.statistics), tables
with a row on each line (table), lock files (lock_file).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from furler_engine import tokens
from furler_engine.shared import numbered, stanzas
from furler_engine.shared.column_summary import describe
from furler_engine.shared.specimens import NOTHING, SAID, left_out, pick
from furler_engine.shared.stanzas import Record
from furler_engine.types import Draft, Kind, Level, Policy, Source

_SHARE: Final = {Level.CAREFUL: 0.25, Level.TIGHT: 0.1}
"""Part of the text that a view shows, in tokens: records are read for more than their rare values."""
_LEAST: Final = 600
_MOST: Final = 5_000
_COLUMNS_SAID: Final = 24
_LOCKED: Final = re.compile(r"sha(?:256|512|1)[-:]|checksum")
_NAMES: Final = ("name", "metadata.name", "- name", "id", "- id", "Package", "Name")


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show the records that stand out and those that the query names."""
    lines = source.lines
    records = stanzas.read(lines)
    if records is None or _is_locked(lines, records):
        return None
    size = tokens.estimate(source.text, policy.tokenizer)
    kind = Kind.CONFIG if policy.is_tight(Kind.CONFIG) else Kind.TABLE
    share = _SHARE.get(policy.level(kind), 1.0)
    budget = policy.target_tokens or min(max(share * size, _LEAST), _MOST)
    columns = stanzas.columns(records, NOTHING)
    texts = [" ".join(lines[record.first : record.last]) for record in records]
    kept = pick(columns, texts, source.hints.query, int(budget * len(records) / size) + 1)
    if len(kept) == len(records):
        return None
    inside = {at for record in records for at in range(record.first, record.last)}
    shown = {at for row in kept for at in range(records[row].first, records[row].last)}
    picked = shown | {at for at in set(range(len(lines))) - inside if lines[at].strip()}
    page = numbered.Page(picked=picked, block=set(picked))
    page.opening = _opening(records, columns, kept, len(source.text))
    return numbered.draft(source, lines, page)


def _is_locked(lines: Sequence[str], records: Sequence[Record]) -> bool:
    """Whether most records have a checksum: of a lock file every package is listed."""
    locked = sum(any(map(_LOCKED.search, lines[r.first : r.last])) for r in records)
    return locked > len(records) / 2


def _opening(
    records: Sequence[Record], columns: dict[str, list[object]], kept: set[int], size: int
) -> list[str]:
    said = [
        f"{name.removeprefix('- ')}: {text}"
        for name, column in columns.items()
        if (text := describe(column, NOTHING))
    ]
    more = f"; {len(said) - _COLUMNS_SAID} more names" if len(said) > _COLUMNS_SAID else ""
    count = f"{len(records):,} records"
    titles: list[Sequence[object]] = [[record.title for record in records]]
    titles += [columns[name] for name in _NAMES if name in columns]
    how = f"{len(kept):,} shown, exact, under their line numbers: {SAID}; the others are counted only:"
    return [
        f"[{count} of several lines, {how}]",
        f"[all {count}: {'; '.join(said[:_COLUMNS_SAID])}{more}]",
        *left_out(titles, kept, size),
    ]
