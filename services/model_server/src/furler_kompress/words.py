"""Words of a running text: where they stand, and what shape each has.

What lives here: spans, word-shape classes, scripts without spaces.
What does not: sub-tokens and chunks (encode), which words a view keeps (the engine).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache
from typing import Final, TypeAlias

Span: TypeAlias = tuple[int, int]

_WORD: Final = re.compile(r"\S+")

EDGES: Final = ".,;:!?\"'()[]{}<>*_|~=…“”‘’«»–—"
"""Characters around a word that are not the word: quotes, brackets, emphasis, stops."""


class Shape(IntEnum):
    """What a lower-cased model cannot see of a word; fed through ``token_type_ids``.

    The numbers are rows of the model's table: they change with the weights only.
    """

    NONE = 0  # special tokens, padding
    LOWER = 1
    ARTICLE = 2
    AUXILIARY = 3
    LINK = 4  # prepositions, "and", "or", "as"
    FUNCTION = 5  # other function words
    TITLE = 6  # Capitalised inside a sentence: most often a name
    OPENING = 7  # capitalised because it opens a sentence or a line
    FUNCTION_TITLE = 8
    CAPS = 9
    IDENTIFIER = 10  # code, paths, URLs, flags, camelCase, snake_case, dotted.names
    NUMBER = 11
    MARK = 12  # no letter and no digit
    LINE_START = 13  # a lower-case word that opens a line
    LIMIT = 14  # negation, modality, conditions
    COMPOUND = 15  # hyphen or apostrophe inside


_ARTICLES: Final = frozenset({"a", "an", "the"})
_AUXILIARIES: Final = frozenset({
    "is", "are", "was", "were", "be", "been", "being", "am", "do", "does", "did", "has", "have",
    "had", "having",
})  # fmt: skip
_LINKS: Final = frozenset({
    "of", "in", "on", "at", "by", "for", "with", "from", "to", "into", "onto", "through",
    "during", "between", "over", "under", "about", "as", "and", "or",
})  # fmt: skip
_FUNCTION: Final = frozenset({
    "i", "you", "he", "she", "it", "we", "they", "me", "him", "her", "us", "them", "my", "your",
    "his", "its", "our", "their", "mine", "yours", "this", "that", "these", "those", "there",
    "here", "who", "whom", "whose", "which", "what", "where", "why", "how", "so", "than", "then",
    "too", "very", "just", "also", "such", "own", "same", "other", "another", "each", "every",
    "both", "all", "any", "some", "few", "more", "most", "much", "many", "again", "further",
    "once", "because", "while", "although", "though", "but", "yet", "since", "whether", "will",
    "would", "can", "could", "up", "down", "out", "off", "above", "below", "against", "within",
    "upon", "per", "via", "like", "well", "even", "still", "already", "ever", "rather", "quite",
    "really", "basically", "simply", "actually", "please", "let", "lets", "let's", "it's",
    "that's", "there's", "i'm", "you're", "we're", "they're", "i've", "you've", "we've",
    "they've", "i'll", "you'll", "we'll", "um", "uh", "yeah", "okay", "ok", "oh", "mm", "hmm",
})  # fmt: skip
_LIMITS: Final = frozenset({
    "not", "no", "never", "none", "neither", "nor", "cannot", "without", "unless", "except",
    "only", "must", "shall", "should", "may", "might", "if", "until", "otherwise", "required",
    "deprecated", "optional", "least", "nothing", "nobody",
})  # fmt: skip
_IDENTIFIER: Final = re.compile(
    r"`|://|::|\w/\w|^/\w|\w_\w|^__|\w@\w|[a-z][A-Z]|^--?[A-Za-z]|\w\.\w*[A-Za-z]\w|\w\(\)|\\\w"
)
_REMEMBERED: Final = 40
"""Characters of the longest word that is remembered; what is longer seldom comes twice."""
_SENTENCE_END: Final = re.compile(r"[.!?:][\"')\]”’*_]*$")


def spans(text: str) -> list[Span]:
    """Return where each word stands: maximal runs of non-space characters, in order."""
    return [match.span() for match in _WORD.finditer(text)]


def core(word: str) -> str:
    """Return the word without the punctuation around it; empty where that is all."""
    return word.strip(EDGES)


def opens_line(text: str, words: Sequence[Span]) -> list[bool]:
    """Say per word whether it is the first of its line."""
    starts: list[bool] = []
    end = 0
    for start, stop in words:
        starts.append(end == 0 or "\n" in text[end:start])
        end = stop
    return starts


def ends_sentence(word: str) -> bool:
    """Say whether a word ends a sentence: a stop, with closing quotes and brackets or without."""
    return _SENTENCE_END.search(word) is not None


def shapes(text: str, words: Sequence[Span]) -> list[Shape]:
    """Return the shape of each word of a text, in order."""
    found: list[Shape] = []
    sentence = True
    for (start, stop), line in zip(words, opens_line(text, words), strict=True):
        word = text[start:stop]
        shape = _shape(word)
        if shape is Shape.TITLE and (sentence or line):
            shape = Shape.OPENING
        elif shape is Shape.LOWER and line:
            shape = Shape.LINE_START
        found.append(shape)
        sentence = ends_sentence(word)
    return found


def _shape(word: str) -> Shape:
    return _known_shape(word) if len(word) <= _REMEMBERED else _found_shape(word)


@lru_cache(maxsize=65_536)  # a vocabulary's worth; about 10 MB when full
def _known_shape(word: str) -> Shape:
    return _found_shape(word)


def _found_shape(word: str) -> Shape:
    inner = core(word)
    lower = inner.lower().replace("’", "'")
    if not any(map(str.isalnum, word)):
        return Shape.MARK
    if lower in _LIMITS or lower.endswith("n't"):
        return Shape.LIMIT
    if _IDENTIFIER.search(word.strip("*\"'()[]{}<>,;:!?") or word):
        return Shape.IDENTIFIER
    if any(map(str.isdigit, inner)):
        return Shape.NUMBER
    if lower in _ARTICLES:
        return Shape.ARTICLE
    if lower in _AUXILIARIES:
        return Shape.AUXILIARY
    if lower in _LINKS:
        return Shape.LINK
    if lower in _FUNCTION:
        return Shape.FUNCTION_TITLE if inner[:1].isupper() else Shape.FUNCTION
    if len(inner) > 1 and inner.isupper():
        return Shape.CAPS
    if inner[:1].isupper():
        return Shape.TITLE
    if "-" in inner or "'" in lower:
        return Shape.COMPOUND
    return Shape.LOWER
