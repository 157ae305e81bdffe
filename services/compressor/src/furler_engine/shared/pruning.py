"""A JSON value without the rows that elisions name."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from furler_engine.types import Rows

Interval = tuple[int, int]


class _Cuts:
    """What is cut at one location of a document, and below it."""

    def __init__(self) -> None:
        self.below: dict[str | int, _Cuts] = {}
        self.ranges: list[Interval] = []


def prune(value: object, rows: Iterable[Rows]) -> object:
    """Return the value without the named rows; the given value is left alone.

    Rows are elements of an array, members of an object in document order, or
    characters of a string; paths and ranges speak of the value as given. Raises
    LookupError when one does not fit, or leads through what another one cuts.
    """
    root = _Cuts()
    for place in rows:
        at = root
        for step in place.path:
            at = at.below.setdefault(step, _Cuts())
        at.ranges.append((place.start, place.end))
    return _prune(value, root)


def _prune(value: object, cuts: _Cuts) -> object:
    if not cuts.below and not cuts.ranges:
        return value
    match value:
        case str() if not cuts.below:
            return "".join(value[a:b] for a, b in _kept(len(value), cuts.ranges))
        case list():
            kept = _kept(len(value), cuts.ranges)
            changed = {step: _prune(value[step], b) for step, b in _indexes(cuts, len(value))}
            _check_reached(changed, kept)
            return [changed.get(i, value[i]) for a, b in kept for i in range(a, b)]
        case dict():
            kept = _kept(len(value), cuts.ranges)
            names = list(value)
            positions: dict[str | int, int] = (
                {name: at for at, name in enumerate(names)} if cuts.below else {}
            )
            below = {positions[step]: b for step, b in cuts.below.items() if step in positions}
            if len(below) < len(cuts.below):
                raise LookupError("a path leads nowhere")
            changed = {at: _prune(value[names[at]], b) for at, b in below.items()}
            _check_reached(changed, kept)
            return {names[i]: changed.get(i, value[names[i]]) for a, b in kept for i in range(a, b)}
        case _:
            raise LookupError("a path leads nowhere")


def _indexes(cuts: _Cuts, total: int) -> Iterator[tuple[int, _Cuts]]:
    for step, below in cuts.below.items():
        if not isinstance(step, int) or not 0 <= step < total:
            raise LookupError(f"{step!r} is no index of {total} elements")
        yield step, below


def _kept(total: int, cut: list[Interval]) -> list[Interval]:
    kept: list[Interval] = []
    at = 0
    for start, end in sorted(cut):
        if not at <= start < end <= total:
            raise LookupError(f"{start}-{end} overlaps another range or lies outside")
        kept.append((at, start))
        at = end
    return [*kept, (at, total)]


def _check_reached(changed: Iterable[int], kept: list[Interval]) -> None:
    starts = [start for start, _ in kept]
    for index in changed:
        at = bisect_right(starts, index) - 1
        if at < 0 or index >= kept[at][1]:
            raise LookupError(f"row {index} is cut already")
