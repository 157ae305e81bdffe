"""Which of many records of a kind a view shows, and what the others are called.

What lives here: the choice among records of several lines, and their titles. What does not:
what stands out in a column (statistics.py), tables with a row on each line (compressors/table.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from furler_engine.shared.outline import join_names
from furler_engine.shared.ranking import hits
from furler_engine.shared.severity import CALM, level
from furler_engine.shared.statistics import MUST, STRIKING, notable

HEAD: Final = 3
TAIL: Final = 2
SAID: Final = (
    f"the first {HEAD}, the last {TAIL}, what the query names, rare values, outliers, errors"
)
NOTHING: Final = object()
"""What stands for a value that a record does not have."""
_STRETCH: Final = 1.5
"""How far records that matter may exceed the room."""
_HITS: Final = 20
_FEW_BAD: Final = 0.1
"""Share of records up to which those that tell of trouble are exceptions."""
_LISTED: Final = 0.15
"""Share of the text that titles of records left out may take."""


def pick(
    columns: Mapping[str, Sequence[object]], texts: Sequence[str], query: str, room: int
) -> set[int]:
    """Return the indexes of records to show, about ``room`` of them."""
    count = len(texts)
    kept = {*range(min(HEAD, count)), *range(max(0, count - TAIL), count)}
    if query:
        kept.update(hits(texts, query, _HITS))
    bad = [row for row, text in enumerate(texts) if level(text) != CALM]
    if len(bad) <= max(2, _FEW_BAD * count):
        kept.update(bad)
    for row, weight in notable(columns.values(), count, NOTHING).ranked():
        limit = room * _STRETCH if weight >= STRIKING else room
        if len(kept) >= limit and weight < MUST + 1:
            break
        kept.add(row)
    return kept


def left_out(candidates: Sequence[Sequence[object]], kept: set[int], size: int) -> list[str]:
    """Return a line with the titles of records that are not shown.

    Of the columns the first that tells all records apart gives them; none where
    they would take much of the ``size`` characters of the text.
    """
    titles = next((found for found in candidates if len(set(map(str, found))) == len(found)), ())
    listed = join_names(str(title) for row, title in enumerate(titles) if row not in kept)
    return [f"[left out: {listed}]"] if listed and len(listed) <= _LISTED * size else []
