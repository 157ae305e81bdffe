"""Lines of a large text that a query names: the ones with its rare words.

What lives here: finding a few lines among very many, at the speed of a
substring search. Stems and literals of a query are ranking's.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from furler_engine.shared.blocks import joined
from furler_engine.shared.ranking import literals, stems

_MOST: Final = 12
"""A word on more lines than this names none of them."""
_SHORTEST: Final = 3


def rare_hits(query: str, lines: Sequence[str]) -> list[int]:
    """Return the indexes of lines that have a word or a literal of the query few lines have.

    Linear in the text, times the words of the query.
    """
    wanted = [*literals(query), *(_start(stem) for stem in stems(query))]
    wanted = [word for word in dict.fromkeys(wanted) if len(word) >= _SHORTEST]
    if not wanted:
        return []
    text = joined(lines).lower()
    starts = array("q", accumulate((len(line) + 1 for line in lines), initial=0))
    if len(text) + 1 != starts[-1]:
        # Lower-casing changed a length (İ): offsets no longer tell the line.
        return []
    return sorted(dict.fromkeys(row for word in wanted for row in _rows_with(word, text, starts)))


def _start(stem: str) -> str:
    """Return what every word of the stem starts with ("queri": query, queries)."""
    return stem[:-1] if len(stem) > _SHORTEST + 1 else stem


def _rows_with(word: str, text: str, starts: Sequence[int]) -> list[int]:
    rows: list[int] = []
    at = text.find(word)
    while at >= 0:
        if at == 0 or not text[at - 1].isalnum():
            row = bisect_right(starts, at) - 1
            if len(rows) == _MOST:
                return []
            rows.append(row)
            at = text.find(word, starts[row + 1])
        else:
            at = text.find(word, at + 1)
    return rows
