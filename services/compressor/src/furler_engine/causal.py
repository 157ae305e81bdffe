"""From a conversation to the view of each of its blocks: one left fold.

What lives here: the order of decisions for a block, and what a block leaves behind for those
after it. What does not: where blocks stand (dialects), how repeats are written (repeats), any
kind of content (pipeline).

A block's view depends on the block, on what is literally visible before it, and on the policy;
never on what comes later. So the views of a longer conversation start with those of a shorter
one, in any process. What was pinned when a block was first sent is taken as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from furler_engine import calls, markers, repeats, tokens
from furler_engine.coverage import CoverageError, check
from furler_engine.detect import detect
from furler_engine.dialects.block import Block, Body, Role
from furler_engine.pipeline import LOSSY_FLOOR, MIN_GAIN, compress
from furler_engine.recipe import recipe
from furler_engine.tools import policy_for
from furler_engine.types import (
    Answers,
    Draft,
    Elision,
    Fidelity,
    Hints,
    Kind,
    Level,
    Lines,
    Policy,
    Source,
    View,
)
from furler_engine.visible import Text, Visible

REREAD: Final = "reread"
REPEATS: Final = "repeats"
DIFFERENCE: Final = "changes"
RETIRED: Final = "retired"
CAUSAL: Final = (REREAD, REPEATS, DIFFERENCE, RETIRED)
"""Names of the views that refer to earlier text: their lines are shown as they are, or elided."""
_FLOORS: Final = {
    Kind.CODE: 2048, Kind.LOG: 500, Kind.TEST_OUTPUT: 500, Kind.BUILD_OUTPUT: 500,
    Kind.DIAGNOSTICS: 500, Kind.STACK_TRACE: 500, Kind.TEXT: 5120, Kind.PROSE: 5120,
    Kind.MARKDOWN: 5120,
}  # fmt: skip
_FLOOR: Final = 1024
"""Bytes under which content of a kind is forwarded as it is: a later look at it costs a turn."""
_ENOUGH: Final = 0.2
"""A view that points at earlier text and is this short needs no other one beside it; nor does
one of at most LOSSY_FLOOR tokens."""
_ELIDING_GAIN: Final = 0.5
"""What a view that leaves things out must save over one that points at them: they are read."""
_POINTER_SHARE: Final = 0.5
"""Share of a policy's min_tokens from which on text is pointed at: a pointer is half a trailer."""
_CLEAR: Final = 0.5
"""A difference this short is given even where naming the same lines would be shorter: it says
what an edit did."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a fold is given beside the body.

    ``reference`` names the original of a SHA-256. ``pins`` are the views that blocks of this
    conversation had when they were first sent, by key; None without a conversation. Messages
    before ``first_message`` are left alone. ``retired`` says by key why a block is taken back,
    ``is_epoch`` that what is not pinned is to be written anew. ``answers`` are a model's, to what
    views of an earlier fold of this body asked; None: they may ask.
    """

    policy: Policy
    reference: Callable[[bytes], str]
    query: str = ""
    pins: Mapping[str, View] | None = None
    first_message: int = 0
    retired: Mapping[str, str] = field(default_factory=dict)
    is_epoch: bool = False
    answers: Answers | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """An editable block and its view; a view without compressors is the block itself.

    ``key`` names the block and all that came before it.
    """

    block: Block
    key: str
    sha256: bytes
    size: int
    view: View
    is_pinned: bool

    @property
    def is_edited(self) -> bool:
        """Whether something else stands in the block's place."""
        return bool(self.view.compressors)


@dataclass(frozen=True, slots=True)
class _Link:
    """A block with its text and its key."""

    block: Block
    text: str
    key: str


def fold(body: Body, turn: Turn) -> list[Seen]:
    """Return the editable blocks with their views, in order.

    Raises tokens.UnknownTokenizerError for a policy whose tokenizer is not installed.
    """
    links = list(chain(body))
    state = _State(turn)
    frozen = _frozen(links, turn)
    seen: list[Seen] = []
    for link in links:
        if not link.block.is_editable:
            state.remember(link, None)
            continue
        data = link.text.encode()
        sha256 = hashlib.sha256(data).digest()
        pinned = (turn.pins or {}).get(link.key)
        if link.key in turn.retired:
            view = _retire(link, turn, turn.reference(sha256))
        elif pinned is not None:
            view = pinned
        elif link.key in frozen:
            view = as_is(link.text, turn.policy)
        else:
            view = _decide(link, state, turn, (sha256, len(data)))
        state.remember(link, view)
        seen.append(Seen(link.block, link.key, sha256, len(data), view, pinned is not None))
    return seen


def chain(body: Body) -> Iterator[_Link]:
    """Yield the blocks that views may depend on, each with a key of itself and all before it.

    The system prompt is no part of it: nothing points into it, and clients change it. Nor are
    reasoning (clients drop it), JSON Pointers and cache breakpoints (clients move them).
    """
    key = b""
    for block in body.blocks:
        if block.role is Role.SYSTEM:
            continue
        text = body.text(block)
        raw = body.data[block.span.start : block.span.end] if text is None else text.encode()
        mixed = hashlib.blake2b(key, digest_size=16)
        mixed.update(f"\0{block.role}\0{block.call.name}\0{len(raw)}\0".encode())
        mixed.update(raw)
        key = mixed.digest()
        if text is not None:
            yield _Link(block, text, key.hex())


def as_is(text: str, policy: Policy) -> View:
    """Return the view of a block that is forwarded as it is; its text is left empty."""
    size = tokens.estimate(text, policy.tokenizer)
    return View(
        text="", ref="", kind=Kind.TEXT, compressors=(), elisions=(), tokens_before=size,
        tokens_after=size, tokenizer=policy.tokenizer, recipe="", estimated=True,
    )  # fmt: skip


def _frozen(links: list[_Link], turn: Turn) -> set[str]:
    """Return keys of the blocks that were sent before, and not compressed then."""
    frozen = {link.key for link in links if link.block.message < turn.first_message}
    if turn.pins is None or turn.is_epoch:
        return frozen
    last = max(
        (n for n, link in enumerate(links) if link.block.role in (Role.ASSISTANT, Role.CALL)),
        default=-1,
    )
    pinned = max((n for n, link in enumerate(links) if link.key in turn.pins), default=-1)
    sent = links[pinned + 1 : last + 1]
    known = {link.key for link in links}
    if not turn.pins:
        # We come late to this conversation: what the client caches is not ours to change.
        return frozen | {link.key for link in sent if link.block.cached}
    if all(key in known for key in turn.pins):
        # Sent while nothing could be pinned. A block without a pin before one that has it lost
        # it with its original. And if pins are left over, the client changed its history, and
        # no cache holds what follows.
        return frozen | {link.key for link in sent}
    return frozen


class _State:
    """What is visible so far, whole texts by digest, and the latest full read of each file."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.visible = Visible()
        self.wholes: dict[bytes, str] = {}
        self.files: dict[str, tuple[str, Text]] = {}

    def remember(self, link: _Link, view: View | None) -> None:
        """Take in what a block shows; ``view`` is None for a block that is never edited."""
        block, label = link.block, calls.describe(link.block)
        if block.role is Role.CALL:
            for _, argument in block.call.arguments:
                text = Text.of(Source(argument).lines)
                self.visible.add(label, text, [(0, len(text.lines))])
            return
        if view is not None and view.compressors and view.compressors[0] not in CAUSAL:
            if not view.elisions:
                self.wholes[_digest(link.text)] = f"{label} (re-encoded there)"
            return
        text = Text.of(Source(link.text).lines)
        if view is not None and view.compressors:
            self.visible.add(label, text, _shown(view, len(text.lines)))
            return
        self.wholes[_digest(link.text)] = label
        self.visible.add(label, text, [(0, len(text.lines))])
        path = calls.path(block.call) if block.role is Role.RESULT else ""
        if path and len(text.lines) * 2 >= self._lines_of(path):
            self.files[path] = (label, text)  # what only says "edited" is no read

    def _lines_of(self, path: str) -> int:
        return len(self.files[path][1].lines) if path in self.files else 0


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _shown(view: View, total: int) -> Iterator[tuple[int, int]]:
    """Yield the rows (half-open) that a view shows: those its elisions leave."""
    at = 0
    for elision in view.elisions:
        if isinstance(elision.place, Lines):
            if elision.place.first - 1 > at:
                yield at, elision.place.first - 1
            at = elision.place.last
    if at < total:
        yield at, total


def _decide(link: _Link, state: _State, turn: Turn, content: tuple[bytes, int]) -> View:
    """Return the view of a block that is sent for the first time."""
    policy, (sha256, size) = policy_for(link.block.call.name, turn.policy), content
    least = policy.min_tokens * _POINTER_SHARE
    if size < least:  # a token has a byte at least
        return as_is(link.text, policy)
    before = tokens.count(link.text, policy.tokenizer)
    if before.tokens < least:
        return as_is(link.text, policy)
    hints = calls.hints(link.block.call, turn.query)
    stored = policy.fidelity is not Fidelity.IRREVERSIBLE
    ref = turn.reference(sha256) if stored else ""
    source = Source(link.text, hints)
    earlier = _earlier(link, state, source, before, ref)
    if earlier is not None and earlier.tokens_after <= max(LOSSY_FLOOR, before.tokens * _ENOUGH):
        return earlier
    if calls.is_ranged(link.block.call):
        policy = replace(policy, fidelity=Fidelity.LOSSLESS)
    view = compress(link.text, hints, policy, ref, turn.answers, counted=before)
    if view.is_passthrough or size < _FLOORS.get(view.kind, _FLOOR):
        view = replace(view, text="", ref="", compressors=(), elisions=(),
                       asks=view.asks if size >= _FLOORS.get(view.kind, _FLOOR) else (),
                       tokens_after=view.tokens_before)  # fmt: skip
        return earlier or view
    gain = _ELIDING_GAIN if view.elisions else 0.0
    if earlier is not None and view.tokens_after >= earlier.tokens_after * (1 - gain):
        return earlier
    return replace(view, decisions=())


def _earlier(
    link: _Link, state: _State, source: Source, before: tokens.Count, ref: str
) -> View | None:
    """Return the shortest view that points at what stands above; None if it saves too little."""
    policy = policy_for(link.block.call.name, state.turn.policy)
    kind = detect(source)
    if policy.fidelity is Fidelity.LOSSLESS or (policy.level(kind) in (Level.OFF, Level.LOSSLESS)):
        return None
    best: View | None = None
    for name, draft in _drafts(link, state, source):
        try:
            check(source, draft)
        except CoverageError:  # a bug of ours: the block goes another way
            continue
        text = draft.text + markers.repeat_trailer(ref)
        after = tokens.count(text, policy.tokenizer)
        if after.tokens > before.tokens * (1 - MIN_GAIN):
            continue
        if best is None or after.tokens < best.tokens_after:
            best = View(
                text=text, ref=ref, kind=kind, compressors=(name,),
                elisions=_priced(draft, source, before.tokens), tokens_before=before.tokens,
                tokens_after=after.tokens, tokenizer=policy.tokenizer,
                recipe=recipe(policy, source.hints),
                estimated=before.estimated or after.estimated,
            )  # fmt: skip
            if name == DIFFERENCE and after.tokens <= before.tokens * _CLEAR:
                break
    return best


def _drafts(link: _Link, state: _State, source: Source) -> Iterator[tuple[str, Draft]]:
    disabled = state.turn.policy.disabled
    text = Text.of(source.lines)
    label = state.wholes.get(_digest(link.text))
    if label is not None and REREAD not in disabled:
        yield REREAD, repeats.whole(text, label)
        return
    path = calls.path(link.block.call)
    if path in state.files and DIFFERENCE not in disabled:
        label, base = state.files[path]
        changed = repeats.difference(text, base, label)
        if changed is not None:
            yield DIFFERENCE, changed
    if REPEATS not in disabled:
        repeated = repeats.runs(text, state.visible)
        if repeated is not None:
            yield REPEATS, repeated


def _priced(draft: Draft, source: Source, size: int) -> tuple[Elision, ...]:
    """Return the elisions with the tokens they would have cost, by their share of the text."""
    per_character = size / max(1, len(source.text))

    def price(elision: Elision) -> Elision:
        if not isinstance(elision.place, Lines):
            return elision
        lines = source.lines[elision.place.first - 1 : elision.place.last]
        return replace(elision, tokens=round(sum(len(line) + 1 for line in lines) * per_character))

    return tuple(price(elision) for elision in draft.elisions)


def _retire(link: _Link, turn: Turn, ref: str) -> View:
    """Return the line that stands for a block taken back at an epoch."""
    lines = len(Source(link.text).lines)
    before = tokens.count(link.text, turn.policy.tokenizer)
    place = Lines(1, max(1, lines))
    reason = turn.retired[link.key]
    text = markers.retired(place, reason, ref)
    after = tokens.count(text, turn.policy.tokenizer)
    return View(
        text=text, ref=ref, kind=detect(Source(link.text)), compressors=(RETIRED,),
        elisions=(Elision(place, reason, before.tokens),), tokens_before=before.tokens,
        tokens_after=after.tokens, tokenizer=turn.policy.tokenizer,
        recipe=recipe(turn.policy, Hints()), estimated=before.estimated,
    )  # fmt: skip
