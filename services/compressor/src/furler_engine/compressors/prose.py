"""Running text: the passages that answer the query, verbatim and in order.

What lives here: which units of a text a view shows and how gaps are named; for
a text without a query, paragraphs that only repeat an earlier one. What does
not: where units end (shared.units), which answer a query (shared.answers).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from furler_engine import tokens
from furler_engine.markers import format_place
from furler_engine.shared.answers import choose, relevance
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
    texts = [source.text[unit.start : unit.end] for unit in found]
    headings = [unit.is_heading for unit in found]
    scores = relevance(texts, headings, source.hints.query, talk=is_talk(source.text))
    if scores is None:
        return _without_repeats(source, found)
    level = policy.level(Kind.PROSE)
    size = tokens.estimate(source.text, policy.tokenizer)
    target = policy.target_tokens or int(size * _KEEP.get(level, 1.0))
    kept = choose(list(map(len, texts)), headings, scores, target / size)
    return _draft(source, found, kept, _LEGEND, {})


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
