"""Running text by default, with the prose model and without: what is still there at which size.

Prose: SQuAD's articles, each as one text; is an accepted answer still in the view, as SQuAD's
metric compares (lower case, no articles, no punctuation)? Without a query the view cannot know the
question. Markdown: the inputs of that kind; how many of their different inline codes still stand in
the view? That all their must_keep strings come back is the inputs suite's. Tokens are o200k_base's, trailers and legends included. The model's
own gates, on single passages, are `make eval-model`.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby
from typing import Final

from furler_engine.pipeline import compress
from furler_engine.types import Answers, Hints, Policy, View
from furler_kompress.scorer import Scorer

from .clock import Times, once
from .corpus import CorpusError, json_lines
from .furler_side import count
from .report import Bar, SuiteResult, Table, percent
from .setting import Setting

_ARTICLES: Final = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_REF: Final = "a" * 16
_CODE: Final = re.compile(r"`[^`\n]+`")
_MARKDOWN: Final = ("markdown", "prose")
_SIDES: Final = (
    ("Furler without a model", -1.0),
    ("Furler", 0.0),
    ("Furler, keep 0.5", 0.5),
    ("Furler, keep 0.8", 0.8),
)
WANTED_TOKENS: Final = 0.76
"""The default is careful: about 70 % of the tokens of prose stay, answers with them."""
WANTED_ANSWERS: Final = 0.92
"""Of those that the metric finds in the whole text."""
_QUERIES: Final = 150

Make = Callable[[str, str], str]
"""From a text and a query to what is shown of it."""


@dataclass(frozen=True, slots=True)
class _Task:
    """A text, what is asked, and the strings by which a view is judged; any of a group will do."""

    text: str
    query: str
    wanted: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Figures:
    suite: str
    side: str
    texts: int
    kept: float
    there: float
    wanted: int
    p50_per_1000: float


class _Model:
    """Furler's engine with the model in this process."""

    def __init__(self) -> None:
        self._scorer = Scorer.load(threads=2)

    def view(self, text: str, query: str, keep: float) -> str:
        """Return the view that a service gives; a negative ``keep`` asks no model."""
        version = "" if keep < 0 else self._scorer.version
        policy, hints = Policy(model=version, keep=max(0.0, keep)), Hints(query=query)
        asking = compress(text, hints, policy, _REF)
        if not asking.asks:
            return asking.text
        view: View = compress(text, hints, policy, _REF, self._answers(asking.asks))
        return view.text

    def _answers(self, asks: Iterable[str]) -> Answers:
        return {
            text: tuple(round(float(score), 4) for score in self._scorer.score(text))
            for text in asks
        }


def run(setting: Setting) -> SuiteResult:
    """Measure all sides on all texts."""
    model = _Model()
    suites = {
        "prose": list(_articles(setting, queries=False)),
        "prose, with a query": list(_articles(setting, queries=True)),
        "Markdown": list(_pages(setting, queries=False)),
        "Markdown, with a query": list(_pages(setting, queries=True)),
    }
    figures: list[_Figures] = []
    for name, tasks in suites.items():
        for side, make in _sides(setting, model):
            figures.append(_measure(setting, (name, side), tasks, make))
    rows = tuple(
        (f.suite, f.side, str(f.texts), percent(f.kept), f"{f.there:.3f}", str(f.wanted), f"{f.p50_per_1000:.1f}")
        for f in figures
    )  # fmt: skip
    columns = (
        "texts",
        "side",
        "views",
        "tokens kept %",
        "still there",
        "of",
        "p50 ms per 1,000 tokens",
    )
    table = Table("words: what is still there of running text", columns, rows)
    return SuiteResult("words", (table,), {"sides": [asdict(f) for f in figures]}, _bars(figures))


def _sides(setting: Setting, model: _Model) -> Iterator[tuple[str, Make]]:
    for side, keep in _SIDES:
        yield side, partial(model.view, keep=keep)
    peer = setting.peer
    if peer is not None:
        yield "peer", lambda text, query: peer.compress(text, query).text


def _measure(
    setting: Setting, names: tuple[str, str], tasks: Sequence[_Task], make: Make
) -> _Figures:
    times: list[float] = []
    before = after = there = wanted = 0
    for task in setting.progress(" ".join(names), tasks, len(tasks)):
        size = count(task.text)
        shown = ""

        def work(task: _Task = task) -> None:
            nonlocal shown
            shown = make(task.text, task.query)

        times.append(1000 * once(work) / size)
        before, after = before + size, after + count(shown)
        plain = _normalised(shown)
        wanted += len(task.wanted)
        there += sum(any(_normalised(each) in plain for each in group) for group in task.wanted)
    p50 = Times(tuple(times)).p50
    return _Figures(*names, len(tasks), after / max(1, before), there / max(1, wanted), wanted, p50)


def _articles(setting: Setting, *, queries: bool) -> Iterator[_Task]:
    contexts = json_lines(setting.corpus.files("squad", "contexts.jsonl")[0])
    articles = {
        str(title): "\n\n".join(str(c["context"]) for c in group)
        for title, group in groupby(contexts, key=lambda c: c["title"])
    }
    asked: dict[str, list[tuple[str, tuple[str, ...]]]] = {title: [] for title in articles}
    for fields in json_lines(setting.corpus.files("squad", "questions.jsonl")[0]):
        answers = fields["answers"]
        if isinstance(answers, list) and answers and fields["title"] in asked:
            texts = tuple(str(answer["text"]) for answer in answers)
            asked[str(fields["title"])].append((str(fields["question"]), texts))
    titles = list(articles)[:: 8 if setting.quick else 2]
    if not queries:
        yield from (
            _Task(articles[title], "", tuple(texts for _, texts in asked[title]))
            for title in titles
        )
        return
    every = [(title, *question) for title in titles for question in asked[title]]
    wanted = _QUERIES // 5 if setting.quick else _QUERIES
    for title, question, texts in every[:: max(1, len(every) // wanted)]:
        yield _Task(articles[title], question, (texts,))


def _pages(setting: Setting, *, queries: bool) -> Iterator[_Task]:
    found = [each for each in setting.corpus.inputs if each.kind in _MARKDOWN]
    if not found:
        raise CorpusError("no Markdown among the inputs")
    for each in found:
        codes = dict.fromkeys(_CODE.findall(each.content))
        yield _Task(each.content, each.query if queries else "", tuple((code,) for code in codes))


def _normalised(text: str) -> str:
    plain = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return f" {' '.join(plain.split())} "


def _bars(figures: Sequence[_Figures]) -> tuple[Bar, ...]:
    whole, prose = (
        next(f for f in figures if (f.suite, f.side) == ("prose", side)) for side, _ in _SIDES[:2]
    )
    there = prose.there / max(whole.there, 1e-9)
    return (
        Bar(
            "prose without a query: tokens kept by default, answers still there",
            f"<= {100 * WANTED_TOKENS:.0f}%, >= {WANTED_ANSWERS}",
            f"{100 * prose.kept:.1f}%, {there:.3f}",
            prose.kept <= WANTED_TOKENS and there >= WANTED_ANSWERS,
        ),
    )
