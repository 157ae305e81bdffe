"""Detectors of listings: ls, find, tree, git status."""

from __future__ import annotations

import re

from furler_engine.shared.sample import Sample

_MODE = re.compile(r"[dlbcps-][rwxsStT-]{9}[.+@]? ")
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
_STATUS = re.compile(r"(?:On branch |HEAD detached |## )\S")
_NAME = re.compile(r"[^\s:]+:?$")


def listing_score(sample: Sample) -> float:
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
    paths = sample.share(_PATH.match)
    return 0.85 * max(sections, rows, paths, states, sample.share(_TREE.match))
