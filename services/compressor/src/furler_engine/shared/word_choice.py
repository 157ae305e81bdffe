"""Which words of a running text a view shows, given how much each is worth.

What lives here: the dial, rules that stand above scores, sentences that answer a query.
What does not: where scores come from (a model, outside the engine), what words are
(shared.prose_words).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from furler_engine.shared.answers import relevance
from furler_engine.shared.prose_sense import Need, complete
from furler_engine.shared.prose_words import Marks, Span, core, is_small, marks
from furler_engine.shared.ranking import Passages, literals
from furler_engine.shared.units import is_talk

LEAST: Final = 0.3
"""Share of words below which text can no longer be read."""
SENTENCES: Final = 0.45
"""Share of words from which what is left reads as sentences, whose words need others beside them;
less is a list of catchwords, or sentences kept whole for a query (.004 of SQuAD's answers at .36)."""
ROOM: Final = 0.55
"""Share of words from which there is room for shades of meaning, and for the prepositions, particles
and speakers of details; a text of half its words is a telegram, and names are worth more in it (.01
of SQuAD's answers)."""
_OWN: Final = 0.6
"""Part of a small word's value that is its own; the rest is the mean of its neighbours. All
words smoothed lose .056 of SQuAD's answers at half the words; small ones alone gain .01."""
_SMALL: Final = 0.04
"""What a small word is worth less: those that matter are pulled in by what needs them."""
_ARTICLE: Final = -5.0
"""Beside scores from 0 to 1: articles go before any other word."""
_LENT: Final = 0.3
"""Part of its relevance that a sentence lends each neighbour: an answer often stands beside
the words of its question."""
_ASKED: Final = 1.0
"""What the most relevant sentence adds to its words' scores. Both on half of SQuAD's
development set; the other half is no worse."""


def choose(
    text: str, spans: Sequence[Span], scores: Sequence[float], keep: float, query: str = ""
) -> list[bool]:
    """Say per word whether it stays; see Reading.choose."""
    return Reading.of(text, spans).choose(scores, keep, query)


@dataclass(frozen=True, slots=True)
class Reading:
    """Running text, its words and their marks."""

    text: str
    spans: Sequence[Span]
    found: Marks

    @classmethod
    def of(cls, text: str, spans: Sequence[Span]) -> Reading:
        """Return the reading of a text whose words are ``spans``."""
        return cls(text, spans, marks(text, spans))

    def choose(
        self, scores: Sequence[float], keep: float, query: str = "", fixed: Sequence[bool] = ()
    ) -> list[bool]:
        """Say per word whether it stays.

        What is forced stays whatever the budget: numbers, identifiers, quotations, negation,
        limits, modality, scripts without spaces, and the names that the query names; and what
        forced words need beside them. Deterministic; n log n in the number of words.

        Args:
            scores: One per word, from 0 (drop) to 1 (keep).
            keep: Share of the words that stay, from 0.3 to 1; more where more is forced.
            query: What the text is read for; sentences that answer it are kept whole.
            fixed: One per word: those that stay besides, for reasons of the caller's.

        Raises:
            ValueError: ``scores`` are not one per word, or ``keep`` is out of range.
        """
        spans, found = self.spans, self.found
        if len(scores) != len(spans):
            raise ValueError(f"scores: {len(scores)} for {len(spans)} words")
        if not LEAST <= keep <= 1:
            raise ValueError(f"keep: {keep} is not within {LEAST} and 1")
        stays = fixed or found.forced
        if keep >= ROOM:
            stays = [x or t for x, t in zip(stays, found.turning, strict=True)]
        kept = [f or x for f, x in zip(found.forced, stays, strict=True)]
        budget = max(1, round(keep * len(spans))) if spans else 0
        values = _values(found, scores)
        if query:
            _keep_named(self.text, spans, query, kept)
            sentences = _Sentences.of(self.text, spans, found, query)
            _keep_answering(sentences, budget, values, kept)
        kept = _filled(self.needs(keep), kept, values, budget)
        _follow(found, kept)
        return kept

    def needs(self, keep: float) -> tuple[Need, ...]:
        """Return what words need beside them at a dial."""
        found = self.found
        return (found.needs if keep >= SENTENCES else ()) + (found.finer if keep >= ROOM else ())


def _filled(
    needs: Sequence[Need], forced: Sequence[bool], values: Sequence[float], budget: int
) -> list[bool]:
    """Keep as many of the best words as fit the budget with what they need beside them.

    How many do is found by halves: more words never need less.
    """
    order = sorted((i for i, k in enumerate(forced) if not k), key=lambda i: (-values[i], i))
    fits, over = 0, len(order) + 1
    best = _with_best(needs, forced, ())
    while over - fits > 1:
        middle = (fits + over) // 2
        kept = _with_best(needs, forced, order[:middle])
        if sum(kept) <= budget:
            fits, best = middle, kept
        else:
            over = middle
    return best


def _with_best(needs: Sequence[Need], forced: Sequence[bool], best: Sequence[int]) -> list[bool]:
    kept = list(forced)
    for i in best:
        kept[i] = True
    complete(needs, kept)
    return kept


def _values(found: Marks, scores: Sequence[float]) -> list[float]:
    """Return what words are worth beside each other: scores, and the rules for small words."""
    values: list[float] = []
    last = len(scores) - 1
    for i, score in enumerate(scores):
        value = score
        if found.small[i]:
            around = (scores[i - 1] if i else 0.0) + (scores[i + 1] if i < last else 0.0)
            value = _OWN * score + (1 - _OWN) * around / 2 - _SMALL
        held = found.bridge[i]
        if held:
            # Without "of" its two words are no longer one thing; it stays as long as both do.
            value = max(value + _SMALL, min(scores[held.start], scores[held.end]))
        elif found.article[i]:
            value += _ARTICLE
        values.append(round(value, 6))
    return values


def _keep_named(text: str, spans: Sequence[Span], query: str, kept: list[bool]) -> None:
    """Keep every identifier that the query names, and the first mention of every name."""
    named = set(literals(query))
    names = {w for w in map(core, query.split()) if w[:1].isupper() and not is_small(w)}
    for i, span in enumerate(spans):
        word = core(text[span.start : span.end])
        if word in names or word.lower() in named:
            kept[i] = True
            names.discard(word)


@dataclass(frozen=True, slots=True)
class _Sentences:
    """Word ranges of a text's sentences, and how well each answers the query, from 0 to 1."""

    ranges: tuple[Span, ...]
    worth: tuple[float, ...]

    @classmethod
    def of(cls, text: str, spans: Sequence[Span], found: Marks, query: str) -> _Sentences:
        """Rank the sentences; no worth at all where the query tells none from the others."""
        begins = [i for i, s in enumerate(found.sentence) if not i or s != found.sentence[i - 1]]
        ranges = tuple(map(Span, begins, [*begins[1:], len(spans)]))
        texts = [text[spans[a].start : spans[b - 1].end] for a, b in ranges]
        if "\n" in text and is_talk(text):
            worth = relevance(texts, [False] * len(texts), query, talk=True) or [0.0] * len(texts)
        else:
            own = Passages(texts).scores(query)
            around = zip([0.0, *own], [*own[1:], 0.0], strict=False)
            worth = [s + _LENT * (a + b) for s, (a, b) in zip(own, around, strict=True)]
        most = max(worth, default=0.0) or 1.0
        return cls(ranges, tuple(round(w / most, 6) for w in worth))


def _keep_answering(
    sentences: _Sentences, budget: int, values: list[float], kept: list[bool]
) -> None:
    """Keep the best sentences whole, up to the first that is too long; raise words by worth."""
    room = budget - sum(kept)
    fits = True
    for s in sorted(range(len(sentences.worth)), key=lambda s: (-sentences.worth[s], s)):
        start, end = sentences.ranges[s]
        room -= end - start - sum(kept[start:end])
        fits = fits and sentences.worth[s] > 0 and room >= 0
        for i in range(start, end):
            kept[i] = kept[i] or fits
            values[i] += _ASKED * sentences.worth[s]


def _follow(found: Marks, kept: list[bool]) -> None:
    """Let what opens a line stay if, and only if, the line keeps a word."""
    alive = {found.line[i] for i, k in enumerate(kept) if k and not found.marker[i]}
    for i, is_marker in enumerate(found.marker):
        if is_marker and not found.forced[i]:
            kept[i] = found.line[i] in alive
