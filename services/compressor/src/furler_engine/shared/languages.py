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
    "cs": "csharp", "rb": "ruby", "rake": "ruby", "php": "php", "sh": "bash", "bash": "bash",
    "sql": "sql",
}  # fmt: skip
"""Suffix to grammar. C++ reads C headers; the reverse does not hold."""

# What a line that starts with a word must look like to speak for a language. It speaks for
# the languages of all the rows that fit; "/" names several at once, and such a row does not
# count where one of a single language fits.
_EVIDENCE: Final = (
    ("python", "def async", r"(?:async )?def \w+\(|async (?:with|for) "),
    ("python", "class", r"class \w+(?:\(.*\))?:"),
    ("python", "from", r"from [\w.]+ import "),
    ("python", "import", r"import [\w.]+(?: as \w+)?$"),
    ("python", "if elif else for while with try except finally", r"\w+\b[^{};]*:$"),
    ("python", "@", r"@\w[\w.]*(?:\(.*\)?)?$"),
    ("python", "self", r"self\.\w"),
    ("python", "raise", r"raise \w+\(|raise$"),
    ("python", '"', r"\"\"\""),
    ("go", '"', r"\"[\w.~-]+(?:/[\w.~-]+)+\"$"),
    ("go", "package", r"package \w+$"),
    ("go", "func", r"func (?:\(\w+ \*?[\w.\[\]]+\) )?\w+(?:\[.*\])?\("),
    ("go", "type", r"type \w+ (?:struct|interface|func|map|\[\])"),
    ("go", "if", r"if err != nil|if .*; .* \{$"),
    ("go", "import", r"import (?:\(|\w+ )?(?:$|\")"),
    ("go", "defer go", r"\w+ \w[\w.]*\("),
    ("go", "return", r"return (?:.*, )?(?:nil|err)$"),
    ("rust", "fn impl mod trait", r"(?:fn|trait) \w+|impl\b.*|mod \w+(?:;| \{)"),
    ("rust", "pub", r"pub(?:\(\w+\))? (?:async |unsafe |const )*(?:fn|use|mod|struct|enum|trait|type|const|static|\w+:)"),
    ("rust", "use", r"use \w+(?:::|;)"),
    ("rust", "let", r"let (?:mut |Some|Ok|Err)"),
    ("rust", "match", r"match .* \{$"),
    ("rust", "if", r"if let "),
    ("rust", "#", r"#!?\[\w+"),
    ("rust", "Some Ok Err None", r"\w+[( ]"),
    ("rust", "assert_eq println format vec assert panic matches write", r"\w+!"),
    ("java", "package", r"package [\w.]+;$"),
    ("java", "import", r"import (?:static )?\w+\.[\w.]+(?:\.\*)?;$"),
    ("java", "@", r"@(?:Override|Deprecated|SuppressWarnings|Nullable|Test|Autowired)\b"),
    ("java", "throw", r"throw new \w+\("),
    ("java", "public private protected", r"\w+ (?:static |final |abstract |synchronized )*(?:class|interface|enum|record|\w+\(|[\w<>\[\]]+(?: \w+)? ?[(=;{])"),
    ("typescript", "export interface type declare", r"(?:export |declare )*(?:interface \w+.*\{$|type \w+(?:<.*>)? =|abstract class |enum \w)"),
    ("typescript", "import", r"import type "),
    ("typescript", "export const let function async", r"(?:export )?(?:const|let|function|async function) \w+.*\)?: [\w<>\[\]| ]+ (?:=|\{)"),
    ("typescript", "readonly private public protected", r"(?:readonly |private |public |protected )+\w+\??: "),
    ("javascript/typescript", "import", r"import (?:.* from )?['\"]"),
    ("javascript/typescript", "export", r"export (?:default|const|function|class|async|\{|\*)"),
    ("javascript/typescript", "const let var", r"(?:const|let|var) [\w{}, \[\]]+ = "),
    ("javascript/typescript", "function async", r"(?:async )?function\*? ?\w*\("),
    ("javascript/typescript", "module exports", r"(?:module\.)?exports\b"),
    ("javascript/typescript", "' \"", r"['\"]use (?:strict|client)['\"]"),
    ("javascript/typescript", "static async for if", r"static (?:async )?\w+ ?[=(]|async \*?\w+ ?\(.*\{$|for \((?:const|let|var) |if \(.*[!=]== "),
    ("javascript/typescript", "test it describe expect beforeEach Object", r"\w+(?:\.\w+)?\("),
    ("javascript/typescript/java/php", "class", r"class \w+ extends [\w.]+(?: \{)?$"),
    ("javascript/typescript", "constructor super", r"\w+\("),
    ("javascript/typescript", "this", r"this\.\w"),
    ("javascript/typescript", "return await", r"return \($|return \{$|await \w"),
    ("tsx", "<", r"<[A-Za-z][\w.]*(?: [\w-]+=\{| />|>$)|</[A-Za-z][\w.]*>"),
    ("cpp", "namespace template using", r"namespace\b|template ?<|using (?:namespace )?[\w:]+(?:;| =)"),
    ("cpp", "public private protected signals slots", r"\w+\s?:"),
    ("cpp", "class", r"class \w+(?: final)?(?: :|\s*\{|;|$)"),
    ("cpp", "std virtual constexpr inline explicit operator", r"\w+(?:::| )"),
    ("cpp", "#", r"#include <\w+>"),
    ("c/cpp", "#", r"#\s*(?:include|define|ifdef|ifndef|endif|if|else|elif|undef|pragma)\b"),
    ("c/cpp", "typedef static extern const unsigned", r"typedef |(?:static |extern |const |unsigned )+(?:struct )?\w+[ *&]+\w+ ?[(=;\[]"),
    ("c/cpp", "int void char size_t struct long float double bool uint8_t uint32_t uint64_t int32_t int64_t",
     r"(?:struct )?\w+[ *&]+\w+ ?[(=;\[{]|struct \w+$"),
    ("csharp", "using", r"using (?:static )?[\w.]+(?: = [\w.<>]+)?;$"),
    ("csharp", "namespace", r"namespace [\w.]+;?$"),
    ("csharp", "public private protected internal", r"(?:(?:public|private|protected|internal|static|readonly|override|virtual|async|sealed|partial|abstract) )+(?:class|record|struct|interface|enum|[\w<>\[\]?, ]+ \w+)\b"),
    ("csharp", "foreach get set", r"foreach \(var |[gs]et(?:;| =>|$)"),
    ("csharp/javascript/typescript", "var", r"var \w+ = "),
    ("csharp", "[", r"\[[A-Z]\w+(?:\(.*\))?\]$"),
    ("ruby", "def", r"def (?:self\.)?\w+[?!=]?(?:\(.*\))?$"),
    ("ruby", "class module", r"(?:class|module) [A-Z][\w:]*(?: < [\w:]+)?$"),
    ("ruby", "require require_relative", r"\w+ ['\"]"),
    ("ruby", "end", r"end$"),
    ("ruby", "attr_reader attr_accessor attr_writer include extend private unless elsif it describe", r"\w+ .*(?:[\w:]|do)$"),
    ("ruby", "@", r"@\w+ (?:\|\|)?= "),
    ("php", "<", r"<\?php"),
    ("php", "$", r"\$\w+(?:->\w+|\[.*\])* ?[.+-]?=[^=]|\$this->"),
    ("php", "use namespace", r"(?:use|namespace) [A-Z]\w*(?:\\\w+)*(?: as \w+)?;$"),
    ("php/javascript/typescript", "function", r"function \w+\("),
    ("php", "public private protected function static", r"(?:(?:public|private|protected|static|final|abstract) )+function \w+\(|function \w+\(.*\$|(?:public|private|protected) (?:static )?(?:\??\w+ )?\$\w+"),
    ("bash", "#", r"#!/.*\b(?:ba|z|k|da)?sh\b"),
    ("bash", "if elif while", r"\w+ !? ?\[|\w+ .*; (?:then|do)$"),
    ("bash", "then fi done do esac", r"\w+(?:$| |;)"),
    ("bash", "echo export local readonly set shift case", r"echo ['\"$-]|(?:export|local|readonly) \w+=|set -|shift$|case .* in$"),
    ("sql", "INSERT CREATE ALTER DROP UPDATE DELETE COPY GRANT LOCK UNLOCK COMMENT", r"(?:INSERT INTO|CREATE (?:OR REPLACE )?[A-Z]+|ALTER TABLE|DROP TABLE|UPDATE .* SET|DELETE FROM|COPY .* FROM|GRANT|LOCK|UNLOCK|COMMENT ON) ?"),
    ("sql", "SELECT FROM WHERE JOIN LEFT INNER GROUP ORDER BEGIN COMMIT END PRIMARY SET", r"[A-Z]+(?: BY| JOIN| KEY| OUTER)*(?:[ ;]|$)"),
)  # fmt: skip
_ANYWHERE: Final = (
    (" := ", "go"), ("?;", "rust"), (".unwrap()", "rust"), ("&mut ", "rust"), ("!(", "rust"),
    ("=> {", "javascript/typescript"), (" === ", "javascript/typescript"),
    (" !== ", "javascript/typescript"), ("});", "javascript/typescript"), (" />", "tsx"),
    ("std::", "cpp"), ("->", "c/cpp"),
)  # fmt: skip
"""What a line without a telling first word may hold. It helps to tell one language from
another, but logs and messages hold such things too: it does not speak for code at all."""
_OPENING: Final = 3
"""Lines at the start; further down it may be an example in a text."""
_PHP_OPENS: Final = "<?php"
# What the first line says runs a script.
_INTERPRETER: Final = re.compile(
    r"#! ?/\S*?(?:env +)?\b(ba|z|k|da|a)?sh\b|#!.*\b(python|node|ruby|php)[\d.]*\b"
)
_RUNS: Final = {
    "python": "python",
    "node": "javascript",
    "ruby": "ruby",
    "php": "php",
    None: "bash",
}
_SURE: Final = 10
"""A variety of first words that settles it."""
_GO_IMPORT: Final = re.compile(r"[\w.]+ \"[\w.~-]+(?:/[\w.~-]+)+\"$")


def _by_first_word() -> dict[str, tuple[tuple[str, re.Pattern[str]], ...]]:
    table: dict[str, tuple[tuple[str, re.Pattern[str]], ...]] = {}
    for languages, words, pattern in _EVIDENCE:
        for word in words.split():
            table[word] = (*table.get(word, ()), (languages, re.compile(pattern)))
    return table


_FIRST_WORDS: Final = _by_first_word()
_FIRST: Final = re.compile(r"\w+|\S")
_NEUTRAL: Final = frozenset("#/*{}()[];,<|+-")
"""First characters of comments and of lines that close or go on: no evidence either way."""
_PREFERENCE: Final = (
    "python", "go", "rust", "java", "javascript", "typescript", "tsx", "c", "cpp", "csharp",
    "ruby", "php", "bash", "sql",
)  # fmt: skip
"""Among equals the first: what an extension of a language does not use is the language."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A language and what speaks for it.

    ``share`` (0 to 1) is that of the telling lines; ``variety`` says with how
    many different first words they start: messages repeat one form.
    """

    language: str
    share: float
    variety: int


def language_of_name(filename: str) -> str | None:
    """Return the language that a file name's suffix stands for, or None."""
    name = filename.replace("\\", "/").rpartition("/")[2]
    stem, _, suffix = name.rpartition(".")
    return CODE_SUFFIXES.get(suffix.lower()) if stem else None


def guess(lines: Iterable[str]) -> Guess | None:
    """Return the language that most lines speak for; None when no line does.

    Linear in the number of lines; give it a bounded sample of bounded lines.
    """
    strong: Counter[str] = Counter()
    words: dict[str, dict[str, None]] = {}
    weak: Counter[str] = Counter()
    telling = 0
    for number, line in enumerate(lines):
        if number < _OPENING and line.startswith(_PHP_OPENS):
            return Guess("php", 1.0, _SURE)
        if number == 0 and (run := _INTERPRETER.match(line)) is not None:
            return Guess(_RUNS[run[2]], 1.0, _SURE)
        stripped = line.strip()
        first = _FIRST.match(stripped)
        if first is None:
            continue
        word = first[0]
        languages = _spoken_for(word, stripped)
        if languages is not None:
            strong[languages] += 1
            words.setdefault(languages, {})[word] = None
        elif word in _NEUTRAL:
            continue
        elif (languages := _hinted(stripped)) is not None:
            weak[languages] += 1
        telling += 1
    shares = _scores(strong)
    scores = _scores(strong + weak)
    best = max(_PREFERENCE, key=lambda language: scores[language])
    if not shares[best]:
        return None
    variety = sum(
        len(found)
        for languages, found in words.items()
        if best in languages.split("/") or (best == "tsx" and "typescript" in languages)
    )
    return Guess(best, shares[best] / telling, variety)


def _spoken_for(first: str, line: str) -> str | None:
    if first in _FIRST_WORDS:
        fitting = [who for who, pattern in _FIRST_WORDS[first] if pattern.match(line)]
        if fitting:
            return "/".join([who for who in fitting if "/" not in who] or fitting)
    if line[-1] == '"' and _GO_IMPORT.match(line):
        return "go"
    return None


def _hinted(line: str) -> str | None:
    for part, languages in _ANYWHERE:
        if part in line:
            return languages
    return None


def _scores(votes: Counter[str]) -> Counter[str]:
    scores: Counter[str] = Counter()
    for name, count in votes.items():
        for language in dict.fromkeys(name.split("/")):
            scores[language] += count
    scores["cpp"] += scores["c"] if scores["cpp"] else 0
    if scores["tsx"] > 10 * scores["javascript"]:
        scores["tsx"] = 0  # a page: tags and little else
    if scores["typescript"] > scores["javascript"]:
        scores["tsx"] += scores["typescript"] if scores["tsx"] else 0
    else:
        scores["javascript"] += scores["tsx"]
        scores["tsx"] = 0
    return scores
