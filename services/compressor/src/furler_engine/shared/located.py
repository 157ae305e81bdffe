"""Where decoded lines stand in the content: for views that keep lines but not their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from furler_engine.shared.blocks import through
from furler_engine.types import Lines


def located(
    decoded: Iterable[str], lines: Sequence[str], shown: Sequence[Lines]
) -> Iterator[tuple[int, str]]:
    """Yield (line number, line) for decoded lines, as coverage.LinesShown wants them.

    A decoded line gets the number of a line of ``shown`` that equals it, each
    number once, equal lines in their order; a line that the content does not
    have gets 0, which no coverage claims.
    """
    # Most views keep the order of the lines: an index of all of them takes three times their memory.
    expected = _numbered(lines, shown)
    rest = iter(decoded)
    for line in rest:
        pair = next(expected, None)
        if pair is None or pair[1] != line:
            left = expected if pair is None else chain((pair,), expected)
            yield from _looked_up(chain((line,), rest), left)
            return
        yield pair


def _numbered(lines: Sequence[str], shown: Sequence[Lines]) -> Iterator[tuple[int, str]]:
    for span in shown:
        yield from enumerate(through(lines, span.first - 1, span.last), span.first)


def _looked_up(
    decoded: Iterable[str], expected: Iterable[tuple[int, str]]
) -> Iterator[tuple[int, str]]:
    places: dict[str, list[int]] = {}
    for number, line in expected:
        places.setdefault(line, []).append(number)
    for left in places.values():
        left.reverse()
    for line in decoded:
        found = places.get(line)
        yield (found.pop() if found else 0), line


def spans(numbers: Iterable[int]) -> tuple[Lines, ...]:
    """Join ascending line numbers into ranges.

    >>> spans([1, 2, 3, 7])
    (Lines(first=1, last=3), Lines(first=7, last=7))
    """
    joined: list[Lines] = []
    first = last = 0
    for number in numbers:
        if first and number == last + 1:
            last = number
            continue
        if first:
            joined.append(Lines(first, last))
        first = last = number
    if first:
        joined.append(Lines(first, last))
    return tuple(joined)
