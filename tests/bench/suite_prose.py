"""Prose with a query: what of the relevant text is still there at a given size.

QMSum: the share, in characters, of the turns that people marked as relevant to
the query and that stand whole in the view. SQuAD: whether one of the accepted
answers stands in the view of an article (the contexts of one title, joined).
The size is asked for by ``target_tokens``; what was really kept is reported
beside it, for a view of everything recalls everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from typing import TypedDict, cast

from furler_engine.pipeline import compress
from furler_engine.types import Hints, Policy

from .clock import Times, once
from .corpus import json_lines
from .furler_side import count
from .report import Bar, SuiteResult, Table, percent
from .setting import Setting

KEEPS = (0.3, 0.5)
WANTED_RECALL = 0.84
WANTED_KEEP = 0.5
_TOLERANCE = 0.05
"""A view may be this much larger than asked for and still count as of that size."""
_MOST_RELEVANT = 0.4
"""Queries whose relevant turns are a larger share of the meeting say nothing about picking."""
_QUESTIONS = 200


class _Turn(TypedDict):
    speaker: str
    content: str


class _Query(TypedDict):
    query: str
    relevant_text_span: list[tuple[str, str]]


class _Meeting(TypedDict):
    meeting_transcripts: list[_Turn]
    specific_query_list: list[_Query]


@dataclass(frozen=True, slots=True)
class _Question:
    """A text, what is asked of it, and how much of the right answer a view holds (0 to 1)."""

    text: str
    query: str
    recall: Callable[[str], float]


@dataclass(slots=True)
class _Figures:
    side: str
    asked: str
    questions: int
    recall: float
    kept: float
    p50: float


def run_qmsum(setting: Setting) -> SuiteResult:
    """Measure QMSum's validation meetings."""
    questions = list(_qmsum(setting))
    return _result(setting, "qmsum", questions[:: 8 if setting.quick else 2])


def run_squad(setting: Setting) -> SuiteResult:
    """Measure SQuAD's questions, every n-th so that about 200 are asked."""
    questions = list(_squad(setting))
    step = max(1, len(questions) // (_QUESTIONS // 4 if setting.quick else _QUESTIONS))
    return _result(setting, "squad", questions[::step])


def _result(setting: Setting, name: str, questions: Sequence[_Question]) -> SuiteResult:
    figures = [_measure(setting, name, questions, keep) for keep in KEEPS]
    if setting.peer is not None:
        figures.append(_measure_peer(setting, questions))
    rows = tuple(
        (f.side, f.asked, str(f.questions), f"{f.recall:.3f}", percent(f.kept), f"{f.p50:.1f}")
        for f in figures
    )
    columns = ("side", "asked to keep", "questions", "recall", "kept %", "p50 ms")
    table = Table(f"{name}: recall of what answers the query", columns, rows)
    bars = _bars(figures) if name == "qmsum" else ()
    return SuiteResult(name, (table,), {"sides": [asdict(f) for f in figures]}, bars)


def _measure(setting: Setting, name: str, questions: Sequence[_Question], keep: float) -> _Figures:
    recalls: list[float] = []
    times: list[float] = []
    before = after = 0
    for question in setting.progress(f"{name} {keep:.0%}", questions, len(questions)):
        size = count(question.text)
        policy, hints = Policy(target_tokens=round(size * keep)), Hints(query=question.query)
        make = partial(compress, question.text, hints, policy, "a" * 16)
        view = make()
        times.append(once(make))
        recalls.append(question.recall(view.text))
        before += size
        after += count(view.text)
    recall = sum(recalls) / max(1, len(recalls))
    p50 = Times(tuple(times)).p50
    return _Figures("Furler", f"{keep:.0%}", len(questions), recall, after / max(1, before), p50)


def _measure_peer(setting: Setting, questions: Sequence[_Question]) -> _Figures:
    """Measure the peer; its API takes no size, it keeps what it keeps."""
    recalls: list[float] = []
    times: list[float] = []
    before = after = 0
    for question in questions[::4]:
        if setting.peer is None:
            break
        view = setting.peer.compress(question.text, question.query)
        times.append(view.ms)
        recalls.append(question.recall(view.text))
        before += count(question.text)
        after += count(view.text)
    recall = sum(recalls) / max(1, len(recalls))
    p50 = Times(tuple(times)).p50
    return _Figures("peer", "its own", len(recalls), recall, after / max(1, before), p50)


def _qmsum(setting: Setting) -> Iterator[_Question]:
    for fields in json_lines(setting.corpus.files("qmsum", "*.jsonl")[0]):
        meeting = cast("_Meeting", fields)
        turns = [f"{t['speaker']}: {t['content']}" for t in meeting["meeting_transcripts"]]
        text = "\n".join(turns)
        for query in meeting["specific_query_list"]:
            spans = query["relevant_text_span"]
            relevant = {n for a, b in spans for n in range(int(a), int(b) + 1) if n < len(turns)}
            if relevant and len(relevant) < _MOST_RELEVANT * len(turns):
                wanted = [turns[n] for n in sorted(relevant)]
                yield _Question(text, query["query"], _share_of(wanted))


def _share_of(wanted: Sequence[str]) -> Callable[[str], float]:
    total = sum(map(len, wanted))
    return lambda view: sum(len(turn) for turn in wanted if turn in view) / total


def _squad(setting: Setting) -> Iterator[_Question]:
    contexts = json_lines(setting.corpus.files("squad", "contexts.jsonl")[0])
    articles = {
        title: "\n\n".join(str(c["context"]) for c in group)
        for title, group in groupby(contexts, key=lambda c: str(c["title"]))
    }
    for fields in json_lines(setting.corpus.files("squad", "questions.jsonl")[0]):
        answers = [str(a["text"]) for a in json.loads(json.dumps(fields["answers"]))]
        article = articles.get(str(fields["title"]), "")
        if answers and article:
            yield _Question(article, str(fields["question"]), _any_of(answers))


def _any_of(answers: Sequence[str]) -> Callable[[str], float]:
    return lambda view: float(any(answer in view for answer in answers))


def _bars(figures: Sequence[_Figures]) -> tuple[Bar, ...]:
    half = next(f for f in figures if f.asked == f"{WANTED_KEEP:.0%}")
    small_enough = half.kept <= WANTED_KEEP + _TOLERANCE
    measured = f"{half.recall:.3f} at {100 * half.kept:.0f}% kept"
    return (
        Bar(
            "QMSum: recall at keep 50%",
            f">= {WANTED_RECALL}",
            measured,
            small_enough and half.recall >= WANTED_RECALL,
        ),
    )
