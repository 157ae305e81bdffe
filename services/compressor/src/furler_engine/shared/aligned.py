"""Tables that programs line up with blanks (ps, df, kubectl get, docker ps): where their columns are.

What lives here: finding the header and the gutters, cutting a line into cells. What
does not: what a table is to a view (rows.py, compressors/table.py).

A gutter is a position at which nearly every line has a blank. Two words of the
header name two columns where a gutter lies between them, and one ("Mounted on")
where none does, or where nothing ever stands under the second ("NOMINATED NODE").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest
from typing import Final

_HEADER_WITHIN: Final = 10
"""Lines, from the start, that the header is among: top prints a summary above it."""
_MIN_ROWS: Final = 6
_MIN_COLUMNS: Final = 3
_SAMPLE: Final = 200
_WIDEST: Final = 400
"""Characters up to which gutters are looked for; the last column may go on."""
FIT: Final = 0.9
"""Share of the rows that must keep a gutter: a long value runs over the edge of its column."""
_WORD: Final = re.compile(r"\S+")
_TITLED: Final = re.compile(r"(?:[A-Z%#][^\d:=]*|\|\|/)\Z")
_TITLED_SHARE: Final = 0.6
_NUMBER: Final = re.compile(r"[-+]?\d[\d.,:]{0,30}(?:%|[a-zA-Z]{1,3})?", re.ASCII)
_MIN_NUMERIC: Final = 2
"""Columns of numbers that make a header of the words above them, whatever their case."""
_RULE: Final = re.compile(r"[-=+ ]*-{3,}[-=+ ]*\Z|[-=+ ]*={3,}[-=+ ]*\Z")
# A rule of several runs says that what stands above it is a header, in whatever words.
_RULED: Final = re.compile(r" *(?:-{2,}(?: +-{2,})+|={2,}(?: +={2,})+) *")


@dataclass(frozen=True, slots=True)
class Layout:
    """Line of the header, from 0; names of the columns; where each but the first begins.

    ``by_word``: every cell but the last is one word, so that the words of a line tell its
    cells even where a long one has pushed the others aside.
    """

    header: int
    names: list[str]
    cuts: list[int]
    by_word: bool = False

    def cells(self, line: str) -> list[str] | None:
        """Cut a line into its cells; None where they cannot be told."""
        if all(line[cut : cut + 1] in ("", " ") for cut in self.cuts):
            edges = [0, *self.cuts, len(line)]
            return [line[a:b].strip() for a, b in pairwise(edges)]
        words = line.split(None, len(self.cuts))
        return words if self.by_word and len(words) == len(self.names) else None


def layout_of(lines: Sequence[str]) -> Layout | None:
    """Find the columns of lines that are lined up below a header; None for any others."""
    for at, line in enumerate(lines[:_HEADER_WITHIN]):
        words = list(_WORD.finditer(line[:_WIDEST]))
        ruled = at + 1 < len(lines) and _RULED.fullmatch(lines[at + 1]) is not None
        is_header = _is_header(words, line) or (ruled and len(words) >= _MIN_COLUMNS)
        if not (is_header or _heads_numbers(words, line, lines[at + 1 : at + 1 + _SAMPLE])):
            continue
        below = [row[:_WIDEST] for row in lines[at + 1 : at + 1 + _SAMPLE] if is_row(row)]
        if len(below) < _MIN_ROWS:
            return None
        found = _layout(at, words, below)
        if found is not None:
            return found
    return None


def is_row(line: str) -> bool:
    """Whether a line can be a row: no blank line, no rule."""
    return bool(line.strip()) and _RULE.match(line) is None


def _is_header(words: Sequence[re.Match[str]], line: str) -> bool:
    if len(words) < _MIN_COLUMNS or "  " not in line.strip():
        return False
    titled = sum(_TITLED.match(word[0]) is not None for word in words)
    return titled >= _TITLED_SHARE * len(words)


def _heads_numbers(words: Sequence[re.Match[str]], line: str, below: Sequence[str]) -> bool:
    """Whether words without digits stand above columns of numbers: pandas, vmstat, pprof."""
    if len(words) < _MIN_COLUMNS or "  " not in line.strip() or any(map(str.isdigit, line)):
        return False
    rows = [row.split() for row in below if is_row(row)]
    fitting = [row for row in rows if len(row) - len(words) in (0, 1)]  # an index has no name
    if len(fitting) < max(_MIN_ROWS, FIT * len(rows)):
        return False
    places = range(1, len(words) + 1)
    numeric = sum(all(_NUMBER.fullmatch(row[-at]) for row in fitting) for at in places)
    return numeric >= _MIN_NUMERIC


def _layout(at: int, words: Sequence[re.Match[str]], below: Sequence[str]) -> Layout | None:
    columns = zip_longest(*below, fillvalue=" ")
    gutters = ["".join(column).count(" ") >= FIT * len(below) for column in columns]
    names, cuts = [words[0][0]], list[int]()
    for before, word in pairwise(words):
        edge = next(
            (p for p in range(word.start() - 1, before.end() - 1, -1) if _at(gutters, p)), -1
        )
        if edge < 0:
            names[-1] += f" {word[0]}"
        else:
            names.append(word[0])
            cuts.append(edge)
    layout = _without_empty(Layout(at, names, cuts), below)
    return layout if len(layout.names) >= _MIN_COLUMNS else None


def _at(gutters: Sequence[bool], position: int) -> bool:
    return position >= len(gutters) or gutters[position]


def _without_empty(layout: Layout, below: Sequence[str]) -> Layout:
    """Give the name of a column with no value at all to the one before it."""
    rows = [cells for line in below if (cells := layout.cells(line)) is not None]
    names, cuts = [layout.names[0]], list[int]()
    for index, (name, cut) in enumerate(zip(layout.names[1:], layout.cuts, strict=True), 1):
        if any(row[index] for row in rows):
            names.append(name)
            cuts.append(cut)
        else:
            names[-1] += f" {name}"
    found = Layout(layout.header, names, cuts)
    rows = [cells for line in below if (cells := found.cells(line)) is not None]
    return replace(found, by_word=all(cell and " " not in cell for r in rows for cell in r[:-1]))
