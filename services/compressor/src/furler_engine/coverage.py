"""Proof that a draft hides nothing: shown and elided together are the content.

A draft that fails is a bug of its compressor. The pipeline names it in its
decisions and lets the content through; a reader never sees it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final

import numpy as np

from furler_engine.clean import clean_line
from furler_engine.json_value import parse, same_value
from furler_engine.shared.blocks import through
from furler_engine.shared.markup_scan import shown_pieces
from furler_engine.shared.pruning import prune
from furler_engine.types import (
    Bytes,
    BytesShown,
    Draft,
    Elision,
    JsonLocation,
    Lines,
    LinesShown,
    Part,
    PartsShown,
    Rows,
    Source,
    TextShown,
    ValueShown,
    Within,
    WordsShown,
    placeholder,
)

Interval = tuple[int, int]
_NEWLINE: Final = 10
_SEARCHED_AT_ONCE: Final = 1 << 18
"""Bytes."""
_NEAR: Final = 4
"""Lines up to which going on to one is quicker than looking it up."""

_BLANKS: Final = (b" ", b"\t", b"\n")
"""What words that are left out stand between; other white space is as good as a letter here."""

_DECODER_TROUBLE: Final = (
    ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError,
)  # fmt: skip
"""What a decoder with a bug may raise: like any draft that fails, no caller's trouble."""


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
        case WordsShown() as coverage:
            _check_words(source, draft, coverage)
        case TextShown() as coverage:
            _check_text(source, draft, coverage)
        case ValueShown() as coverage:
            _check_value(source, draft, coverage)
        case PartsShown() as coverage if coverage.envelope:
            _check_strings(source, draft, coverage)
        case PartsShown() as coverage:
            _check_parts(source, draft, coverage)


def _check_lines(source: Source, draft: Draft, coverage: LinesShown) -> None:
    intervals = [(span.first - 1, span.last) for span in coverage.lines]
    for elision in draft.elisions:
        if not isinstance(elision.place, Lines):
            raise CoverageError(f"{type(elision.place).__name__} among lines")
        intervals.append(_elided(elision.place.first - 1, elision.place.last))
    _check_union(intervals, len(source.lines), overlap=False)
    if coverage.decode is None:
        _check_verbatim(source, draft.text, coverage)
        return
    try:
        _check_decoded(source, coverage, coverage.decode(draft.text))
    except _DECODER_TROUBLE as error:
        raise CoverageError("the text cannot be decoded") from error


def _check_verbatim(source: Source, text: str, coverage: LinesShown) -> None:
    """Find every shown line at the end of a line of the text; a number may stand before it."""
    text += "\n"
    at = 0
    for span in coverage.lines:
        for line in through(source.lines, span.first - 1, span.last):
            shown = (clean_line(line) if coverage.cleaned else line) + "\n"
            at = text.find(shown, at)
            if at < 0:
                raise CoverageError(f"a line of {span.first}-{span.last} is not in the text")
            at += len(shown)


def _check_decoded(
    source: Source, coverage: LinesShown, decoded: Iterable[tuple[int, str]]
) -> None:
    # A byte a line: a set of their numbers takes sixty times that.
    wanted = bytearray(len(source.lines) + 1)
    for span in coverage.lines:
        wanted[span.first : span.last + 1] = b"\x01" * (span.last + 1 - span.first)
    following, at = iter(source.lines), 0
    for number, line in decoded:
        if not (0 < number < len(wanted) and wanted[number]):
            raise CoverageError(f"line {number} is decoded twice or was not claimed")
        wanted[number] = 0
        if at < number <= at + _NEAR:  # as most views go on: that is quicker than by index
            expected = next(islice(following, number - at - 1, None))
            at = number
        else:
            expected = source.lines[number - 1]
        if line != (clean_line(expected) if coverage.cleaned else expected):
            raise CoverageError(f"line {number} decodes to something else")
    if (missing := wanted.find(1)) >= 0:
        raise CoverageError(f"line {missing} is claimed but not decoded")


def _check_bytes(source: Source, draft: Draft, coverage: BytesShown) -> None:
    _check_byte_union(source, draft, coverage.ranges)
    data, text, at = source.data, draft.text.encode(), 0
    for r in coverage.ranges:
        at = text.find(data[r.start : r.end], at)
        if at < 0:
            raise CoverageError(f"bytes {r.start}-{r.end} are not in the text")
        at += r.end - r.start


def _check_text(source: Source, draft: Draft, coverage: TextShown) -> None:
    _check_byte_union(source, draft, coverage.ranges)
    text, at = " ".join(draft.text.split()), 0
    for r in coverage.ranges:
        for piece in shown_pieces(source.data[r.start : r.end].decode(errors="replace")):
            at = text.find(piece, at)
            if at < 0:
                raise CoverageError(f"text of bytes {r.start}-{r.end} is not in the view")
            at += len(piece)


def _check_words(source: Source, draft: Draft, coverage: WordsShown) -> None:
    named = _joined(_check_byte_union(source, draft, coverage.ranges))
    data, text, at = source.data, draft.text.encode(), 0
    runs = iter(coverage.dropped)
    run = next(runs, None)
    for shown in coverage.ranges:
        pieces: list[bytes] = []
        start = shown.start
        while run is not None and run.start < shown.end:
            if not start <= run.start < run.end <= shown.end:
                raise CoverageError(f"words of {run.start}-{run.end} lie in no range, or twice")
            _check_run(data, run, named)
            pieces.append(data[start : run.start])
            start, run = run.end, next(runs, None)
        piece = b"".join([*pieces, data[start : shown.end]])
        at = text.find(piece, at)
        if at < 0:
            raise CoverageError(f"bytes {shown.start}-{shown.end} less words are not in the text")
        at += len(piece)
    if run is not None:
        raise CoverageError(f"words of {run.start}-{run.end} lie in no range")


def _check_run(data: bytes, run: Bytes, named: list[Interval]) -> None:
    """Prove that a run is whole words of one line, glues no others, and is named."""
    index = bisect_right(named, (run.start, len(data))) - 1
    if index < 0 or named[index][1] < run.end:
        raise CoverageError(f"no elision names the words of {run.start}-{run.end}")
    inside = data[run.start : run.end]
    if b"\n" in inside:
        raise CoverageError(f"words of {run.start}-{run.end} lie in several lines")
    before, behind = _is_blank(data, run.start - 1), _is_blank(data, run.end)
    if not (before or inside[:1] in _BLANKS) or not (behind or inside[-1:] in _BLANKS):
        raise CoverageError(f"{run.start}-{run.end} are no whole words")
    if not (before or behind):
        raise CoverageError(f"without {run.start}-{run.end} two words are one")


def _is_blank(data: bytes, at: int) -> bool:
    """Whether a blank or an end of the text stands there."""
    return not 0 <= at < len(data) or data[at : at + 1] in _BLANKS


def _check_byte_union(source: Source, draft: Draft, ranges: Iterable[Bytes]) -> list[Interval]:
    """Check that ranges and elisions are all bytes; return what the elisions are."""
    starts: Sequence[int] = ()
    intervals = [(r.start, r.end) for r in ranges]
    shown = len(intervals)
    for elision in draft.elisions:
        place = elision.place
        if isinstance(place, Bytes):
            intervals.append(_elided(place.start, place.end))
        elif isinstance(place, Lines):
            starts = starts or line_starts(source)
            if not 1 <= place.first <= place.last < len(starts):
                raise CoverageError(f"there are no lines {place.first}-{place.last}")
            intervals.append(_elided(starts[place.first - 1], starts[place.last]))
        else:
            raise CoverageError(f"{type(place).__name__} among bytes")
    _check_union(intervals, len(source.data), overlap=True)
    return intervals[shown:]


def _joined(intervals: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _check_value(source: Source, draft: Draft, coverage: ValueShown) -> None:
    rows = []
    for elision in draft.elisions:
        if not isinstance(elision.place, Rows):
            raise CoverageError(f"{type(elision.place).__name__} among rows")
        rows.append(elision.place)
    try:
        decoded, expected = coverage.decode(draft.text), prune(source.value, rows)
    except _DECODER_TROUBLE as error:
        raise CoverageError("the text cannot be decoded, or a row is not there") from error
    if not same_value(decoded, expected):
        raise CoverageError("the text decodes to another value")


def _check_parts(source: Source, draft: Draft, coverage: PartsShown) -> None:
    if draft.elisions or any(part.draft and part.draft.elisions for part in coverage.parts):
        raise CoverageError("a part that is lines leaves nothing out")
    spans: list[Interval] = []
    at = 0
    for part in coverage.parts:
        if not isinstance(part.where, Lines):
            raise CoverageError("a string among lines")
        spans.append((part.where.first - 1, part.where.last))
        text = "\n".join(source.lines[part.where.first - 1 : part.where.last])
        at = _after_part(draft, text, part, at)
    _check_union(spans, len(source.lines), overlap=False)


def _check_strings(source: Source, draft: Draft, coverage: PartsShown) -> None:
    at = draft.text.find(coverage.envelope)
    if at < 0:
        raise CoverageError("the envelope is not in the text")
    at += len(coverage.envelope)
    value: object = parse(coverage.envelope)
    elisions: list[Elision] = []
    for index, part in enumerate(coverage.parts):
        if isinstance(part.where, Lines):
            raise CoverageError("lines among strings")
        string = _put(value, part.where, placeholder(index), source.value)
        at = _after_part(draft, string, part, at)
        elisions += within(part.where, part.draft.elisions if part.draft else ())
    if tuple(elisions) != draft.elisions:
        raise CoverageError("what is left out of the parts is not what the draft leaves out")
    if not same_value(value, source.value):
        raise CoverageError("the envelope is something else")


def _after_part(draft: Draft, text: str, part: Part, at: int) -> int:
    """Check a part, find its view at or behind an offset, and return where it ends."""
    if part.draft is not None:
        check(Source(text), part.draft)
        text = part.draft.text
    found = draft.text.find(text, at)
    if found < 0:
        raise CoverageError("the view of a part is not in the text")
    return found + len(text)


def within(path: JsonLocation, elisions: Iterable[Elision]) -> list[Elision]:
    """Return the elisions of a string's own draft as those of the whole. Raises CoverageError."""
    moved: list[Elision] = []
    for elision in elisions:
        if not isinstance(elision.place, Lines | Bytes):
            raise CoverageError(f"{type(elision.place).__name__} in a string")
        moved.append(replace(elision, place=Within(path, elision.place)))
    return moved


def _put(value: object, path: JsonLocation, expected: str, original: object) -> str:
    """Put the original's string where the envelope has a placeholder; return the string."""
    try:
        for step in path[:-1]:
            value, original = value[step], original[step]  # type: ignore[index]
        string, found = original[path[-1]], value[path[-1]]  # type: ignore[index]
        if found != expected or not isinstance(string, str):
            raise CoverageError("no placeholder stands for the string of a part")
        value[path[-1]] = string  # type: ignore[index]
    except (LookupError, TypeError) as error:
        raise CoverageError("a part lies nowhere in the value") from error
    return string


def _elided(start: int, end: int) -> Interval:
    if start >= end:
        raise CoverageError(f"an elision names nothing: {start}-{end}")
    return start, end


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


def line_starts(source: Source) -> Sequence[int]:
    """Return the byte offset of each line, and of the end: one more than there are lines."""
    data = source.data
    starts = array("q", [0])
    for at in range(0, len(data), _SEARCHED_AT_ONCE):
        part = np.frombuffer(data, np.uint8, min(_SEARCHED_AT_ONCE, len(data) - at), at)
        starts.frombytes((np.flatnonzero(part == _NEWLINE) + (at + 1)).tobytes())
    if starts[-1] < len(data):
        starts.append(len(source.data))
    return starts
