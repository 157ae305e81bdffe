"""Detectors of structured data: JSON, delimited tables, configuration."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_JSON_OPENING = re.compile(r'\s*(?:\{\s*(?:"|\})|\[\s*(?:[\[{"\]\d-]|true|false|null))')
_KEY = re.compile(r"\s*+(?:- )?[\w.\"'/-]++\s*+(?::(?:\s|$)|=)")
_SETTING = re.compile(
    r"\s*+(?:(?:- )?[\w.\"'/-]++\s*+(?::(?:\s|$)|=)|- |\[{1,2}[\w.\"-]+\]{1,2}\s*$|[#;\]])"
)
_LONGEST_SETTING = 120
"""Characters; what follows a longer one is somebody speaking."""


def json_score(sample: Sample) -> float:
    """Score an opening, and an end, as JSON has them; the parser has the last word."""
    if not _JSON_OPENING.match(sample.head):
        return 0.0
    return 0.98 if sample.tail.endswith(("}", "]")) else 0.9


def table_score(sample: Sample) -> float:
    """Score lines that all have the same number of one delimiter.

    Programs put no blank behind it; people who write sentences and logs do.
    """
    if len(sample.lines) < 4:  # a header and three rows
        return 0.0
    if sample.share(lambda line: line.lstrip().startswith("|")) > 0.8:
        return 0.9
    for delimiter in (",", "\t", ";"):
        fields = sample.lines[0].count(delimiter)
        same = sum(line.count(delimiter) == fields for line in sample.lines)
        if fields >= 2 and same > 0.9 * len(sample.lines):
            written = sum(f"{delimiter} " in line for line in sample.lines)
            is_exact = same == len(sample.lines) and written <= 0.1 * same
            return 0.975 if is_exact else 0.7
    return 0.0


def config_score(sample: Sample) -> float:
    """Score lines that set something: YAML, TOML, INI.

    Items and comments count only beside enough keys: Markdown has them too.
    """
    keys = sample.share(lambda line: len(line) < _LONGEST_SETTING and _KEY.match(line))
    return (0.85 if keys > 0.3 else 0.6) * sample.share(_SETTING.match)
