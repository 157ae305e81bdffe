"""Paths with a number or two before each, as du, wc and git diff --numstat print them: each directory once, every number kept.

What lives here: reading such lines, and putting them together again. What does not:
how paths are written (shared.path_tree), paths alone (path_list), ls -l (listing).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from furler_engine.shared.path_tree import read, write
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_MIN_LINES: Final = 8
_SHARE: Final = 0.8
"""Lines that must have a directory."""
_MIN_GAIN: Final = 0.9
_TAB, _PLUS = "\t", "+"
"""What stands between the two numbers of git diff --numstat, there and in a view."""
_LINE: Final = re.compile(
    r"( *)(\d[\d.,]{0,20}[KMGTPE]?|(?:\d{1,20}|-)\t(?:\d{1,20}|-))(\t| +)([^\s:][^:\x00-\x1f]*)",
    re.ASCII,
)


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write every path under its directory with its number behind it; nothing is left out."""
    del policy
    lines = source.lines
    first = _LINE.fullmatch(lines[0]) if len(lines) >= _MIN_LINES else None
    if first is None:
        return None
    between = first[3]
    paths: list[str] = []
    width = 0
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match[3] != between:
            return None
        paths.append(f"{match[4]}:{match[2].replace(_TAB, _PLUS)}")
        width = max(width, len(match[1]) + len(match[2])) if match[1] else width
    if sum("/" in path for path in paths) < _SHARE * len(paths):
        return None
    if list(_lines(paths, width, between)) != lines:
        return None
    total = len(lines)
    legend, tree = write(paths)
    numstat = _TAB in first[2]
    said = "lines added and taken out before each" if numstat else "the number before each"
    form = "a:5+2 is the line 5 2 a" if numstat else "a:12 is the line 12 a"
    head = f"[{total:,} paths with {said}, in their order, {form}; {legend}]"
    text = "\n".join([head, *tree])
    if len(text) > _MIN_GAIN * len(source.text):
        return None

    def decode(view: str) -> Iterator[tuple[int, str]]:
        legend, *tree = view.split("\n")
        return enumerate(_lines(read(legend, tree), width, between), 1)

    return Draft(text, LinesShown((Lines(1, total),), decode), "paths", total, total)


def _lines(paths: Iterable[str], width: int, between: str) -> Iterator[str]:
    for path in paths:
        name, _, number = path.rpartition(":")
        yield f"{number.replace(_PLUS, _TAB).rjust(width)}{between}{name}"
