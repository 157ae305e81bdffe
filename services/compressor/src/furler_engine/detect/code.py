"""Detector of source code."""

from __future__ import annotations

import re

from furler_engine.detect.sample import Sample

_STATEMENT = re.compile(
    r"\s*(?:def |class |async |import |from \S+ import |package |func |fn |pub |impl |struct |enum |use |mod |type "
    r"|interface |export |const |let |var |function |public |private |protected |static |return\b|if\b|for\b|while\b"
    r"|else\b|elif\b|switch\b|case |try\b|catch\b|except\b|#include|#define|#if|#endif|using |namespace |template\b|@\w+|//|/\*|\*[ /]|#!)"
    r"|.*[;{}]\s*(?://.*)?$|\s*[})\]]+[;,)]*\s*$"
)


def code_score(sample: Sample) -> float:
    """Score lines that read like statements, declarations or comments of a programming language."""
    return 0.75 * sample.share(_STATEMENT.match)
