"""From content to view: detect, draft, check, choose, close with a trailer.

What lives here: the order of these steps and the rules that hold for every
kind (never longer, lossless first, failed drafts pass through). What does not:
anything that knows a kind of content.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from furler_engine import markers, split, tokens
from furler_engine.compressors import words
from furler_engine.coverage import CoverageError, check
from furler_engine.detect import detect
from furler_engine.json_value import dumps
from furler_engine.recipe import recipe
from furler_engine.router import ROUTES
from furler_engine.text_lines import extent
from furler_engine.tools import RETRIEVE_TOOLS, normal, policy_for, why_exact
from furler_engine.types import (
    Answers,
    Compressor,
    Decision,
    Draft,
    Elision,
    Fidelity,
    Hints,
    JsonLocation,
    Kind,
    Level,
    Lines,
    Policy,
    Rows,
    Source,
    View,
    Within,
)

MIN_GAIN: Final = 0.05
"""A view that saves less than this is not worth a new notation to its reader."""
LOSSY_FLOOR: Final = 600
"""Tokens up to which a lossless view stays as it is: eliding more saves too little
to risk a retrieval, which costs a turn (about 600 tokens of overhead)."""
LOSSY_GAIN: Final = 0.2
"""What an eliding draft must save over the lossless one to be chosen."""
CLEAR_SHARE: Final = 0.2
"""Share of a large content up to which an eliding draft is chosen with no lossless one
made beside it, which takes a third of the time and most of the memory. To win, that one
would have to be below a quarter: 2 of 34 JSON documents were, and their eliding drafts
had a third of its size or less."""
_MOSTLY_TEXT: Final = 0.7
"""Share of running text from which parts with words left out save LOSSY_GAIN of a content."""
_LARGE: Final = 10
"""Times the size that is enough, from which no lossless view is expected to be so small."""


_WORDS: Final = Compressor(words.NAME, Fidelity.REVERSIBLE, lambda _source, _policy: None)
"""The name of the drafts that leave out words; they are made on top of another one."""
_SPLIT: Final = Compressor("split", Fidelity.REVERSIBLE, lambda _source, _policy: None)
"""The name under which parts are drafted; it plans with the help of all others, so by itself nothing."""


@dataclass(frozen=True, slots=True)
class _Task:
    """One content on its way to a view, or a part of one.

    ``size`` is its tokens, ``asks`` what a model could tell.
    """

    source: Source
    kind: Kind
    policy: Policy
    ref: str
    size: int
    answers: Answers | None
    decisions: list[Decision]
    asks: list[str]
    is_part: bool = False

    def note(self, name: str, reason: str, *, applied: bool = False, size: int = -1) -> None:
        """Add a decision; the size is the content's own where none is given."""
        tokens_after = self.size if size < 0 else size
        self.decisions.append(Decision(name, applied, reason, tokens_after))


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A draft not yet checked. ``size`` is an estimate of its text."""

    compressor: Compressor
    draft: Draft
    size: int


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A checked draft, its elisions priced, and its text with the trailer.

    ``over`` names the draft that it was made on top of.
    """

    name: str
    draft: Draft
    text: str
    over: str = ""


def compress(
    text: str,
    hints: Hints,
    policy: Policy,
    ref: str,
    answers: Answers | None = None,
    *,
    counted: tokens.Count | None = None,
) -> View:
    """Return the view of a text. ``counted`` are its tokens, where they are known.

    Where the policy names a model, the view may ask: with answers to its ``asks``
    the same call gives a shorter one. Texts without an answer stay as they are.

    ``ref`` is the reference the original has or will have in the store; empty
    means that it is not going to be stored, and then only a policy that asks
    for IRREVERSIBLE elides. Raises tokens.UnknownTokenizerError for a policy
    whose tokenizer is not installed.
    """
    source = Source(text, hints)
    before = counted or tokens.count(text, policy.tokenizer)
    in_force = policy_for(hints.tool, policy)
    task = _Task(source, detect(source), in_force, ref, before.tokens, answers, [], [])
    best = _best(task)
    view = View(
        text=text, ref="", kind=task.kind, compressors=(), elisions=(),
        tokens_before=before.tokens, tokens_after=before.tokens, tokenizer=policy.tokenizer,
        recipe=recipe(policy, hints), estimated=before.estimated,
    )  # fmt: skip
    if best is not None:
        after = tokens.count(best.text, policy.tokenizer)
        if after.tokens <= before.tokens * (1 - MIN_GAIN):
            task.note(best.name, "chosen", applied=True, size=after.tokens)
            view = replace(
                view, text=best.text, ref=ref, compressors=tuple(filter(None, (best.over, best.name))),
                elisions=best.draft.elisions, tokens_after=after.tokens,
                estimated=before.estimated or after.estimated,
            )  # fmt: skip
        else:
            task.note(best.name, "saves less than 5 %", size=after.tokens)
    if task.asks:
        # As it is, it is the view of a policy without a model.
        plain = recipe(replace(policy, model=""), hints)
        view = replace(view, recipe=plain, asks=tuple(dict.fromkeys(task.asks)))
    return replace(view, decisions=tuple(task.decisions))


def _best(task: _Task) -> _Chosen | None:
    reason = _why_not(task)
    if reason:
        task.note("passthrough", reason, applied=True)
        return None
    # The check reads a draft back, which costs as much as making it: only those that
    # would be chosen are checked, in order of preference.
    candidates = (_checked(task, candidate) for candidate in _with_parts(task, _preferred(task)))
    chosen = next((c for c in candidates if c is not None), None)
    asked = sum(map(len, task.asks)) / max(1, len(task.source.text))
    if chosen is not None and chosen.name != _SPLIT.name and asked < _MOSTLY_TEXT:
        task.asks.clear()  # with answers, too, the view of the parts would not be the better one
    return _abridged(task, chosen)


def _abridged(task: _Task, chosen: _Chosen | None) -> _Chosen | None:
    """Leave words out of the draft that was chosen, where a model has told which; else ask."""
    policy = task.policy
    if not policy.model or task.kind not in words.KINDS or words.NAME in policy.disabled:
        return chosen
    size = task.size if chosen is None else tokens.estimate(chosen.text, policy.tokenizer)
    # The floor is of a whole view: of a part a few tokens are among many.
    if _may_not_elide(task) or (size <= _enough(task) and not task.is_part):
        return chosen
    base = None if chosen is None else chosen.draft
    refined = words.refine(task.source, policy, base, task.answers, task.kind)
    task.asks.extend(refined.asks)
    if refined.draft is None:
        asked = f"asks {policy.model} about {len(refined.asks)} texts"
        task.note(words.NAME, refined.why_not or asked)
        return chosen
    after = tokens.estimate(refined.draft.text, policy.tokenizer)
    task.note(words.NAME, f"candidate: {refined.draft.shown} words shown", size=after)
    better = _checked(task, _Candidate(_WORDS, refined.draft, after))
    if better is None or after > size * (1 - MIN_GAIN):
        return chosen
    return better if chosen is None else replace(better, over=chosen.name)


def _with_parts(task: _Task, others: Iterator[_Candidate]) -> Iterator[_Candidate]:
    """Put a draft of the content's parts first where it is the better one.

    That is where it is shorter; where it leaves nothing out and is not much
    longer; and wherever it saves enough, for others read a content as of one
    kind, but for Markdown, whose own compressor knows fences.
    """
    parts = _of_parts(task)
    first = next(others, None)
    if parts is not None:
        saves = parts.size <= (1 - LOSSY_GAIN) * task.size
        bound = 0 if first is None else first.size
        if not parts.draft.elisions:
            bound = round(bound / (1 - LOSSY_GAIN))
        if first is None or parts.size < bound or (task.kind is not Kind.MARKDOWN and saves):
            yield parts
    if first is not None:
        yield first
        yield from others


def _of_parts(task: _Task) -> _Candidate | None:
    """Draft a content by its parts, each as a content of its own but for parts of its own."""
    if _SPLIT.name in task.policy.disabled or _may_not_elide(task):
        return None

    def draft_of(part: Source, fidelity: Fidelity) -> tuple[Kind, Draft | None]:
        kind = detect(part)
        share = len(part.text) / len(task.source.text)
        policy = replace(task.policy, target_tokens=round(task.policy.target_tokens * share))
        if fidelity is Fidelity.LOSSLESS:
            policy = replace(policy, fidelity=fidelity)
        size = tokens.estimate(part.text, policy.tokenizer)
        inner = _Task(part, kind, policy, task.ref, size, task.answers, [], task.asks, is_part=True)
        if _why_not(inner):
            return kind, None
        candidates = (_checked(inner, candidate) for candidate in _preferred(inner))
        chosen = _abridged(inner, next((c for c in candidates if c is not None), None))
        best = None if chosen is None else chosen.draft
        pays = best is not None and len(best.text) < len(part.text) * (1 - MIN_GAIN)
        return kind, best if pays else None

    draft = split.plan(task.source, task.kind, draft_of)
    if draft is None:
        return None
    size = tokens.estimate(draft.text, task.policy.tokenizer)
    task.note(
        _SPLIT.name, f"candidate: {draft.shown} of {draft.total} {draft.units} shown", size=size
    )
    return _Candidate(_SPLIT, draft, size)


def _preferred(task: _Task) -> Iterator[_Candidate]:
    """Yield the drafts worth giving out, the best first; what is not asked for is not made."""
    allowed = [c for c in ROUTES.get(task.kind, ()) if c.name not in task.policy.disabled]
    whole = [c for c in allowed if c.fidelity is Fidelity.LOSSLESS]
    cut = [c for c in allowed if c.fidelity is not Fidelity.LOSSLESS]
    if _may_not_elide(task):
        yield from _drafted(task, whole)
        return
    large = task.size >= _LARGE * _enough(task)
    lossy = _drafted(task, cut) if large else []
    if whole and lossy and lossy[0].size <= CLEAR_SHARE * task.size:
        for compressor in whole:
            task.note(compressor.name, f"not tried: {lossy[0].size} tokens are clearly fewer")
        yield lossy.pop(0)
    lossless = _drafted(task, whole)
    if lossless and lossless[0].size <= _enough(task):
        yield from lossless
        return
    if not large:
        lossy = _drafted(task, cut)
    if lossless:
        gain = 0.0 if task.policy.target_tokens else LOSSY_GAIN
        bound = lossless[0].size * (1 - gain)
        lossy = [c for c in lossy if c.size < bound]
    yield from lossy
    yield from lossless


def _why_not(task: _Task) -> str:
    if task.size < task.policy.min_tokens:
        return f"{task.size} tokens are fewer than min_tokens {task.policy.min_tokens}"
    if task.policy.level(task.kind) is Level.OFF:
        return f"the policy turns {task.kind} off"
    tool = task.source.hints.tool
    if normal(tool) in RETRIEVE_TOOLS:
        return "retrieved content is never compressed again"
    if any(kind is task.kind for kind, _ in task.policy.levels):
        return ""
    return why_exact(tool, task.kind, task.size)


def _may_not_elide(task: _Task) -> bool:
    fidelity = task.policy.fidelity
    return (
        fidelity is Fidelity.LOSSLESS
        or task.policy.level(task.kind) is Level.LOSSLESS
        or (not task.ref and fidelity is not Fidelity.IRREVERSIBLE)
    )


def _enough(task: _Task) -> int:
    """Return the tokens at which a lossless view needs no eliding one beside it."""
    if task.policy.target_tokens:
        return task.policy.target_tokens
    return 0 if task.policy.level(task.kind) is Level.TIGHT else LOSSY_FLOOR


def _drafted(task: _Task, compressors: list[Compressor]) -> list[_Candidate]:
    """Return what compressors propose, the shortest first."""
    candidates = []
    for compressor in compressors:
        draft = compressor.plan(task.source, task.policy)
        if draft is None:
            task.note(compressor.name, "does not fit the content")
            continue
        size = tokens.estimate(draft.text, task.policy.tokenizer)
        shown = f"{draft.shown} of {draft.total} {draft.units} shown"
        task.note(compressor.name, f"candidate: {shown}", size=size)
        candidates.append(_Candidate(compressor, draft, size))
    return sorted(candidates, key=lambda c: c.size)


def _checked(task: _Task, candidate: _Candidate) -> _Chosen | None:
    draft, name = candidate.draft, candidate.compressor.name
    try:
        check(task.source, draft)
    except CoverageError as error:
        task.note(name, f"coverage: {error}")
        return None
    draft = replace(draft, elisions=_priced(task.source, draft, task.size))
    return _Chosen(name, draft, draft.text + _trailer(task, draft))


def _trailer(task: _Task, draft: Draft) -> str:
    if task.policy.fidelity is Fidelity.LOSSLESS:
        return ""
    return markers.trailer(draft, task.ref, sum(e.tokens for e in draft.elisions))


def _priced(source: Source, draft: Draft, size: int) -> tuple[Elision, ...]:
    """Give every elision its share of the content's tokens, by length."""
    per_character = size / max(1, len(source.text))
    per_minified = 0.0
    if any(isinstance(e.place, Rows) and not e.tokens for e in draft.elisions):
        per_minified = size / len(dumps(source.value))
    containers: dict[JsonLocation, list[object] | str] = {}

    def price(elision: Elision) -> int:
        match elision.place:
            case _ if elision.tokens:
                return elision.tokens
            case Lines(first, last):
                return round(extent(source.lines, first - 1, last) * per_character)
            case Rows() as rows:
                if rows.path not in containers:
                    containers[rows.path] = _container(source.value, rows.path)
                part = containers[rows.path][rows.start : rows.end]
                return round(len(dumps(part)) * per_minified)
            case Within():
                return 0
            case place:
                return round((place.end - place.start) * per_character)

    return tuple(Elision(e.place, e.summary, price(e)) for e in draft.elisions)


def _container(value: object, path: JsonLocation) -> list[object] | str:
    """Return what rows at a path are counted in: elements, members as pairs, characters."""
    for step in path:
        value = value[step]  # type: ignore[index]  # coverage.check has been there
    match value:
        case dict():
            return [list(member) for member in value.items()]
        case list() | str():
            return value
    return []
