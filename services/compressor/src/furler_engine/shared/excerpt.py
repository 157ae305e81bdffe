"""A text with parts left out: what stays is verbatim, each gap names its lines.

What lives here: writing such a view and the draft that claims it. What does
not: which parts stay (relevance.py).

``… L12-40`` on a line of its own stands for those lines, ``…B120-400…`` inside
a line for those bytes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.json_offsets import byte_offsets
from furler_engine.types import Bytes, BytesShown, Draft, Elision, Lines, Place, Source

_SHORTEST_GAP: Final = 60
"""Characters: a shorter gap costs more to name than to show."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text, half-open characters; why it is left out, '' where it stays."""

    start: int
    end: int
    why: str = ""


def excerpt(
    source: Source, parts: Sequence[Part], legend: str, name: Callable[[Place], str]
) -> Draft | None:
    """Write the parts that stay; ``parts`` are the whole text in order.

    ``name`` prints a place as the view names it. None if nothing is left out.
    """
    runs = _runs(parts)
    if not any(run.why for run in runs):
        return None
    text = source.text
    offsets = byte_offsets(text, [at for run in runs for at in (run.start, run.end)])
    starts = _line_starts(text)
    pieces = [legend]
    shown: list[Bytes] = []
    elisions: list[Elision] = []
    for run in runs:
        if not run.why:
            shown.append(Bytes(offsets[run.start], offsets[run.end]))
            pieces.append(text[run.start : run.end])
            continue
        lines = _whole_lines(text, starts, run)
        place = lines or Bytes(offsets[run.start], offsets[run.end])
        elisions.append(Elision(place, run.why))
        reason = "" if run.why == LESS_RELEVANT else f" {run.why}"
        if lines is None:
            pieces.append(f"…{name(place)}{reason}… ")
        else:
            break_before = "" if pieces[-1].endswith("\n") else "\n"
            pieces.append(f"{break_before}… {name(place)}{reason}\n")
    return Draft(
        text="".join(pieces).removesuffix("\n") if runs[-1].why else "".join(pieces),
        coverage=BytesShown(tuple(shown)),
        units="bytes",
        total=len(source.data),
        shown=sum(r.end - r.start for r in shown),
        elisions=tuple(elisions),
    )


LESS_RELEVANT: Final = "less relevant"
"""The reason that goes without saying."""


def _runs(parts: Sequence[Part]) -> list[Part]:
    """Join neighbours of one fate; what is too short to leave out stays."""
    runs: list[Part] = []
    for part in parts:
        if runs and bool(runs[-1].why) == bool(part.why):
            runs[-1] = Part(runs[-1].start, part.end, _both(runs[-1].why, part.why))
        else:
            runs.append(part)
    joined: list[Part] = []
    for run in runs:
        stays = not run.why or run.end - run.start < _SHORTEST_GAP
        if joined and stays and not joined[-1].why:
            joined[-1] = Part(joined[-1].start, run.end)
        else:
            joined.append(Part(run.start, run.end) if stays else run)
    return joined


def _both(first: str, second: str) -> str:
    if LESS_RELEVANT in (first, second):
        return LESS_RELEVANT
    return first if not second or second in first.split(", ") else f"{first}, {second}"


def _line_starts(text: str) -> Sequence[int]:
    starts = array("q", [0])
    at = text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    if starts[-1] == len(text):
        starts.pop()
    return starts


def _whole_lines(text: str, starts: Sequence[int], run: Part) -> Lines | None:
    """Return the lines that a run is, or None where it starts or ends inside one."""
    first = bisect_right(starts, run.start) - 1
    if starts[first] != run.start or not (run.end == len(text) or text[run.end - 1] == "\n"):
        return None
    return Lines(first + 1, bisect_right(starts, run.end - 1))
