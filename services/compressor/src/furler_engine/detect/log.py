"""Detectors of what programs print as they run: logs, tests, builds, diagnostics, traces."""

from __future__ import annotations

import re

from furler_engine.clean import clean_line
from furler_engine.detect.sample import Sample

_STAMP = re.compile(
    r"\W{0,2}(?:\d{4}[-/.]\d\d[-/.]\d\d|\d\d[-/:]\d\d[-/:]\d\d|[A-Z][a-z]{2} +\d{1,2} \d\d:|\d{6,10}[ .])"
    r"|\S+ \S+ \S+ \[\d\d/\w{3}/\d{4}:|\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\b"
)
_FRAME = re.compile(
    r"\s+at [\w$.<>]+|\s+File \"|Traceback |\s*goroutine \d+|Caused by:|\s+\d+: \w+::"
)
_TEST = re.compile(
    r"\S+::\S+ (?:PASSED|FAILED|SKIPPED|ERROR)|={3,} .* ={3,}$|_{4,} .* _{4,}$|test \S+ \.\.\. (?:ok|FAILED|ignored)"
    r"|--- (?:PASS|FAIL|SKIP): |\s+[✓✗✕√×] |PASS |FAIL |\S+ \(\S+\) \.\.\. (?:ok|FAIL|ERROR)"
)
_DIAGNOSTIC = re.compile(
    r"\S+?[:(]\d+(?:[:,]\d+)?\)?:? ?(?:fatal )?(?:error|warning|note|info|[A-Z]+\d+)\b|\s+\d+:\d+\s+(?:error|warning)"
    r"|(?:error|warning)(?:\[\w+\])?: "
)
_BUILD = re.compile(
    r"\s*(?:Compiling|Downloading|Downloaded|Collecting|Installing|Building|Requirement already|npm (?:WARN|ERR|http)|Get:\d+|Unpacking|Setting up"
    r"|Preparing to unpack|Selecting previously|\[INFO\]|\[\d+/\d+\]|\[ *\d+%\]|make(?:\[\d+\])?:|> Task )"
)


def log_score(sample: Sample) -> float:
    """Score lines that open with a time, a severity, or an access log's fields."""
    return 0.9 * sample.share(lambda line: _STAMP.match(clean_line(line)))


def stack_trace_score(sample: Sample) -> float:
    """Score frames of Python, Java, JavaScript, Go and Rust traces."""
    return min(0.9, 1.5 * sample.share(_FRAME.match))


def test_output_score(sample: Sample) -> float:
    """Score what test runners print."""
    return min(0.95, 1.2 * sample.share(lambda line: _TEST.match(clean_line(line))))


def diagnostics_score(sample: Sample) -> float:
    """Score compiler and linter messages."""
    return min(0.95, 1.4 * sample.share(lambda line: _DIAGNOSTIC.match(clean_line(line))))


def build_output_score(sample: Sample) -> float:
    """Score package managers and build tools."""
    return min(0.9, 1.2 * sample.share(lambda line: _BUILD.match(clean_line(line))))
