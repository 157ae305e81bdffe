"""Test runs: results as counts, failure blocks to the letter, repeats in them by place.

What lives here: what is shown of a run. Reading it is in shared/test_runs.py,
finding repeats in shared/repeated_lines.py. All lines that are neither results
nor failures are folded as a log is.

A failure block is shown whole: source, frames, diff, captured output. Lines that
an earlier block has shown are named by the place where they stand; what says
what failed never is. Only of very many failures, and of very long runs of
library frames, is something left out, and the view says what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from furler_engine.shared import numbered
from furler_engine.shared.folding import Tally, fold, legend
from furler_engine.shared.layout import layout_of
from furler_engine.shared.query import rare_hits
from furler_engine.shared.repeated_lines import Repeats
from furler_engine.shared.test_runs import TestRun, read_run
from furler_engine.shared.traces import find_traces, has_traces, left_out
from furler_engine.types import Draft, Kind, Policy, Source

_MIN_GAIN: Final = 0.9
_SUITES: Final = 40
"""Files listed with their counts; the rest are summed up."""
_NAMED: Final = re.compile(r"(?:(?:SUB)?FAILED(?:[(\[].{0,200}?[)\]])?|ERROR) (\S+)")
_ADVERT: Final = "-- Docs: https://docs.pytest.org/"
"""Where pytest's manual explains warnings: the same after each run."""
_DEF: Final = re.compile(r"\s+(?:async )?def (\w+)")
_TITLE: Final = re.compile(r"_{3,} (.+) _{3,}$")
_NOISE: Final = re.compile(r"(?:_ ){20,}$|self = <")
_MANY, _WHOLE = 600, 200
"""Lines of failure blocks up to which all stand whole (about fifteen failures with their source), and how
many do where there are more: of the later ones the source above a failing line is left out, but for a
statement just above."""
_WORTH_EARLY, _WORTH = 160, 60
"""Characters that a repeated run must have to be named by its place, in the lines shown whole and in those
after them: where failures are few, unbroken blocks read better than they cost."""
_LIBRARY: Final = 60
"""Lines of libraries' frames that are shown whole: the first failures tell how the runner got there,
what more a failure has is a parser's or an event loop's."""
_LOUD: Final = re.compile(
    r">|[_=]{3,} .|FAIL|ERROR|error|not ok|---- |\s+● |\s*--- |thread '|panic: |\S*(?:Error|Exception)\b"
)
"""Lines that say what failed: each is shown, however often it stands there."""
_SOURCE: Final = re.compile(r"E(?: |$)|>|[_=]{3,} |FAILED|ERROR")


def plan(source: Source, policy: Policy) -> Draft | None:
    """Show a test run by its failures. None where that gains nothing."""
    cleaned = numbered.cleaned_lines(source)
    lines = list(cleaned)  # each is looked at nine times, by its index
    run = read_run(lines)
    page = numbered.Page(picked=numbered.ends(lines), tight=policy.is_tight(Kind.TEST_OUTPUT))
    page.picked.update(rare_hits(source.hints.query, lines))
    named = {row: match[1] for row in run.others if (match := _NAMED.match(lines[row]))}
    page.picked.update(named)
    page.block.update(named)
    summary = {*named.values(), *run.titles}
    told = {row for row, name in run.failing.items() if name in summary}
    page.picked.difference_update(told)
    page.picked.update(run.failing.keys() - told)
    left = _show_failures(page, lines, run.failures)
    others = [row for row in run.others if row not in named and not lines[row].startswith(_ADVERT)]
    tally = fold(page, lines, others, layout_of(lines, others))
    page.opening.append(
        "; ".join(["[test run: results as counts", *_how(page, run, left), *legend(page)]) + "]"
    )
    if run.rows:
        page.opening.append(f"[results, from {len(run.rows):,} lines:]")
        page.opening += _said(run)
    page.closing.append(_closing(run, left, len(named), tally))
    view = numbered.draft(source, cleaned, page)
    return view if len(view.text) < _MIN_GAIN * len(source.text) else None


def _how(page: numbered.Page, run: TestRun, left: Sequence[str]) -> Iterator[str]:
    if run.failures:
        yield "failure blocks whole, but for what [end] names" if left else "failure blocks whole"
    if page.again:
        yield '"as L3-8" stands for the same lines again'


def _said(run: TestRun) -> Iterator[str]:
    """Yield a line per suite; those beyond the first ones together."""
    for suite, counts in list(run.suites.items())[:_SUITES]:
        yield f"  {suite or 'tests'}: {_counts(counts)}"
    rest = list(run.suites.values())[_SUITES:]
    if rest:
        summed: dict[str, int] = {}
        for counts in rest:
            for status, count in counts.items():
                summed[status] = summed.get(status, 0) + count
        yield f"  {len(rest)} more files: {_counts(summed)}"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {status}" for status, count in counts.items())


def _closing(run: TestRun, left: Sequence[str], named: int, tally: Tally) -> str:
    totals: dict[str, int] = {}
    for counts in run.suites.values():
        for status, count in counts.items():
            totals[status] = totals.get(status, 0) + count
    results = f"results: {_counts(totals)}" if totals else "no result lines"
    but = f" (left out: {', '.join(left)})" if left else ""
    summary = f" {named:,} summary lines;" if named else ""
    return f"[end: {results}; {len(run.failures):,} lines in failure blocks{but};{summary} other lines: {tally if tally.is_severe else tally.book()}]"


def _show_failures(page: numbered.Page, lines: Sequence[str], failures: Sequence[int]) -> list[str]:
    """Show failure blocks, without what an earlier block has shown; say what else is left out."""
    left: list[str] = []
    strange = _leave_out_library(page, lines, failures)
    rows = [row for row in failures if row not in strange]
    if strange:
        left.append(f"{len(strange):,} lines of library frames")
    far = _far_from_failure(lines, rows[_WHOLE:]) if len(rows) > _MANY else set()
    if far:
        rows = [row for row in rows if row not in far]
        left.append(f"source above a failing line from L{min(far) + 1} on")
    page.block.update(rows)
    asked = frozenset(page.picked)

    def is_loud(at: int) -> bool:
        line = lines[rows[at]]
        if rows[at] in asked:
            return True
        if line[:1] == "E":
            return not at or lines[rows[at - 1]][:1] != "E"
        return _LOUD.match(line) is not None

    def least(at: int) -> int:
        return _WORTH_EARLY if at < _WHOLE else _WORTH

    for at, size, earlier in Repeats(lines, rows, is_loud, least).runs():
        if earlier < 0:
            page.picked.add(rows[at])
        else:
            page.again[rows[at]] = size, rows[earlier]
    return left


def _leave_out_library(
    page: numbered.Page, lines: Sequence[str], failures: Sequence[int]
) -> set[int]:
    """Note new frames of libraries in failure blocks beyond the first ones; return their rows."""
    gone: set[int] = set()
    if not has_traces("\n".join([lines[row] for row in failures])):
        return gone
    budget = _LIBRARY
    shown: set[tuple[str, ...]] = set()
    for trace in find_traces(lines, failures):
        for rows, note in left_out(trace, lines):
            frames = tuple([lines[row] for row in rows])
            if frames in shown:
                continue
            if len(rows) <= budget:
                budget -= len(rows)
                shown.add(frames)
            else:
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
        elif _SOURCE.match(line):
            head = -1
        elif _NOISE.match(line):
            far.add(row)
    return far
