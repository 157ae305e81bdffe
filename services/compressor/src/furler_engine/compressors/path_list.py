"""Lists of paths, as find, git ls-files or rg -l print them: each directory once.

What lives here: which contents are such lists, and paths that the query names.
What does not: how paths are written (shared.path_tree), ls and tree (listing).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from furler_engine.shared.outline import join_names
from furler_engine.shared.path_tree import read, write
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

MIN_PATHS: Final = 8
_COLUMNED: Final = 0.2
"""Share of lines with columns before a path, from which they would pass for directories."""
_HITS: Final = 20
"""Paths that are worth printing in full when a word of the query picks them."""
_NAMED: Final = "[named by the query: "


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write every path under its directory; nothing is left out."""
    del policy
    lines = source.lines
    if len(lines) < MIN_PATHS or sum("/" in line for line in lines) < len(lines) * 0.8:
        return None
    if sum("\t" in line or "  " in line for line in lines) > len(lines) * _COLUMNED:
        return None
    total = len(lines)
    legend, tree = write(lines)
    head = [f"[{total:,} paths in their order, {legend}]"]
    named = _named(lines, source.hints.query)
    if named:
        head.append(f"{_NAMED}{join_names(named)}]")
    text = "\n".join([*head, *tree])
    return Draft(text, LinesShown((Lines(1, total),), _decode), "paths", total, total)


def _named(lines: Sequence[str], query: str) -> list[str]:
    """Paths that a telling word of the query picks, for a reader who looks for them whole."""
    if not query:
        return []
    named: dict[str, None] = {}
    lowered = "\n".join(lines).lower().split("\n")
    for word in dict.fromkeys(re.findall(r"[\w.-]{3,}", query.lower())):
        found = [line for line, low in zip(lines, lowered, strict=True) if word in low]
        if len(found) <= min(_HITS, len(lines) // 5):
            named.update(dict.fromkeys(found))
    return list(named)[:_HITS]


def _decode(text: str) -> Iterator[tuple[int, str]]:
    legend, *lines = text.split("\n")
    if lines[0].startswith(_NAMED):
        del lines[0]
    return enumerate(read(legend, lines), 1)
