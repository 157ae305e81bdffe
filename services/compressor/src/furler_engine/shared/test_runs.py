"""What test runners print: result lines, blocks that tell of a failure, and the rest.

What lives here: the forms of runners, and to which of the three each line of a
run belongs. What does not: what is shown of them (compressors/test_output.py).

A failure block goes from a line that opens it to one that closes it, blank
lines, frames and captured output included. Where a runner prints what a test
says before its verdict (go test -v, googletest), those lines are a block once
the verdict is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

_STATUS: Final = {
    **dict.fromkeys(("passed", "pass", "ok", "subpass", "subpassed", "✓", "✔", "√"), "passed"),
    **dict.fromkeys(("failed", "fail", "not ok", "✕", "✗", "✖", "×"), "failed"),
    **dict.fromkeys(("skipped", "skip", "ignored", "subskip", "subskipped", "○", "↓", "﹣"), "skipped"),
    **dict.fromkeys(("xfail", "expected failure"), "expected failure"),
    **dict.fromkeys(("xpass", "unexpected success"), "unexpected success"),
    "error": "error",
    **dict.fromkeys(("subfail", "subfailed"), "failed"),
    "": "started",
}  # fmt: skip
_BAD: Final = frozenset(["failed", "error", "unexpected success"])
_DOTS: Final = {
    ".": "passed",
    "s": "skipped",
    "x": "xfail",
    "X": "xpass",
    "F": "failed",
    "E": "error",
    ",": "passed",
    "u": "failed",
}
# One per runner: suite, test and status by name.
_RESULTS: Final = (
    re.compile(r"(?P<suite>[^\s:]+)::(?P<test>.+?) (?P<status>(?:SUB)?PASS(?:ED)?|(?:SUB)?SKIP(?:PED)?|SUBFAIL(?:ED)?|XFAIL|XPASS|FAILED|ERROR)\b.{0,80}\[ *\d+%\]$"),
    re.compile(r"\[gw\d+\] \[ *\d+%\] (?P<status>(?:SUB)?(?:PASSED|SKIPPED|FAILED)|XFAIL|XPASS|ERROR)(?:[(\[].{0,200}?[)\]])? (?P<suite>[^\s:]+)::(?P<test>.+?) *$"),
    re.compile(r"(?P<suite>[^\s:]+)::(?P<test>\S+)(?P<status>) $"),
    re.compile(r"(?P<suite>\S+\.py) (?P<status>[.sxXFE,u]+)(?: +\[ *\d+%\])?(?P<test>)$"),
    re.compile(r"(?P<suite>)(?P<status>[.sxXFE,u]+) +\[ *\d+%\](?P<test>)$"),
    re.compile(r"(?P<test>\w+) \((?P<suite>[\w.]+)\)(?: \([^()\n]{0,200}\))? \.\.\. (?P<status>ok|FAIL|ERROR|skipped|expected failure|unexpected success)\b"),
    re.compile(r"test (?:(?P<suite>\S+)::)?(?P<test>\S.{0,200}?) \.\.\. (?P<status>ok|FAILED|ignored)\b"),
    re.compile(r"\s*--- (?P<status>PASS|FAIL|SKIP): (?P<suite>)(?P<test>\S+) \([\d.]+s\)$"),
    re.compile(r"=== (?:RUN|PAUSE|CONT|NAME) +(?P<suite>)(?P<test>\S+)(?P<status>)$"),
    re.compile(r"(?P<suite>)\s+(?P<status>[✓✔√✕✗✖×○↓]) (?P<test>.+)$"),
    re.compile(r"(?P<suite>)(?P<status>[✔✖﹣]) (?P<test>.+ \([\d.]+ms\).*)$"),
    re.compile(r"\[ +(?P<status>OK|FAILED|SKIPPED) +\] (?P<suite>[\w/]+)\.(?P<test>\S+) \(\d+ ms\)$"),
    re.compile(r"\[ RUN +\] (?P<suite>[\w/]+)\.(?P<test>\S+)(?P<status>)$"),
    re.compile(r" *(?P<status>ok|not ok) \d+ (?P<suite>)(?:- )?(?P<test>.*)$"),
    re.compile(r" *# Subtest: (?P<suite>)(?P<test>.*)(?P<status>)$"),
    re.compile(r"(?P<suite>[\w.]+) > (?P<test>.+?) (?P<status>PASSED|FAILED|SKIPPED)$"),
)  # fmt: skip
_HEADING: Final = re.compile(r"(?:PASS|FAIL) +(\S+)")
_SECTION: Final = r"={3,} (?!FAILURES|ERRORS).+ ={3,}$"


class _Form(NamedTuple):
    """How a runner's failure blocks begin and end; results may stand inside of some."""

    opens: re.Pattern[str]
    closes: re.Pattern[str]
    has_results: bool = False


def _form(opens: str, closes: str, *, has_results: bool = False) -> _Form:
    return _Form(re.compile(opens), re.compile(closes), has_results)


_FORMS: Final = (
    # pytest; unittest; cargo; jest; go and what does not compile there.
    _form(r"={3,} (?:FAILURES|ERRORS) ={3,}$", _SECTION),
    _form(r"(?:ERROR|FAIL): \w+ \(", r"Ran \d+ tests?"),
    _form(r"failures:$|---- .* ----$", r"test result: "),
    _form(r" {1,4}● (?!Console$)", r"(?:PASS|FAIL) +\S|Test Suites: | {1,4}(?:● Console|console\.\w+)$|Summary of all|Ran all test|-{5,}\|"),
    _form(r"\s*--- FAIL: ", r"(?:FAIL|ok|PASS|\?)(?:\s|$)|=== |--- (?:PASS|SKIP)", has_results=True),
    _form(r"# \S+ \[\S+\.test\]$", r"(?:FAIL|ok|PASS|\?)(?:\s|$)|=== |# "),
    # mocha; vitest; TAP; node's own; surefire; gradle; googletest tells before its verdict.
    _form(r"\s+\d+ failing$", r"(?:-{5,}\||> |npm (?:ERR|err))"),
    _form(r"⎯+ (?:Failed|Unhandled) ", r"\s*Test Files +|\s*Tests +\d"),
    _form(r" *not ok \d+", r" *(?:ok \d|# |\d+\.\.\d)", has_results=True),
    _form(r"✖ failing tests:$", r"(?!)"),
    _form(r".*<<< (?:FAILURE|ERROR)!(?: -- in \S+)?$|\[ERROR\] (?:Failures|Errors): ?$", r"\[(?:INFO|WARNING)\]|\[ERROR\] (?:Tests run:|Failed to)"),
    _form(r"[\w.$]{1,300} > .{1,500} FAILED$", r"\S"),
    # rspec and minitest; PHPUnit; dotnet.
    _form(r"Failures:$", r"Finished in "),
    _form(r"There (?:was|were) \d+ (?:failure|error)s?:$", r"(?:FAILURES|ERRORS)!$|OK"),
    _form(r"\s+Failed \S.* \[[\d<. ]+m?s\]$", r"\s+(?:Passed|Skipped) |(?:Failed|Passed)!|Total tests"),
)  # fmt: skip
_ANY_OPENS: Final = re.compile("|".join(f"(?:{form.opens.pattern})" for form in _FORMS))
_STARTED: Final = re.compile(r"(?:=== (?:RUN|CONT|NAME) +|\[ RUN +\] )(\S+)$")
_TITLED: Final = (
    (re.compile(r"(?:FAIL|ERROR): (?P<test>\w+) \((?P<suite>[\w.]+)\)"), "{suite}::{test}"),
    (re.compile(r"---- (?P<test>\S+) stdout ----$"), "{test}"),
)
"""Titles of blocks that name their test as a result line does."""


@dataclass(slots=True)
class TestRun:
    """A run, line by line: ``rows`` of results, of ``failures``, of ``others``, each ascending.

    ``suites`` counts results by file or suite and status; ``failing`` names the
    test of each row that says it failed; ``titles`` are the tests that failure
    blocks are about.
    """

    rows: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    suites: dict[str, dict[str, int]] = field(default_factory=dict)
    failing: dict[int, str] = field(default_factory=dict)
    titles: set[str] = field(default_factory=set)

    def add(self, suite: str, status: str, count: int = 1) -> None:
        """Count results."""
        counts = self.suites.setdefault(suite, {})
        counts[status] = counts.get(status, 0) + count


def read_run(lines: Sequence[str]) -> TestRun:
    """Split the lines of a test run. Linear."""
    run = TestRun()
    inside: _Form | None = None
    suite = ""
    order = list(_RESULTS)
    said: dict[str, list[int]] = {}
    test = ""
    for row, line in enumerate(lines):
        if inside is not None and inside.closes.match(line):
            inside = None
        if inside is None:
            inside = _opened(line)
            if heading := _HEADING.match(line):
                suite = heading[1]
        match = _result(line, order) if inside is None or inside.has_results else None
        if match is not None:
            started = _STARTED.match(line)
            test = started[1] if started else ""
            _count(run, row, match, suite)
            (run.failures if inside and row in run.failing else run.rows).append(row)
        elif inside is not None:
            run.failures.append(row)
            run.titles.update(_titles(line))
            test = ""
        else:
            run.others.append(row)
        if test:
            said.setdefault(test, []).append(row)
    _told_before_verdict(run, said)
    return run


def _opened(line: str) -> _Form | None:
    if not _ANY_OPENS.match(line):
        return None
    return next(form for form in _FORMS if form.opens.match(line))


def _titles(line: str) -> Iterator[str]:
    for pattern, name in _TITLED:
        if found := pattern.match(line):
            yield name.format(**found.groupdict())


def _told_before_verdict(run: TestRun, said: dict[str, list[int]]) -> None:
    """Make what a failed test said before its verdict a failure block, from its start line on."""
    failed = {name.removeprefix("::").replace("::", ".") for name in run.failing.values()}
    # A start alone says nothing; a line after it does.
    moved = {
        row
        for name in failed & said.keys()
        if set(said[name]) - set(run.rows)
        for row in said[name]
    }
    if moved:
        run.failures = sorted({*run.failures, *moved})
        run.rows = [row for row in run.rows if row not in moved]
        run.others = [row for row in run.others if row not in moved]


def _result(line: str, order: list[re.Pattern[str]]) -> re.Match[str] | None:
    """Match a result line; the runner that matched last is tried first."""
    for at, pattern in enumerate(order):
        match = pattern.match(line)
        if match is not None:
            if at:
                order.insert(0, order.pop(at))
            return match
    return None


def _count(run: TestRun, row: int, match: re.Match[str], heading: str) -> None:
    suite, test, status = match["suite"] or heading, match["test"], match["status"]
    if not test and status and not set(status) - _DOTS.keys():
        for dot in dict.fromkeys(status):
            run.add(suite, _STATUS[_DOTS[dot]], status.count(dot))
        if set(status) & {"F", "E", "u"}:
            run.failing[row] = suite
        return
    # Since Python 3.11 unittest's brackets hold the test's own name, too.
    suite = suite.removesuffix(f".{test}")
    name = _STATUS[status.lower()]
    if name != "started":
        run.add(suite, name)
    if name in _BAD:
        run.failing[row] = f"{suite}::{test}"
