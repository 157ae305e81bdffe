"""QMSum as a judge: how much of what a reference answer says is left of its meeting?

What lives here: reading, the measure, a table. There is no gate: a share of words of answers
that people wrote is a proxy, good for comparing methods at one share of words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

import numpy as np

from furler_engine.shared.ranking import stems
from furler_kompress.scorer import Scorer
from training import methods
from training.methods import Text

KEEPS: Final = (0.5, 0.3)


class _Turn(TypedDict):
    speaker: str
    content: str


class _Query(TypedDict):
    query: str
    answer: str
    relevant_text_span: list[list[str]]


class _Row(TypedDict):
    meeting_transcripts: list[_Turn]
    specific_query_list: list[_Query]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question on a meeting: the reference answer's stems that the meeting has."""

    meeting: int
    query: str
    stems: frozenset[str]
    lines: frozenset[int]
    """Turns that annotators marked as relevant."""


def read(path: Path) -> tuple[list[str], list[Asked]]:
    """Return the meetings, one turn a line, and what is asked of them."""
    meetings: list[str] = []
    asked: list[Asked] = []
    rows: list[_Row] = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
    for number, row in enumerate(rows):
        turns = [
            f"{t['speaker']}: {' '.join(t['content'].split())}" for t in row["meeting_transcripts"]
        ]
        meetings.append("\n".join(turns))
        said = set(stems(meetings[-1]))
        for query in row["specific_query_list"]:
            lines = frozenset(
                i for a, b in query["relevant_text_span"] for i in range(int(a), int(b) + 1)
            )
            wanted = frozenset(stems(query["answer"])) & said
            asked.append(Asked(number, query["query"], wanted, lines))
    return meetings, asked


def report(scorer: Scorer, directory: Path, step: int) -> None:
    """Print recall of answers' stems, and of marked turns' words; every ``step``-th meeting."""
    meetings, asked = read(min(directory.glob("*.jsonl")))
    texts = {
        i: Text.of(meeting, scorer.score(meeting).tolist())
        for i, meeting in enumerate(meetings)
        if i % step == 0
    }
    asked = [question for question in asked if question.meeting in texts]
    print(f"\n## QMSum: {len(asked)} questions on {len(texts)} meetings")
    table: dict[str, Callable[[Text, float, str], list[bool]]] = {
        "rules only": lambda text, keep, _: methods.by_rules(text, keep),
        "Kompress, no query": lambda text, keep, _: methods.by_choice(text, keep),
        "BM25 sentences, query": methods.by_sentences,
        "Kompress, query": methods.by_query,
    }
    for keep in KEEPS:
        for name, method in table.items():
            answers, marked, words = zip(
                *(_judge(texts, q, method, keep) for q in asked), strict=True
            )
            print(
                f"{keep:.2f} {name:22} words {np.mean(words):.3f} stems of answers {np.mean(answers):.4f} "
                f"words of marked turns {np.mean(marked):.4f}"
            )


def _judge(
    texts: Mapping[int, Text],
    asked: Asked,
    method: Callable[[Text, float, str], list[bool]],
    keep: float,
) -> tuple[float, float, float]:
    text = texts[asked.meeting]
    kept = method(text, keep, asked.query)
    left = set(stems(text.shown(kept)))
    inside = [k for k, line in zip(kept, text.found.line, strict=True) if line in asked.lines]
    return (
        len(asked.stems & left) / max(1, len(asked.stems)),
        sum(inside) / max(1, len(inside)),
        sum(kept) / max(1, len(kept)),
    )
