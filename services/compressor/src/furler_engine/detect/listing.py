"""Detectors of listings: ls, find, tree, git status."""

from __future__ import annotations

import re

from furler_engine.shared.git_objects import is_row
from furler_engine.shared.sample import Sample

# Before the mode stand, in find -ls and ls -is, an inode and blocks; tar knows hard links.
_MODE = re.compile(r"(?: *\d+ +){0,2}[.dlbcpsh-][rwxsStT-]{9}[.+@]? ")
# unzip -l: a size, a date, a path; aws s3 ls: a date, a size, a path.
_ZIPPED = re.compile(
    r" *\d+ +\d{2,4}-\d\d-\d{2,4} \d\d:\d\d +[^\s:]+$|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ [^\s:]+$",
    re.ASCII,
)
_MOSTLY, _ZIPPED_SCORE = 0.7, 0.89
_AROUND_ROWS = re.compile(r"total \d|[^\s:][^:]*:$")
# A path alone, or with a count, as grep -c, du and wc print it.
_PATH = re.compile(
    r"(?: *\d[\d.,]*[KMGTPE]?\s+)?(?:\.?/)?[^\s:|,;<>\"'`(){}/]+(?:/[^\s:|,;<>\"'`(){}/]*)+(?::\d+)?$"
)
_TREE = re.compile(r"[│ \xa0]*[├└]─[─┬] |[| ]*(?:[|`]-- |[+\\]--- )")


# ls -R: a directory with a colon, names, a blank line, the next directory; or names to the end of the sample.
_SECTIONS = re.compile(r"[^\s:]+:\n(?:[^\n:]+\n){0,200}(?:\n[^\s:]+:\n|[^\n:]*\Z)")
_SECTION = re.compile(r"[^\s:]*/[^\s:]+:$")
# git status: two letters of a state and a path, or a tab before a state and a path.
_STATE = re.compile(r"(?:[ MADRCTU?!]{2} |\t(?:[a-z][a-z ]*: +)?)[^\s:]+$")
# git diff --name-status and --numstat.
_CHANGE = re.compile(
    r"(?:[ACDMTUXB]|[RC]\d{1,3}\t[^\t]+|(?:\d+|-)\t(?:\d+|-))\t\S[^\t:]*$", re.ASCII
)
_STATUS = re.compile(r"(?:On branch |HEAD detached |## )\S")
_NAME = re.compile(r"[^\s:]+:?$")


# ls -1, compgen: a name on each line; ids and hashes have more digits than names.
_BARE = re.compile(r"[A-Za-z_.][\w.+@~-]*[*/=@|]?$")
_BARE_SCORE, _MOST_DIGITS, _FEW_NAMES = 0.65, 0.25, 8


def _bare_score(lines: tuple[str, ...]) -> float:
    bare = sum(_BARE.match(line) is not None for line in lines)
    if bare < _FEW_NAMES or bare <= 0.95 * len(lines):
        return 0.0
    digits = sum(map(str.isdigit, "".join(lines)))
    return _BARE_SCORE if digits <= _MOST_DIGITS * sum(map(len, lines)) else 0.0


def listing_score(sample: Sample, least: float) -> float:
    """Score modes, paths alone on a line, tree branches, directories with their names."""
    sections = 0.0
    if _SECTIONS.match(sample.head) and any(map(_SECTION.match, sample.lines)):
        sections = sample.share(_NAME.match)
    rows = sample.share(_MODE.match)
    if rows > 0.3:
        rows += sample.share(_AROUND_ROWS.match)
    states = sample.share(_STATE.match)
    if states > 0.3 and _STATUS.match(sample.head):
        states = 1.0
    if sample.share(_ZIPPED.match, _MOSTLY) > _MOSTLY:
        return _ZIPPED_SCORE
    if is_row(sample.lines[0]) and sample.share(is_row, _MOSTLY) > _MOSTLY:
        return _ZIPPED_SCORE
    others = (_PATH, _TREE, _CHANGE)
    bare = _bare_score(sample.lines)
    forms = (sample.share(form.match, least / 0.85) for form in others)
    return max(bare, 0.85 * max(sections, rows, states, *forms))
