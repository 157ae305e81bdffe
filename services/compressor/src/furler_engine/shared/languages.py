"""Which programming language a text is in, by file name or by its own lines.

What lives here: the table of suffixes and the evidence in a line. What does
not: grammars and parsing (syntax.py), and the decision whether a text is code
at all (detect).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

CODE_SUFFIXES: Final = {
    "py": "python", "pyi": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript",
    "jsx": "javascript", "ts": "typescript", "mts": "typescript", "cts": "typescript",
    "tsx": "tsx", "go": "go", "rs": "rust", "java": "java", "c": "c", "h": "cpp",
    "cc": "cpp", "cpp": "cpp", "cxx": "cpp", "hpp": "cpp", "hh": "cpp", "hxx": "cpp",
}  # fmt: skip
"""Suffix to grammar. C++ reads C headers; the reverse does not hold."""

_EVIDENCE: Final = (
    # Each line counts for the first entry it matches; "_or_" gives it to both languages.
    ("python", (r"(?:async )?def \w+\(.*(?:[:,(]|->)|class \w+(?:\(.*\))?:|from [\w.]+ import |import [\w.]+(?: as \w+)?$|elif .*:"
               r"|(?:if|for|while|with|try|else|finally|except)\b[^{};\n]*:$|@\w[\w.]*(?:\(.*\))?$|\"\"\"|self\.\w")),
    ("go", (r"package \w+$|func (?:\(\w+ \*?[\w.\[\]]+\) )?\w+(?:\[.*\])?\(|type \w+ (?:struct|interface|func)\b"
           r"|[\w, ]+ := |if err != nil|import \($|defer \w|go func\(|return nil\b|(?:\w+ )?\"[\w.~-]+(?:/[\w.~-]+)+\"$|\w+ +[\w.*\[\]]+ +`\w+:")),
    ("rust", (r"(?:pub(?:\(\w+\))? )?(?:async |unsafe |const )*fn \w+|impl\b.* \{$|(?:pub(?:\(\w+\))? )?(?:use \w+::|mod \w+[;{ ])"
             r"|#!?\[\w+|let (?:mut |Some|Ok|Err)|match .* \{$|//! |pub (?:struct|enum|trait|type|const|static) |trait \w+|\w+!\(|(?:Some|Ok|Err)\(")),
    ("java", (r"package [\w.]+;|import (?:static )?\w+\.[\w.]+(?:\.\*)?;|@Override|throw new \w+\("
             r"|(?:public|private|protected) (?:static |final |abstract |synchronized )*(?:class|interface|enum|record|[\w<>\[\], ]+ \w+ ?[(=;]|\w+\()")),
    ("typescript", (r"(?:export )?(?:interface \w+.* \{$|type \w+(?:<.*>)? =)|import type |(?:export )?(?:const|let|function|async function) \w+.*\)?: [\w<>\[\]| ]+ (?:=|\{)"
                   r"|(?:readonly |private |public |protected )+\w+\??: |\w+\??: (?:string|number|boolean|any|unknown)\b")),
    ("javascript_or_typescript", (r"import .* from ['\"]|export (?:default|const|function|class|async|\{)|(?:const|let|var) [\w{}, \[\]]+ = |(?:async )?function\*? ?\w*\("
                                 r"|module\.exports|['\"]use strict|\}\);?$|constructor\(|this\.\w|.* => [{(]$|return \($|.*[!=]== ")),
    ("tsx", r"<[A-Za-z][\w.]*(?: [\w-]+=\{| />|>$)|</[A-Za-z][\w.]*>|/>$"),
    ("cpp", (r"namespace\b|template ?<|(?:public|private|protected|signals)\s?:|using (?:namespace )?[\w:]+|class \w+(?: final)?(?: :|\s*\{|;|$)|std::|#include <\w+>"
            r"|(?:[\w<>]+[ *&]+)*[\w<>]+::~?\w+\(|virtual |constexpr |inline |explicit |operator\W|\w+\) (?:const|noexcept|override)\b")),
    ("c_or_cpp", (r"#\s*(?:include|define|ifdef|ifndef|endif|if|else|elif|undef|pragma)\b|typedef |.*\w->\w"
                 r"|(?:static |extern |const |unsigned )*(?:int|void|char|size_t|struct \w+|long|float|double|bool|u?int\d+_t)\b[ *]+\w+ ?[(=;\[]")),
)  # fmt: skip
_LINE: Final = re.compile(
    r"[ \t]*+(?:" + "|".join(f"(?P<{name}>{pattern})" for name, pattern in _EVIDENCE) + ")"
)
_NEUTRAL: Final = re.compile(r"\s*+(?:$|//|/\*|\*|#(?![\[!a-z])|[{}()\[\];,]+\s*$)")
"""Blank lines, comments, closing brackets: no evidence either way."""
_PREFERENCE: Final = (
    "python", "go", "rust", "java", "javascript", "typescript", "tsx", "c", "cpp",
)  # fmt: skip
"""Among equals the first: what an extension of a language does not use is the language."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A language and the share (0 to 1) of the telling lines that speak for it."""

    language: str
    share: float


def language_of_name(filename: str) -> str | None:
    """Return the language that a file name's suffix stands for, or None."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    return CODE_SUFFIXES.get(suffix.lower()) if stem else None


def guess(lines: Iterable[str]) -> Guess | None:
    """Return the language that most lines speak for; None when no line does.

    Linear in the number of lines; give it a bounded sample of bounded lines.
    """
    votes: Counter[str] = Counter()
    telling = 0
    for line in lines:
        match = _LINE.match(line)
        if match is not None and match.lastgroup is not None:
            votes[match.lastgroup] += 1
            telling += 1
        elif _NEUTRAL.match(line) is None:
            telling += 1
    scores = _scores(votes)
    best = max(_PREFERENCE, key=lambda language: scores[language])
    return Guess(best, scores[best] / telling) if scores[best] else None


def _scores(votes: Counter[str]) -> Counter[str]:
    scores: Counter[str] = Counter()
    for name, count in votes.items():
        for language in name.split("_or_"):
            scores[language] += count
    scores["cpp"] += scores["c"] if scores["cpp"] else 0
    if scores["typescript"] > scores["javascript"]:
        scores["tsx"] += scores["typescript"] if scores["tsx"] else 0
    else:
        scores["javascript"] += scores["tsx"]
        scores["tsx"] = 0
    return scores
