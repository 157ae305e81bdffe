"""Lines in a row that say the same in the same words: the words once, then what differs.

What lives here: finding such runs, writing them as a template and its rows, reading them back.
What does not: leaving anything out; every line can be put together again, in its order.

``[=3 pulling ‹› at ‹› MB/s]`` says that the next three rows are lines of this form; ``app|12``
is the line ``pulling app at 12 MB/s``. All other lines stand as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.types import Draft, Fidelity, Kind, Level, Lines, LinesShown, Policy, Source

_SLOT: Final = "‹›"
_SEPARATOR: Final = "|"
_HEADER: Final = re.compile(r"\[=(\d{1,9}) (.*)\]", re.DOTALL)
_LEGEND: Final = "[lines of one form: [=n form] says the next n rows fill its ‹›, cells split by |]"
_MIN_RUN: Final = 4
_MIN_WORDS: Final = 3
_MAX_WORDS: Final = 64
_LONGEST: Final = 2_000
"""Characters of a line that is looked into."""
_MIN_SAVED: Final = 240
"""Characters that a run must save: twice its header, about."""
_MIN_GAIN: Final = 0.8
_WORD: Final = re.compile(r"[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows ``start`` to ``end``, half-open, of one form; ``form`` has None where they differ."""

    start: int
    end: int
    form: tuple[str | None, ...]


def plan_whole(source: Source, policy: Policy) -> Draft | None:
    """Write a log as rows where nothing may be left out: its patterns say more in less."""
    asked = policy.fidelity is Fidelity.LOSSLESS or policy.level(Kind.LOG) is Level.LOSSLESS
    return plan(source, policy) if asked else None


def plan(source: Source, policy: Policy) -> Draft | None:  # noqa: ARG001 - one signature for all
    """Write runs of lines of one form as rows. None where that gains little."""
    if _SLOT in source.text:
        return None
    lines = source.lines
    words = [line.split(" ") if len(line) <= _LONGEST else [line] for line in lines]
    out = [_LEGEND]
    at = 0
    for run in _runs(words):
        rows = _write(words, run)
        if rows is not None:
            out += [*lines[at : run.start], *rows]
            at = run.end
    if not at:
        return None
    text = "\n".join([*out, *lines[at:]])
    if len(text) > _MIN_GAIN * len(source.text):
        return None
    total = len(lines)
    return Draft(text, LinesShown((Lines(1, total),), _read), "lines", total, total)


def _runs(words: Sequence[Sequence[str]]) -> Iterator[_Run]:
    """Yield runs of lines with as many words, the first and half of all words the same."""
    start = 0
    while start < len(words):
        first = words[start]
        form: list[str | None] = list(first)
        end = start + 1
        if _MIN_WORDS <= len(first) <= _MAX_WORDS:
            while end < len(words) and len(words[end]) == len(first):
                merged = [a if a == b else None for a, b in zip(form, words[end], strict=True)]
                if merged[0] is None or merged.count(None) * 2 > len(merged):
                    break
                form = merged
                end += 1
        if end - start >= _MIN_RUN:
            yield _Run(start, end, tuple(form))
        start = end


def _write(words: Sequence[Sequence[str]], run: _Run) -> list[str] | None:
    """Return header and rows of a run; None if it saves too little or cannot be written."""
    rows = words[run.start : run.end]
    header: list[str] = []
    columns: list[list[str]] = []
    for place, word in enumerate(run.form):
        if word is not None:
            header.append(word)
            continue
        cells = [row[place] for row in rows]
        before, after = _shared(cells)
        header.append(f"{before}{_SLOT}{after}")
        columns.append([cell[len(before) : len(cell) - len(after)] for cell in cells])
    if not columns or any(_SEPARATOR in cell for column in columns for cell in column):
        return None
    out = [f"[={run.end - run.start} {' '.join(header)}]"]
    out += [_SEPARATOR.join(cells) for cells in zip(*columns, strict=True)]
    size = sum(len(word) + 1 for row in rows for word in row)
    return out if size - sum(len(row) + 1 for row in out) >= _MIN_SAVED else None


def _shared(cells: Sequence[str]) -> tuple[str, str]:
    """Return what all cells begin and end with, cut at the ends of words: 31 and 32 share nothing."""
    size = _prefix(cells)
    tail = _prefix([cell[size:][::-1] for cell in cells])
    first = cells[0]
    return first[:size], first[len(first) - tail :]


def _prefix(cells: Sequence[str]) -> int:
    low, high = min(cells), max(cells)
    least = min(map(len, cells))
    size = next((n for n in range(least) if low[n] != high[n]), least)
    while size and _WORD.match(low[size - 1]) and any(_WORD.match(cell, size) for cell in cells):
        size -= 1
    return size


def _read(text: str) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line."""
    rows = iter(text.split("\n"))
    next(rows, "")
    number = 0
    for row in rows:
        match = _HEADER.fullmatch(row)
        if match is None or _SLOT not in match[2]:
            number += 1
            yield number, row
            continue
        parts = match[2].split(_SLOT)
        for _ in range(int(match[1])):
            cells = next(rows, "").split(_SEPARATOR)
            number += 1
            filled = (part + cell for part, cell in zip(parts, [*cells, ""], strict=True))
            yield number, "".join(filled)
