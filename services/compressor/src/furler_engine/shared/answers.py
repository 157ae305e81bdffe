"""Which units of a running text answer a query, and how many of them a view keeps.

What lives here: relevance of units that follow each other, and the choice
within a size. What does not: BM25 itself (shared.ranking), where units end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from furler_engine.shared.ranking import Passages

_TALK: Final = (12.0, 0.1)
_TEXT: Final = (2.0, 0.5)
"""How far a score spreads over neighbours (standard deviation, in units), and the weight
of a unit's own score: an answer is spread over the turns of a talk, it stands in a sentence of
a text. The best on QMSum's and SQuAD's development sets (.88 and .99 at 40-45 % kept)."""
_PLACE: Final = 0.05
_LEAD: Final = 0.3
"""What opens a section counts for this, beside a best match's 1.5: with it a view of a manual
reads as an outline, and a query of general words ("summarize the options") gets one."""
_OPENING: Final = 0.6
_GAP: Final = 28
"""Characters (seven tokens) that naming a gap costs."""
_HEADINGS: Final = 0.15
"""Part of a text up to which all its headings stay: they tell what was left out."""


def relevance(
    texts: Sequence[str], headings: Sequence[bool], query: str, *, talk: bool = False
) -> list[float] | None:
    """Return a score per unit; ``talk`` says that units are the turns of a talk.

    A unit's neighbours lend it their score (see _TALK and _TEXT); the words of a
    heading count for all under it; what opens a section has a score of its own.
    None where there is nothing to go by: no headings, and no word of the query
    that some units have and most have not.
    """
    passages = Passages(_titled(texts, headings))
    if not passages.tells_apart(query):
        return _leads(headings) if any(headings) else None
    smoothing, own = _TALK if talk else _TEXT
    around = passages.scores(query, smoothing=smoothing, feedback=True)
    alone = passages.scores(query)
    widest, most = max(around, default=0.0) or 1.0, max(alone, default=0.0) or 1.0
    leads = _leads(headings)
    return [a / widest + own * b / most + c for a, b, c in zip(around, alone, leads, strict=True)]


def _titled(texts: Sequence[str], headings: Sequence[bool]) -> Iterator[str]:
    title = ""
    for text, is_heading in zip(texts, headings, strict=True):
        yield text if is_heading or not title else f"{title}\n{text}"
        title = text if is_heading else title


def _leads(headings: Sequence[bool]) -> list[float]:
    leads: list[float] = []
    since = 0
    opening = _OPENING
    has_sections = any(headings)
    for is_heading in headings:
        since = 0 if is_heading else since + 1
        lead = _PLACE / (1 + since)
        if has_sections and since == 1:
            lead, opening = opening, _LEAD
        leads.append(lead)
    return leads


def choose(
    sizes: Sequence[int],
    headings: Sequence[bool],
    scores: Sequence[float],
    share: float,
    *,
    outline: bool = False,
) -> list[bool]:
    """Keep the best units within a share of all characters, and headings if they are few.

    With ``outline`` headings stay however many they are.

    A gap counts as what naming it costs; gaps too short for that are closed.
    """
    total = sum(sizes)
    order = sorted(range(len(sizes)), key=lambda i: (-scores[i], i))
    heads = sum(size for size, is_heading in zip(sizes, headings, strict=True) if is_heading)
    budget = room = share * total
    kept: list[bool] = []
    for _ in range(3):
        stay = outline or heads <= min(_HEADINGS * total, room / 2)
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
