"""Detectors of structured data: JSON, delimited tables, configuration."""

from __future__ import annotations

import re

from furler_engine.shared.aligned import FIT, is_row, layout_of
from furler_engine.shared.sample import Sample

# What stands in brackets at the start of a log's line is a time or a level: a number of JSON
# has a comma behind it, or a bracket that ends a value.
_JSON_OPENING = re.compile(
    r'\s*(?:\{\s*(?:"|\})|\[\s*(?:\[(?![A-Za-z_])|[{"\]]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*(?:,|\](?=\s*(?:[,\[\]]|\Z)))'
    r"|(?:true|false|null)\b))"
)
# A brace, perhaps in brackets, and a member's name: nothing else opens like that.
_JSON_NAME = re.compile(r'\s*+(?:\[\s*+){0,4}\{\s*+"[^"\\\n]{0,200}"\s*+:')
_ASSIGNMENT = re.compile(r"\s*(?:- )?[\w.\"'/$@-]+(?: = ?|=|:(?=\s|$))")
_YAML_OPENING = re.compile(r"(?:#[^\n]*\n|\n)*+[A-Za-z_][\w.-]*:(?: [^\n]*)?\n")
_AROUND_SETTINGS = re.compile(
    r"\s*(?:- |[#;]|\[{1,2}[\w.\"' -]+\]{1,2}\s*$|\"[^\"]*\",?\s*$|[\]}],?\s*$|---\s*$)"
)
_QUOTED = re.compile(r'"[^"]*"')
_ALIGNED_SCORE = 0.88
_LONGEST_SETTING = 120
"""Characters; what follows a longer one is somebody speaking."""


def json_score(sample: Sample) -> float:
    """Score an opening, and an end, as JSON has them; the parser has the last word."""
    if not _JSON_OPENING.match(sample.head):
        return 0.0
    if _JSON_NAME.match(sample.head):
        return 1.0
    return 0.98 if sample.tail.endswith(("}", "]")) else 0.9


def table_score(sample: Sample) -> float:
    """Score lines that all have the same number of one delimiter.

    Programs put no blank behind it; people who write sentences and logs do.
    """
    if len(sample.lines) < 4:  # a header and three rows
        return 0.0
    if sample.share(lambda line: line.lstrip().startswith("|")) > 0.8:
        return 0.9
    # Delimiters inside quotes are text; a doubled quote is two quoted cells side by side here.
    bare = [_QUOTED.sub("", line) if '"' in line else line for line in sample.lines]
    for delimiter in (",", "\t", ";"):
        fields = bare[0].count(delimiter)
        same = sum(line.count(delimiter) == fields for line in bare)
        if fields >= 2 and same > 0.9 * len(sample.lines):
            written = sum(f"{delimiter} " in line for line in bare)
            is_exact = same == len(sample.lines) and written <= 0.1 * same
            return 0.975 if is_exact else 0.7
    return _ALIGNED_SCORE if _is_aligned(sample.lines) else 0.0


def _is_aligned(lines: tuple[str, ...]) -> bool:
    layout = layout_of(lines)
    if layout is None:
        return False
    rows = [line for line in lines[layout.header + 1 :] if is_row(line)]
    return sum(layout.cells(row) is not None for row in rows) >= FIT * len(rows)


def config_score(sample: Sample) -> float:
    """Score lines that set something, with lists and comments between: YAML, TOML, INI."""
    firm = sample.share(_ASSIGNMENT.match)
    if firm < 0.25 or any(line.startswith(("```", "~~~")) for line in sample.lines):
        return 0.0
    around = sample.share(lambda line: not _ASSIGNMENT.match(line) and _AROUND_SETTINGS.match(line))
    score = min(0.85, firm + around)
    # Scripts inside YAML are no settings; how it opens tells.
    return max(score, 0.81) if score > 0.6 and _YAML_OPENING.match(sample.head) else score
