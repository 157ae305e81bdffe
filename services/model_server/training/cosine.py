"""Sentences by question, beside ours: ``python -m training.cosine --corpus DIRECTORY``.

What lives here: the baselines that rank whole sentences, by BM25 and by BM25 with the cosine of
MiniLM's sentence vectors (Reimers & Gurevych 2019), at the very share of words that ours shows.
What does not: baselines without a question, and gates (evaluate).

It runs in training's environment: the base's weights, torch.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from furler_engine.shared.ranking import Passages
from furler_kompress.scorer import Scorer
from training import methods, squad
from training.measures import share
from training.methods import Text
from training.network import BASE

KEEPS: Final = (0.81, 0.52, 0.36)
_LONGEST: Final = 256
"""Tokens of a sentence, as the base was trained."""
_BATCH: Final = 64
_BM25: Final = 0.5
"""Part of BM25 beside the cosine, as the recipe gives it."""
_HALVINGS: Final = 14
"""To find the share at which as many words are shown as ours shows."""

Vectors = NDArray[np.float32]
Ranker = Callable[["_Sentences", squad.Question], list[float]]


@dataclass(frozen=True, slots=True)
class _Sentences:
    """A context's sentences: the words of each as half-open ranges, their texts and vectors."""

    text: Text
    ranges: list[tuple[int, int]]
    ranked: Passages
    vectors: Vectors


class Encoder:
    """MiniLM as a sentence encoder: the mean of its last states, of length 1."""

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        where = str(files(BASE) / "model")
        self._tokenizer = AutoTokenizer.from_pretrained(where)
        self._model = AutoModel.from_pretrained(where).eval()

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Return one row per text."""
        rows: list[Vectors] = []
        for at in range(0, len(texts), _BATCH):
            given = self._tokenizer(
                list(texts[at : at + _BATCH]),
                padding=True,
                truncation=True,
                max_length=_LONGEST,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = self._model(**given).last_hidden_state
            mask = given["attention_mask"][..., None]
            mean = (states * mask).sum(1) / mask.sum(1)
            rows.append(torch.nn.functional.normalize(mean, dim=1).numpy())
        return np.concatenate(rows)


def _sentences(text: Text, encoder: Encoder) -> _Sentences:
    ids = text.found.sentence
    begins = [i for i in range(len(ids)) if not i or ids[i] != ids[i - 1]]
    ranges = list(zip(begins, [*begins[1:], len(ids)], strict=True))
    texts = [text.text[text.words[a].start : text.words[b - 1].end] for a, b in ranges]
    return _Sentences(text, ranges, Passages(texts), encoder.vectors(texts))


def _shown(found: _Sentences, values: Sequence[float], keep: float) -> str:
    """Return the best sentences; the one that passes the share is the last, shown whole."""
    kept = [False] * len(found.text.words)
    room = keep * len(kept)
    for s in sorted(range(len(values)), key=lambda s: (-values[s], s)):
        if room <= 0:
            break
        start, end = found.ranges[s]
        kept[start:end] = [True] * (end - start)
        room -= end - start
    return found.text.shown(kept)


def _at_equal_words(
    data: squad.Squad, contexts: dict[str, _Sentences], rank: Ranker, words: float
) -> dict[str, str]:
    """Return what a ranker shows per question where it shows ``words`` of all words."""
    values = {q.id: rank(contexts[q.context], q) for q in data.questions}
    total = sum(len(contexts[q.context].text.words) for q in data.questions)
    low, high, shown = 0.0, 1.0, {}
    for _ in range(_HALVINGS):
        keep = (low + high) / 2
        shown = {q.id: _shown(contexts[q.context], values[q.id], keep) for q in data.questions}
        if sum(len(text.split()) for text in shown.values()) / total > words:
            high = keep
        else:
            low = keep
    return shown


def _scaled(values: Sequence[float]) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    return found / (found.max() or 1.0)


def main() -> None:
    """Print norm and literal answers left, by method, at the words that ours shows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    data = squad.read(options.corpus / "squad")
    scorer, encoder = Scorer.load(threads=options.threads), Encoder(options.threads)
    texts = {cid: Text.of(t, scorer.score(t).tolist()) for cid, t in data.contexts.items()}
    contexts = {cid: _sentences(text, encoder) for cid, text in texts.items()}
    asked = dict(
        zip(
            [q.id for q in data.questions],
            encoder.vectors([q.text for q in data.questions]),
            strict=True,
        )
    )

    def by_bm25(found: _Sentences, question: squad.Question) -> list[float]:
        return found.ranked.scores(question.text)

    def by_both(found: _Sentences, question: squad.Question) -> list[float]:
        cosines = found.vectors @ asked[question.id]
        bm25 = _scaled(found.ranked.scores(question.text))
        return [float(v) for v in cosines + _BM25 * bm25]

    print(f"{scorer.version}; {len(data.questions)} questions")
    for keep in KEEPS:
        ours = {
            q.id: texts[q.context].shown(methods.by_query(texts[q.context], keep, q.text))
            for q in data.questions
        }
        total = sum(len(texts[q.context].words) for q in data.questions)
        words = sum(len(text.split()) for text in ours.values()) / total
        rows = {
            "BM25 sentences": _at_equal_words(data, contexts, by_bm25, words),
            "BM25 + MiniLM cosine sentences": _at_equal_words(data, contexts, by_both, words),
            "Kompress (ships)": ours,
        }
        for name, shown in rows.items():
            held = squad.held_by_question(data, shown)
            part = sum(len(text.split()) for text in shown.values()) / total
            normal, literal = share(held.normal), share(held.literal)
            print(
                f"{keep:.2f} {name:32} words {part:.3f} norm {normal.value:.4f} "
                f"[{normal.low:.4f}, {normal.high:.4f}] literal {literal.value:.4f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
