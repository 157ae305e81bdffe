"""Lines that are too long to read: how long, and how much of a text they make up."""

from __future__ import annotations

from typing import Final

from furler_engine.types import Source

LONG_LINE: Final = 300
"""Characters from which a line was written by a program: no style guide allows 200."""


def long_share(source: Source) -> float:
    """Return the share of the characters, line breaks apart, that stand in long lines."""
    return source.derived(_long_share)


def _long_share(source: Source) -> float:
    sizes = list(map(len, source.lines))
    if max(sizes, default=0) <= LONG_LINE:
        return 0.0
    return sum(size for size in sizes if size > LONG_LINE) / sum(sizes)
