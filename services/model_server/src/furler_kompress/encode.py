"""From a text to what the model reads, and from what it says to a score per word.

What lives here: sub-tokens, chunks, padding, pooling; the server's clients use the same.
What does not: running the model (scorer), which words stay (the engine).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from furler_kompress import artefact
from furler_kompress.words import Span, ends_sentence, opens_line, shapes, spans

IntVector = NDArray[np.int64]
FloatVector = NDArray[np.float32]

CHUNK: Final = 384
"""Tokens of a chunk, both special ones included: what the model was trained on."""
OVERLAP: Final = 64
"""Tokens that two neighbouring chunks share, so that no word is judged without its context."""
LENGTHS: Final = (64, 128, 256, 384)
"""Lengths that chunks are padded to: a server joins requests of equal shape only."""
_SPECIAL: Final = 2  # [CLS] and [SEP]
_SEEK: Final = 96
"""Tokens before a chunk's end within which a sentence's or line's end is looked for: a quarter."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a text as the model reads it.

    ``input_ids``, ``attention_mask`` and ``token_type_ids`` (word shapes) are padded,
    int64 [L] with L of ``LENGTHS``. ``words`` int64 [L] names the word whose score a token
    votes for: -1 for special tokens, padding and words that a neighbouring chunk judges.
    """

    input_ids: IntVector
    attention_mask: IntVector
    token_type_ids: IntVector
    words: IntVector
    word_count: int
    """Words of the whole text, the same in each of its chunks."""

    @property
    def length(self) -> int:
        """Tokens that are not padding."""
        return int(self.attention_mask.sum())


@dataclass(frozen=True, slots=True)
class _Tokens:
    """Sub-tokens of a text: ids, word of each, shape of each; int64 [N], no special ones."""

    ids: IntVector
    words: IntVector
    shapes: IntVector
    word_ends: list[int]
    """Per word: the number of tokens up to its end."""


def encode(text: str, words: Sequence[Span] | None = None) -> list[Chunk]:
    """Return a text's chunks, in order; every sub-token is judged in exactly one of them.

    ``words`` are the text's ``words.spans``, where the caller has them.
    A text without words has no chunks.
    """
    spanned = spans(text) if words is None else words
    if not spanned:
        return []
    tokens = _tokens(artefact.tokenizer(), text, spanned)
    limit = CHUNK - _SPECIAL
    cuts = list(_cuts(len(tokens.ids), _seams(text, spanned, tokens), tokens.word_ends, limit))
    return [_chunk(tokens, cuts, i, len(spanned)) for i in range(len(cuts))]


def pool(chunks: Sequence[Chunk], probabilities: Sequence[FloatVector]) -> FloatVector:
    """Return a score per word, float32 [words]: the highest among its sub-tokens.

    ``probabilities`` holds the model's answer for each chunk, [L] padded or [chunk.length].
    A word without sub-tokens (control characters) scores 1: what cannot be read is not dropped.

    Raises:
        ValueError: as many answers as chunks are needed, each as long as its chunk.
    """
    if len(chunks) != len(probabilities):
        raise ValueError(f"probabilities: {len(probabilities)} answers for {len(chunks)} chunks")
    if not chunks:
        return np.zeros(0, dtype=np.float32)
    scores = np.full(chunks[0].word_count, -1.0, dtype=np.float32)
    for chunk, answer in zip(chunks, probabilities, strict=True):
        if answer.shape not in {(chunk.length,), chunk.words.shape}:
            raise ValueError(f"probabilities: shape {answer.shape} for {chunk.length} tokens")
        judged = np.flatnonzero(chunk.words[: len(answer)] >= 0)
        np.maximum.at(scores, chunk.words[judged], answer[judged].astype(np.float32))
    scores[scores < 0] = 1.0
    return scores


def padded_length(tokens: int) -> int:
    """Return the length of ``LENGTHS`` that as many tokens are padded to."""
    return LENGTHS[bisect_left(LENGTHS, tokens)]


def _tokens(tokenizer: Tokenizer, text: str, words: Sequence[Span]) -> _Tokens:
    encoding = tokenizer.encode(text, add_special_tokens=False)
    ids = np.asarray(encoding.ids, dtype=np.int64)
    starts = np.asarray([start for start, _ in encoding.offsets], dtype=np.int64)
    begins = np.asarray([start for start, _ in words], dtype=np.int64)
    owner = np.searchsorted(begins, starts, side="right") - 1
    kinds = np.asarray(shapes(text, words), dtype=np.int64)
    ends = np.searchsorted(owner, np.arange(len(words)), side="right")
    return _Tokens(ids, owner.astype(np.int64), kinds[owner], [int(end) for end in ends])


def _seams(text: str, words: Sequence[Span], tokens: _Tokens) -> list[int]:
    """Return the numbers of tokens after which a sentence or a line ends, ascending."""
    opening = opens_line(text, words)
    return [
        tokens.word_ends[i]
        for i, (start, stop) in enumerate(words)
        if i + 1 == len(words) or opening[i + 1] or ends_sentence(text[start:stop])
    ]


def _cuts(total: int, seams: list[int], word_ends: list[int], limit: int) -> Iterator[Span]:
    """Yield the token ranges of chunks: at most ``limit`` long, overlapping, at ends of sentences.

    A range ends at a sentence's or line's end where one is near, else at a word's, else
    inside a word that is longer than the search. The next starts where a sentence starts
    within the overlap, else where a word does.
    """
    start = 0
    while total - start > limit:
        end = _last(seams, start + limit - _SEEK, start + limit) or (
            _last(word_ends, start + limit - _SEEK, start + limit) or start + limit
        )
        yield start, end
        start = _first(seams, end - OVERLAP, end - OVERLAP // 2) or (
            _first(word_ends, end - OVERLAP, end - OVERLAP // 2) or end - OVERLAP
        )
    yield start, total


def _last(places: list[int], low: int, high: int) -> int | None:
    i = bisect_right(places, high) - 1
    return places[i] if i >= 0 and places[i] > low else None


def _first(places: list[int], low: int, high: int) -> int | None:
    i = bisect_left(places, low)
    return places[i] if i < len(places) and places[i] <= high else None


def _chunk(tokens: _Tokens, cuts: list[Span], i: int, word_count: int) -> Chunk:
    start, end = cuts[i]
    # Two chunks share their overlap: each judges the half that is farther from its edge.
    low = (start + cuts[i - 1][1]) // 2 if i else 0
    high = (cuts[i + 1][0] + end) // 2 if i + 1 < len(cuts) else end
    count = end - start + _SPECIAL
    length = padded_length(count)
    inside = slice(1, count - 1)
    ids, mask, kinds = (np.zeros(length, dtype=np.int64) for _ in range(3))
    words = np.full(length, -1, dtype=np.int64)
    first, last = artefact.special_ids()
    ids[0], ids[count - 1] = first, last
    ids[inside] = tokens.ids[start:end]
    mask[:count] = 1
    kinds[inside] = tokens.shapes[start:end]
    words[1 + low - start : 1 + high - start] = tokens.words[low:high]
    return Chunk(ids, mask, kinds, words, word_count)
