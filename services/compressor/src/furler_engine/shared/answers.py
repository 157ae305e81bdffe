"""Which units of a running text answer a query, and how many of them a view keeps.

What lives here: relevance of units that follow each other, and the choice
within a size. What does not: BM25 itself (shared.ranking), where units end.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from furler_engine.shared.ranking import Passages

_TALK: Final = (12.0, 0.1)
_TEXT: Final = (2.0, 0.5)
"""How far a score spreads over neighbours (standard deviation, in units), and the weight
of a unit's own score: an answer is spread over the turns of a talk, it stands in a sentence of
a text. The best on QMSum's and SQuAD's development sets (.88 and .99 at 40-45 % kept)."""
_LEAD: Final = 0.05
_GAP: Final = 28
"""Characters (seven tokens) that naming a gap costs."""
_HEADINGS: Final = 0.15
"""Part of a text up to which all its headings stay: they tell what was left out."""


def relevance(
    texts: Sequence[str], headings: Sequence[bool], query: str, *, talk: bool = False
) -> list[float]:
    """Return a score per unit; ``talk`` says that units are the turns of a talk.

    A unit's neighbours lend it their score (see _TALK and _TEXT); what opens a
    section has a little of its own, which decides where the query says nothing.
    """
    passages = Passages(texts)
    smoothing, own = _TALK if talk else _TEXT
    around = passages.scores(query, smoothing=smoothing, feedback=True)
    alone = passages.scores(query)
    widest, most = max(around, default=0.0) or 1.0, max(alone, default=0.0) or 1.0
    leads = _leads(headings)
    return [a / widest + own * b / most + c for a, b, c in zip(around, alone, leads, strict=True)]


def _leads(headings: Sequence[bool]) -> list[float]:
    leads: list[float] = []
    since = 0
    for is_heading in headings:
        since = 0 if is_heading else since + 1
        leads.append(_LEAD / (1 + since))
    return leads


def choose(
    sizes: Sequence[int], headings: Sequence[bool], scores: Sequence[float], share: float
) -> list[bool]:
    """Keep the best units within a share of all characters, and headings if they are few.

    A gap counts as what naming it costs; gaps too short for that are closed.
    """
    total = sum(sizes)
    order = sorted(range(len(sizes)), key=lambda i: (-scores[i], i))
    heads = sum(size for size, is_heading in zip(sizes, headings, strict=True) if is_heading)
    budget = room = share * total
    kept: list[bool] = []
    for _ in range(3):
        stay = heads <= min(_HEADINGS * total, room / 2)
        kept = [is_heading and stay for is_heading in headings]
        left = room - (heads if stay else 0)
        for i in order:
            if not kept[i] and sizes[i] <= left:
                kept[i] = True
                left -= sizes[i]
        kept = _without_short_gaps(sizes, kept)
        gaps = sum(1 for before, keep in pairwise([True, *kept]) if before and not keep)
        cost = gaps * _GAP + sum(size for size, keep in zip(sizes, kept, strict=True) if keep)
        if cost <= budget:
            break
        room -= cost - budget
    return kept


def _without_short_gaps(sizes: Sequence[int], kept: Sequence[bool]) -> list[bool]:
    closed: list[bool] = []
    for keep, run in groupby(zip(sizes, kept, strict=True), key=lambda unit: unit[1]):
        places = list(run)
        short = sum(size for size, _ in places) <= _GAP
        closed += [keep or short] * len(places)
    return closed
