"""Proof that a draft hides nothing: shown and elided together are the content.

A draft that fails is a bug of its compressor. The pipeline names it in its
decisions and lets the content through; a reader never sees it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate

from furler_engine.clean import clean_line
from furler_engine.json_value import same_value
from furler_engine.types import (
    Bytes,
    BytesShown,
    Draft,
    JsonLocation,
    Lines,
    LinesShown,
    Rows,
    Source,
    ValueShown,
)

Interval = tuple[int, int]


class CoverageError(Exception):
    """A draft does not account for all of its source."""


def check(source: Source, draft: Draft) -> None:
    """Prove that the draft shows or names every unit of the source.

    Raises CoverageError otherwise. Linear in the source.
    """
    match draft.coverage:
        case LinesShown() as coverage:
            _check_lines(source, draft, coverage)
        case BytesShown() as coverage:
            _check_bytes(source, draft, coverage)
        case ValueShown() as coverage:
            _check_value(source, draft, coverage)


def _check_lines(source: Source, draft: Draft, coverage: LinesShown) -> None:
    elided = []
    for elision in draft.elisions:
        if not isinstance(elision.place, Lines):
            raise CoverageError(f"{elision.place} is no range of lines")
        elided.append(elision.place)
    intervals = [(span.first - 1, span.last) for span in (*coverage.lines, *elided)]
    _check_union(intervals, len(source.lines), overlap=False)
    if coverage.decode is None:
        _check_verbatim(source, draft.text, coverage)
    else:
        try:
            _check_decoded(source, coverage, coverage.decode(draft.text))
        except (ValueError, LookupError) as error:
            raise CoverageError("the text cannot be decoded") from error


def _check_verbatim(source: Source, text: str, coverage: LinesShown) -> None:
    at = 0
    for span in coverage.lines:
        for line in source.lines[span.first - 1 : span.last]:
            shown = clean_line(line) if coverage.cleaned else line
            at = text.find(shown, at)
            if at < 0:
                raise CoverageError(f"a line of {span.first}-{span.last} is not in the text")
            at += len(shown)


def _check_decoded(
    source: Source, coverage: LinesShown, decoded: Iterable[tuple[int, str]]
) -> None:
    wanted = {n for span in coverage.lines for n in range(span.first, span.last + 1)}
    for number, line in decoded:
        if number not in wanted:
            raise CoverageError(f"line {number} is decoded twice or was not claimed")
        wanted.remove(number)
        expected = source.lines[number - 1]
        if line != (clean_line(expected) if coverage.cleaned else expected):
            raise CoverageError(f"line {number} decodes to something else")
    if wanted:
        raise CoverageError(f"line {min(wanted)} is claimed but not decoded")


def _check_bytes(source: Source, draft: Draft, coverage: BytesShown) -> None:
    starts: list[int] = []
    intervals = [(r.start, r.end) for r in coverage.ranges]
    for elision in draft.elisions:
        place = elision.place
        if isinstance(place, Bytes):
            intervals.append((place.start, place.end))
        elif isinstance(place, Lines):
            starts = starts or line_starts(source)
            intervals.append((starts[place.first - 1], starts[place.last]))
        else:
            raise CoverageError(f"{place} is no range of bytes")
    _check_union(intervals, len(source.data), overlap=True)
    text, at = draft.text.encode(), 0
    for r in coverage.ranges:
        at = text.find(source.data[r.start : r.end], at)
        if at < 0:
            raise CoverageError(f"bytes {r.start}-{r.end} are not in the text")
        at += r.end - r.start


def _check_value(source: Source, draft: Draft, coverage: ValueShown) -> None:
    rows = []
    for elision in draft.elisions:
        if not isinstance(elision.place, Rows):
            raise CoverageError(f"{elision.place} is no range of rows")
        rows.append(elision.place)
    try:
        decoded, expected = coverage.decode(draft.text), prune(source.value, rows)
    except (ValueError, LookupError) as error:
        raise CoverageError("the text cannot be decoded") from error
    if not same_value(decoded, expected):
        raise CoverageError("the text decodes to another value")


def _check_union(intervals: list[Interval], total: int, *, overlap: bool) -> None:
    at = 0
    for start, end in sorted(intervals):
        if end < start or end > total:
            raise CoverageError(f"{start}-{end} does not lie in 0-{total}")
        if start > at:
            raise CoverageError(f"{at}-{start} is neither shown nor elided")
        if start < at and not overlap:
            raise CoverageError(f"{start}-{at} is claimed twice")
        at = max(at, end)
    if at < total:
        raise CoverageError(f"{at}-{total} is neither shown nor elided")


def prune(value: object, rows: Iterable[Rows]) -> object:
    """Return the value without the named rows; the given value is left alone.

    Raises LookupError when a path or a range does not fit the value. Paths may
    not lead through an array that is pruned itself.
    """
    ranges: dict[JsonLocation, list[tuple[int, int]]] = {}
    for place in rows:
        ranges.setdefault(place.path, []).append((place.start, place.end))
    for path, cuts in ranges.items():
        value = _prune_at(value, path, sorted(cuts))
    return value


def _prune_at(value: object, path: JsonLocation, cuts: list[Interval]) -> object:
    match value, path:
        case dict(), (str(name), *rest):
            return {**value, name: _prune_at(value[name], tuple(rest), cuts)}
        case list(), (int(index), *rest):
            inner = _prune_at(value[index], tuple(rest), cuts)
            return [*value[:index], inner, *value[index + 1 :]]
        case list(), ():
            return _without(value, cuts)
        case _:
            raise LookupError(f"{path} leads nowhere")


def _without(rows: list[object], cuts: list[Interval]) -> list[object]:
    kept: list[object] = []
    at = 0
    for start, end in cuts:
        if not at <= start < end <= len(rows):
            raise LookupError(f"rows {start}-{end} overlap or lie outside")
        kept += rows[at:start]
        at = end
    return kept + rows[at:]


def line_starts(source: Source) -> list[int]:
    """Return the byte offset of each line, and of the end: one more than there are lines."""
    sizes = [len(line.encode()) + 1 for line in source.lines]
    starts = [0, *accumulate(sizes)]
    starts[-1] = len(source.data)
    return starts
