"""Search results as ``rg --json`` prints them: each path once, below it numbered lines.

What lives here: how a view writes them, and how that is read back. What does not: reading
the events (shared.grep_json), which texts the eliding view leaves out (shared.match_choice),
what grep and ripgrep print for people (search).

``12@3456[8-13]:text`` is a match on line 12, ``12@3456-text`` a line of its context. The
offset goes without saying where the line above is the one before it in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.blocks import joined, split
from furler_engine.shared.grep import Entry, Form, Group, Results
from furler_engine.shared.grep_json import (
    Begin,
    End,
    Event,
    Found,
    Other,
    is_ripgrep_json,
    read,
    write,
)
from furler_engine.shared.located import located, spans
from furler_engine.shared.match_choice import TIGHT, Limits, careful, select
from furler_engine.types import Draft, Elision, Kind, Level, Lines, LinesShown, Policy, Source

_PATH: Final = "# "
_END: Final = "end "
_OTHER: Final = "| "
_ROW: Final = re.compile(r"(\d{1,15})(?:@(\d{1,15}))?(?:\[([\d,-]+)\])?([:-])", re.ASCII)
_COUNTS: Final = "nanoseconds, bytes searched, bytes printed, lines, matches"
_SUMMARY: Final = '{"data":{"elapsed_total":'
_PLACE = re.compile(r" \[L\d+(?:-\d+)?\]\Z", re.ASCII)


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write all events; nothing is left out."""
    del policy
    events = source.derived(_events)
    if not events:
        return None
    said = f"; {_END}{_COUNTS}" if any(isinstance(event, End) for event in events) else ""
    text = joined(chain([f"{_legend(events)}{said}]"], _write(events)))
    total = len(source.lines)
    shown = LinesShown((Lines(1, total),), lambda view: enumerate(_read(split(view)), 1))
    return Draft(text, shown, "lines", total, total)


def plan_eliding(source: Source, policy: Policy) -> Draft | None:
    """Show every place, but only some texts, and no statistics."""
    events = source.derived(_events)
    if not events:
        return None
    results = _results(events)
    tight = policy.target_tokens or policy.level(Kind.SEARCH_RESULTS) is Level.TIGHT
    limits = TIGHT if tight else (careful(results) or TIGHT)
    chosen = select(results, source.hints.query, limits)
    shown = [event for event in events if _is_shown(event, chosen)]
    kept = spans(event.line for event in shown)
    total = len(source.lines)
    if len(shown) == total:
        return None
    files = (_file(own, chosen, limits) for own in _by_file(events))
    legend = f"{_legend(events)}{_left_out(events, chosen)}]"
    text = joined(chain([legend], chain.from_iterable(files)))
    gaps = spans(event.line for event in events if not _is_shown(event, chosen))
    elisions = tuple(Elision(gap, "texts of matches, context, statistics") for gap in gaps)

    def decode(view: str) -> Iterator[tuple[int, str]]:
        return located(_read(split(view)), source.lines, kept)

    return Draft(text, LinesShown(kept, decode), "lines", total, len(shown), elisions)


def _events(source: Source) -> Sequence[Event]:
    """Return the events, () for another content; most of the lines must be such."""
    if not is_ripgrep_json(source.text):
        return ()
    events = tuple(read(source.lines))
    others = sum(isinstance(event, Other) for event in events)
    return events if 2 * others <= len(events) else ()


def _results(events: Iterable[Event]) -> Results:
    """Return what was found in the form in which it is chosen from."""
    groups: list[Group] = []
    for event in events:
        if isinstance(event, Begin):
            groups.append(Group(event.path))
        elif isinstance(event, Found) and groups:
            entry = Entry(event.line, str(event.number), event.mark, event.text)
            groups[-1].entries.append(entry)
    return Results(list(groups), Form(headings=True))


def _is_shown(event: Event, chosen: set[int]) -> bool:
    match event:
        case Begin():
            return True
        case Found():
            return event.line in chosen
        case End():
            return False
        case Other():
            return not event.text.startswith(_SUMMARY)


def _by_file(events: Iterable[Event]) -> Iterator[list[Event]]:
    own: list[Event] = []
    for event in events:
        if isinstance(event, Begin) and own:
            yield own
            own = []
        own.append(event)
    if own:
        yield own


def _legend(events: Sequence[Event]) -> str:
    files = len({event.path for event in events if isinstance(event, Begin)})
    marks = [event.mark for event in events if isinstance(event, Found)]
    matches = marks.count(":")
    context = len(marks) - matches
    about = f" and {context:,} lines of context" if context else ""
    sign = ", with - for context" if context else ""
    return (
        f"[search results of rg --json: {matches:,} lines with matches{about} in {files:,} files. Below each # path:"
        f" line@offset[columns of the match]:text{sign}, in bytes; without @ a line follows the one above it"
    )


def _left_out(events: Sequence[Event], chosen: set[int]) -> str:
    hidden = [e.mark for e in events if isinstance(e, Found) and e.line not in chosen]
    says = "; statistics are left out"
    if ":" in hidden:
        says += (
            f"; every match is listed, {hidden.count(':'):,} without its full text:"
            ' "also 7,9" are such matches, on lines 7 and 9 of the file, 7~text… is cut'
        )
    if "-" in hidden:
        says += f"; {hidden.count('-'):,} lines of context are left out"
    if hidden:
        says += "; [L3-8] after a path are the lines of this output that hold them in full"
    return says


def _file(events: Sequence[Event], chosen: set[int], limits: Limits) -> Iterator[str]:
    """Yield the lines of one file's events, of which some are hidden."""
    found = [event for event in events if isinstance(event, Found)]
    hidden = [event for event in found if event.line not in chosen]
    place = f" [{format_place(Lines(found[0].line, found[-1].line))}]" if hidden else ""
    yield from _write((event for event in events if _is_shown(event, chosen)), place)
    matches = [event for event in hidden if event.mark == ":"]
    for event in matches:
        if len(event.text) > limits.width:
            yield f"{event.number}~{event.text[: limits.width]}…"
    also = [str(event.number) for event in matches if len(event.text) <= limits.width]
    if also:
        yield f"also {','.join(also)}"


def _write(events: Iterable[Event], place: str = "") -> Iterator[str]:
    """Yield the lines that stand for events; ``place`` follows a path."""
    following = (-1, -1)
    for event in events:
        match event:
            case Begin(_, path):
                yield f"{_PATH}{path}{place}"
                following = (-1, -1)
            case Found(_, number, mark, text, offset, columns):
                at = "" if following == (number, offset) else f"@{offset}"
                where = ",".join(f"{start}-{end}" for start, end in columns)
                yield f"{number}{at}{f'[{where}]' if where else ''}{mark}{text}"
                following = event.following
            case End(_, counts):
                yield _END + " ".join(map(str, counts))
            case Other(_, text):
                yield _OTHER + text


def _read(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines of the output that a view shows."""
    next(lines, "")
    path, following = "", (-1, -1)
    for line in lines:
        row = _ROW.match(line)
        if row is not None:
            number, text = int(row[1]), line[row.end() :]
            offset = following[1] if row[2] is None else int(row[2])
            columns = tuple(_columns(row[3] or ""))
            found = Found(0, number, row[4], text, offset, columns)
            following = found.following
            yield write(found, path)
        elif line.startswith(_PATH):
            path, following = _PLACE.sub("", line[len(_PATH) :]), (-1, -1)
            yield write(Begin(0, path), path)
        elif line.startswith(_OTHER):
            yield line[len(_OTHER) :]
        elif line.startswith(_END):
            nanos, searched, printed, matched, matches = map(int, line[len(_END) :].split(" "))
            yield write(End(0, (nanos, searched, printed, matched, matches)), path)


def _columns(text: str) -> Iterator[tuple[int, int]]:
    for span in filter(None, text.split(",")):
        start, _, end = span.partition("-")
        yield int(start), int(end)
