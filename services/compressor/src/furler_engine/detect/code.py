"""Detector of source code."""

from __future__ import annotations

import re
from typing import Final

from furler_engine.detect.sample import Sample
from furler_engine.shared.languages import guess

_STATEMENT = re.compile(r".*[;{}]\s*(?://.*)?$|\s*[})\]]+[;,)]*\s*$|\s*(?://|/\*|\*[ /]|\*$)")
_CLEAR_SHARE: Final = 0.14
"""Share of telling lines from which a text is code of a known language: sources of nine
languages have 0.16 to 0.8, web pages with scripts up to 0.25 but they open with a tag."""
_OPENING: Final = 30
"""Lines at the start where packages, imports and includes stand."""


def code_score(sample: Sample) -> float:
    """Score lines that only a programming language writes, else the shape of statements."""
    if any(line.startswith("```") for line in sample.lines):
        return 0.0
    found = guess(sample.lines)
    if found is not None and found.share >= _CLEAR_SHARE:
        return min(0.92, 0.7 + found.share)
    opening = guess(sample.lines[:_OPENING])
    if opening is not None and opening.share >= 0.5:
        return 0.7
    return 0.65 * sample.share(_STATEMENT.match)
