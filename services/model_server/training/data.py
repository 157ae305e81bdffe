"""Labelled passages: reading, splitting, and the tensors that a training step sees.

What lives here: the split, targets and weights. What does not: the network, the schedule.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

from furler_kompress.encode import Chunk, encode
from furler_kompress.words import Shape, shapes, spans

TEST_SHARE: Final = 0.09
TEST_LEAST: Final = 12
"""Held-out passages of a kind: 9 %, at least 12, so that its F1 stands on 1,000 words or more."""
DEV_SHARE: Final = 0.03
DEV_LEAST: Final = 4
"""Passages on which thresholds are chosen and runs compared; the held-out ones decide nothing."""
TARGETS: Final = (0.0, 0.5, 1.0)
"""What a dropped word, one kept in the light version only, one kept in both is trained towards."""
SMOOTHING: Final = 0.05
MUST_WEIGHT: Final = 3.0
NAME_WEIGHT: Final = 2.0
"""Losing a number, an identifier or a "not" costs more than a filler that stays."""
_MUST: Final = frozenset({Shape.NUMBER, Shape.IDENTIFIER, Shape.LIMIT})
_NAMES: Final = frozenset({Shape.TITLE, Shape.CAPS})


@dataclass(frozen=True, slots=True)
class Passage:
    """An annotated passage; ``labels`` holds 0, 1 or 2 per word."""

    id: str
    kind: str
    text: str
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Passages to learn from, to choose on, and to judge by."""

    train: list[Passage]
    dev: list[Passage]
    test: list[Passage]


@dataclass(frozen=True, slots=True)
class Sample:
    """A chunk with what its tokens are trained towards; float32 [L], weight 0 where unjudged."""

    chunk: Chunk
    targets: NDArray[np.float32]
    weights: NDArray[np.float32]


def read_passages(path: Path) -> list[Passage]:
    """Read annotated passages, one JSON object per line.

    Raises:
        ValueError: a passage has not one label per word.
    """
    passages = []
    rows: Iterator[_Row] = map(json.loads, _lines(path))
    for row in rows:
        passage = Passage(row["id"], row["kind"], row["text"], tuple(row["labels"]))
        if len(passage.labels) != len(spans(passage.text)):
            raise ValueError(f"{passage.id}: {len(passage.labels)} labels for its words")
        passages.append(passage)
    return passages


def split(passages: Sequence[Passage]) -> Split:
    """Split by a hash of the id, stratified by kind: the same on every machine and in any order."""
    kinds: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages:
        kinds[passage.kind].append(passage)
    parts = Split([], [], [])
    for kind in sorted(kinds):
        group = sorted(kinds[kind], key=_place)
        test = max(TEST_LEAST, round(TEST_SHARE * len(group)))
        dev = max(DEV_LEAST, round(DEV_SHARE * len(group)))
        parts.test.extend(group[:test])
        parts.dev.extend(group[test : test + dev])
        parts.train.extend(group[test + dev :])
    return parts


def samples(passage: Passage) -> list[Sample]:
    """Return a passage's chunks with targets and weights from its labels."""
    words = spans(passage.text)
    kinds = shapes(passage.text, words)
    must = [kind in _MUST for kind in kinds]
    targets = np.asarray([TARGETS[label] for label in passage.labels], dtype=np.float32)
    weights = np.ones(len(words), dtype=np.float32)
    for i, label in enumerate(passage.labels):
        if must[i] and label:
            weights[i] = MUST_WEIGHT
        elif label == 2 and (kinds[i] in _NAMES or any(must[max(0, i - 1) : i + 2])):
            weights[i] = NAME_WEIGHT
    smooth = targets * (1 - SMOOTHING) + SMOOTHING / 2
    return [_sample(chunk, smooth, weights) for chunk in encode(passage.text, words)]


def _sample(chunk: Chunk, targets: NDArray[np.float32], weights: NDArray[np.float32]) -> Sample:
    judged = chunk.words >= 0
    owner = np.where(judged, chunk.words, 0)
    return Sample(
        chunk,
        np.where(judged, targets[owner], 0).astype(np.float32),
        np.where(judged, weights[owner], 0).astype(np.float32),
    )


def _place(passage: Passage) -> str:
    return hashlib.sha256(f"split 1 {passage.id}".encode()).hexdigest()


class _Row(TypedDict):
    id: str
    kind: str
    text: str
    labels: list[int]


def _lines(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        yield from (line for line in lines if line.strip())
