"""Search results without line numbers, as ``grep -r`` prints them: each path once, its lines below.

What lives here: how a view writes ``path:text`` by file, and how that is read back.
What does not: results with line numbers (search), counts and bare paths (path_list).

Under ``# path`` stand its lines as they are. ``! line`` is a line of the output that
names no file; ``| text`` is a line of a file that would pass for either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from furler_engine.shared.grep import unnumbered_path
from furler_engine.shared.paths import common_root
from furler_engine.types import Draft, Lines, LinesShown, Policy, Source

_MIN_LINES: Final = 4
_MIN_SHARE: Final = 0.9
"""Lines that must name a file; the rest are notes of the tool."""
_SAMPLE: Final = 20
_MIN_SAMPLED: Final = 0.5
"""Lines, of the first twenty: results with numbers are told at once."""
_MIN_GAIN: Final = 0.9
_ROOT: Final = "[all paths start with "
_PATH: Final = "# "
_NOTE: Final = "! "
_TEXT: Final = "| "
_SIGNS: Final = (_PATH, _NOTE, _TEXT)


class _Line(NamedTuple):
    """A line of the output; ``path`` is '' where it names no file."""

    path: str
    text: str


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write all lines under one heading per file; nothing is left out."""
    del policy
    sample = [_split(line) for line in source.lines[:_SAMPLE]]
    if sum(bool(line.path) for line in sample) < _MIN_SAMPLED * len(sample):
        return None
    found = [_split(line) for line in source.lines]
    paths = dict.fromkeys(line.path for line in found if line.path)
    placed = sum(bool(line.path) for line in found)
    if placed < max(_MIN_LINES, _MIN_SHARE * len(found)):
        return None
    root = common_root(list(paths)) if len(paths) > 1 else ""
    counts = f"{placed:,} lines in {len(paths):,} files"
    head = [
        f"[search results: {counts}, below each # path its lines; no line numbers were printed]"
    ]
    if root:
        head.append(f"{_ROOT}{root}]")
    text = "\n".join([*head, *_write(found, root)])
    if len(text) > _MIN_GAIN * len(source.text):
        return None
    total = len(found)
    return Draft(text, LinesShown((Lines(1, total),), _decode), "lines", total, total)


def _split(line: str) -> _Line:
    path = unnumbered_path(line)
    return _Line(path, line[len(path) + 1 :]) if path else _Line("", line)


def _write(found: Sequence[_Line], root: str) -> Iterator[str]:
    path = ""
    for line in found:
        if not line.path:
            yield _NOTE + line.text
            continue
        if line.path != path:
            path = line.path
            yield _PATH + path[len(root) :]
        yield _TEXT + line.text if line.text.startswith(_SIGNS) else line.text


def _decode(text: str) -> Iterator[tuple[int, str]]:
    lines = text.split("\n")
    root, at = "", 1
    if lines[at].startswith(_ROOT):
        root, at = lines[at][len(_ROOT) : -1], at + 1
    return enumerate(_read(lines[at:], root), 1)


def _read(lines: Sequence[str], root: str) -> Iterator[str]:
    path = ""
    for line in lines:
        if line.startswith(_PATH):
            path = root + line[len(_PATH) :]
        elif line.startswith(_NOTE):
            yield line[len(_NOTE) :]
        else:
            yield f"{path}:{line.removeprefix(_TEXT)}"
