"""JSON that does not parse: cut off at the end, or JSON Lines with a broken line.

What lives here: finding the whole records in such a text and showing some of them, line
by line as they stand; whatever is no whole record is shown too. What stands out among
the records is decided by shared.statistics.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

import orjson

from furler_engine.json_value import JsonError, dumps
from furler_engine.shared.json_table.columns import MISSING, Row, split, too_sparse
from furler_engine.shared.json_table.describe import describe_columns
from furler_engine.shared.numbered import Page, draft
from furler_engine.shared.ranking import hits
from furler_engine.shared.statistics import MUST, notable
from furler_engine.types import Draft, Kind, Level, Policy, Source

_FEWEST: Final = 12
"""Whole records from which leaving some out pays."""
_MOST_LOOSE: Final = 0.3
"""Share of lines that may stand outside of records; more is no list of records."""
_HEAD: Final = 3
_TAIL: Final = 2
_SHARE: Final = 0.12
_LEAST: Final = 8
_MOST: Final = 15_000
"""Characters of ordinary records in a view."""
_ARRAY: Final = re.compile(r"\[\s*+(?=\{)")
_GAP: Final = re.compile(r"[\s,]*+")


@dataclass(frozen=True, slots=True)
class _Record:
    """A whole object and the lines it stands on, from 0, inclusive."""

    first: int
    last: int
    value: Row


def plan(source: Source, policy: Policy) -> Draft | None:
    """Return a view of the records that stand out; None for JSON that parses."""
    try:
        source.value  # noqa: B018  # only whether it parses
    except JsonError:
        pass
    else:
        return None
    records = _records_by_line(source.lines) or _records_in_array(source)
    inside = sum(record.last - record.first + 1 for record in records)
    if len(records) < _FEWEST or len(source.lines) - inside > _MOST_LOOSE * len(source.lines):
        return None
    if too_sparse([record.value for record in records]):
        return None
    kept = _select(records, source, policy)
    if len(kept) == len(records):
        return None
    hidden = {
        line
        for at, record in enumerate(records)
        if at not in kept
        for line in range(record.first, record.last + 1)
    }
    page = Page(picked=set(range(len(source.lines))) - hidden)
    page.block = set(page.picked)
    columns = split([record.value for record in records])
    what = (
        f"[JSON that does not parse as a whole; {len(records)} whole records found, {len(kept)} shown as"
        " they stand: the first and last, all the query names, the rarest and oddest;"
        " 12: starts a line with its number, : the line after it]"
    )
    page.opening = [what, f" all {len(records)} records: {describe_columns(columns)}"]
    return draft(source, source.lines, page)


def _records_by_line(lines: Sequence[str]) -> list[_Record]:
    records = []
    for at, line in enumerate(lines):
        if line[:1] != "{":
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict) and value:
            records.append(_Record(at, at, value))
    return records


def _records_in_array(source: Source) -> list[_Record]:
    """Return the objects of the first array of objects, as far as they are whole."""
    opening = _ARRAY.search(source.text)
    if opening is None:
        return []
    starts = [0, *accumulate(len(line) + 1 for line in source.lines)]
    decoder = json.JSONDecoder()
    records: list[_Record] = []
    at = opening.end()
    while True:
        try:
            value, end = decoder.raw_decode(source.text, at)
        except (ValueError, RecursionError):
            return records
        first, last = bisect_right(starts, at) - 1, bisect_right(starts, end - 1) - 1
        if not isinstance(value, dict) or (records and records[-1].last >= first):
            return []  # records that share a line cannot be told apart by line
        records.append(_Record(first, last, value))
        gap = _GAP.match(source.text, end)
        at = gap.end() if gap else end


def _select(records: Sequence[_Record], source: Source, policy: Policy) -> set[int]:
    count = len(records)
    share = _SHARE if policy.level(Kind.JSON) is not Level.TIGHT else _SHARE / 2
    mean = len(source.text) / count
    room = max(_LEAST, int(min(share * count, _MOST / mean)))
    kept = {*range(_HEAD), *range(count - _TAIL, count)}
    if source.hints.query:
        texts = [dumps(record.value) for record in records]
        kept.update(hits(texts, source.hints.query))
    columns = split([record.value for record in records])
    for row, weight in notable(columns.values(), count, MISSING).ranked():
        if len(kept) >= (2 * room if weight >= MUST else room):
            break
        kept.add(row)
    return kept
