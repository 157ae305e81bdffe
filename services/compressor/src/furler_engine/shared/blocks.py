"""Many lines, some thousands at a time: what is made of all at once takes several times their memory.

What lives here: cutting line numbers into blocks. What does not: what is made of a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

_LINES: Final = 20_000


def blocks(rows: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield indexes of lines in their order, up to 20,000 at a time."""
    for start in range(0, len(rows), _LINES):
        yield rows[start : start + _LINES]
