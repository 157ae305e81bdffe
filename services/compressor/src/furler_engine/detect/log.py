"""Detectors of what programs print as they run: logs, tests, builds, diagnostics, traces."""

from __future__ import annotations

import re
from typing import Final

from furler_engine.shared.event_stream import is_stream
from furler_engine.shared.sample import Sample

# A date or a time near the start, perhaps after a file name or a number, or an access log's.
_TIMES = (
    r"\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/.]\d\d[-/.]\d\d[ T]|\d\d[-/.]\d\d \d\d:\d\d|\d\d:\d\d:\d\d"
    r"|(?:[A-Z][a-z]{2} )?[A-Z][a-z]{2} +\d{1,2} \d\d:|1\d{9}(?:\d{3})?[ .:]|\d{1,2}[ /][A-Z][a-z]{2}[ /]\d{4}[ :]\d\d:"
)
# Or in a first field that says so (logfmt), seconds since the start, or whose line it is (compose).
_STAMP = re.compile(
    rf"\[ *\d+\.\d{{3,6}}s?\]|\W{{0,2}}(?:{_TIMES})|\W{{0,2}}[\w.:\-]+ \W?(?:{_TIMES})|\S+ \S+ \S+ \[\d\d/\w{{3}}/\d{{4}}[: ]"
    rf"|(?:ts|time|timestamp|t|at|date)[=:][\"\[]?(?:{_TIMES}|\d{{4}}-)|(?:\w+=\S+ ){{0,3}}level=\w|[\w.]+[\w.-]*[-_]\d+ +\| "
    # Cassandra, Rails, .NET, auditd.
    rf"|[A-Z]{{4,8}} +\[[^\]]{{1,80}}\] +(?:{_TIMES})|[DIWEFA], \[\d{{4}}-|(?:trce|dbug|info|warn|fail|crit): \S+\[\d+\]$|type=[A-Z_]+ msg=audit\("
    # gh run view --log: a job and a step before the time.
    r"|(?:[^\t]{1,80}\t){1,3}\d{4}-\d\d-\d\dT[\d:.]+Z "
)
# MySQL's slow query log is statements, each under its times.
_SLOW_QUERIES: Final = "\n# Query_time: "
# A time, a size and a name alone are a listing's, as aws s3 ls prints them.
_STORED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\d+ \S+$")
_CONTINUED = re.compile(r"[ \t]+\S")
_OPENING: Final = 3
"""Lines at the start, one of which has a time where records do: else a log stands inside of something."""
_LEVELS_SCORE: Final = 0.85
"""The most that severities without times tell."""
_STAMPED: Final = 0.25
"""Share of lines with a time from which indented lines are the rest of a record above."""
_LEVEL = re.compile(
    r"[\[<]?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|trace|debug|info|warn|warning|error|fatal)[\]>]?[: |]"
)
_FRAME = re.compile(
    r"\s+at \S|[\s|]+File \".*\", line \d|\s*(?:[|+] )?(?:Exception Group )?Traceback \(most|goroutine \d+ \[|Caused by: |\s+\d+: \S+(?:::|$)|\s+\.\.\. \d+ (?:more|common)"
    r"|\t\S+\.go:\d+|thread '.*' panicked|panic: |\S+(?:Error|Exception)(?:: |$)|\s+from \S+:\d+:in "
)
_TRACE_HEAD = re.compile(
    r"\s*(?:\+ )?(?:Exception Group )?Traceback \(most recent call last\):|panic: |fatal error: |goroutine \d+ \[|Exception in thread \"|thread '[^'\n]*' .{0,20}panicked at "
)
"""How a trace begins that nothing stands above."""
_SOME_FRAMES = 0.15
_MOST_STAMPED = 0.5
"""Share of lines with a time up to which a program prints traces: with more it is a log."""
_TRACED_LINES = 2
"""Lines of source and carets under a Python frame."""
_TEST = re.compile(
    r"\S+::.+ (?:PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)\b|={3,} .* ={3,}$|_{4,} .* _{4,}$|test \S.* \.\.\. (?:ok|FAILED|ignored)"
    r"|\s*--- (?:PASS|FAIL|SKIP): |=== (?:RUN|PAUSE|CONT) |\s+[✓✔✗✕✖√×○] |\s*(?:PASS|FAIL) \S|\S+ \(\S+\) \.\.\. |\S.* \.\.\. (?:ok|FAIL|ERROR|skipped)"
    r"|\S+\.py [.sxXFE]+ +\[ *\d+%\]|\[ +(?:OK|RUN|FAILED|PASSED) +\] |\[-{5,}\]|(?:not )?ok \d+\b|E   |>    "
    r"|Tests?(?: Suites| Files)?:? .*\d+ (?:passed|failed)|Tests run: |test result: "
)
_DIAGNOSTIC = re.compile(
    r"(?:\[\w+\] )?(?:\S*[/.]\S*|[A-Za-z]:\S.*?)(?:[:(]\[?\d+(?:[:,]\d+)?\)?\]?:? ?| ?: ?)(?:fatal |command line )?(?:error|warning|note|info|hint|remark|[A-Z]+\d+|\[[\w\-]+\])\b"
    r"|\s+\d+:\d+\s+(?:error|warning)|(?:error|warning)(?:\[\w+\])?: |\s+--> \S+:\d+|In \S+ line \d+:$|\S+\.\w{1,6}[:(]\d+[:),]"
)
# A line that only a test runner prints: one tells, however long the failures around it are.
_RUNNER = re.compile(
    r"={3,} test session starts ={3,}$|(?:PASS|FAIL) +\S+[./](?:test|spec)s?[./]\S+|running \d+ tests?$|\s+\d+ passing \(\d"
    r"|Ran \d+ tests? in \d|test result: (?:ok|FAILED)\. |Test (?:Suites|Files): +\d|--- FAIL: \w+ \("
)
_RUNNER_SCORE = 0.91
# How a runner's output begins or ends, and no program text or document does.
_RUN_HEAD = re.compile(r"TAP version 1[34]$", re.MULTILINE)
_RUN_TAIL = re.compile(
    r"^(?:=+ )?(?:\d+ (?:passed|failed|errors?|skipped|deselected)\b[^\n]*|no tests ran) in [\d.]+s\b"
    r"|^FAILED \((?:failures|errors|skipped|expected|unexpected)[^\n]*\)$|^OK(?: \([^\n]*\))?\Z|^test result: (?:ok|FAILED)\. "
    r"|^error: (?:test failed, to rerun|\d+ targets? failed)|^FAIL\Z|^ok  \t\S+\t|^FAIL\t\S+\t|^Ran all test suites|^# duration_ms \d|^ℹ duration_ms \d"
    r"|^[ \t]+Duration +[\d.]+m?s|^ *Tests:? +(?:\d+ \w+[,|] )?\d+ (?:passed|total)",
    re.MULTILINE,
)
_ENDS_SCORE = 0.98
# Of a build that runs tests, it is the failing test that is looked for.
_FAILED_IN_BUILD = ("<<< FAILURE!", "<<< ERROR!")
# What grep never prints between a place and its text: a column and a blank, a severity, a rule.
_STRICT = re.compile(
    r"(?:\[\w+\] )?\[?(?:[A-Za-z]:)?[^\s:(]+(?::\d+:\d+[:\]]? (?! )|[:(]\d+(?:[:,]\d+)?\)?: ?(?:fatal |command line )?(?:error|warning|note|info|hint)\b"
    r"|:\d+: (?:\[?[A-Z]{1,8}\d{1,5}\]?:? |\[\w[\w\-]*(?:, ?[^\]]{0,80})?\] ))"
)
_CONTEXT = re.compile(r"\s|\d+ +\|")
_POINTED = re.compile(r" *--> \S[^\n]*:\d+:\d+$")
_FEW_POINTED = 3
"""Lines, of a sample, that point to a place as rustc and ruff do: nothing else prints them."""
_STRICT_SHARE = 0.6
"""Share of lines of a form that only compilers and linters print."""
_BUILD = re.compile(
    r"\s*(?:Compiling|Compiled|Downloading|Downloaded|Collecting|Installing|Building|Linking|Generating|Checking|Fetching|Updating|Processing|Using cached|Finished|Requirement already"
    r"|Successfully|npm (?:WARN|ERR|http|warn|error|notice)|added \d+ packages|Get:\d+|Hit:\d+|Fetched|Unpacking|Setting up|Preparing to unpack|Selecting previously|Processing triggers"
    r"|\[(?:INFO|WARNING|ERROR)\]|\[ *\d+/\d+\]|\[ *\d+%\]|make(?:\[\d+\])?:|> Task |BUILD (?:SUCCESS|FAILED)|#\d+ (?:\[|\d)|Step \d+/\d+|(?:\S+/)?(?:gcc|g\+\+|cc|clang|clang\+\+|javac|rustc) .*-)"
)

# What a package manager says when it fails; the output of what failed may be longer than all else.
_BUILD_FAILED = re.compile(r"\s*error: subprocess-exited-with-error$|npm (?:ERR!|error) code ")


def log_score(sample: Sample, least: float) -> float:
    """Score lines that open with a time, a severity, or an access log's fields."""
    if _SLOW_QUERIES in sample.head or is_stream(sample.lines):
        return 0.97
    opens = any(map(_STAMP.match, sample.lines[:_OPENING]))
    may_count = _may_be_of_record if opens else _STAMP.match
    if least > _LEVELS_SCORE and not sample.share(may_count, least / 0.97):
        return 0.0
    stamps = sample.share(lambda line: _STAMP.match(line) and not _STORED.match(line))
    if stamps >= _STAMPED and opens:
        stamps += sample.share(lambda line: _CONTINUED.match(line) and not _STAMP.match(line))
    levels = sample.share(_LEVEL.match)
    return max(0.97 * stamps, _LEVELS_SCORE * min(stamps + levels, 1.0))


def _may_be_of_record(line: str) -> bool:
    return _CONTINUED.match(line) is not None or _STAMP.match(line) is not None


def stack_trace_score(sample: Sample, least: float) -> float:
    """Score frames of Python, Java, JavaScript, Go and Rust traces, alone or in what a program prints."""
    opens = _TRACE_HEAD.match(sample.head) is not None
    # Without that it takes this share of the lines: alone, or with as many stamps as a trace may have.
    wanted = 0.0 if opens else min(least / 1.5, least / 0.9 - _MOST_STAMPED)
    may_fail = sample.may_fail(wanted)
    found = frames = excerpt = failed = 0
    for line in sample.lines:
        if _FRAME.match(line):
            found, frames = found + 1, frames + 1
            excerpt = _TRACED_LINES if 'File "' in line else 0
        elif excerpt and line[:1] in " |":
            found, excerpt = found + 1, excerpt - 1
        else:
            excerpt = 0
            failed += 1
            if failed > may_fail:
                return 0.0
    share = found / len(sample.lines)
    if frames and opens:
        return 0.97
    stamps = sample.share(_STAMP.match) if share > _SOME_FRAMES else 1.0
    mixed = 0.9 * (share + stamps) if stamps < _MOST_STAMPED else 0.0
    return min(0.97, max(1.5 * share, mixed))


def test_output_score(sample: Sample, least: float) -> float:
    """Score what test runners print."""
    score = min(_ENDS_SCORE, 1.2 * sample.share(_TEST.match, least / 1.2))
    if score < _ENDS_SCORE and (_RUN_HEAD.match(sample.head) or _RUN_TAIL.search(sample.tail)):
        return _ENDS_SCORE
    if any(mark in line for line in sample.lines for mark in _FAILED_IN_BUILD):
        return _ENDS_SCORE
    if max(score, least) <= _RUNNER_SCORE and any(map(_RUNNER.match, sample.lines)):
        return _RUNNER_SCORE
    return score


def strict_diagnostics_score(sample: Sample, _least: float) -> float:
    """Score a form of messages that nothing but compilers and linters prints."""
    share = sample.share(lambda line: _STRICT.match(line) and not _STAMP.match(line), _STRICT_SHARE)
    return 0.97 if share > _STRICT_SHARE else 0.0


def diagnostics_score(sample: Sample, least: float) -> float:
    """Score compiler and linter messages with the source lines under them."""
    pointed = sum(_POINTED.match(line) is not None for line in sample.lines) >= _FEW_POINTED
    share = _explained_share(sample, least / 1.2)
    return min(0.93, max(1.2 * share, 0.92 * pointed))


def _explained_share(sample: Sample, least: float) -> float:
    """Share of messages, of which there are several, and lines under them; perhaps 0 if below ``least``."""
    may_fail = sample.may_fail(least)
    found = messages = failed = 0
    inside = False
    for line in sample.lines:
        if _DIAGNOSTIC.match(line):
            messages += 1
            inside = True
        elif not (inside and _CONTEXT.match(line)):
            inside = False
            failed += 1
            if failed > may_fail:
                return 0.0
            continue
        found += 1
    return found / len(sample.lines) if messages > 1 else 0.0


def build_output_score(sample: Sample, least: float) -> float:
    """Score package managers and build tools."""
    if any(map(_BUILD_FAILED.match, sample.lines)):
        return 0.96
    return min(0.96, 1.3 * sample.share(_BUILD.match, least / 1.3))
