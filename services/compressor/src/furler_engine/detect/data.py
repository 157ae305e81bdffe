"""Detectors of structured data: JSON, delimited tables, configuration."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from furler_engine.shared.aligned import FIT, is_row, layout_of
from furler_engine.shared.grep_json import is_ripgrep_json
from furler_engine.shared.rows import preamble
from furler_engine.shared.sample import WIDTH, Sample

# What stands in brackets at the start of a log's line is a time or a level: a number of JSON
# has a comma behind it, or a bracket that ends a value.
_JSON_OPENING = re.compile(
    r'\s*(?:\{\s*(?:"|\})|\[\s*(?:\[(?![A-Za-z_])|[{"\]]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*(?:,|\](?=\s*(?:[,\[\]]|\Z)))'
    r"|(?:true|false|null)\b))"
)
# A brace, perhaps in brackets, and a member's name: nothing else opens like that.
_JSON_NAME = re.compile(r'\s*+(?:\[\s*+){0,4}\{\s*+"[^"\\\n]{0,200}"\s*+:')
_ASSIGNMENT = re.compile(r"\s*(?:- )?[\w.\"'/$@-]+(?: = ?|=|:(?=\s|$))")
_YAML_OPENING = re.compile(r"(?:#[^\n]*\n|\n)*[A-Za-z_][\w.-]*:(?: [^\n]*)?\n")
_AROUND_SETTINGS = re.compile(
    r"\s*(?:- |[#;]|\[{1,2}[\w.\"' -]+\]{1,2}\s*$|\"[^\"]*\",?\s*$|[\]}],?\s*$|---\s*$)"
)
# Lock files that look like nothing else: yarn, pnpm, Bundler, Go, pip-compile.
_LOCK = re.compile(
    r"^# yarn lockfile v\d|\A\W*lockfileVersion: |\AGEM\n  remote: |\A(?:\S+ v\d\S* h1:\S{43}=\n){2}|^[\w.-]+==\S+ .*\\\n +--hash=",
    re.MULTILINE,
)
_LOCK_SIGNS = ("# yarn lockfile v", "lockfileVersion: ", "GEM\n", " h1:", "--hash=")
"""What one form of them each is without no one: told at a fiftieth of the time."""
_LOCK_SCORE = 0.95
_SETTINGS_SCORE = 0.85
_QUOTED = re.compile(r'"[^"]*"')
_DELIMITERS = (",", "\t", ";", "|")
_OPENING = 4
"""Lines at the start that rule most other texts out."""
_EXACT_SCORE = 0.975
_FRAMED_SCORE = 0.9
"""Of tables whose lines do not all have the same number of a delimiter, the highest."""
_ALIGNED_SCORE = 0.88
_TWO_COLUMNS_SCORE = 0.87
_LEAST_FIELDS = 2
"""Delimiters in a line: one may be a sentence's."""
_DENSE = 1 / 40
"""Delimiters per character of a line that is too long to be seen whole."""
_FRAMED = re.compile(r"\s*(?:\||[│┃║].*[│┃║]\s*\Z)")
# Counts and states that git and du print before a path: a listing.
_BEFORE_PATH = re.compile(
    r"(?:[\d.]+[KMGT]?|-|[A-Z]\d{0,3})\t(?:(?:\d+|-)\t)?[^\t]*[/.][^\t]*\Z", re.ASCII
)
# A row printed downwards: psql -x, mysql \\G.
_PRINTED_ROW = re.compile(r"-\[ RECORD 1 \]-|\*{5,} *1\. row \*{5,}")
_MANY_TITLES = 2
"""Headings from which a page has tables, and is none."""
# A job, a step, then a time and what was said: gh run view --log.
_TABBED_LOG = re.compile(r"(?:[^\t]{1,80}\t){1,3}\d{4}-\d\d-\d\dT[\d:.]+Z \S")
_CROSSED = re.compile(r"-[-+ ]*\+[-+ ]*-")
_LONGEST_SETTING = 120
"""Characters; what follows a longer one is somebody speaking."""


def json_score(sample: Sample, _least: float) -> float:
    """Score an opening, and an end, as JSON has them; the parser has the last word."""
    if not _JSON_OPENING.match(sample.head) or is_ripgrep_json(sample.head):
        return 0.0
    if _JSON_NAME.match(sample.head):
        return 1.0
    return 0.98 if sample.tail.endswith(("}", "]")) else 0.9


def table_score(sample: Sample, least: float) -> float:
    """Score lines that all have the same number of one delimiter.

    Programs put no blank behind it; people who write sentences and logs do.
    """
    if len(sample.lines) < 4:  # a header and three rows
        return 0.0
    if least > _FRAMED_SCORE and not (
        _PRINTED_ROW.match(sample.head) or _opens_alike(sample.lines)
    ):
        return 0.0
    if sample.share(_FRAMED.match, 0.8) > 0.8:
        return _FRAMED_SCORE if sum(map(_titled, sample.lines)) < _MANY_TITLES else 0.0
    if sample.share(_TABBED_LOG.match, 0.5) > 0.5:
        return 0.0
    if _PRINTED_ROW.match(sample.head):
        return _EXACT_SCORE
    bare = [_bare(line) for line in sample.lines[preamble(sample.lines) :]]
    score = max((_delimited_score(bare, delimiter) for delimiter in _DELIMITERS), default=0.0)
    if score:
        return score
    return _ALIGNED_SCORE if _is_aligned(sample.lines) else 0.0


def _bare(line: str) -> str:
    """Return a line less what is quoted: text; a doubled quote is two quoted cells side by side."""
    return _QUOTED.sub("", line) if '"' in line else line


def _opens_alike(lines: tuple[str, ...]) -> bool:
    """Whether the first lines have the same number of a delimiter, as all of an exact table have."""
    above = preamble(lines)
    opening = [_bare(line) for line in lines[above : above + _OPENING]]
    counts = ({line.count(delimiter) for line in opening} for delimiter in _DELIMITERS)
    return any(len(found) == 1 and 0 not in found for found in counts)


def _titled(line: str) -> bool:
    return line.startswith(("# ", "## ", "### "))


def _delimited_score(lines: Sequence[str], delimiter: str) -> float:
    counts = Counter(line.count(delimiter) for line in lines)
    fields, same = counts.most_common(1)[0] if lines else (0, 0)
    if not fields or not (lines[0].count(delimiter) == fields or len(lines[0]) == WIDTH):
        return 0.0  # the first line is the header, which may be too long to be seen whole
    written = sum(f"{delimiter} " in line for line in lines)
    if delimiter == "\t" and sum(_BEFORE_PATH.match(line) is not None for line in lines) > same / 2:
        return 0.0
    if delimiter == "|" and written and not any(map(_CROSSED.fullmatch, lines[:4])):
        return 0.0
    is_exact = same == len(lines) and written <= 0.1 * same
    if fields == 1 and delimiter != "|":
        return _TWO_COLUMNS_SCORE if is_exact and _are_pairs(lines, delimiter) else 0.0
    if same > 0.9 * len(lines) and fields >= (1 if delimiter == "|" else _LEAST_FIELDS):
        return _EXACT_SCORE if is_exact else 0.7
    if fields < _LEAST_FIELDS:
        return 0.0
    # Lines that the sample cuts have fewer; those of a cell with line breaks open a quote or close it.
    cut = sum(len(line) == WIDTH and line.count(delimiter) >= _DENSE * WIDTH for line in lines)
    broken = sum(line.count('"') % 2 for line in lines)
    return 0.9 if same + cut > 0.9 * len(lines) or (broken and same > 0.5 * len(lines)) else 0.0


def _are_pairs(lines: Sequence[str], delimiter: str) -> bool:
    return all(line[0] != delimiter != line.rstrip()[-1:] for line in lines)


def _is_aligned(lines: tuple[str, ...]) -> bool:
    layout = layout_of(lines)
    if layout is None:
        return False
    rows = [line for line in lines[layout.header + 1 :] if is_row(line)]
    return sum(layout.cells(row) is not None for row in rows) >= FIT * len(rows)


def config_score(sample: Sample, least: float) -> float:
    """Score lines that set something, with lists and comments between: YAML, TOML, INI."""
    if any(sign in sample.head for sign in _LOCK_SIGNS) and _LOCK.search(sample.head):
        return _LOCK_SCORE
    if least > _SETTINGS_SCORE:
        return 0.0
    firm = sample.share(_ASSIGNMENT.match, 0.25)
    if firm < 0.25 or any(line.startswith(("```", "~~~")) for line in sample.lines):
        return 0.0
    around = sample.share(lambda line: not _ASSIGNMENT.match(line) and _AROUND_SETTINGS.match(line))
    score = min(_SETTINGS_SCORE, firm + around)
    # Scripts inside YAML are no settings; how it opens tells.
    return max(score, 0.81) if score > 0.6 and _YAML_OPENING.match(sample.head) else score
