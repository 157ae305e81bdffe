"""Running text and Markdown: the passages that answer the query, verbatim and in order.

What lives here: which units of a text a view shows and how gaps are named; for
a text without a query, paragraphs that only repeat an earlier one. What does
not: where units end (shared.units), how well they answer (shared.ranking).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from furler_engine import tokens
from furler_engine.markers import format_place
from furler_engine.shared.ranking import Passages
from furler_engine.shared.units import Unit, is_talk, units
from furler_engine.types import (
    Bytes,
    BytesShown,
    Draft,
    Elision,
    Kind,
    Level,
    Lines,
    Policy,
    Source,
)

_MIN_UNITS: Final = 12
_KEEP: Final = {Level.CAREFUL: 0.42, Level.TIGHT: 0.25}
"""Part of a text, in tokens, that a view keeps for a query."""
_TALK: Final = (12.0, 0.1)
_TEXT: Final = (2.0, 0.5)
"""How far a score spreads over neighbours (standard deviation, in units), and the weight
of a unit's own score: an answer is spread over the turns of a talk, it stands in a sentence of
a text. The best on QMSum's and SQuAD's development sets (.88 and .99 at 40-45 % kept)."""
_LEAD: Final = 0.05
_GAP_TOKENS: Final = 7
_SHORT_GAP: Final = 30
"""Characters that are not worth naming a gap for."""
_HEADINGS: Final = 0.15
"""Part of a text up to which all its headings stay: they tell what was left out."""
_REPEAT: Final = 120
"""Characters from which a repeated paragraph is worth a reference to the first."""
_LEGEND: Final = "[exact passages of a text, in their order: those that answer the query; … L5-9 says which lines are left out]"
_REPEATS: Final = (
    "[the text without paragraphs that repeat an earlier one: … L5-9 = L1-4 says where and which]"
)


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show the passages that answer the query; without one, leave out repeats."""
    found = units(source.text)
    if not source.hints.query:
        return _without_repeats(source, found)
    if len(found) < _MIN_UNITS:
        return None
    scores = _scores(source.text, found, source.hints.query)
    level = policy.level(Kind.PROSE)
    size = tokens.estimate(source.text, policy.tokenizer)
    target = policy.target_tokens or int(size * _KEEP.get(level, 1.0))
    kept = _choose(source.text, found, scores, target / size)
    return _draft(source, found, kept, _LEGEND, {})


def _scores(text: str, found: Sequence[Unit], query: str) -> list[float]:
    passages = Passages(text[unit.start : unit.end] for unit in found)
    smoothing, own = _TALK if is_talk(text) else _TEXT
    around = passages.scores(query, smoothing=smoothing, feedback=True)
    alone = passages.scores(query)
    widest, most = max(around) or 1.0, max(alone) or 1.0
    leads = _leads(found)
    return [a / widest + own * b / most + c for a, b, c in zip(around, alone, leads, strict=True)]


def _leads(found: Sequence[Unit]) -> list[float]:
    """A little for what opens a section: it decides where the query says nothing."""
    leads: list[float] = []
    since = 0
    for unit in found:
        since = 0 if unit.is_heading else since + 1
        leads.append(_LEAD / (1 + since))
    return leads


def _choose(text: str, found: Sequence[Unit], scores: Sequence[float], share: float) -> list[bool]:
    """Keep the best units within a share of the text; gaps count as what naming them costs."""
    order = sorted(range(len(found)), key=lambda i: (-scores[i], i))
    headings = sum(unit.end - unit.start for unit in found if unit.is_heading)
    budget = share * len(text)
    kept: list[bool] = []
    room = budget
    for _ in range(3):
        stays = headings <= min(_HEADINGS * len(text), room / 2)
        kept = [unit.is_heading and stays for unit in found]
        left = room - (headings if stays else 0)
        for i in order:
            size = found[i].end - found[i].start
            if not kept[i] and size <= left:
                kept[i] = True
                left -= size
        _close_short_gaps(found, kept)
        gaps = sum(1 for a, b in pairwise([True, *kept]) if a and not b)
        cost = gaps * _GAP_TOKENS * 4 + sum(
            unit.end - unit.start for unit, keep in zip(found, kept, strict=True) if keep
        )
        if cost <= budget:
            break
        room -= cost - budget
    return kept


def _close_short_gaps(found: Sequence[Unit], kept: list[bool]) -> None:
    for keep, run in groupby(range(len(found)), key=lambda i: kept[i]):
        places = list(run)
        if not keep and found[places[-1]].end - found[places[0]].start <= _SHORT_GAP:
            for i in places:
                kept[i] = True


def _without_repeats(source: Source, found: Sequence[Unit]) -> Draft | None:
    first: dict[str, int] = {}
    kept: list[bool] = []
    same: dict[int, int] = {}
    for i, unit in enumerate(found):
        text = source.text[unit.start : unit.end].strip()
        earlier = first.setdefault(text, i)
        kept.append(earlier == i or len(text) < _REPEAT)
        if not kept[i]:
            same[i] = earlier
    return _draft(source, found, kept, _REPEATS, same) if same else None


def _draft(
    source: Source, found: Sequence[Unit], kept: Sequence[bool], legend: str, same: dict[int, int]
) -> Draft | None:
    """Write the kept units and name the gaps; ``same`` says which earlier unit a gap repeats."""
    if all(kept):
        return None
    lines = _line_numbers(source.text, found)
    size = _sizes(source.text, found)
    out: list[str] = [legend, "\n"]
    shown: list[Bytes] = []
    elisions: list[Elision] = []
    at = 0

    def group(i: int) -> tuple[bool, int]:
        return kept[i], same[i] - i if i in same else 0  # a run that repeats a run is one gap

    for (keep, _), run in groupby(range(len(found)), key=group):
        places = list(run)
        first, last = places[0], places[-1]
        end = at + sum(size[first : last + 1])
        if keep:
            shown.append(Bytes(at, end))
            out.append(source.text[found[first].start : found[last].end])
        else:
            gap = Lines(lines[first][0], lines[last][1])
            elisions.append(Elision(gap, "passages"))
            out.append(_named(gap, out[-1]))
            if same:
                whole = Lines(lines[same[first]][0], lines[same[last]][1])
                out[-1] = out[-1].rstrip("\n") + f" = {format_place(whole)}\n"
        at = end
    total = len(source.lines)
    left_out = {
        n
        for e in elisions
        if isinstance(e.place, Lines)
        for n in range(e.place.first, e.place.last + 1)
    }
    return Draft(
        "".join(out) if kept[-1] else "".join(out).rstrip("\n"),
        BytesShown(tuple(shown)),
        "lines",
        total,
        total - len(left_out),
        tuple(elisions),
    )


def _named(gap: Lines, before: str) -> str:
    """A gap on a line of its own, or within its line."""
    return f"… {format_place(gap)}\n" if before.endswith("\n") else f" … {format_place(gap)} "


def _line_numbers(text: str, found: Sequence[Unit]) -> list[tuple[int, int]]:
    """First and last line of each unit, from 1."""
    numbers: list[tuple[int, int]] = []
    line = 1
    for unit in found:
        breaks = text.count("\n", unit.start, unit.end)
        ends_line = text[unit.end - 1] == "\n"
        numbers.append((line, line + breaks - ends_line))
        line += breaks
    return numbers


def _sizes(text: str, found: Sequence[Unit]) -> list[int]:
    if text.isascii():
        return [unit.end - unit.start for unit in found]
    return [len(text[unit.start : unit.end].encode()) for unit in found]
