"""Server-sent events, as providers of models stream answers: events of one form together.

What lives here: how a view writes runs of events, and how that is read back. What does not:
reading the stream (shared.event_stream). Nothing is left out: the text that comes in pieces
stands on one line, its pieces apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from furler_engine.shared.blocks import joined, through
from furler_engine.shared.event_stream import Event, is_stream, read, stands_apart
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_OPEN: Final = "‹"
_RUN: Final = "[×"
_HEADER: Final = re.compile(r"\[×(\d{1,9}) events of (\d{1,6}) lines?, each:\]")
_SLOT: Final = re.compile(r"‹\d{1,6}›")
_STRINGS: Final = "texts split by "
_VALUES: Final = "values split by "
_STEPS: Final = re.compile(r"from (-?\d{1,15}) by (-?\d{1,15})")
_SEPARATORS: Final = "|¦│‖⁞"
_INTEGER: Final = re.compile(r"-?(?:0|[1-9]\d{0,14})", re.ASCII)
_CLOSE: Final = "; no blank lines end events"
_RETURNS: Final = "; lines end with CR LF"
_MIN_RUN: Final = 3
_MIN_GAIN: Final = 0.9
_MOST_SLOTS: Final = 64


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write each run of events of one form as the form and what differs."""
    del policy
    lines = source.lines
    if not is_stream(lines):
        return None
    if _OPEN in source.text or source.text.startswith(_RUN) or f"\n{_RUN}" in source.text:
        return None
    returns = "\r" in source.text
    if returns and not all(line.endswith("\r") for line in through(lines, 0, len(lines))):
        return None
    bare = (line[: len(line) - returns] for line in through(lines, 0, len(lines)))
    apart = stands_apart(through(lines, 0, len(lines)))
    events = list(read(bare, apart=apart))
    more = "" if apart else _CLOSE
    text = joined([_legend(events, more + _RETURNS * returns), *_write(lines, events, returns)])
    if len(text) > _MIN_GAIN * len(source.text):
        return None
    total = len(lines)
    shown = LinesShown((Lines(1, total),), lambda view: enumerate(_read(view), 1))
    return Draft(text, shown, "lines", total, total)


def _legend(events: Sequence[Event], more: str) -> str:
    return (
        f"[event stream: {len(events):,} events in their order; [×n] says the form of n events in a row,"
        f" ‹1› below it what stands there in each; the rest as printed{more}]"
    )


def _write(lines: Sequence[str], events: Sequence[Event], returns: int) -> Iterator[str]:
    """Yield the lines of the view: runs, and all other events as they are."""
    for (fixed, _), run in groupby(events, lambda event: (event.fixed, event.ended)):
        own = list(run)
        written = _run(own) if fixed and own[0].ended and len(own) >= _MIN_RUN else None
        if written is None:
            own_lines = lines[own[0].first : own[-1].last]
            yield from (line[: len(line) - returns] for line in own_lines)
        else:
            yield from written


def _run(run: Sequence[Event]) -> list[str] | None:
    """Return the lines of a run: its form, then one for each slot; None where it cannot be written."""
    template = [run[0].fixed[0]]
    slots: list[str] = []
    for place, column in enumerate(zip(*(event.values for event in run), strict=True)):
        after = run[0].fixed[place + 1]
        if all(value == column[0] for value in column):
            template.append(column[0] + after)
            continue
        written = _slot(column)
        if written is None or len(slots) == _MOST_SLOTS:
            return None
        name = f"‹{len(slots) + 1}›"
        slots.append(f"{name} {written}")
        template.append((f'"{name}"' if written.startswith(_STRINGS) else name) + after)
    form = "".join(template)
    size = form.count("\n") + 1
    lines = f"{size} lines" if size > 1 else "1 line"
    return [f"[×{len(run)} events of {lines}, each:]", *form.split("\n"), *slots]


def _slot(column: Sequence[str]) -> str | None:
    """Write the values of a slot, one for each event."""
    numbers = [int(value) for value in column if _INTEGER.fullmatch(value)]
    if len(numbers) == len(column):
        step = numbers[1] - numbers[0]
        if all(n == numbers[0] + step * at for at, n in enumerate(numbers)):
            return f"from {numbers[0]} by {step}"
    are_strings = all(value.startswith('"') for value in column)
    cells = [value[1:-1] for value in column] if are_strings else column
    together = "".join(cells)
    for separator in _SEPARATORS:
        if separator not in together:
            sign = _STRINGS if are_strings else _VALUES
            return f"{sign}{separator}: {separator.join(cells)}"
    return None


def _read(text: str) -> Iterator[str]:
    """Yield the lines of the stream."""
    legend, *rows = text.split("\n")
    end = "\r" if legend.endswith(f"{_RETURNS}]") else ""
    apart = _CLOSE not in legend
    return (line + end for line in _lines(iter(rows), apart=apart))


def _lines(rows: Iterator[str], *, apart: bool) -> Iterator[str]:
    for row in rows:
        match = _HEADER.fullmatch(row)
        if match is None:
            yield row
            continue
        count = int(match[1])
        form = "\n".join(next(rows, "") for _ in range(int(match[2])))
        parts = _SLOT.split(form)
        columns = [_cells(next(rows, ""), count) for _ in parts[1:]]
        for cells in zip(*columns, strict=True) if columns else [()] * count:
            event = parts[0] + "".join(c + p for c, p in zip(cells, parts[1:], strict=True))
            yield from event.split("\n")
            if apart:
                yield ""


def _cells(row: str, count: int) -> list[str]:
    written = row.partition(" ")[2]
    if match := _STEPS.fullmatch(written):
        first, step = int(match[1]), int(match[2])
        return [str(first + step * at) for at in range(count)]
    sign = _STRINGS if written.startswith(_STRINGS) else _VALUES
    return written[len(sign) + len("|: ") :].split(written[len(sign)])
