"""SQuAD v2 as a judge: is the gold answer still there after words were dropped?

What lives here: reading, SQuAD's normalisation, who holds an answer. What does not: any method.
"""

from __future__ import annotations

import hashlib
import json
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict

import numpy as np
from numpy.typing import NDArray

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Question:
    """An answerable question; ``answers`` as given, ``normal`` as SQuAD's metric compares them."""

    id: str
    context: str
    text: str
    answers: tuple[str, ...]
    normal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Squad:
    """Contexts by id, and the questions on them that have an answer."""

    contexts: dict[str, str]
    questions: list[Question]

    def part(self, count: int) -> Squad:
        """Return the first contexts, and what is asked about them."""
        few = dict(sorted(self.contexts.items())[:count])
        return Squad(few, [question for question in self.questions if question.context in few])

    def tuning(self) -> NDArray[np.bool_]:
        """Say per question whether its context may be tuned on; the other half confirms."""
        return np.asarray([tuned_on(question.context) for question in self.questions])


@dataclass(frozen=True, slots=True)
class Held:
    """Per question: whether an answer is there, normalised and letter by letter."""

    normal: NDArray[np.bool_]
    literal: NDArray[np.bool_]


def read(directory: Path) -> Squad:
    """Read ``contexts.jsonl`` and ``questions.jsonl``; contexts without a question are left out."""
    given: list[_ContextRow] = [*map(json.loads, _lines(directory / "contexts.jsonl"))]
    asked: list[_QuestionRow] = [*map(json.loads, _lines(directory / "questions.jsonl"))]
    contexts = {row["cid"]: row["context"] for row in given}
    questions = []
    for row in asked:
        answers = sorted({" ".join(answer["text"].split()) for answer in row["answers"]})
        if answers:
            normal = tuple(sorted({normalised(answer) for answer in answers}))
            questions.append(
                Question(row["id"], row["cid"], row["question"], tuple(answers), normal)
            )
    used = {question.context for question in questions}
    return Squad({cid: contexts[cid] for cid in sorted(used)}, questions)


def normalised(text: str) -> str:
    """Return a text as SQuAD's metric compares it, with a blank at each end: words match whole."""
    plain = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return f" {' '.join(plain.split())} "


def held(squad: Squad, texts: Mapping[str, str]) -> Held:
    """Judge shortened contexts, one text per context id, for questions asked without seeing them."""
    normal = {cid: normalised(text) for cid, text in texts.items()}
    literal = {cid: " ".join(text.split()) for cid, text in texts.items()}
    return Held(
        np.asarray([any(a in normal[q.context] for a in q.normal) for q in squad.questions]),
        np.asarray([any(a in literal[q.context] for a in q.answers) for q in squad.questions]),
    )


def held_by_question(squad: Squad, texts: Mapping[str, str]) -> Held:
    """Judge contexts shortened for each question, one text per question id."""
    normal = [normalised(texts[q.id]) for q in squad.questions]
    literal = [" ".join(texts[q.id].split()) for q in squad.questions]
    questions = squad.questions
    return Held(
        np.asarray([any(a in t for a in q.normal) for q, t in zip(questions, normal, strict=True)]),
        np.asarray(
            [any(a in t for a in q.answers) for q, t in zip(questions, literal, strict=True)]
        ),
    )


def tuned_on(context: str) -> bool:
    """Half of the contexts, by a hash of the id."""
    return hashlib.sha256(f"tune {context}".encode()).digest()[0] % 2 == 0


class _ContextRow(TypedDict):
    cid: str
    context: str


class _Answer(TypedDict):
    text: str


class _QuestionRow(TypedDict):
    id: str
    cid: str
    question: str
    answers: list[_Answer]


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]
