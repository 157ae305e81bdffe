"""git log --oneline: long ones without their oldest routine commits.

What lives here: which commits a view leaves out, in favour of recent ones, of
features, reverts and breaking changes, and of what the query names. What does
not: logs with messages (git_log).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Final

from furler_engine.markers import format_place
from furler_engine.shared.query import rare_hits
from furler_engine.types import Draft, Elision, Kind, Level, Lines, LinesShown, Policy, Source

MIN_COMMITS: Final = 80
"""Logs of fewer lines are shown whole: eliding saves less than a retrieval costs."""
_HEAD: Final = 40
_TAIL: Final = 3
_KEEP: Final = {Level.CAREFUL: 0.6, Level.TIGHT: 0.3}
"""Share of the text that stays, if the query names no more than that."""
_COMMIT = re.compile(r"[*|\\/ ]*([0-9a-f]{7,40}) (?:\([^)]*\) )?(.*)")
_BRANCHES = re.compile(r"[*|\\/_ ]*[|\\/][*|\\/_ ]*")
_GRAPH: Final = "graph"
_TYPE = re.compile(r"([A-Za-z]+)(?:\([^)]*\))?(!)?:")
_ROUTINE: Final = frozenset(
    {"docs", "doc", "chore", "ci", "test", "tests", "style", "build", "bump", "merge", "deps"}
)
_NOTABLE: Final = frozenset({"feat", "feature", "revert", "security", "breaking", "perf"})


def plan(source: Source, policy: Policy) -> Draft | None:
    """Leave out routine commits first, then the oldest; every gap counts them by type."""
    lines = source.lines
    matches = [_COMMIT.fullmatch(line) for line in lines]
    types = [
        _type(match[2]) if match else _GRAPH if _BRANCHES.fullmatch(line) else ""
        for match, line in zip(matches, lines, strict=True)
    ]
    commits = sum(match is not None for match in matches)
    if commits < MIN_COMMITS or types.count("") > 0.1 * len(lines):
        return None
    level = policy.level(Kind.GIT_LOG)
    budget = int(len(source.text) * _KEEP.get(level, 1.0))
    shown = _choose(lines, types, source.hints.query, budget)
    if len(shown) == len(lines):
        return None
    return _draft(lines, types, shown)


def _type(subject: str) -> str:
    """Return a commit's type, lower case, with ! for a breaking change; 'other' without one."""
    match = _TYPE.match(subject)
    if match:
        return match[1].lower() + (match[2] or "")
    word = subject.partition(" ")[0].lower()
    return word if word in _ROUTINE or word in _NOTABLE else "other"


def _choose(lines: Sequence[str], types: Sequence[str], query: str, budget: int) -> set[int]:
    """Return the indexes of the lines to show."""
    always = dict.fromkeys(range(min(_HEAD, len(lines))))
    always |= dict.fromkeys(range(max(0, len(lines) - _TAIL), len(lines)))
    always |= dict.fromkeys(rare_hits(query, lines))
    always |= dict.fromkeys(at for at, kind in enumerate(types) if not kind or kind.endswith("!"))

    def rank(at: int) -> tuple[int, int]:
        kind = types[at]
        return (2 if kind in _ROUTINE else 0 if kind in _NOTABLE else 1), at

    left = budget - sum(len(lines[at]) + 1 for at in always)
    rest = (at for at in range(len(lines)) if at not in always and types[at] != _GRAPH)
    for at in sorted(rest, key=rank):
        left -= len(lines[at]) + 1
        if left < 0:
            break
        always[at] = None
    # Lines of branches stay between commits that stay: a gap costs more than they do.
    shown = {at for at in always if types[at] != _GRAPH}
    commits = [at for at, kind in enumerate(types) if kind != _GRAPH]
    for before, after in pairwise(commits):
        if before in shown and after in shown:
            shown.update(range(before + 1, after))
    return shown


def _draft(lines: Sequence[str], types: Sequence[str], shown: set[int]) -> Draft:
    body: list[str] = []
    kept: list[Lines] = []
    elisions: list[Elision] = []
    for is_shown, run in groupby(range(len(lines)), key=lambda at: at in shown):
        places = list(run)
        place = Lines(places[0] + 1, places[-1] + 1)
        if is_shown:
            kept.append(place)
            body += lines[places[0] : places[-1] + 1]
            continue
        counts = Counter(types[at] for at in places)
        counts.pop(_GRAPH, 0)
        summary = ", ".join(f"{count} {kind}" for kind, count in counts.most_common())
        summary = summary or "branches"  # before the first commit, after the last
        elisions.append(Elision(place, summary))
        body.append(f"… {format_place(place)}: {summary}")
    total = sum(kind != _GRAPH for kind in types)
    visible = sum(types[at] != _GRAPH for at in shown)
    legend = (
        f"[git log --oneline: {visible:,} of {total:,} commits, exact, in their order; left out are routine and old"
        " ones; … L8-19: 3 docs counts by type what stood there]"
    )
    text = "\n".join([legend, *body])
    return Draft(text, LinesShown(tuple(kept)), "commits", total, visible, tuple(elisions))
