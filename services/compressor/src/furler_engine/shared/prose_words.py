"""Words of running text, and what a view may do with each.

What lives here: where words stand, which of them are never dropped, which go first, which
belong together. What does not: scores and budgets (shared.word_choice).

Marks are of the text alone: no score, no query.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

from furler_engine.shared.prose_sense import Need, Words, finer_needs, limits, needs
from furler_engine.shared.sense_words import NUMBERS

_WORD: Final = re.compile(r"\S+")
_EDGES: Final = ".,;:!?\"'()[]{}<>*_|~=…“”‘’«»–—"
_SIGNS: Final = _EDGES + "@$#&^%+-/"
"""What may stand around a word besides: "$HOME", "@not-"."""
_BRACKETS: Final = "*\"'()[]{}<>,;:!?"
"""What may stand around an identifier: "(__init__)"."""

_ARTICLES: Final = frozenset({"a", "an", "the"})
_LINKS: Final = frozenset({
    "of", "in", "on", "at", "by", "for", "with", "from", "to", "and", "or", "de", "la", "du",
    "von", "van", "&",
})  # fmt: skip
"""Words that names hold inside: "Bank of England", "Ludwig van Beethoven"."""
_JOINS: Final = frozenset({"and", "or", "of"})
"""Words that hold any two others together: "rise and fall", "majority of seats"."""
_SEPARATES: Final = ",.;:!?)"
_SMALL: Final = frozenset({
    "a", "an", "the", "i", "you", "he", "she", "it", "we", "they", "me", "him", "her", "us",
    "them", "my", "your", "his", "its", "our", "their", "this", "that", "these", "those", "there",
    "here", "who", "whom", "whose", "which", "what", "where", "why", "how", "so", "than", "then",
    "too", "very", "just", "also", "such", "own", "same", "other", "another", "each", "every",
    "both", "all", "any", "some", "few", "more", "most", "much", "many", "again", "further",
    "once", "because", "while", "although", "though", "but", "yet", "since", "whether", "will",
    "would", "can", "could", "up", "down", "out", "off", "above", "below", "against", "within",
    "upon", "per", "via", "like", "well", "even", "still", "already", "ever", "rather", "quite",
    "really", "is", "are", "was", "were", "be", "been", "being", "am", "do", "does", "did", "has",
    "have", "had", "having", "in", "on", "at", "by", "for", "with", "from", "to", "of", "into",
    "onto", "through", "during", "between", "over", "under", "about", "as", "and", "or",
})  # fmt: skip
"""Function words: what they are worth depends on the words around them."""
_LIMITS: Final = frozenset({
    "not", "no", "never", "none", "neither", "nor", "nothing", "nobody", "cannot", "without",
    "unless", "except", "only", "must", "shall", "should", "may", "might", "if", "until",
    "otherwise", "required", "deprecated", "optional", "least", "against",
})  # fmt: skip
"""Negation, limits, modality, conditions: without one of these a sentence says something else."""
_TURNING: Final = frozenset({
    "could", "would", "instead", "unlike", "unlikely", "despite", "hardly", "barely", "scarcely",
    "rarely", "seldom", "sometimes", "often", "usually", "typically", "generally", "once", "mostly",
    "nearly", "almost", "probably", "possibly", "perhaps", "maybe", "approximately", "eventually",
    "temporarily", "partially", "partly", "formerly", "potentially", "else", "everything",
    "everyone", "anything", "anyone", "than", "either", "provided", "off", "but", "because",
    "although", "though", "whereas", "whether", "within", "when", "whenever", "told", "said", "says",
    "thinks", "believes", "believe", "claims", "claimed", "announced", "argues", "argued",
    "according", "reportedly", "alleged", "allegedly", "assume", "avoid", "avoids", "prevent",
    "prevents", "lack", "lacks", "fails", "unable", "wish", "wishes",
})  # fmt: skip
"""Degrees of certainty, contrast, comparison, who says so: a dial with room for them keeps them."""
# Code, paths, addresses, flags, camelCase, snake_case, dotted.names.
_IDENTIFIER: Final = re.compile(
    r"`|://|::|\w/\w|^/\w|\w_\w|^__|\w@\w|[a-z][A-Z]|^--?[A-Za-z]|\w\.\w+\w|\w\(\)|\\\w"
)
_REMEMBERED: Final = 40
"""Characters of the longest word that is remembered; what is longer seldom comes twice."""
_SENTENCE_END: Final = re.compile(r"[.!?]['\")\]”’*_]*$")
_OPENS_SENTENCE: Final = re.compile(r"['\"(\[“‘*_`]*[A-Z0-9À-ÞА-Я]")
_MARKER: Final = re.compile(r"(?:[-*+•>|]|#{1,6})$")
"""What opens a list item, a heading or a quotation: it stays where a word of its line does."""
_LABEL: Final = re.compile(r"[^\W\d_a-z][\w.'’()-]*:$")
_LABEL_WORDS: Final = 4
"""Words that a speaker's label has at most: "Project Manager:"."""
_QUOTED_WORDS: Final = 12
"""Words of a quotation that stays whole; a longer one is text like any other."""
_QUOTES: Final = {'"': '"', "“": "”", "«": "»", "`": "`"}
# Thai, Lao, Tibetan, Burmese, Khmer, kana, Han: written without spaces between words.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_ENGLISH: Final = frozenset({
    "the", "of", "and", "to", "is", "that", "it", "for", "with", "are", "be", "this", "from",
    "by", "not", "which", "you", "have", "if", "but", "they", "we", "can", "will", "when", "has",
    "should", "must", "these", "been", "their", "its", "were", "would", "there",
})  # fmt: skip
_ENGLISH_SHARE: Final = 0.06
"""Part of these among the words of English text: .2 to .35 in articles, .06 and up in terse
notes; other languages in Latin script stay below .03."""
_FEW: Final = 20
"""Words from which the share says something."""


class Span(NamedTuple):
    """Characters ``start`` to ``end`` of a text: one word."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Marks:
    """What the words of a text are; a tuple of one value per word each."""

    forced: tuple[bool, ...]
    """Never dropped: numbers, identifiers, quotations, negation, limits, modality."""
    turning: tuple[bool, ...]
    """Not dropped where a dial leaves room: what turns or weakens what is said, numbers in letters."""
    article: tuple[bool, ...]
    small: tuple[bool, ...]
    bridge: tuple[Span | None, ...]
    """For a small word within a name or a pair: the words on both sides that it holds together."""
    marker: tuple[bool, ...]
    """Opens a line (list item, heading, speaker's label) and follows what the line does."""
    line: tuple[int, ...]
    sentence: tuple[int, ...]
    """Number of the line and of the sentence, ascending from 0."""
    needs: tuple[Need, ...]
    """What else stays where a word does, so that what is left says the same."""
    finer: tuple[Need, ...]
    """Likewise, where a dial leaves room for it."""


def spans(text: str) -> list[Span]:
    """Return where each word stands: maximal runs of non-space characters, as ``str.split``."""
    return [Span(*match.span()) for match in _WORD.finditer(text)]


def core(word: str) -> str:
    """Return the word without the punctuation around it; empty where that is all."""
    return word.strip(_EDGES)


def is_small(word: str) -> bool:
    """Whether a word is a function word, or a mark without letters."""
    return _class(word) is _SMALL_WORD


def is_english(text: str) -> bool:
    """Whether the model can judge a text: running text in English.

    It has read nothing else, and what must stay ("ne … pas", "nicht") is known for English
    only. Short texts pass where their letters are Latin.
    """
    letters = "".join(_LETTERS.findall(text))
    if not letters.isascii():
        foreign = sum(1 for letter in letters if letter > "\u024f")  # beyond Latin Extended-B
        if foreign > len(letters) // 10:
            return False
    words = [core(word).lower() for word in text.split()]
    found = sum(1 for word in words if word in _ENGLISH)
    return len(words) < _FEW or found >= _ENGLISH_SHARE * len(words)


def marks(text: str, words: Sequence[Span]) -> Marks:
    """Return the marks of a text's words. Linear."""
    plain = [text[span.start : span.end] for span in words]
    lines, sentences = _places(text, words, plain)
    classes = [_class(word) for word in plain]
    quoted = _quoted(plain, lines)
    lower = [core(word).lower() for word in plain]
    small = tuple(c is _SMALL_WORD for c in classes)
    read = Words.of(plain, lower, sentences, small)
    limited = frozenset(limits(read))
    return Marks(
        forced=tuple(
            c is _FORCED or q or i in limited
            for i, (c, q) in enumerate(zip(classes, quoted, strict=True))
        ),
        turning=tuple(word in _TURNING or word in NUMBERS for word in lower),
        article=tuple(word in _ARTICLES for word in lower),
        small=small,
        bridge=tuple(_bridges(plain, lower)),
        marker=tuple(_markers(plain, lines)),
        line=tuple(lines),
        sentence=tuple(sentences),
        needs=needs(read),
        finer=finer_needs(read),
    )


_FORCED: Final = "forced"
_SMALL_WORD: Final = "small"


def _class(word: str) -> str:
    return _known_class(word) if len(word) <= _REMEMBERED else _found_class(word)


@lru_cache(maxsize=1 << 15)
def _known_class(word: str) -> str:
    return _found_class(word)


def _found_class(word: str) -> str:
    inner = core(word)
    bare = inner.strip(_SIGNS)
    lower = bare.lower().replace("’", "'")
    if lower in _LIMITS or lower.endswith("n't") or _UNSPACED.search(word):
        return _FORCED
    if any(map(str.isdigit, word)) or (len(bare) > 1 and bare.isupper()):
        return _FORCED
    if any(map(_IDENTIFIER.search, (bare, inner, word.strip(_BRACKETS), word))):
        return _FORCED  # before the small ones: "/a" is a path, "-a" a flag
    return _SMALL_WORD if lower in _SMALL or not bare else ""


def _places(text: str, words: Sequence[Span], plain: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the number of the line and of the sentence of each word.

    A line break ends a sentence only beside a blank line, a list item, a heading or a stop:
    text is often wrapped.
    """
    lines: list[int] = []
    sentences: list[int] = []
    line = sentence = end = 0
    for i, (start, stop) in enumerate(words):
        if i:
            breaks = text.count("\n", end, start)
            line += breaks
            ended = _SENTENCE_END.search(plain[i - 1]) is not None
            if (
                breaks > 1
                or (breaks and (ended or plain[i - 1][-1] == ":" or _opens_line(plain, i)))
                or (ended and _OPENS_SENTENCE.match(plain[i]))
            ):
                sentence += 1
        lines.append(line)
        sentences.append(sentence)
        end = stop
    return lines, sentences


def _opens_line(plain: Sequence[str], i: int) -> bool:
    label = any(_LABEL.match(word) for word in plain[i : i + 1])
    return label or _MARKER.match(plain[i]) is not None or plain[i][0].isdigit()


def _quoted(plain: Sequence[str], lines: Sequence[int]) -> list[bool]:
    """Mark short quotations and inline code, up to where they close on the same line."""
    inside = [False] * len(plain)
    for opening, closing in _QUOTES.items():
        start = -1
        for i, word in enumerate(plain):
            if opening not in word and closing not in word:
                continue
            if opening == closing and word.count(opening) % 2 == 0:
                continue  # opens and closes within the word
            near = start >= 0 and i - start < _QUOTED_WORDS and lines[i] == lines[start]
            if near and closing in word:
                inside[start : i + 1] = [True] * (i + 1 - start)
                start = -1
            else:
                start = i if opening in word else -1
    return inside


def _bridges(plain: Sequence[str], lower: Sequence[str]) -> Iterator[Span | None]:
    """Yield, for "of" and "the" in "Bank of the West", the places of "Bank" and "West".

    "And", "or" and "of" hold any two words together that are no function words; other links,
    and articles, hold names only.
    """
    name: Span | None = None
    for i, word in enumerate(lower):
        if name is not None and word in _ARTICLES and i < name.end:
            yield name  # the article between the link and the name
            continue
        name = held = None
        if word in _LINKS and 0 < i < len(plain) - 1 and plain[i - 1][-1] not in _SEPARATES:
            after = i + 1 + (lower[i + 1] in _ARTICLES)
            if after < len(plain):
                held = Span(i - 1, after)
                name = held if _is_name(plain[i - 1]) and _is_name(plain[after]) else None
                joins = word in _JOINS and not is_small(plain[i - 1]) and not is_small(plain[after])
                held = held if joins else name
        yield held


def _is_name(word: str) -> bool:
    """Whether a word is capitalised, or has a digit."""
    inner = core(word)
    return inner[:1].isupper() or any(map(str.isdigit, inner))


def _markers(plain: Sequence[str], lines: Sequence[int]) -> Iterator[bool]:
    label_to = -1
    for i, word in enumerate(plain):
        if not i or lines[i] != lines[i - 1]:
            label_to = _label_end(plain, lines, i)
            if _MARKER.match(word):
                label_to = i
        # A line of marks alone is what it is.
        yield i <= label_to < len(plain) - 1 and lines[label_to + 1] == lines[i]


def _label_end(plain: Sequence[str], lines: Sequence[int], i: int) -> int:
    """Return the last word of the label that opens a line, such as "Project Manager:"; -1 for none."""
    for j in range(i, min(i + _LABEL_WORDS, len(plain))):
        if lines[j] != lines[i] or not plain[j][0].isupper():
            return -1
        if plain[j][-1] == ":":
            return j
    return -1
