"""git ls-tree -r and git ls-files -s: every path by directory, without modes and hashes.

What lives here: how a view lists such rows, and which of them it shows whole. What does not:
reading them (shared.git_objects), how paths are written (shared.path_tree).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate, takewhile
from typing import Final

from furler_engine import tokens
from furler_engine.shared.git_objects import Row, read
from furler_engine.shared.outline import join_names
from furler_engine.shared.path_tree import read as read_paths
from furler_engine.shared.path_tree import write as write_paths
from furler_engine.shared.query import rare_hits
from furler_engine.types import Bytes, BytesShown, Draft, Elision, Lines, Policy, Source

_MIN_ROWS: Final = 4
_FEW: Final = 24
"""Paths of another mode than most that are worth naming; of more their number is."""
_LARGEST: Final = 5
_NONE: Final = Row("", "", "", "", "")


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write every path under its directory; modes, hashes and sizes are left out."""
    lines = source.lines
    rows = list(takewhile(lambda row: row.path, (read(line) or _NONE for line in lines)))
    if len(rows) < _MIN_ROWS or len(rows) < len(lines):
        return None
    paths = [row.path for row in rows]
    legend, tree = write_paths(paths)
    if list(read_paths(legend, tree)) != paths:
        return None
    usual = Counter(row.form for row in rows).most_common(1)[0][0]
    head = (
        f"[git objects: {len(rows):,} paths in their order, {legend}; all are {usual} but for those named"
        ' below; hashes are left out, match="name$" gives a row]'
    )
    text = "\n".join([head, *tree, *_notes(source, rows, usual)])
    coverage = BytesShown(tuple(_names(text, lines, rows)))
    size = tokens.estimate(source.text, policy.tokenizer)
    left_out = max(1, size - tokens.estimate("\n".join(paths), policy.tokenizer))
    elision = Elision(Lines(1, len(lines)), "modes, hashes, sizes", left_out)
    return Draft(text, coverage, "paths", len(rows), len(rows), (elision,))


def _notes(source: Source, rows: Sequence[Row], usual: str) -> Iterator[str]:
    """Yield what is unusual: other modes, large files, rows that the query names."""
    forms: dict[str, list[str]] = {}
    for row in rows:
        if row.form != usual:
            forms.setdefault(row.form, []).append(row.path)
    for form, paths in forms.items():
        more = f" and {len(paths) - _FEW} more" if len(paths) > _FEW else ""
        yield f"[{form}: {join_names(paths[:_FEW])}{more}]"
    sized = [row for row in rows if row.size.isdigit()]
    if sized:
        largest = sorted(sized, key=lambda row: -int(row.size))[:_LARGEST]
        said = ", ".join(f"{row.path} {row.size}" for row in largest)
        yield f"[{sum(int(row.size) for row in sized):,} bytes in all; largest: {said}]"
    yield from (source.lines[at] for at in rare_hits(source.hints.query, source.lines))


def _names(text: str, lines: Sequence[str], rows: Sequence[Row]) -> Iterator[Bytes]:
    """Yield where names stand that the text shows as they are; that all paths do was read back."""
    starts = accumulate((len(line.encode()) + 1 for line in lines), initial=0)
    at = 0
    for start, line, row in zip(starts, lines, rows, strict=False):
        name = row.path.rpartition("/")[2]
        found = text.find(name, at) if name else -1
        if found >= 0:
            at = found + len(name)
            end = start + len(line.encode())
            yield Bytes(end - len(name.encode()), end)
