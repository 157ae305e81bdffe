"""git log with a line per commit and its files below: --oneline with --stat, --numstat or --name-status.

What lives here: how a view writes such a log, and how that is read back. What does not: the
lists of files (shared.commit_files), commits of several lines (git_log), commits alone (git_oneline).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared import commit_files
from furler_engine.shared.commit_files import GAP, Files
from furler_engine.shared.located import located, spans
from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Elision, Lines, LinesShown, Policy, Source

_MIN_COMMITS: Final = 2
_MIN_READ: Final = 0.8
"""Share of the commits whose files must be understood: the others stand as they are."""
_COMMIT = re.compile(r"(?=[a-f]*\d)[0-9a-f]{7,40} \S[^\n]*")
_RAW: Final = "| "
_ABOVE: Final = ", after a blank line"
_BELOW: Final = ", before a blank line"


@dataclass(frozen=True, slots=True)
class _Commit:
    """One commit, lines ``first`` to ``last``; without ``files`` if it is not understood."""

    first: int
    last: int
    files: Files | None


@dataclass(frozen=True, slots=True)
class _Log:
    """All commits, and whether blank lines stand above and below each list of files."""

    commits: Sequence[_Commit]
    above: bool
    below: bool


def plan(source: Source, policy: Policy) -> Draft | None:
    """Write the files of each commit by directory; nothing is left out."""
    del policy
    log = source.derived(_log)
    if log is None:
        return None
    text = "\n".join([_legend(log), *_write(source.lines, log, None, set())])
    total = len(source.lines)
    shown = LinesShown((Lines(1, total),), lambda view: enumerate(_read(view), 1))
    return Draft(text, shown, "lines", total, total)


def plan_eliding(source: Source, policy: Policy) -> Draft | None:
    """Shorten long lists of files."""
    del policy
    log = source.derived(_log)
    if log is None:
        return None
    hidden: set[int] = set()
    named = {row + 1 for row in rare_hits(source.hints.query, source.lines)}
    text = "\n".join([_legend(log), *_write(source.lines, log, named, hidden)])
    total = len(source.lines)
    kept = spans(n for n in range(1, total + 1) if n not in hidden)

    def decode(view: str) -> Iterator[tuple[int, str]]:
        return located(_read(view), source.lines, kept)

    elisions = tuple(Elision(gap, "files of a commit") for gap in spans(sorted(hidden)))
    return Draft(text, LinesShown(kept, decode), "lines", total, total - len(hidden), elisions)


def _log(source: Source) -> _Log | None:
    lines = source.lines
    if not lines or _COMMIT.fullmatch(lines[0]) is None:
        return None
    starts = [at for at, line in enumerate(lines) if _COMMIT.fullmatch(line)]
    above = len(lines) > 1 and lines[1] == ""
    below = len(starts) > 1 and lines[starts[1] - 1] == "" and starts[1] > above + 1
    ends = [*starts[1:], len(lines)]
    commits = [
        _commit(lines, start, end, above=above, below=below and end < len(lines))
        for start, end in zip(starts, ends, strict=True)
    ]
    listed = [commit for commit in commits if commit.last > commit.first]
    read = sum(commit.files is not None for commit in listed)
    if len(commits) < _MIN_COMMITS or not read or read < _MIN_READ * len(listed):
        return None
    return _Log(commits, above, below)


def _commit(lines: Sequence[str], start: int, end: int, *, above: bool, below: bool) -> _Commit:
    first, behind = start + 1 + above, end - below
    fits = first < behind and not (above and lines[start + 1]) and not (below and lines[end - 1])
    files = commit_files.read(lines[first:behind], first + 1) if fits else None
    return _Commit(start + 1, end, files)


def _legend(log: _Log) -> str:
    blank = _ABOVE * log.above + _BELOW * log.below
    return f"[git log: {len(log.commits):,} commits: hash and subject as printed, below each its files{blank}]"


def _write(
    lines: Sequence[str], log: _Log, named: set[int] | None, hidden: set[int]
) -> Iterator[str]:
    """Yield the lines of a view; without ``named`` of one that hides nothing, else note what it hides."""
    for commit in log.commits:
        yield lines[commit.first - 1]
        files = commit.files
        if files is None:
            yield from (_RAW + line for line in lines[commit.first : commit.last])
            continue
        rows: Sequence[int] = range(files.count)
        if named is not None:
            asked = {line - files.first for line in named}.intersection(rows)
            rows = commit_files.shown(files, len(log.commits), asked)
            hidden.update(files.first + row for row in set(range(files.count)).difference(rows))
            if commit_files.repeats_itself(files):
                hidden.add(files.first + 1)
        place = format_place(files.place)
        yield from commit_files.write(files, rows, brief=named is not None, place=place)


def _read(text: str) -> Iterator[str]:
    """Yield the lines of the log that a view shows."""
    legend, *lines = text.split("\n")
    above, below = _ABOVE in legend, _BELOW in legend
    inside = False
    for line in lines:
        if _COMMIT.fullmatch(line):
            if inside and below:
                yield ""
            inside = False
            yield line
        elif line.startswith(_RAW):
            yield line[len(_RAW) :]
        elif not line.startswith(GAP):
            if above and not inside:
                yield ""
            inside = True
            yield from commit_files.read_back(line)
