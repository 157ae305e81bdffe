"""Views of text that a reader has before it already: a re-read, repeated runs, an edited file.

What lives here: drafts that leave out what stands literally in an earlier message, and say
where. What does not: knowing what is visible (visible), choosing between views (causal).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from furler_engine import markers
from furler_engine.types import Draft, Elision, Lines, LinesShown
from furler_engine.visible import Own, Run, Text, Visible

MIN_LINES: Final = 6
MIN_CHARACTERS: Final = 160
"""A run of fewer lines and fewer characters costs its reader more than it saves."""
_MARKER: Final = 100
"""Characters of a marker and its share of the trailer: what a run must have to pay at all."""
_MAX_DIFF_LINES: Final = 20_000
_HUNK: Final = re.compile(r"@@ -(\d+),(\d+) \+(\d+),(\d+) @@")


def whole(text: Text, label: str) -> Draft:
    """Return the draft for a text that stands in full elsewhere."""
    total = len(text.lines)
    place = Lines(1, total)
    return Draft(
        text=markers.repeat(place, label),
        coverage=LinesShown(()),
        units="lines",
        total=total,
        shown=0,
        elisions=(Elision(place, f"stands in {label}"),),
    )


def runs(text: Text, visible: Visible) -> Draft | None:
    """Return the draft in which runs of visible lines are named; None if there are none."""
    found = _runs(text, visible)
    if not found:
        return None
    out: list[str] = []
    shown: list[Lines] = []
    at = 0
    named: set[str] = set()
    for run in found:
        out += text.lines[at : run.start]
        if run.start > at:
            shown.append(Lines(at + 1, run.start))
        out.append(_marker(text, run, named))
        at = run.end
    out += text.lines[at:]
    if at < len(text.lines):
        shown.append(Lines(at + 1, len(text.lines)))
    return Draft(
        text="\n".join(out),
        coverage=LinesShown(tuple(shown)),
        units="lines",
        total=len(text.lines),
        shown=sum(span.last - span.first + 1 for span in shown),
        elisions=tuple(
            Elision(Lines(r.start + 1, r.end), f"stands in {r.label or 'the lines above'}")
            for r in found
        ),
    )


def _runs(text: Text, visible: Visible) -> list[Run]:
    """Return the runs worth naming, in order. Linear: what is compared in vain is short."""
    found: list[Run] = []
    own, shown = Own(text), bytearray(len(text.keys))
    row = since = 0
    while row < len(text.keys):
        run = _longer(visible.run(text, row, since), own.run(row, shown))
        if run is None or not _pays(text, run):
            shown[row] = 1
            own.show(row)
            row += 1
            continue
        shown[run.start : row] = bytes(row - run.start)
        found.append(run)
        row = since = run.end
        own.skip(row)
    return found


def _longer(one: Run | None, other: Run | None) -> Run | None:
    if one is None or other is None:
        return one or other
    return other if other.end - other.start > one.end - one.start else one


def _pays(text: Text, run: Run) -> bool:
    size = 0
    for line in text.keys[run.start : run.end]:
        size += len(line) + 1
        if size >= MIN_CHARACTERS:
            return True
    return run.end - run.start >= MIN_LINES and size >= _MARKER


def _marker(text: Text, run: Run, named: set[str]) -> str:
    place = markers.format_place(run.there)
    label = run.label
    if not label:
        other = f"{place} here"
    else:
        other = f"{place} of {label.partition(',')[0] if label in named else label}"
        named.add(label)
    first, last = text.numbers[run.start], text.numbers[run.end - 1]
    numbers = None if first in (-1, run.start + 1) else (first, last)
    return markers.repeat(Lines(run.start + 1, run.end), other, numbers)


def difference(text: Text, base: Text, label: str) -> Draft | None:
    """Return the draft that shows what changed since an earlier read; None if too much did."""
    if max(len(text.keys), len(base.keys)) > _MAX_DIFF_LINES:
        return None
    same = _matching(base.keys, text.keys)
    if sum(size for _, _, size in same) * 2 < len(text.keys):
        return None
    out = [f"[as {label}, but for these lines, numbered as L there and here:]"]
    shown: list[Lines] = []
    there = here = 0
    for start, at, size in [*same, (len(base.keys), len(text.keys), 0)]:
        if start > there or at > here:
            out.append(f"@@ -{there + 1},{start - there} +{here + 1},{at - here} @@")
            out += [f"-{line}" for line in base.lines[there:start]]
            out += [f"+{line}" for line in text.lines[here:at]]
            if at > here:
                shown.append(Lines(here + 1, at))
        there, here = start + size, at + size
    return Draft(
        text="\n".join(out),
        coverage=LinesShown(tuple(shown), _added),
        units="lines",
        total=len(text.lines),
        shown=sum(span.last - span.first + 1 for span in shown),
        elisions=tuple(
            Elision(Lines(at + 1, at + size), f"stands in {label}") for _, at, size in same if size
        ),
    )


def _added(view: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that a difference shows."""
    rows = iter(view.split("\n"))
    next(rows, "")
    for row in rows:
        match = _HUNK.fullmatch(row)
        if match is None:
            return
        for _ in range(int(match[2])):
            next(rows, "")
        first = int(match[3])
        for number in range(first, first + int(match[4])):
            yield number, next(rows, "")[1:]


def _matching(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return (old row, new row, size) of runs that are the same, in order, apart from each other.

    Patience: lines that stand once on both sides are anchors, the longest rising sequence of
    them holds (Bram Cohen, 2004), and each grows as far as its neighbours agree. n log n.
    """
    once_old, once_new = _once(old), _once(new)
    pairs = [(row, once_old[key]) for key, row in once_new.items() if key in once_old]
    found: list[tuple[int, int, int]] = []
    done_old = done_new = 0
    for at_new, at_old in _rising(sorted(pairs)):
        if at_new < done_new or at_old < done_old:
            continue
        start_new, start_old = at_new, at_old
        while (
            start_new > done_new
            and start_old > done_old
            and (old[start_old - 1] == new[start_new - 1])
        ):
            start_new, start_old = start_new - 1, start_old - 1
        done_new, done_old = at_new + 1, at_old + 1
        while done_new < len(new) and done_old < len(old) and old[done_old] == new[done_new]:
            done_new, done_old = done_new + 1, done_old + 1
        found.append((start_old, start_new, done_new - start_new))
    return found


def _once(keys: Sequence[str]) -> dict[str, int]:
    first: dict[str, int] = {}
    twice: set[str] = set()
    for row, key in enumerate(keys):
        if key in first:
            twice.add(key)
        else:
            first[key] = row
    return {key: row for key, row in first.items() if key not in twice}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest subsequence whose second parts rise."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        place = bisect_left(tails, value)
        before.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(value)
            ends.append(index)
        else:
            tails[place], ends[place] = value, index
    chain: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = before[at]
    return chain[::-1]
