"""A view of picked lines: each with its number, notes between them, fixed fields hoisted.

What lives here: how such a view is written and read back, and the draft that
claims it. What does not: which lines are picked and what the notes say.

``12:text`` is line 12 as it stands. ``12|text`` is line 12 without the fixed
fields that the legend names. ``40~12:text`` says, besides, that line 40 is of
the same pattern as line 12. Under ``12-40:`` stand these 29 lines as they are,
but that ``  as L3-8`` among them stands for lines 3 to 8 again.
All else is a note; notes start with a blank or a bracket. A line too long to
stand in a view is elided like others, and a note gives its beginning and end.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Final

from furler_engine.clean import clean_line, needs_cleaning
from furler_engine.shared.blocks import joined
from furler_engine.text_lines import TextLines
from furler_engine.types import Draft, Elision, Lines, LinesShown, Source

_SHOWN: Final = re.compile(r"(\d{1,15})(?:~\d{1,15})?([:|])(.*)", re.DOTALL)
_BLOCK: Final = re.compile(r"(\d{1,15})-(\d{1,15}):")
_AGAIN: Final = re.compile(r"  as L(\d{1,15})(?:-(\d{1,15}))?")
_MIN_BLOCK: Final = 3
"""Lines in a row that are worth a heading instead of a number each."""
LONGEST: Final = 8_000
"""Characters of a line from which on a view gives its beginning and end only."""
_HEAD, _TAIL = 2_000, 1_000
_HEADER_FIELDS: Final = 10
"""How many leading fields are looked at for fixed ones."""
_MIN_SHARE: Final = 0.6
"""Share of the shown lines that must have a field for it to be hoisted."""
_MIN_ROWS: Final = 8
_WORTH: Final = 160
"""Characters to be saved before a legend of half that length pays, and is worth reading."""


@dataclass(frozen=True, slots=True)
class Header:
    """Leading blank-separated fields; None where lines differ."""

    fields: tuple[str | None, ...]

    def strip(self, line: str) -> str | None:
        """Return the line without the fixed fields, or None if it does not have them."""
        parts = line.split(" ", len(self.fields))
        if len(parts) <= len(self.fields):
            return None
        kept = []
        for part, fixed in zip(parts, self.fields, strict=False):
            if fixed is None:
                kept.append(part)
            elif part != fixed:
                return None
        kept.append(parts[-1])
        return " ".join(kept)

    def restore(self, text: str) -> str:
        """Put the fixed fields back."""
        parts = text.split(" ", self.fields.count(None))
        varying = iter(parts)
        fields = [next(varying) if field is None else field for field in self.fields]
        return " ".join([*fields, parts[-1]])

    def __str__(self) -> str:
        """Show the fixed fields in place, a dot for each that varies."""
        return " ".join("·" if field is None else field for field in self.fields) + " …"


def cleaned_lines(source: Source) -> Sequence[str]:
    """Return the source's lines as a terminal would show them."""
    return source.derived(_cleaned)


def _cleaned(source: Source) -> Sequence[str]:
    if not needs_cleaning(source.text):
        return source.lines
    shown = map(clean_line, source.lines)
    if isinstance(source.lines, list):
        return list(shown)
    return TextLines(joined(chain(shown, ("",))))


def ends(lines: Sequence[str]) -> set[int]:
    """Return the indexes of the first and the last line that are not blank."""
    filled = [
        row for row in (*range(min(50, len(lines))), *range(len(lines))[-50:]) if lines[row].strip()
    ]
    return {filled[0], filled[-1]} if filled else set()


def fixed_header(lines: Sequence[str]) -> Header | None:
    """Find leading fields that most of the lines share; None if that gains nothing."""
    rows = [line.split(" ", _HEADER_FIELDS)[:_HEADER_FIELDS] for line in lines if line]
    if len(rows) < _MIN_ROWS:
        return None
    need = _MIN_SHARE * len(rows)
    fields: list[str | None] = []
    held = 0
    for place in range(_HEADER_FIELDS):
        rows = [row for row in rows if len(row) > place + 1]
        if len(rows) < need:
            break
        value, count = Counter([row[place] for row in rows]).most_common(1)[0]
        if count >= need and value:
            fields.append(value)
            rows = [row for row in rows if row[place] == value]
            held = len(rows)
        else:
            fields.append(None)
    while fields and fields[-1] is None:
        fields.pop()
    saved = sum(len(field) + 1 for field in fields if field is not None)
    return Header(tuple(fields)) if saved * held > _WORTH else None


def read_back(
    header: Header | None, text: str, *, has_repeats: bool = False
) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that a view shows; with ``has_repeats`` mind those in blocks."""
    rows = iter(text.split("\n"))
    for row in rows:
        if match := _BLOCK.fullmatch(row):
            at, last = int(match[1]), int(match[2])
            while at <= last:
                line = next(rows, "")
                if has_repeats and (again := _AGAIN.fullmatch(line)):
                    at += int(again[2] or again[1]) - int(again[1]) + 1
                else:
                    yield at, line
                    at += 1
        elif match := _SHOWN.match(row):
            number, sign, rest = match.groups()
            yield int(number), header.restore(rest) if sign == "|" and header else rest


@dataclass(slots=True)
class Page:
    """What a view of numbered lines is made of; compressors fill it in.

    ``picked`` are indexes into the lines, from 0; ``notes`` follow the line of
    their index, or stand where it would be; ``like`` maps an index to an
    earlier one of the same pattern; only lines of ``plain`` may lose their fixed
    fields, others stand as they are; runs of lines in ``block`` share one number.
    ``again`` maps the first of some lines in ``block`` to how many they are and to the
    first of the picked lines that they repeat. ``tight`` asks for no more than one line of a pattern.
    """

    picked: set[int] = field(default_factory=set)
    notes: dict[int, list[str]] = field(default_factory=dict)
    like: dict[int, int] = field(default_factory=dict)
    plain: set[int] = field(default_factory=set)
    block: set[int] = field(default_factory=set)
    again: dict[int, tuple[int, int]] = field(default_factory=dict)
    opening: list[str] = field(default_factory=list)
    closing: list[str] = field(default_factory=list)
    tight: bool = False


def draft(source: Source, lines: Sequence[str], page: Page) -> Draft:
    """Write the view of the picked lines; ``lines`` are the source's, cleaned or not."""
    for row in [row for row in page.picked if len(lines[row]) > LONGEST]:
        page.picked.remove(row)
        page.notes.setdefault(row, []).insert(0, _excerpt(row, lines[row]))
    picked = sorted(page.picked)
    header = fixed_header([lines[row] for row in picked if row in page.plain])
    out = list(page.opening)
    if header is not None:
        out.append(f"[fixed fields, left out of lines written 12|: {header}]")
    has_repeats = _write_rows(out, lines, page, header)
    out += page.closing
    return Draft(
        text="\n".join(out),
        coverage=LinesShown(
            _runs(picked),
            partial(read_back, header, has_repeats=has_repeats),
            cleaned=lines is not source.lines,
        ),
        units="lines",
        total=len(lines),
        shown=len(picked),
        elisions=tuple(
            Elision(gap, f"{gap.last - gap.first + 1} lines") for gap in _gaps(picked, len(lines))
        ),
    )


def _excerpt(row: int, line: str) -> str:
    return f"  L{row + 1}, {len(line):,} characters, begins {line[:_HEAD]} … ends {line[-_TAIL:]}"


def _write_line(page: Page, header: Header | None, row: int, line: str) -> str:
    number = f"{row + 1}~{page.like[row] + 1}" if row in page.like else f"{row + 1}"
    short = header.strip(line) if header and row in page.plain else None
    return f"{number}:{line}" if short is None else f"{number}|{short}"


def _write_rows(out: list[str], lines: Sequence[str], page: Page, header: Header | None) -> bool:
    """Write what is picked, with notes and repeats; say whether repeats stand inside of blocks."""
    # Where the content itself has such a line, repeats stand between blocks, as notes do.
    inside = bool(page.again) and not any(_AGAIN.fullmatch(lines[row]) for row in page.picked)
    starts = {earlier for _, earlier in page.again.values()}
    waiting: list[tuple[int, int, str]] = []
    for row in sorted(page.picked | page.notes.keys() | page.again.keys()):
        if waiting and (row != sum(waiting[-1][:2]) or row in starts):
            _write_block(out, waiting)
        if row in page.again:
            size, earlier = page.again[row]
            last = f"-{earlier + size}" if size > 1 else ""
            text = f"  as L{earlier + 1}{last}"
            if inside and waiting:
                waiting.append((row, size, text))
            else:
                _write_block(out, waiting)
                out.append(text)
        elif row in page.picked and row in page.block:
            waiting.append((row, 1, lines[row]))
        else:
            _write_block(out, waiting)
            if row in page.picked:
                out.append(_write_line(page, header, row, lines[row]))
        if row in page.notes:
            _write_block(out, waiting)
            out += page.notes[row]
    _write_block(out, waiting)
    return inside


def _write_block(out: list[str], waiting: list[tuple[int, int, str]]) -> None:
    """Write rows that follow each other: each its index, how many lines it stands for, its text."""
    if len(waiting) < _MIN_BLOCK:
        out += [
            text if size > 1 or _AGAIN.fullmatch(text) else f"{row + 1}:{text}"
            for row, size, text in waiting
        ]
    else:
        out.append(f"{waiting[0][0] + 1}-{sum(waiting[-1][:2])}:")
        out += [text for _, _, text in waiting]
    waiting.clear()


def _runs(picked: Sequence[int]) -> tuple[Lines, ...]:
    runs: list[Lines] = []
    start = last = -2
    for row in picked:
        if row != last + 1:
            if last >= 0:
                runs.append(Lines(start + 1, last + 1))
            start = row
        last = row
    if last >= 0:
        runs.append(Lines(start + 1, last + 1))
    return tuple(runs)


def _gaps(picked: Sequence[int], total: int) -> Iterator[Lines]:
    at = 0
    for row in picked:
        if row > at:
            yield Lines(at + 1, row)
        at = row + 1
    if at < total:
        yield Lines(at + 1, total)
