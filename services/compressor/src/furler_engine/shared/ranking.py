"""How well texts answer a query: BM25 over stems, and the texts that a query names.

What lives here: words, stems, weights, scores. What does not: cutting a content
into passages, and what is done with a score.

``Passages.scores`` ranks running text, where an answer is spread over
neighbours. ``hits`` picks among independent texts (rows, log lines) those that
hold the rare words and literals of a query. Scores are rounded, so that the
last bit of a platform's logarithm decides nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from itertools import pairwise
from string import ascii_lowercase
from typing import Final

# The implementation in pure Python by name: the package's factory would prefer a C
# library where one is installed, and its stems may be of another version.
from snowballstemmer.english_stemmer import EnglishStemmer

_K1: Final = 1.2
"""Saturation of repeated words (Robertson & Zaragoza 2009, section 3.4.3)."""
_B: Final = 0.4
"""Weight of length. Like the two below the best on the meetings of QMSum's validation
set (228 queries, span recall .73 and .84 when 30 % and 50 % are kept); 0.75, the usual
value, favours one-word turns."""
_FEEDBACK_WORDS: Final = 6
_FEEDBACK_WEIGHT: Final = 0.2
_REACH: Final = 2
"""Neighbours counted, in standard deviations of the Gaussian."""
_DIGITS: Final = 6

# A run of capitals and digits, or one capital and what follows it: getHTTPStatus
# is three words. Both alternatives give back one character at most.
_WORD: Final = re.compile(r"[A-Z][A-Z0-9]*(?![^\W\d_A-Z])|[A-Z]?[^\W_A-Z]+")
# Han, kana, hangul: written without spaces, so every two neighbours are a word.
_UNSPACED: Final = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2,}")
_EDGES: Final = "\"'`.,;:!?()[]{}<>*"
_PLAIN: Final = re.compile(r"[A-Z]?[^\W\d_A-Z]+")
_STOP_WORDS: Final = """
a about actually ah all also am an and any are as at be been being but by can could did do does
doing don done for from get go going gonna got guess had has have having he her here him his hmm how
huh i if in into is isn it its just kind know like ll maybe may me mean mm my no nor not of off oh
okay on one only or other our out over own quite re really right say see she should so some sort
such sure than that the their them then there these they thing things think this those though
through to too uh um under up us ve very was wasn we well were what when where which while who whom
whose why will with would yeah yep yes you your
"""
_STOP: Final = frozenset(_STOP_WORDS.split()) | frozenset(ascii_lowercase)


class Passages:
    """Texts in their order, split into words once, to be ranked by any number of queries."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._words = [[word for word in words(text) if word not in _STOP] for text in texts]

    def __len__(self) -> int:
        return len(self._words)

    def scores(self, query: str, *, smoothing: float = 0.0, feedback: bool = False) -> list[float]:
        """Return a score per text, 0 for no relation to the query.

        Args:
            query: Words of any language; English ones are stemmed.
            smoothing: Standard deviation, in texts (8 suits turns of a talk), of the Gaussian by which a
                text lends its score to its neighbours. 0 ranks each alone.
            feedback: Search once more with the words that set the best texts
                apart, at a lower weight (pseudo-relevance feedback).
        """
        weights = dict.fromkeys(stems(query), 1.0)
        scores = _smooth(self._bm25(weights), smoothing)
        if feedback and any(scores):
            weights |= dict.fromkeys(self._typical_of(scores, weights), _FEEDBACK_WEIGHT)
            scores = _smooth(self._bm25(weights), smoothing)
        return [round(score, _DIGITS) for score in scores]

    def tells_apart(self, query: str) -> bool:
        """Whether the query has a word that some of the texts have and most have not."""
        found = (len(self._occurrences(stem)) for stem in stems(query))
        return any(0 < texts <= max(1, len(self) // 2) for texts in found)

    @cached_property
    def _postings(self) -> dict[str, list[tuple[int, int]]]:
        """Word to (text, occurrences), in order of first occurrence."""
        postings: dict[str, list[tuple[int, int]]] = {}
        for index, found in enumerate(self._words):
            for word, occurrences in Counter(found).items():
                postings.setdefault(word, []).append((index, occurrences))
        return postings

    @cached_property
    def _by_head(self) -> dict[str, list[str]]:
        """Words by their first two letters: all that a stem can have come from.

        Stemming costs 20 microseconds a word, so only words that may share a
        stem with the query's are stemmed.
        """
        heads: dict[str, list[str]] = {}
        for word in self._postings:
            heads.setdefault(word[:2], []).append(word)
        return heads

    def _occurrences(self, stem: str) -> dict[int, int]:
        found: dict[int, int] = {}
        for word in self._by_head.get(stem[:2], ()):
            if _stem(word) == stem:
                for index, occurrences in self._postings[word]:
                    found[index] = found.get(index, 0) + occurrences
        return found

    def _bm25(self, weights: dict[str, float]) -> list[float]:
        scores = [0.0] * len(self)
        average = sum(map(len, self._words)) / len(self) if scores else 0.0
        for stem, weight in weights.items():
            found = self._occurrences(stem)
            value = weight * _rarity(len(found), len(self)) * (_K1 + 1)
            for index, times in found.items():
                length = len(self._words[index]) / average
                scores[index] += value * times / (times + _K1 * (1 - _B + _B * length))
        return scores

    def _typical_of(self, scores: list[float], known: dict[str, float]) -> list[str]:
        """Return the stems that set the best-scored texts apart from the rest."""
        best = sorted(range(len(scores)), key=lambda i: (-round(scores[i], _DIGITS), i))
        texts: Counter[str] = Counter()
        for index in best[: max(5, len(best) // 40)]:
            texts.update(dict.fromkeys(self._words[index], 1))
        values = {
            word: round(times * _rarity(len(self._postings[word]), len(self)), _DIGITS)
            for word, times in texts.items()
            if times > 1
        }
        found: dict[str, None] = {}
        for word in sorted(values, key=lambda word: (-values[word], word)):
            stem = _stem(word)
            if stem not in known:
                found[stem] = None
            if len(found) == _FEEDBACK_WORDS:
                break
        return list(found)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; camelCase and snake_case names are several."""
    found = " ".join(_WORD.findall(text)).lower().split()
    if not text.isascii():
        for run in _UNSPACED.findall(text):
            found += [a + b for a, b in pairwise(run)]
    return found


def stems(text: str) -> list[str]:
    """Return the distinct stems of a text in order, stop words left out."""
    return list(dict.fromkeys(_stem(word) for word in words(text) if word not in _STOP))


def literals(query: str) -> list[str]:
    """Return the names in a query that are no plain words, in lower case: ids, paths, addresses.

    >>> literals("What is the plan of chen.lee77@corp.example (order 4711)?")
    ['chen.lee77@corp.example', '4711']
    """
    stripped = (token.strip(_EDGES) for token in query.split())
    return list(dict.fromkeys(t.lower() for t in stripped if t and not _PLAIN.fullmatch(t)))


def hits(texts: Sequence[str], query: str, limit: int = 20) -> list[int]:
    """Return the indexes, ascending, of at most ``limit`` texts that the query names.

    A text is named by words and literals that few texts have (a quarter of them
    at most): what every row says distinguishes none. Texts that score less
    than half of the best are left out.
    """
    lower = [text.lower() for text in texts]
    found = list(_holders(texts, lower, stems(query)).values())
    found += [[i for i, text in enumerate(lower) if name in text] for name in literals(query)]
    scores = [0.0] * len(texts)
    for holders in found:
        if len(holders) <= max(1, len(texts) // 4):
            value = _rarity(len(holders), len(texts))
            for index in holders:
                scores[index] += value
    scores = [round(score, _DIGITS) for score in scores]
    floor = max(scores, default=0.0) / 2
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    return sorted(i for i in order[:limit] if scores[i] and scores[i] >= floor)


def _holders(texts: Sequence[str], lower: list[str], wanted: list[str]) -> dict[str, list[int]]:
    """Return, per stem, the indexes of the texts that have a word of it.

    Only texts that have the stem's letters are split into words. The last letter
    may differ from the word's ("quer-i", "query").
    """
    holders: dict[str, list[int]] = {stem: [] for stem in wanted}
    parts = [stem[:-1] if len(stem) > 2 else stem for stem in wanted]
    heads = {stem[:2] for stem in wanted}
    for index, text in enumerate(lower):
        if any(part in text for part in parts):
            candidates = (word for word in words(texts[index]) if word[:2] in heads)
            for stem in dict.fromkeys(map(_stem, candidates)):
                if stem in holders:
                    holders[stem].append(index)
    return holders


def _rarity(texts: int, total: int) -> float:
    """Return the inverse document frequency (Robertson), never negative."""
    return math.log(1 + (total - texts + 0.5) / (texts + 0.5))


def _smooth(scores: list[float], deviation: float) -> list[float]:
    if not deviation:
        return scores
    reach = max(1, round(_REACH * deviation))
    weights = [math.exp(-((step / deviation) ** 2) / 2) for step in range(reach + 1)]
    smooth = [0.0] * len(scores)
    for index, score in enumerate(scores):
        if score:
            for at in range(max(0, index - reach), min(len(scores), index + reach + 1)):
                smooth[at] += score * weights[abs(at - index)]
    return smooth


@lru_cache(maxsize=1 << 15)
def _stem(word: str) -> str:
    return str(_STEMMER.stemWord(word))


_STEMMER: Final = EnglishStemmer()
