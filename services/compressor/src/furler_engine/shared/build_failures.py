"""What a build says last, when it fails: the blocks that tell why.

What lives here: npm's, pip's, Gradle's and Maven's error blocks, make's and
apt's error lines. What does not: messages that name a place in a source file,
which are a compiler's (places.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final

from furler_engine.shared.blocks import blocks, taken

_LINE: Final = re.compile(
    r"npm (?:ERR!|error)(?: |$)|\[ERROR\] |g?make(?:\[\d+\])?: \*\*\*|E: |dpkg: error |Errors were encountered"
    r"|error: could not compile|ERROR: failed to "
)
_BLOCKS: Final = (
    (re.compile(r"\s*error: subprocess-exited-with-error"), re.compile(r"\s*note: This error orig|\s*╰─> See above")),
    (re.compile(r"FAILURE: Build |\* What went wrong:"), re.compile(r"BUILD FAILED|\* Try:")),
)  # fmt: skip
# All that opens either, in one pattern: most lines of a build do not.
_OPENS: Final = re.compile("|".join([_LINE.pattern, *(start.pattern for start, _ in _BLOCKS)]))
_LONGEST: Final = 120
"""Lines of a block; what does not end before is none."""
_MOST: Final = 200
"""Rows in all: a build that says more of its failures is folded like other output."""


def failure_rows(lines: Sequence[str], rows: Sequence[int]) -> list[int]:
    """Return those of ``rows`` that tell why a build failed; none where they are too many. Linear."""
    found: list[int] = []
    block: list[int] = []
    closes: re.Pattern[str] | None = None
    for row, line in chain.from_iterable(
        zip(b, taken(lines, b), strict=True) for b in blocks(rows)
    ):
        if closes is not None:
            block.append(row)
            if closes.match(line):
                found += block
                closes = None
            elif len(block) >= _LONGEST:
                closes = None
            continue
        if not _OPENS.match(line):
            continue
        closes = next((end for start, end in _BLOCKS if start.match(line)), None)
        if closes is not None:
            block = [row]
        elif _LINE.match(line):
            found.append(row)
    return found if len(found) <= _MOST else []
