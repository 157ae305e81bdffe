"""Which words of a running text a view shows, given how much each is worth.

What lives here: the dial, rules that stand above scores, sentences that answer a query.
What does not: where scores come from (a model, outside the engine), what words are
(shared.prose_words).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from furler_engine.shared.answers import relevance
from furler_engine.shared.prose_words import Marks, Span, core, marks
from furler_engine.shared.ranking import literals, stems

LEAST: Final = 0.3
"""Share of words below which text can no longer be read."""
_OWN: Final = 0.6
"""Part of a small word's value that is its own; the rest is the mean of its neighbours. All
words smoothed lose .056 of SQuAD's answers at half the words; small ones alone gain .01."""
_ARTICLE: Final = -5.0
_BRIDGE: Final = 1.0
"""Beside scores from 0 to 1: articles go before any other word, names are cut last."""
_WHOLE: Final = 0.8
"""Part of the budget that goes to whole sentences where there is a query."""


def choose(
    text: str, spans: Sequence[Span], scores: Sequence[float], keep: float, query: str = ""
) -> list[bool]:
    """Say per word whether it stays.

    What is forced stays whatever the budget: numbers, identifiers, quotations, negation,
    limits, modality, scripts without spaces, and the names that the query names.
    Deterministic; linear but for one sort.

    Args:
        text: Running text.
        spans: ``prose_words.spans(text)``.
        scores: One per word, from 0 (drop) to 1 (keep).
        keep: Share of the words that stay, from 0.3 to 1; more where more is forced.
        query: What the text is read for; sentences that answer it are kept whole.

    Raises:
        ValueError: ``scores`` are not one per word, or ``keep`` is out of range.
    """
    if len(scores) != len(spans):
        raise ValueError(f"scores: {len(scores)} for {len(spans)} words")
    if not LEAST <= keep <= 1:
        raise ValueError(f"keep: {keep} is not within {LEAST} and 1")
    found = marks(text, spans)
    kept = list(found.forced)
    budget = max(1, round(keep * len(spans))) if spans else 0
    values = _values(found, scores)
    if query:
        _keep_named(text, spans, query, kept)
        for i in _answering(text, spans, found, query, budget):
            kept[i] = True
    room = budget - sum(kept)
    order = sorted((i for i, k in enumerate(kept) if not k), key=lambda i: (-values[i], i))
    for i in order[: max(0, room)]:
        kept[i] = True
    _follow(found, kept)
    return kept


def _values(found: Marks, scores: Sequence[float]) -> list[float]:
    """Return what words are worth beside each other: scores, and the rules for small words."""
    values: list[float] = []
    last = len(scores) - 1
    for i, score in enumerate(scores):
        value = score
        if found.small[i]:
            around = (scores[i - 1] if i else 0.0) + (scores[i + 1] if i < last else 0.0)
            value = _OWN * score + (1 - _OWN) * around / 2
        if found.bridge[i]:
            value += _BRIDGE
        elif found.article[i]:
            value += _ARTICLE
        values.append(round(value, 6))
    return values


def _keep_named(text: str, spans: Sequence[Span], query: str, kept: list[bool]) -> None:
    """Keep the words that the query has too, if they are no function words."""
    named = set(literals(query))
    roots = set(stems(query))
    for i, span in enumerate(spans):
        word = core(text[span.start : span.end])
        if word.lower() in named or (word[:1].isupper() and roots.intersection(stems(word))):
            kept[i] = True


def _answering(
    text: str, spans: Sequence[Span], found: Marks, query: str, budget: int
) -> list[int]:
    """Return the words of the sentences that answer the query best, within their part."""
    begins = [i for i, s in enumerate(found.sentence) if not i or s != found.sentence[i - 1]]
    ends = [*begins[1:], len(spans)]
    texts = [text[spans[a].start : spans[b - 1].end] for a, b in zip(begins, ends, strict=True)]
    worth = relevance(texts, [False] * len(texts), query)
    if worth is None:
        return []
    room = round(_WHOLE * budget)
    chosen: list[int] = []
    for s in sorted(range(len(texts)), key=lambda s: (-worth[s], s)):
        size = ends[s] - begins[s]
        if size <= room:
            chosen += range(begins[s], ends[s])
            room -= size
    return chosen


def _follow(found: Marks, kept: list[bool]) -> None:
    """Let what opens a line stay if, and only if, the line keeps a word."""
    alive = {found.line[i] for i, k in enumerate(kept) if k and not found.marker[i]}
    for i, is_marker in enumerate(found.marker):
        if is_marker and not found.forced[i]:
            kept[i] = found.line[i] in alive
