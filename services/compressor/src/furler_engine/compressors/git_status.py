"""What git status prints, long or short, and --name-status: paths of one state and directory on one line.

What lives here: the view of such a text. Every other line (branch, headings,
advice) stands as it is. Nothing is left out. What does not: the notation (shared.state_paths).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from furler_engine.shared import state_paths
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_LEGEND: Final = "[git status; a line with » names paths of one state and directory: » modified: d/: a b are d/a and d/b]"
_CHANGES: Final = "[changed files; a line with » names paths of one state and directory: » M d/: a b are d/a and d/b]"
_MIN_ENTRIES: Final = 8


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write git status with joined paths. None for other texts and short ones."""
    del policy
    lines = source.lines
    entries = [state_paths.entry(line) for line in lines]
    if sum(entry is not None for entry in entries) < _MIN_ENTRIES:
        return None
    if any(line.startswith(state_paths.JOINED) for line in lines):
        return None
    legend = _CHANGES if state_paths.is_change(lines[0]) else _LEGEND
    written = "\n".join([legend, *state_paths.write(lines, entries)])
    total = len(lines)
    return Draft(written, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _decode(text: str) -> Iterator[tuple[int, str]]:
    lines = (line for row in text.split("\n")[1:] for line in state_paths.read(row))
    return enumerate(lines, 1)
