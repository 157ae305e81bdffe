"""Detectors of structured data: JSON, delimited tables, configuration."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_JSON_OPENING = re.compile(
    r'\s*(?:\{\s*(?:"|\})|\[\s*(?:\[(?![A-Za-z_])|[{"\]\d-]|true|false|null))'
)
_ASSIGNMENT = re.compile(r"\s*(?:- )?[\w.\"'/$@-]+(?: = ?|=|:(?=\s|$))")
_AROUND_SETTINGS = re.compile(
    r"\s*(?:- |[#;]|\[{1,2}[\w.\"' -]+\]{1,2}\s*$|\"[^\"]*\",?\s*$|[\]}],?\s*$|---\s*$)"
)


def json_score(sample: Sample) -> float:
    """Score an opening as JSON has it; the parser has the last word."""
    return 0.9 if _JSON_OPENING.match(sample.head) else 0.0


def table_score(sample: Sample) -> float:
    """Score lines that all have the same number of one delimiter."""
    if len(sample.lines) < 4:  # a header and three rows
        return 0.0
    if sample.share(lambda line: line.lstrip().startswith("|")) > 0.8:
        return 0.9
    for delimiter in (",", "\t", ";"):
        fields = sample.lines[0].count(delimiter)
        same = sum(line.count(delimiter) == fields for line in sample.lines)
        if fields >= 2 and same > 0.9 * len(sample.lines):
            return 0.7
    return 0.0


def config_score(sample: Sample) -> float:
    """Score lines that set something, with lists and comments between: YAML, TOML, INI."""
    firm = sample.share(_ASSIGNMENT.match)
    if firm < 0.25 or any(line.startswith(("```", "~~~")) for line in sample.lines):
        return 0.0
    around = sample.share(lambda line: not _ASSIGNMENT.match(line) and _AROUND_SETTINGS.match(line))
    return min(0.85, firm + around)
