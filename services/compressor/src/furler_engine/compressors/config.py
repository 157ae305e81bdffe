"""Settings that people write: YAML, TOML, INI without long comments, scripts and repeats.

What lives here: which lines of a settings file a view leaves out, and how it
names them. What does not: lock files (lock_file), JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from furler_engine.markers import format_place
from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Elision, Kind, Level, Lines, LinesShown, Policy, Source

MIN_LINES: Final = 40
_BLOCK_SCALAR = re.compile(
    r"(\s*)(?:- )?[^#\n]*?[:=]?\s*[|>][+-]?\d?\s*(?:#.*)?|(\s*)[^#\n]+ = (?:\"\"\"|''').*"
)
_ITEM = re.compile(r"\s*(?:- +)?(?:\"[^\"]*\"|'[^']*'|[\w./@:~^<>=*-]+(?<!:)),?\s*")
_MIN_REPEAT: Final = 4
"""Lines from which a run that stood above is worth a reference."""


class _Limits(NamedTuple):
    """Lines that stay of a comment, of a script, of a list of plain values."""

    comment: int
    script: int
    items: int


_LIMITS: Final = {Level.CAREFUL: _Limits(1, 4, 12), Level.TIGHT: _Limits(0, 1, 4)}


class _Gap(NamedTuple):
    """Lines ``first`` to ``last`` (indexes, half-open) left out, and why."""

    first: int
    last: int
    why: str


def plan(source: Source, policy: Policy) -> Draft | None:
    """Leave out the ends of comments, scripts and lists, and what repeats lines above."""
    lines = source.lines
    limits = _LIMITS.get(policy.level(Kind.CONFIG))
    if limits is None or len(lines) < MIN_LINES:
        return None
    asked = set(rare_hits(source.hints.query, lines)) if source.hints.query else set()
    gaps = _merge([*_repeats(lines), *_comments(lines, limits), *_blocks(lines, limits)], asked)
    if not gaps:
        return None
    out = [
        "[settings, exact; … L8-19: why says which lines are left out, = L1-5 that they repeat those]"
    ]
    shown: list[Lines] = []
    at = 0
    for gap in gaps:
        if gap.first > at:
            shown.append(Lines(at + 1, gap.first))
            out += lines[at : gap.first]
        out.append(f"… {format_place(Lines(gap.first + 1, gap.last))}{gap.why}")
        at = gap.last
    if at < len(lines):
        shown.append(Lines(at + 1, len(lines)))
        out += lines[at:]
    elisions = tuple(Elision(Lines(g.first + 1, g.last), g.why.strip(": ")) for g in gaps)
    count = len(lines) - sum(gap.last - gap.first for gap in gaps)
    return Draft("\n".join(out), LinesShown(tuple(shown)), "lines", len(lines), count, elisions)


def _merge(gaps: list[_Gap], asked: set[int]) -> list[_Gap]:
    """Drop gaps that hold what is asked for, that are too short, or overlap an earlier one."""
    kept: list[_Gap] = []
    for gap in sorted(gaps, key=lambda g: (g.first, -g.last)):
        first = max(gap.first, kept[-1].last) if kept else gap.first
        if gap.last - first < 2 or any(at in asked for at in range(first, gap.last)):
            continue
        if first > gap.first and gap.why.startswith(" ="):
            continue
        kept.append(_Gap(first, gap.last, gap.why))
    return kept


def _repeats(lines: Sequence[str]) -> Iterator[_Gap]:
    """Runs of lines that stood above in the same order, the longest first found."""
    starts: dict[tuple[str, ...], int] = {}
    at = 0
    while at + _MIN_REPEAT <= len(lines):
        key = tuple(lines[at : at + _MIN_REPEAT])
        earlier = starts.setdefault(key, at)
        if earlier + _MIN_REPEAT > at:
            at += 1
            continue
        size = _MIN_REPEAT
        while (
            at + size < len(lines)
            and earlier + size < at
            and lines[earlier + size] == lines[at + size]
        ):
            size += 1
        yield _Gap(at, at + size, f" = {format_place(Lines(earlier + 1, earlier + size))}")
        at += size


def _comments(lines: Sequence[str], limits: _Limits) -> Iterator[_Gap]:
    start = -1
    for at, line in enumerate([*lines, ""]):
        if line.lstrip().startswith(("#", ";")):
            start = at if start < 0 else start
        elif start >= 0:
            yield _Gap(start + limits.comment, at, ": comment")
            start = -1


def _blocks(lines: Sequence[str], limits: _Limits) -> Iterator[_Gap]:
    """Ends of block scalars, by indentation, and of long lists of plain values."""
    items = 0
    skip = 0
    for at, line in enumerate([*lines, ""]):
        if at < skip:
            continue
        if line[-1:] in "|>+-" and line and _BLOCK_SCALAR.fullmatch(line):
            end = _end_of_block(lines, at)
            yield _Gap(at + 1 + limits.script, end, ": script")
            skip = end
        elif line.strip() and _ITEM.fullmatch(line):
            items += 1
            continue
        if items > limits.items + 2:
            yield _Gap(at - items + limits.items, at, f": {items - limits.items} more values")
        items = 0


def _end_of_block(lines: Sequence[str], at: int) -> int:
    indent = len(lines[at]) - len(lines[at].lstrip())
    end = at + 1
    while end < len(lines) and (
        not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
    ):
        end += 1
    while end > at + 1 and not lines[end - 1].strip():
        end -= 1
    return end
