"""What an agent's next step needs, still there: incidents, function catalogues, word problems.

Scenarios: two conversations of the peer's own generators; every critical string
has to stand in the views of their tool results. BFCL: a catalogue of functions
with the one to call among others; whether its name, parameters and enums stand in
the view, and those of all functions in the lossless one. GSM8K:
a user's short text has to pass through to the letter, and no number of a long
one may be lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TypedDict, cast

from furler_engine.types import Fidelity, Hints

from .corpus import CorpusError, json_lines
from .furler_side import count, engine_view
from .report import SuiteResult, Table, all_of, percent, saved
from .setting import Setting
from .visible import is_verbatim

_CATALOGUE = 32
"""Functions in a catalogue: what an agent of several tool servers carries."""
_BFCL = ("simple_python", "multiple", "parallel")
_QUESTIONS = 100
_JOINED = 60
"""Problems in one long text."""
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")


class _Message(TypedDict):
    role: str
    content: str | None


class _Scenario(TypedDict):
    id: str
    messages: list[_Message]
    critical: list[str]


class _Schema(TypedDict, total=False):
    properties: dict[str, _Schema]
    enum: list[object]
    items: _Schema


class _Function(TypedDict):
    name: str
    parameters: _Schema


class _Call(TypedDict):
    id: str
    question: list[list[_Message]]
    function: list[_Function]


class _Answer(TypedDict):
    id: str
    ground_truth: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class _Row:
    """One text or a set of them: tokens, and how many of what was wanted is there."""

    what: str
    texts: int
    before: int
    after: int
    wanted: int
    there: int
    peer_after: int = 0
    peer_there: int = 0


def run(setting: Setting) -> SuiteResult:
    """Measure whatever of the three the corpus has."""
    rows = [row for part in (_scenarios, _bfcl, _gsm8k) for row in _if_there(part(setting))]
    if not rows:
        raise CorpusError(f"no scenarios.json, bfcl or gsm8k in {setting.corpus.root}")
    columns: tuple[str, ...] = ("what", "texts", "before", "after", "saved %", "wanted", "there")
    if setting.peer is not None:
        columns += ("peer saved %", "peer there")
    table = Table("What the next step needs", columns, tuple(_cells(r, columns) for r in rows))
    bars = tuple(
        all_of(f"retention, {row.what}", "all there", row.there, row.wanted)
        for row in rows
        if "default view" not in row.what
    )
    return SuiteResult("retention", (table,), {"rows": [asdict(row) for row in rows]}, bars)


def _if_there(rows: Iterator[_Row]) -> Iterator[_Row]:
    try:
        yield from rows
    except CorpusError:
        return


def _cells(row: _Row, columns: Sequence[str]) -> tuple[str, ...]:
    theirs = (percent(saved(row.before, row.peer_after)), str(row.peer_there))
    return (
        row.what, str(row.texts), str(row.before), str(row.after), percent(saved(row.before, row.after)),
        str(row.wanted), str(row.there), *theirs,
    )[: len(columns)]  # fmt: skip


def _measured(
    setting: Setting, what: str, asked: Sequence[tuple[str, str, Sequence[str]]], fidelity: Fidelity
) -> _Row:
    """Measure texts, each with a query and the strings wanted of it."""
    before = after = wanted = there = peer_after = peer_there = 0
    for text, query, strings in setting.progress(what, asked, len(asked)):
        view = engine_view(text, Hints(query=query), fidelity)
        before += view.tokens_before
        after += view.tokens_after
        wanted += len(strings)
        there += sum(is_verbatim(string, view.text) for string in strings)
        if setting.peer is not None:
            theirs = setting.peer.compress(text, query).text
            peer_after += count(theirs)
            peer_there += sum(is_verbatim(string, theirs) for string in strings)
    return _Row(what, len(asked), before, after, wanted, there, peer_after, peer_there)


def _scenarios(setting: Setting) -> Iterator[_Row]:
    (path,) = setting.corpus.files(".", "scenarios.json")
    for scenario in cast("list[_Scenario]", json.loads(path.read_text())):
        messages = scenario["messages"]
        query = next(m["content"] or "" for m in messages if m["role"] == "user")
        results = [m["content"] or "" for m in messages if m["role"] == "tool"]
        asked = [
            (text, query, [string for string in scenario["critical"] if string in text])
            for text in results
        ]
        yield _measured(setting, f"{scenario['id']}: critical strings", asked, Fidelity.REVERSIBLE)


def _bfcl(setting: Setting) -> Iterator[_Row]:
    files = [setting.corpus.files("bfcl", f"BFCL_v4_{name}.json")[0] for name in _BFCL]
    calls = [cast("_Call", fields) for file in files for fields in json_lines(file)]
    functions = [function for call in calls for function in call["function"]]
    answers = {
        answer["id"]: {name for call in answer["ground_truth"] for name in call}
        for name in _BFCL
        for fields in json_lines(
            setting.corpus.files("bfcl/possible_answer", f"BFCL_v4_{name}.json")[0]
        )
        for answer in [cast("_Answer", fields)]
    }
    step = max(1, len(calls) // (_QUESTIONS // 4 if setting.quick else _QUESTIONS))
    own, every = [], []
    for at in range(0, len(calls), step):
        catalogue = _catalogue(calls[at], functions, at)
        text = json.dumps(catalogue, indent=1)
        query = calls[at]["question"][0][-1]["content"] or ""
        called = answers[calls[at]["id"]]
        right = [f for f in calls[at]["function"] if f["name"] in called]
        own.append((text, query, [n for f in right for n in _names(f)]))
        every.append((text, "", [n for f in catalogue for n in _names(f)]))
    yield _measured(setting, "BFCL: the function to call, default view", own, Fidelity.REVERSIBLE)
    yield _measured(setting, "BFCL: all functions, lossless", every, Fidelity.LOSSLESS)


def _catalogue(call: _Call, functions: Sequence[_Function], at: int) -> list[_Function]:
    """Put a question's functions in the middle of others."""
    own = call["function"]
    names = {function["name"] for function in own}
    others: dict[str, _Function] = {}
    while len(others) + len(own) < _CATALOGUE:
        at = (at + 37) % len(functions)
        if functions[at]["name"] not in names:
            others.setdefault(functions[at]["name"], functions[at])
    rest = list(others.values())
    return [*rest[: len(rest) // 2], *own, *rest[len(rest) // 2 :]]


def _names(function: _Function) -> Iterator[str]:
    yield function["name"]
    waiting = [function["parameters"]]
    while waiting:
        schema = waiting.pop()
        yield from (str(value) for value in schema.get("enum", ()))
        for name, below in schema.get("properties", {}).items():
            yield name
            waiting.append(below)
        if isinstance(items := schema.get("items"), dict):
            waiting.append(items)


def _gsm8k(setting: Setting) -> Iterator[_Row]:
    (path,) = setting.corpus.files("gsm8k", "test.jsonl")
    problems = [str(fields["question"]) for fields in json_lines(path)]
    if setting.quick:
        problems = problems[:: len(problems) // 100]
    short = [(text, "", [text]) for text in problems]
    yield _measured(setting, "GSM8K: short texts to the letter", short, Fidelity.REVERSIBLE)
    texts = ["\n\n".join(problems[at : at + _JOINED]) for at in range(0, len(problems), _JOINED)]
    long = [(text, "", list(dict.fromkeys(_NUMBER.findall(text)))) for text in texts]
    yield _measured(setting, "GSM8K: numbers of long texts", long, Fidelity.REVERSIBLE)
