"""Tables: CSV, TSV, Markdown and boxed ones with the rows that stand out.

What lives here: how many rows a view shows and what it says of all of them.
What does not: reading tables (shared.rows), what stands out
(shared.statistics), how numbered lines are written (shared.numbered).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from furler_engine import tokens
from furler_engine.shared import numbered
from furler_engine.shared.column_summary import describe
from furler_engine.shared.ranking import hits
from furler_engine.shared.rows import Table, read
from furler_engine.shared.statistics import MUST, STRIKING, notable
from furler_engine.types import Draft, Kind, Level, Policy, Source

_MIN_ROWS: Final = 20
"""Rows up to which a table is shown whole."""
_HEAD: Final = 3
_TAIL: Final = 2
_SHARE: Final = {Level.CAREFUL: 0.2, Level.TIGHT: 0.08}
"""Part of a table that a view shows, in tokens."""
_STRETCH: Final = 1.5
"""How far rows that matter may exceed that part."""
_LEAST: Final = 400
_MOST: Final = 5000
_HITS: Final = 20
_COLUMNS_SAID: Final = 24


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show the head, the tail, rows that stand out and rows that the query names."""
    table = read(source.lines)
    if table is None or len(table.lines) <= _MIN_ROWS:
        return None
    size = tokens.estimate(source.text, policy.tokenizer)
    share = _SHARE.get(policy.level(Kind.TABLE), 1.0)
    budget = policy.target_tokens or min(max(share * size, _LEAST), _MOST)
    said: list[str] = []
    rows = _pick(table, source.hints.query, int(budget * len(table.lines) / size) + 1, said)
    if len(rows) == len(table.lines):
        return None
    shown = {at for row in rows for at in table.span(row)}
    # What is no row is short and says what the rows are: rules, titles, counts.
    inside = bytearray(len(source.lines))
    for row in range(len(table.lines)):
        for at in table.span(row):
            inside[at] = 1
    shown.update(at for at, is_row in enumerate(inside) if not is_row)
    page = numbered.Page(picked=shown, opening=_opening(table, len(rows), said))
    return numbered.draft(source, source.lines, page)


def _pick(table: Table, query: str, room: int, said: list[str]) -> set[int]:
    """Return the indexes of rows to show, about ``room`` of them; add what columns say to ``said``."""
    count = len(table.lines)
    picked = dict.fromkeys([*range(_HEAD), *range(count - _TAIL, count)])
    if query:
        texts = [" ".join(row) for row in table.rows()]
        picked |= dict.fromkeys(hits(texts, query, _HITS))
    for row, weight in notable(_described(table, said), count, "").ranked():
        limit = room * _STRETCH if weight >= STRIKING else room
        if len(picked) >= limit and weight < MUST + 1:
            break
        picked[row] = None
    return set(picked)


def _described(table: Table, said: list[str]) -> Iterator[list[object]]:
    """Yield the columns; add what each says as a whole to ``said``."""
    for name, column in zip(table.names, table.columns(), strict=True):
        if text := describe(column, ""):
            said.append(f"{name}: {text}")
        yield column


def _opening(table: Table, shown: int, said: list[str]) -> list[str]:
    more = f"; {len(said) - _COLUMNS_SAID} more columns" if len(said) > _COLUMNS_SAID else ""
    rows = f"{len(table.lines):,} rows"
    why = (
        f"the first {_HEAD}, the last {_TAIL}, what the query names, rare values, outliers, errors"
    )
    return [
        f"[{table.form} of {rows}, {shown:,} shown, exact, after their line numbers: {why}; the others are counted only:]",
        f"[all {rows}: {'; '.join(said[:_COLUMNS_SAID])}{more}]",
    ]
