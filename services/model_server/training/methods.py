"""Ways to shorten a text by words, to be judged beside each other.

What lives here: baselines, and the product's own choice. What does not: the judge.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from furler_engine.shared.prose_words import Marks, Span, core, marks, spans
from furler_engine.shared.ranking import Passages
from furler_engine.shared.word_choice import choose

_SAFE: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "is",
        "are",
        "was",
        "were",
        "been",
        "be",
        "being",
        "has",
        "have",
        "had",
        "that",
        "which",
        "also",
        "very",
        "such",
        "its",
        "their",
        "his",
        "her",
        "it",
        "do",
        "does",
        "did",
        "so",
        "just",
        "then",
        "there",
    ]
)


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its words, their marks and the model's scores."""

    text: str
    words: list[Span]
    found: Marks
    scores: list[float]

    @classmethod
    def of(cls, text: str, scores: Sequence[float]) -> Text:
        """Return a text with what all methods need of it."""
        words = spans(text)
        return cls(text, words, marks(text, words), [float(score) for score in scores])

    def plain(self) -> list[str]:
        """Return the words."""
        return [self.text[start:end] for start, end in self.words]

    def shown(self, kept: Sequence[bool]) -> str:
        """Return what a reader sees where only the kept words stay."""
        pairs = zip(self.words, kept, strict=True)
        return " ".join(self.text[start:end] for (start, end), stays in pairs if stays)


def top(values: Sequence[float], keep: float, forced: Sequence[bool] | None = None) -> list[bool]:
    """Keep what is forced, then the best up to a share."""
    kept = list(forced) if forced is not None else [False] * len(values)
    room = round(keep * len(values)) - sum(kept)
    order = sorted((i for i, k in enumerate(kept) if not k), key=lambda i: (-values[i], i))
    for i in order[: max(0, room)]:
        kept[i] = True
    return kept


def at_random(text: Text, keep: float) -> list[bool]:
    """Keep any words."""
    order = random.Random(text.text)  # noqa: S311 - a baseline, not a secret
    return top([order.random() for _ in text.words], keep)


def by_rules(text: Text, keep: float) -> list[bool]:
    """Drop the safest function words first, later ones first; never what is forced or bridged."""
    lower = [core(word).lower() for word in text.plain()]
    values = [
        3.0 if bridge or not small else 0.0 if word in _SAFE else 1.0
        for word, small, bridge in zip(lower, text.found.small, text.found.bridge, strict=True)
    ]
    return top(values, keep, text.found.forced)


class SelfInformation:
    """Rare words first, counted over the texts at hand; what is forced stays (Li et al. 2023)."""

    def __init__(self, texts: Sequence[Text]) -> None:
        counts = Counter(core(w).lower() for text in texts for w in text.plain())
        total = sum(counts.values())
        self._bits = {word: -math.log2(count / total) for word, count in counts.items()}

    def __call__(self, text: Text, keep: float) -> list[bool]:
        """Keep a share of the words."""
        values = [self._bits[core(word).lower()] for word in text.plain()]
        return top(values, keep, text.found.forced)


def by_scores(text: Text, keep: float) -> list[bool]:
    """Keep the model's best words, without any rule."""
    return top(text.scores, keep)


def by_choice(text: Text, keep: float) -> list[bool]:
    """Keep what the product keeps."""
    return choose(text.text, text.words, text.scores, keep)


def by_query(text: Text, keep: float, query: str) -> list[bool]:
    """Keep what the product keeps for a query."""
    return choose(text.text, text.words, text.scores, keep, query)


def by_sentences(text: Text, keep: float, query: str) -> list[bool]:
    """Keep whole sentences by BM25 alone, up to the share."""
    ids = np.asarray(text.found.sentence)
    begins = [int(np.searchsorted(ids, s)) for s in range(int(ids[-1]) + 1)]
    ends = [*begins[1:], len(ids)]
    texts = [
        text.text[text.words[a].start : text.words[b - 1].end]
        for a, b in zip(begins, ends, strict=True)
    ]
    values = Passages(texts).scores(query)
    kept = [False] * len(text.words)
    room = round(keep * len(text.words))
    for s in sorted(range(len(texts)), key=lambda s: (-values[s], s)):
        if ends[s] - begins[s] <= room:
            room -= ends[s] - begins[s]
            kept[begins[s] : ends[s]] = [True] * (ends[s] - begins[s])
    return kept
