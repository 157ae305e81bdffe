"""The draft behind a view: what the engine claims to show, and has proven.

A view does not say which of its words are lines of the original. The draft
does, and coverage.check has proven it true before the view left. Suites that
ask "is line 812 shown?" take the answer from here.
"""

from __future__ import annotations

from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.router import ROUTES
from furler_engine.types import (
    BytesShown,
    Draft,
    Fidelity,
    Hints,
    Lines,
    LinesShown,
    PartsShown,
    Policy,
    Source,
    TextShown,
    ValueShown,
    View,
    WordsShown,
)


def draft_of(
    text: str, view: View, hints: Hints, fidelity: Fidelity = Fidelity.REVERSIBLE
) -> Draft | None:
    """Return the checked draft that a view was made from; None for a pass-through.

    Raises coverage.CoverageError for a draft that hides something, which no view can be made of.
    """
    source = Source(text, hints)
    for compressor in ROUTES.get(detect(source), ()):
        if compressor.name in view.compressors:
            draft = compressor.plan(source, Policy(fidelity=fidelity))
            if draft is not None and view.text.startswith(draft.text):
                check(source, draft)
                return draft
    return None


def shown_lines(text: str, draft: Draft | None) -> set[int]:
    """Return the numbers of the lines a view shows, from 1; all of them for a pass-through."""
    everything = set(range(1, text.count("\n") + 2))
    if draft is None:
        return everything
    match draft.coverage:
        case LinesShown(lines=spans):
            return {n for span in spans for n in range(span.first, span.last + 1)}
        case ValueShown():
            return everything if not draft.elisions else set()
        case BytesShown(ranges=ranges) | TextShown(ranges=ranges):
            return _lines_within(text, [(r.start, r.end) for r in ranges])
        case WordsShown(ranges=ranges):
            whole = _lines_within(text, [(r.start, r.end) for r in ranges])
            named = [e.place for e in draft.elisions if isinstance(e.place, Lines)]
            return whole.difference(*(range(p.first, p.last + 1) for p in named))
        case PartsShown():
            places = [e.place for e in draft.elisions]
            left_out = [range(p.first, p.last + 1) for p in places if isinstance(p, Lines)]
            return everything.difference(*left_out)


def _lines_within(text: str, ranges: list[tuple[int, int]]) -> set[int]:
    """Return the lines that lie in one of the byte ranges from end to end."""
    shown: set[int] = set()
    start = 0
    for number, line in enumerate(text.encode().split(b"\n"), 1):
        if any(a <= start and start + len(line) <= b for a, b in ranges):
            shown.add(number)
        start += len(line) + 1
    return shown
