"""Which parts of a running text stay when a query is asked of it, or room is short.

What lives here: scoring the units of a text and filling a budget with the best.
What does not: cutting a text into units (text_units.py), showing them
(excerpt.py).

``scores`` is the one place where relevance is decided; a model that judges
sentences can stand in for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.ranking import Passages

_NEIGHBOURHOOD: Final = 1200
"""Characters over which an answer spreads. On QMSum's meetings (turns of 110 characters)
smoothing over 8 to 12 turns finds most; on SQuAD's paragraphs of 850 none is best."""
_LEAD: Final = 0.3
"""What being the first text under a heading counts for, beside a best match's 1."""
_OPENING: Final = 0.6
_FALLS: Final = 0.1
"""How much less the structure of the end counts than that of the start."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A part of a text that stays or goes whole.

    ``rank`` is that of a heading, 1 to 6, and 0 for all else; ``size`` counts
    towards the budget.
    """

    text: str
    size: int
    rank: int = 0


def scores(units: Sequence[Unit], query: str) -> list[float] | None:
    """Return a score per unit, from 0 to about 2; None where there is nothing to go by.

    Args:
        units: All units of the text in order.
        query: What is asked. Where no word of it sets some units apart from
            most, only structure counts: the first text under each heading.
    """
    titles = _titles(units)
    texts = [f"{title}\n{unit.text}" for title, unit in zip(titles, units, strict=True)]
    passages = Passages(texts)
    matched = [0.0] * len(units)
    if passages.tells_apart(query):
        average = sum(unit.size for unit in units) / len(units)
        deviation = max(0.0, _NEIGHBOURHOOD / max(1.0, average) - 1)
        found = passages.scores(query, smoothing=deviation, feedback=True)
        best = max(found)
        matched = [score / best for score in found] if best else matched
    has_titles = any(unit.rank for unit in units)
    if not has_titles and not any(matched):
        return None
    leads = _leads(units) if has_titles else [0.0] * len(units)
    return [a + b for a, b in zip(matched, leads, strict=True)]


def choose(units: Sequence[Unit], scored: Sequence[float], budget: float) -> list[bool]:
    """Keep the best units within a budget; headings stay always and come first in it."""
    kept = [unit.rank > 0 for unit in units]
    room = budget - sum(unit.size for unit in units if unit.rank)
    for index in sorted(range(len(units)), key=lambda i: (-scored[i], i)):
        if not kept[index] and units[index].size <= room:
            kept[index] = True
            room -= units[index].size
    return kept


def _titles(units: Sequence[Unit]) -> list[str]:
    """Return, per unit, the heading it stands under: its words are about the unit too."""
    titles = []
    title = ""
    for unit in units:
        if unit.rank:
            titles.append("")
            title = unit.text
        else:
            titles.append(title)
    return titles


def _leads(units: Sequence[Unit]) -> list[float]:
    leads = [0.0] * len(units)
    leading = True
    opening = True
    for index, unit in enumerate(units):
        if unit.rank:
            leading = True
        elif leading:
            falls = _FALLS * index / len(units)
            leads[index] = (_OPENING if opening else _LEAD) - falls
            leading = opening = False
    return leads
