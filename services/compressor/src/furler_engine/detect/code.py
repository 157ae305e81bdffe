"""Detector of source code."""

from __future__ import annotations

import re
from typing import Final

from furler_engine.shared.languages import guess
from furler_engine.shared.sample import Sample

_STATEMENT = re.compile(r".*[;{}]\s*(?://.*)?$|\s*[})\]]+[;,)]*\s*$|\s*(?://|/\*|\*[ /]|\*$)")
_CLEAR: Final = ((0.5, 2), (0.14, 3), (0.1, 5), (0.08, 6))
"""Share of telling lines, and variety of their first words, from which a text is code of a
known language: sources of nine languages have shares of 0.11 to 0.8 and varieties of 6 to 20;
build logs and messages reach 0.26, but with one or two first words."""
_OPENING: Final = 30
"""Lines at the start where packages, imports and includes stand."""


_INDENTED: Final = 0.25
"""Share of lines; sources have 0.4 and more, what search tools, logs and tables print nearly none."""
_MINIFIED_LINE: Final = 300
_MINIFIED: Final = re.compile(r"\bfunction ?\w*\(|=>|\breturn\b|\bvar |&&|\|\||[;{}]\w|\)\{")
_DENSE: Final = 8
"""Signs of a program that every long line of minified JavaScript has, and more."""


def code_score(sample: Sample, _least: float) -> float:
    """Score lines that only a programming language writes, else the shape of statements."""
    if any(line.startswith("```") for line in sample.lines):
        return 0.0
    found = sample.language
    if found is not None:
        if any(found.share >= s and found.variety >= v for s, v in _CLEAR):
            return min(0.92, 0.7 + found.share)
        if found.language == "sql" and found.share >= 0.5:
            return 0.92
    opening = guess(sample.lines[:_OPENING])
    if opening is not None and opening.share >= 0.4 and opening.variety > 1:
        return 0.7
    return max(0.65 * sample.share(_STATEMENT.match), 0.8 * _minified_share(sample))


def may_be_code(sample: Sample) -> bool:
    """Whether code's score is worth knowing early: enough lines are indented."""
    indented = sum(line.startswith((" ", "\t")) for line in sample.lines)
    return indented >= _INDENTED * len(sample.lines)


def _minified_share(sample: Sample) -> float:
    long = [line for line in sample.lines if len(line) >= _MINIFIED_LINE]
    dense = sum(len(_MINIFIED.findall(line)) >= _DENSE for line in long)
    return dense / len(sample.lines) if long else 0.0
