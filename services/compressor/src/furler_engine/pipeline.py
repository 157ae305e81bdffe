"""From content to view: detect, draft, check, choose, close with a trailer.

What lives here: the order of these steps and the rules that hold for every
kind (never longer, lossless first, failed drafts pass through). What does not:
anything that knows a kind of content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from furler_engine import markers, tokens
from furler_engine.coverage import CoverageError, check
from furler_engine.detect import detect
from furler_engine.recipe import recipe
from furler_engine.router import ROUTES
from furler_engine.types import (
    Compressor,
    Decision,
    Draft,
    Elision,
    Fidelity,
    Hints,
    Kind,
    Level,
    Lines,
    Policy,
    Rows,
    Source,
    View,
)

MIN_GAIN: Final = 0.05
"""A view that saves less than this is not worth a new notation to its reader."""
LOSSY_FLOOR: Final = 600
"""Tokens up to which a lossless view stays as it is: eliding more saves too little
to risk a retrieval, which costs a turn (about 600 tokens of overhead)."""
LOSSY_GAIN: Final = 0.2
"""What an eliding draft must save over the lossless one to be chosen."""
RETRIEVE_TOOLS: Final = frozenset({"furler_retrieve", "retrieve"})
"""Tools whose output is retrieved content: it is never compressed again."""


@dataclass(frozen=True, slots=True)
class _Candidate:
    compressor: Compressor
    draft: Draft
    text: str
    size: int


def compress(text: str, hints: Hints, policy: Policy, ref: str) -> View:
    """Return the view of a text.

    ``ref`` is the reference the original has or will have in the store; empty
    means that it is not going to be stored. Raises tokens.UnknownTokenizerError
    for a policy whose tokenizer is not installed.
    """
    source = Source(text, hints)
    kind = detect(source)
    before = tokens.count(text, policy.tokenizer)
    decisions: list[Decision] = []
    passthrough = View(
        text=text, ref="", kind=kind, compressors=(), elisions=(),
        tokens_before=before.tokens, tokens_after=before.tokens, tokenizer=policy.tokenizer,
        recipe=recipe(policy, hints), estimated=before.estimated,
    )  # fmt: skip
    reason = _why_not(kind, hints, policy, before.tokens)
    if reason:
        return replace(
            passthrough, decisions=(Decision("passthrough", True, reason, before.tokens),)
        )
    best = _choose(source, kind, policy, ref, before.tokens, decisions)
    if best is not None:
        after = tokens.count(best.text, policy.tokenizer)
        if after.tokens <= before.tokens * (1 - MIN_GAIN):
            return replace(
                passthrough, text=best.text, ref=ref, compressors=(best.compressor.name,),
                elisions=best.draft.elisions, tokens_after=after.tokens,
                estimated=before.estimated or after.estimated, decisions=tuple(decisions),
            )  # fmt: skip
        decisions.append(Decision(best.compressor.name, False, "saves less than 5 %", after.tokens))
    return replace(passthrough, decisions=tuple(decisions))


def _why_not(kind: Kind, hints: Hints, policy: Policy, size: int) -> str:
    if size < policy.min_tokens:
        return f"{size} tokens are fewer than min_tokens {policy.min_tokens}"
    if policy.level(kind) is Level.OFF:
        return f"the policy turns {kind} off"
    if hints.tool in RETRIEVE_TOOLS:
        return "retrieved content is never compressed again"
    return ""


def _choose(
    source: Source, kind: Kind, policy: Policy, ref: str, before: int, decisions: list[Decision]
) -> _Candidate | None:
    lossless_only = policy.fidelity is Fidelity.LOSSLESS or policy.level(kind) is Level.LOSSLESS
    allowed = [c for c in ROUTES.get(kind, ()) if c.name not in policy.disabled]
    lossless = [c for c in allowed if c.fidelity is Fidelity.LOSSLESS]
    best = _smallest(_candidates(lossless, source, policy, ref, before, decisions))
    if lossless_only:
        return best
    enough = policy.target_tokens or (0 if policy.level(kind) is Level.TIGHT else LOSSY_FLOOR)
    if best is not None and best.size <= enough:
        return best
    lossy = [c for c in allowed if c.fidelity is not Fidelity.LOSSLESS]
    shorter = _smallest(_candidates(lossy, source, policy, ref, before, decisions))
    if best is None or (shorter is not None and shorter.size <= best.size * (1 - LOSSY_GAIN)):
        return shorter
    return best


def _smallest(candidates: Iterable[_Candidate]) -> _Candidate | None:
    return min(candidates, key=lambda c: c.size, default=None)


def _candidates(
    compressors: list[Compressor],
    source: Source,
    policy: Policy,
    ref: str,
    before: int,
    decisions: list[Decision],
) -> Iterator[_Candidate]:
    for compressor in compressors:
        draft = compressor.plan(source, policy)
        if draft is None:
            decisions.append(Decision(compressor.name, False, "does not fit the content", before))
            continue
        try:
            check(source, draft)
        except CoverageError as error:
            decisions.append(Decision(compressor.name, False, f"coverage: {error}", before))
            continue
        draft = replace(draft, elisions=_priced(source, draft, before))
        text = draft.text + _trailer(draft, policy, ref)
        size = tokens.estimate(text, policy.tokenizer)
        decisions.append(
            Decision(
                compressor.name, True, f"{draft.shown} of {draft.total} {draft.units} shown", size
            )
        )
        yield _Candidate(compressor, draft, text, size)


def _trailer(draft: Draft, policy: Policy, ref: str) -> str:
    if policy.fidelity is Fidelity.LOSSLESS:
        return ""
    return markers.trailer(draft, ref, sum(e.tokens for e in draft.elisions))


def _priced(source: Source, draft: Draft, before: int) -> tuple[Elision, ...]:
    """Give every elision its share of the content's tokens, by size."""
    per_unit = before / max(1, draft.total)
    per_byte = before / max(1, len(source.text))

    def price(elision: Elision) -> int:
        match elision.place:
            case _ if elision.tokens:
                return elision.tokens
            case Lines(first, last):
                size = sum(map(len, source.lines[first - 1 : last])) + last - first + 1
                return round(size * per_byte)
            case Rows(_, start, end):
                return round((end - start) * per_unit)
            case place:
                return round((place.end - place.start) * per_byte)

    return tuple(replace(e, tokens=price(e)) for e in draft.elisions)
