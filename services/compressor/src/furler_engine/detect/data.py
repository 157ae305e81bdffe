"""Detectors of structured data: JSON, delimited tables, configuration."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_JSON_OPENING = re.compile(r'\s*(?:\{\s*(?:"|\})|\[\s*(?:[\[{"\]\d-]|true|false|null))')
# A brace, perhaps in brackets, and a member's name: nothing else opens like that.
_JSON_NAME = re.compile(r'\s*+(?:\[\s*+){0,4}\{\s*+"[^"\\\n]{0,200}"\s*+:')
_SETTING = re.compile(
    r"\s*(?:- )?[\w.\"'/-]+\s*(?::(?:\s|$)|=)|\s*- |\s*\[{1,2}[\w.\"-]+\]{1,2}\s*$|\s*[#;]"
)


def json_score(sample: Sample) -> float:
    """Score an opening as JSON has it; the parser has the last word."""
    if _JSON_NAME.match(sample.head):
        return 1.0
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
    """Score lines that set something: YAML, TOML, INI."""
    return 0.6 * sample.share(_SETTING.match)
