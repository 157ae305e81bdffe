"""Detectors of what search tools and git print."""

from __future__ import annotations

import re
from itertools import pairwise

from furler_engine.shared.blame_rows import is_row as is_blame_row
from furler_engine.shared.commit_files import is_row
from furler_engine.shared.grep import is_match, is_path, unnumbered_path
from furler_engine.shared.grep_json import is_ripgrep_json
from furler_engine.shared.sample import Sample

_NUMBERED = re.compile(r"\d{1,9}[:-](?!\d\d[:-])", re.ASCII)
# Below a path a column may follow: 53:11:text. A clock has seconds.
_BELOW_PATH = re.compile(r"\d{1,9}[:-](?!\d\d[:-]\d\d(?!\d))", re.ASCII)
_FILE = re.compile(r"[^\s:].*[/.]\w[^:]*\Z")
_DIFF = re.compile(r"(?:diff --(?:git|cc|combined) |Index: |--- \S)")
_CHANGED_FILE = re.compile(r" \S.* \| +(?:\d+ ?[-+]*|Bin .*)$|  ?\d+ files? changed", re.ASCII)
_COMMIT = re.compile(r"commit [0-9a-f]{7,40}\b")
_BRANCHES = re.compile(r"[*|\\/_ ]*[|\\/][*|\\/_ ]*")
_OPENING = 3
"""Lines at the start: warnings may stand above the first match."""
_FEW_NUMBERED = 4
_NUMBERED_SCORE, _UNNUMBERED_SCORE = 0.9, 0.87
_FEW_COMMITS = 0.4
_ALL_BUT_A_FEW = 0.9
# A short hash has a digit and a letter, or it is a number or a word.
_ONELINE = re.compile(r"[*|\\/ ]*(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,40} \S")


def search_score(sample: Sample, least: float) -> float:
    """Score ``path:line:`` prefixes; context lines and ``--`` separators count."""
    if is_ripgrep_json(sample.head):
        return 0.95
    score = 0.95 * sample.share(lambda line: line == "--" or is_match(line), least / 0.95)
    least = max(least, score)
    score = max(score, 0.95 * _headings_share(sample, least / 0.95))
    if least > _NUMBERED_SCORE:
        return score
    numbered = _NUMBERED_SCORE if _is_of_one_file(sample.lines) else 0.0
    return max(score, _unnumbered_score(sample), numbered)


def may_be_search(sample: Sample) -> bool:
    """Whether the score of search results is worth knowing early: they open as such."""
    return any(map(is_match, sample.lines[:_OPENING]))


def _is_of_one_file(lines: tuple[str, ...]) -> bool:
    """Whether all lines have rising numbers, as ``grep -n`` prints those of one file."""
    numbers = [int(m[0][:-1]) for m in map(_NUMBERED.match, lines) if m is not None]
    separators = lines.count("--")
    if len(numbers) + separators < len(lines) or len(numbers) < _FEW_NUMBERED:
        return False
    return all(a < b for a, b in pairwise(numbers))


def _unnumbered_score(sample: Sample) -> float:
    """Score ``path:text`` where most lines are of the same file as the one before."""
    paths = [unnumbered_path(line) for line in sample.lines]
    if sum(map(bool, paths)) <= 0.9 * len(paths):
        return 0.0
    runs = sum(a != b for a, b in pairwise(["", *paths]))
    return _UNNUMBERED_SCORE if runs <= 0.8 * len(paths) else 0.0


def _headings_share(sample: Sample, least: float) -> float:
    """Share of lines that are numbered under a path, as ``rg --heading`` prints them.

    Perhaps 0 where it is below ``least``.
    """
    lines, may_fail = sample.lines, sample.may_fail(least)
    failed, below = 0, False
    for line, following in zip(lines, (*lines[1:], ""), strict=True):
        if not (_BELOW_PATH.match(line) or line == "--"):
            below = (
                _BELOW_PATH.match(following) is not None
                and _FILE.match(line) is not None
                and is_path(line)
            )
        if not below:
            failed += 1
            if failed > may_fail:
                return 0.0
    return (len(lines) - failed) / len(lines) if lines else 0.0


def diff_score(sample: Sample, least: float) -> float:
    """Score a unified diff by its headers and hunks, a diffstat by its rows."""
    hunks = any(line.startswith(("@@ -", "@@@ -")) for line in sample.lines)
    if hunks and any(_DIFF.match(line) for line in sample.lines):
        return 0.95
    return 0.9 * sample.share(_CHANGED_FILE.match, least / 0.9)


def git_log_score(sample: Sample, _least: float) -> float:
    """Score git log, with or without messages."""
    if sample.head.startswith("commit ") and _COMMIT.match(sample.head):
        return 0.9
    if _has_files(sample) or _is_blame(sample):
        return 0.9
    commits = sample.share(_ONELINE.match, _FEW_COMMITS)
    # Between the commits of a graph stand the lines of its branches.
    return 0.8 * (commits + sample.share(_BRANCHES.fullmatch)) if commits > _FEW_COMMITS else 0.0


def _has_files(sample: Sample) -> bool:
    """Whether lines of commits stand among rows of their files, and nothing else does."""
    if not sample.head[:1].isalnum() or _ONELINE.match(sample.head) is None:
        return False
    commits = sum(_ONELINE.match(line) is not None for line in sample.lines)
    files = sum(map(is_row, sample.lines))
    return commits > 1 and files > 1 and commits + files >= _ALL_BUT_A_FEW * len(sample.lines)


def _is_blame(sample: Sample) -> bool:
    if not is_blame_row(sample.lines[0]):
        return False
    return sample.share(is_blame_row, _ALL_BUT_A_FEW) >= _ALL_BUT_A_FEW
