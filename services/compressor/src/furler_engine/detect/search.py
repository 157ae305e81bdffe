"""Detectors of what search tools and git print."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_MATCH = re.compile(r"(?:\./|/)?[^\s:]+\.\w+[:-]\d+[:-]|[^\s:]*/[^\s:]+[:-]\d+[:-]")
_DIFF = re.compile(r"(?:diff --git |Index: |--- \S)")
_COMMIT = re.compile(r"commit [0-9a-f]{7,40}\b|[0-9a-f]{7,12} \S")


def search_score(sample: Sample) -> float:
    """Score ``path:line:`` prefixes; context lines and ``--`` separators count."""
    return 0.95 * sample.share(lambda line: line == "--" or _MATCH.match(line))


def diff_score(sample: Sample) -> float:
    """Score a unified diff by its headers and hunks."""
    hunks = any(line.startswith("@@ -") for line in sample.lines)
    return 0.95 if hunks and any(_DIFF.match(line) for line in sample.lines) else 0.0


def git_log_score(sample: Sample) -> float:
    """Score git log, with or without bodies."""
    if sample.head.startswith("commit ") and _COMMIT.match(sample.head):
        return 0.9
    return 0.8 * sample.share(_COMMIT.match)
