"""Lines that are too long to read: how long, and how much of a text they make up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

LONG_LINE: Final = 300
"""Characters from which a line was written by a program: no style guide allows 200."""


def long_share(lines: Sequence[str]) -> float:
    """Return the share of the characters, line breaks apart, that stand in long lines."""
    sizes = list(map(len, lines))
    if max(sizes, default=0) <= LONG_LINE:
        return 0.0
    return sum(size for size in sizes if size > LONG_LINE) / sum(sizes)
