"""Test runs: results as counts per file, failure blocks by what went wrong in them.

What lives here: reading the result lines of test runners, finding failure
blocks, and what is repeated in them. All other lines are folded as a log is.

Of a failure block every assertion, error and failing line is shown, verbatim;
left out are blank lines, rulers, library frames, in long runs the source above
a failing line, and runs of lines that an earlier block has shown already (each
named by the place where it stands). The legend sends the reader to the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from furler_engine.shared import numbered
from furler_engine.shared.folding import Tally, fold, legend
from furler_engine.shared.layout import layout_of
from furler_engine.shared.query import rare_hits
from furler_engine.shared.traces import find_traces, has_traces, left_out
from furler_engine.types import Draft, Kind, Policy, Source

_MIN_GAIN: Final = 0.9
_SUITES: Final = 40
"""Files listed with their counts; the rest are summed up."""
_MIN_REPEAT: Final = 40
"""Characters that a repeated run must have to be worth a pointer."""

_STATUS: Final = {
    **dict.fromkeys(("passed", "pass", "ok", "subpass", "subpassed", "✓", "✔", "√"), "passed"),
    **dict.fromkeys(("failed", "fail", "not ok", "✕", "✗", "✖", "×"), "failed"),
    **dict.fromkeys(("skipped", "skip", "ignored", "subskip", "○", "↓"), "skipped"),
    **dict.fromkeys(("xfail", "expected failure"), "expected failure"),
    **dict.fromkeys(("xpass", "unexpected success"), "unexpected success"),
    "error": "error",
    "": "started",
}
_BAD: Final = frozenset(["failed", "error", "unexpected success"])
_DOTS: Final = {
    ".": "passed",
    "s": "skipped",
    "x": "xfail",
    "X": "xpass",
    "F": "failed",
    "E": "error",
}
# One per runner: suite, test and status by name.
_RESULTS: Final = (
    re.compile(r"(?P<suite>[^\s:]+)::(?P<test>.+?) (?P<status>(?:SUB)?PASS(?:ED)?|(?:SUB)?SKIP(?:PED)?|XFAIL|XPASS|FAILED|ERROR)\b.{0,80}\[ *\d+%\]$"),
    re.compile(r"\[gw\d+\] \[ *\d+%\] (?P<status>PASSED|SKIPPED|XFAIL|XPASS|FAILED|ERROR) (?P<suite>[^\s:]+)::(?P<test>.+?) *$"),
    re.compile(r"(?P<suite>[^\s:]+)::(?P<test>\S+)(?P<status>) $"),
    re.compile(r"(?P<suite>\S+\.py) (?P<status>[.sxXFE]+) +\[ *\d+%\](?P<test>)$"),
    re.compile(r"(?P<test>\w+) \((?P<suite>[\w.]+)\) \.\.\. (?P<status>ok|FAIL|ERROR|skipped|expected failure|unexpected success)\b"),
    re.compile(r"test (?:(?P<suite>\S+)::)?(?P<test>\S.{0,200}?) \.\.\. (?P<status>ok|FAILED|ignored)\b"),
    re.compile(r"\s*--- (?P<status>PASS|FAIL|SKIP): (?P<suite>)(?P<test>\S+) \([\d.]+s\)$"),
    re.compile(r"=== (?:RUN|PAUSE|CONT|NAME) +(?P<suite>)(?P<test>\S+)(?P<status>)$"),
    re.compile(r"(?P<suite>)\s+(?P<status>[✓✔√✕✗✖×○↓]) (?P<test>.+)$"),
    re.compile(r"\[ +(?P<status>OK|FAILED|SKIPPED) +\] (?P<suite>[\w/]+)\.(?P<test>\S+) \(\d+ ms\)$"),
    re.compile(r"\[ RUN +\] (?P<suite>[\w/]+)\.(?P<test>\S+)(?P<status>)$"),
    re.compile(r"(?P<status>ok|not ok) \d+ (?P<suite>)(?:- )?(?P<test>.*)$"),
    re.compile(r"(?P<suite>[\w.]+) > (?P<test>.+?) (?P<status>PASSED|FAILED|SKIPPED)$"),
)  # fmt: skip
_HEADING: Final = re.compile(r"(?:PASS|FAIL) +(\S+)")
_OPENS: Final = re.compile(
    r"={3,} (?:FAILURES|ERRORS) ={3,}$|={50,}$|failures:$|---- .* ----$|\s+● |\s*--- FAIL|\s+\d+\) |⎯+ Failed"
)
_CLOSES: Final = re.compile(
    r"={3,} (?!FAILURES|ERRORS).+ ={3,}$|test result: |(?:PASS|FAIL|ok)\s|Test Suites: |Tests: |Ran \d+ |=== RUN|\s*--- (?:PASS|SKIP)|-{50,}$"
)
_NAMED: Final = re.compile(r"(?:FAILED|ERROR) (\S+)")
_RULER: Final = re.compile(r"(?:[_\-=~] ?){20,}$|self = <")
_ADVERT: Final = "-- Docs: https://docs.pytest.org/"
"""Where pytest's manual explains warnings: the same after each run."""
_DEF: Final = re.compile(r"\s+(?:async )?def (\w+)")
_TITLE: Final = re.compile(r"_{3,} (.+) _{3,}$")
_MANY_LINES: Final = 150
"""Lines of failure blocks from which on the source above a failing line is left out, but for
a statement just above; a head that the title of the block names goes too."""
_AS: Final = "  as L"
_LOUD: Final = re.compile(r"E(?: |$)|>|[_=]{3,} |FAILED|ERROR")


@dataclass(slots=True)
class _Run:
    """The result lines of a run: their rows, counts per suite, the failing rows."""

    rows: list[int] = field(default_factory=list)
    suites: dict[str, dict[str, int]] = field(default_factory=dict)
    failing: dict[int, str] = field(default_factory=dict)

    def add(self, suite: str, status: str, count: int = 1) -> None:
        """Count results."""
        counts = self.suites.setdefault(suite, {})
        counts[status] = counts.get(status, 0) + count

    def said(self) -> Iterator[str]:
        """Yield a line per suite; suites that only passed together."""
        for suite, counts in list(self.suites.items())[:_SUITES]:
            yield f"  {suite or 'tests'}: {_counts(counts)}"
        rest = list(self.suites.values())[_SUITES:]
        if rest:
            summed: dict[str, int] = {}
            for counts in rest:
                for status, count in counts.items():
                    summed[status] = summed.get(status, 0) + count
            yield f"  {len(rest)} more files: {_counts(summed)}"


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show a test run by its failures. None where that gains nothing."""
    lines = numbered.cleaned_lines(source)
    run, failures, others = _read(lines)
    page = numbered.Page(picked=numbered.ends(lines), tight=policy.is_tight(Kind.TEST_OUTPUT))
    page.picked.update(rare_hits(source.hints.query, lines))
    named = {row: match[1] for row in others if (match := _NAMED.match(lines[row]))}
    page.picked.update(named)
    page.block.update(named)
    summary = set(named.values())
    told = {row for row, name in run.failing.items() if name in summary}
    page.picked.difference_update(told)
    page.picked.update(run.failing.keys() - told)
    _show_failures(page, lines, failures)
    others = [row for row in others if row not in named and not lines[row].startswith(_ADVERT)]
    tally = fold(page, lines, others, layout_of(lines, others))
    page.opening.append(
        "; ".join(
            [
                "[test run: results as counts, failures but for what [end] names",
                *_repeats(page),
                *legend(page),
            ]
        )
        + "]"
    )
    if run.rows:
        page.opening.append(f"[results, from {len(run.rows):,} lines:]")
        page.opening += run.said()
    page.closing.append(_closing(run, len(failures), len(named), tally))
    view = numbered.draft(source, lines, page)
    return view if len(view.text) < _MIN_GAIN * len(source.text) else None


def _repeats(page: numbered.Page) -> Iterator[str]:
    if any(note.startswith(_AS) for notes in page.notes.values() for note in notes):
        yield '"as L3-8" stands for the same lines again'


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in counts.items())


def _closing(run: _Run, failures: int, named: int, tally: Tally) -> str:
    totals: dict[str, int] = {}
    for counts in run.suites.values():
        for status, count in counts.items():
            totals[status] = totals.get(status, 0) + count
    results = f"results: {_counts(totals)}" if totals else "no result lines"
    return (
        f"[end: {results}; {failures:,} lines in failure blocks (left out: blanks, rulers, repeats, library frames, source above a failing line);"
        f" {named:,} summary lines in full;"
        f" other lines: {tally}]"
    )


def _read(lines: Sequence[str]) -> tuple[_Run, list[int], list[int]]:
    """Split lines into results, failure blocks, and others."""
    run = _Run()
    failures: list[int] = []
    others: list[int] = []
    inside = False
    suite = ""
    order = list(_RESULTS)
    for row, line in enumerate(lines):
        if inside and _CLOSES.match(line):
            inside = False
        if _OPENS.match(line):
            inside = True
        if not inside and (heading := _HEADING.match(line)):
            suite = heading[1]
        match = None if inside and line[:3] != "---" else _result(line, order)
        if match is None:
            (failures if inside else others).append(row)
            continue
        run.rows.append(row)
        _count(run, row, match, suite)
    return run, failures, others


def _result(line: str, order: list[re.Pattern[str]]) -> re.Match[str] | None:
    """Match a result line; the runner that matched last is tried first."""
    for at, pattern in enumerate(order):
        match = pattern.match(line)
        if match is not None:
            if at:
                order.insert(0, order.pop(at))
            return match
    return None


def _count(run: _Run, row: int, match: re.Match[str], heading: str) -> None:
    suite, test, status = match["suite"] or heading, match["test"], match["status"]
    if not test and not set(status) - _DOTS.keys():
        for dot in dict.fromkeys(status):
            run.add(suite, _STATUS[_DOTS[dot]], status.count(dot))
        if set(status) & {"F", "E"}:
            run.failing[row] = suite
        return
    name = _STATUS[status.lower()]
    if name != "started":
        run.add(suite, name)
    if name in _BAD:
        run.failing[row] = f"{suite}::{test}"


def _show_failures(page: numbered.Page, lines: Sequence[str], failures: Sequence[int]) -> None:
    """Show failure blocks, without what an earlier block has shown."""
    strange = _leave_out_library(page, lines, failures)
    failures = [row for row in failures if row not in strange]
    rows = [row for row in failures if lines[row].strip(" E") and not _RULER.match(lines[row])]
    if len(rows) > _MANY_LINES:
        far = _far_from_failure(lines, rows)
        rows = [row for row in rows if row not in far]
    page.block.update(rows)
    seen: dict[tuple[str, str], int] = {}
    at = 0
    while at < len(rows):
        size, earlier = _repeat(lines, rows, at, seen)
        if size:
            last = rows[earlier + size - 1] + 1
            page.notes.setdefault(rows[at], []).append(f"{_AS}{rows[earlier] + 1}-{last}")
        else:
            size = 1
            page.picked.add(rows[at])
            if at and rows[at] - rows[at - 1] < 3:
                seen.setdefault((lines[rows[at - 1]], lines[rows[at]]), at - 1)
        at += size
    # A blank line inside a run costs less than a new number after it.
    blank = [
        row for row in failures if {row - 1, row + 1} <= page.picked and row not in page.picked
    ]
    page.picked.update(row for row in blank if not lines[row].strip(" E"))
    page.block.update(blank)


def _leave_out_library(
    page: numbered.Page, lines: Sequence[str], failures: Sequence[int]
) -> set[int]:
    """Note the frames of libraries in failure blocks; return their rows."""
    gone: set[int] = set()
    if has_traces("\n".join([lines[row] for row in failures])):
        for trace in find_traces(lines, failures):
            for rows, note in left_out(trace, lines):
                gone.update(rows)
                page.notes.setdefault(rows[0], []).append(note)
    return gone


def _far_from_failure(lines: Sequence[str], rows: Sequence[int]) -> set[int]:
    """Return rows of a failing function's source above the lines just above the failure."""
    far: set[int] = set()
    title, head = "", -1
    for at, row in enumerate(rows):
        line = lines[row]
        if found := _TITLE.match(line):
            title, head = found[1].partition("[")[0].rpartition(".")[2], -1
        elif found := _DEF.match(line):
            head = at if found[1] == title else at + 1
        elif line.startswith(">") and head >= 0:
            is_told = at > head and not lines[rows[at - 1]].lstrip().startswith("#")
            far.update(rows[head : at - is_told])
            head = -1
        elif _LOUD.match(line):
            head = -1
    return far


def _repeat(
    lines: Sequence[str], rows: Sequence[int], at: int, seen: dict[tuple[str, str], int]
) -> tuple[int, int]:
    """Return how many lines from ``at`` on an earlier block has shown, and where it starts."""
    if at + 1 >= len(rows):
        return 0, 0
    earlier = seen.get((lines[rows[at]], lines[rows[at + 1]]))
    if earlier is None:
        return 0, 0
    size = 0
    while (
        at + size < len(rows)
        and earlier + size < at
        and lines[rows[at + size]] == lines[rows[earlier + size]]
        and not _LOUD.match(lines[rows[at + size]])
    ):
        size += 1
    length = sum(len(lines[row]) for row in rows[at : at + size])
    return (size, earlier) if size > 1 and length >= _MIN_REPEAT else (0, 0)
