"""The use case CompressConversation.

Order of promises: an edit leaves only after the store acknowledged its original (G4) and, in a
conversation, its pin (G6); what cannot be kept is not edited, and the answer says so (G10).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from furler_compressor import telemetry
from furler_compressor.app import ledger
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.conversed import (
    AS_EVER,
    Beginning,
    ConversationJob,
    Conversed,
    Epoch,
    Mode,
    Splice,
)
from furler_compressor.app.engine import EngineFailedError
from furler_compressor.app.errors import (
    FieldInvalidError,
    QuotaExceededError,
    StoreUnavailableError,
)
from furler_compressor.app.making import RESERVE_SECONDS
from furler_compressor.app.model_port import ModelUnavailableError
from furler_compressor.app.outcome import Degraded
from furler_compressor.app.pin_memory import SECONDS as PIN_MEMORY_SECONDS
from furler_compressor.app.ports import Pin, Record, Scope, Tally
from furler_compressor.app.refs import tenant_key
from furler_engine.dialects.block import Dialect
from furler_engine.dialects.json_scan import decode
from furler_engine.types import TOKENIZERS, Answers, Policy

MAX_CONVERSATION_LENGTH = 256
MAX_TAG_BYTES = 256
_ATTEMPTS = 3
"""Turns of one conversation sent at once: the later ones take over what the first one pinned."""
_SHORT_BYTES = 256 * 1024
"""Originals that are read out of a body at once: a tenth of a millisecond, as much as a thread costs."""


@dataclass(frozen=True, slots=True)
class ConversationRequest:
    """One provider request; ``conversation`` is empty if it is of none."""

    space: str
    body: bytes
    dialect: Dialect
    policy: Policy
    query: str = ""
    conversation: str = ""
    first_message: int = 0
    epoch: Epoch | None = None
    relocate: bool = False
    begun: Beginning = AS_EVER
    """What is wished; a conversation keeps what it began with."""

    @property
    def only_asks(self) -> bool:
        """Whether there is nothing to compress: only the mode is asked for, or set."""
        return not self.body and self.begun.mode is not Mode.APPLY


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do with the body: apply ``splices``, in order; ``audited`` are only measured."""

    splices: tuple[Splice, ...] = ()
    done: Conversed = field(default_factory=Conversed)
    degraded: Degraded = Degraded.NO
    begun: Beginning | None = None
    """What is in force; None: nothing yet, or nobody can tell."""
    audited: tuple[Splice, ...] = ()

    @property
    def tokens_after(self) -> int:
        """Tokens of the body with the splices applied, those audited included."""
        views = [splice.view for splice in (*self.splices, *self.audited)]
        return self.done.tokens_before - sum(v.tokens_before - v.tokens_after for v in views)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What of a job's result may leave: the splices whose originals are held, and the pins."""

    splices: tuple[Splice, ...]
    pins: dict[str, Pin]
    is_whole: bool


async def compress_conversation(
    context: Context, caller: Caller, request: ConversationRequest
) -> Answer:
    """Return the edits of a request. Raises FurlerError for what the caller did wrong."""
    _validate(context, request)
    answer = await _edited(context, caller, caller.scope(request.space), request)
    telemetry.record_turn(degraded=answer.degraded)
    return answer


async def _edited(
    context: Context, caller: Caller, scope: Scope, request: ConversationRequest
) -> Answer:
    retention = context.retention(request.policy.retention_seconds)
    pins, store_up = await _pins(context, caller, scope, request, retention)
    if not store_up:
        if pins is None:
            # Without them nobody can tell what was sent before.
            return await _unedited(context, caller, scope, request)
        request = replace(request, epoch=None, relocate=False)
    # Without pins nothing would remember what a model said when the next turn finds it down.
    may_ask = store_up and bool(request.conversation)
    if (policy := context.judging.policy(request.policy, may_ask=may_ask)) is not request.policy:
        request = replace(request, policy=policy)
    heard: dict[str, tuple[float, ...]] = {}
    for _ in range(_ATTEMPTS):
        begun = ledger.beginning(pins or {}) or request.begun
        if begun.mode is Mode.BYPASS or request.only_asks:
            theirs = await _begin(context, caller, scope, request, pins)
            if not theirs:
                return Answer(begun=_in_force(request, pins))
            pins = theirs
            continue
        if begun is not request.begun:
            request = replace(request, begun=begun)
        done, asked = await _judged(context, caller, scope, (request, pins), heard)
        if isinstance(done, Degraded):
            return Answer(degraded=done, begun=begun)
        kept = _Kept((), done.pins, is_whole=True)
        if not store_up:
            kept = _without_new(_Kept(done.splices, {}, is_whole=False), done)
        elif begun.mode is not Mode.AUDIT:
            kept = await _keep(context, caller, scope, (request.body, done), retention)
        if done.applied and not kept.is_whole:
            request = replace(request, epoch=None)  # an epoch begins as a whole or not at all
            continue
        others = await _pin(context, caller, scope, (request, kept), retention)
        if others is None:
            kept = _without_new(kept, done)
        elif others:
            pins = {**(pins or {}), **others}  # somebody was first: theirs counts
            continue
        elif store_up and pins is not None:
            _remember(context, scope, request, {**pins, **_data(kept.pins)}, retention)
        degraded = asked if kept.is_whole else Degraded.STORE_UNAVAILABLE
        audited = done.splices if begun.mode is Mode.AUDIT else ()
        answer = Answer(kept.splices, done, degraded, begun, audited)
        _count(context, scope, request, answer)
        return answer
    return await _unedited(context, caller, scope, request)


async def _pins(
    context: Context, caller: Caller, scope: Scope, request: ConversationRequest, retention: float
) -> tuple[dict[str, bytes] | None, bool]:
    """Return the conversation's pins and whether the store gave them; None without any."""
    name = request.conversation
    if not name:
        return None, True
    try:
        return await caller.within(context.store.pins(scope, name, retention)), True
    except StoreUnavailableError:
        pins = context.pin_memory.recall(scope, name, asyncio.get_running_loop().time())
        return (dict(pins), False) if pins else (None, False)


def _remember(
    context: Context,
    scope: Scope,
    request: ConversationRequest,
    pins: dict[str, bytes],
    retention: float,
) -> None:
    now = asyncio.get_running_loop().time()
    until = now + min(retention, PIN_MEMORY_SECONDS)
    context.pin_memory.remember(scope, request.conversation, pins, now, until)


def _data(pins: dict[str, Pin]) -> dict[str, bytes]:
    return {key: pin.data for key, pin in pins.items()}


async def _begin(
    context: Context,
    caller: Caller,
    scope: Scope,
    request: ConversationRequest,
    pins: dict[str, bytes] | None,
) -> dict[str, bytes]:
    """Pin BYPASS for a conversation that has no mode. Return the pins if another one was first."""
    asks = request.begun.mode is not Mode.BYPASS
    if pins is None or asks or ledger.beginning(pins) is not None:
        return {}
    key, pin = ledger.policy_pin(0, request.policy, request.begun)
    kept = _Kept((), {key: pin}, is_whole=True)
    retention = context.retention(request.policy.retention_seconds)
    others = await _pin(context, caller, scope, (request, kept), retention)
    return {**pins, **others} if others else {}


def _in_force(request: ConversationRequest, pins: dict[str, bytes] | None) -> Beginning | None:
    held = ledger.beginning(pins or {})
    return held or (request.begun if request.begun.mode is Mode.BYPASS else None)


def _validate(context: Context, request: ConversationRequest) -> None:
    context.check_size(len(request.body))
    tokenizer = request.policy.tokenizer
    if tokenizer not in TOKENIZERS:
        raise FieldInvalidError(
            f"policy.tokenizer: unknown {tokenizer[:40]!r}; have {', '.join(TOKENIZERS)}",
            field="policy.tokenizer",
        )
    name = request.conversation
    if len(name) > MAX_CONVERSATION_LENGTH or not (name.isprintable() or not name):
        raise FieldInvalidError(
            f"conversation: want at most {MAX_CONVERSATION_LENGTH} printable characters",
            field="conversation",
        )
    if len(request.begun.tag.encode()) > MAX_TAG_BYTES:
        raise FieldInvalidError(f"tag: want at most {MAX_TAG_BYTES} bytes", field="tag")
    if request.epoch is not None and request.epoch.apply and not name:
        raise FieldInvalidError(
            "compaction.apply: needs a conversation, whose later turns must know of it",
            field="compaction.apply",
        )


async def _judged(
    context: Context,
    caller: Caller,
    scope: Scope,
    wanted: tuple[ConversationRequest, dict[str, bytes] | None],
    heard: dict[str, tuple[float, ...]],
) -> tuple[Conversed | Degraded, Degraded]:
    """Run the engine, ask a model what it would like to know, and run it again with the answers.

    ``heard`` is what the model said at an earlier attempt; what it says now is added.
    """
    request, pins = wanted
    started = asyncio.get_running_loop().time()
    done = await _engine(context, caller, scope, request, pins, heard or None)
    if isinstance(done, Degraded) or not done.asks:
        return done, Degraded.NO
    took = asyncio.get_running_loop().time() - started
    try:
        said = await context.judging.ask(caller, done.asks, RESERVE_SECONDS + took)
    except ModelUnavailableError:
        return done, Degraded.MODEL_UNAVAILABLE
    heard.update(zip(done.asks, said.scores, strict=True))
    answered = replace(request, policy=replace(request.policy, model=said.version))
    better = await _engine(context, caller, scope, answered, pins, heard)
    return (done, better) if isinstance(better, Degraded) else (better, Degraded.NO)


async def _engine(
    context: Context,
    caller: Caller,
    scope: Scope,
    request: ConversationRequest,
    pins: dict[str, bytes] | None,
    answers: Answers | None = None,
) -> Conversed | Degraded:
    job = ConversationJob(
        request.body,
        request.dialect,
        request.policy,
        tenant_key(context.master_key, scope.tenant),
        request.query,
        pins,
        request.first_message,
        request.epoch,
        request.relocate,
        request.begun,
        answers,
        owner=scope.tenant,
    )
    seconds = max(0.0, caller.time_left() - RESERVE_SECONDS)
    try:
        return await context.memo.once(scope, job, lambda: context.engine.converse(job, seconds))
    except TimeoutError:
        return Degraded.DEADLINE
    except EngineFailedError:
        return Degraded.COMPRESSOR_FAILED
    except ValueError as error:
        raise FieldInvalidError(f"body: {error}", field="body") from error


async def _unedited(
    context: Context, caller: Caller, scope: Scope, request: ConversationRequest
) -> Answer:
    """Answer without edits, because the store cannot be relied on; counts are given all the same."""
    if request.only_asks or request.begun.mode is Mode.BYPASS:
        return Answer(degraded=Degraded.STORE_UNAVAILABLE)
    plain = replace(request, epoch=None, relocate=False)
    done = await _engine(context, caller, scope, plain, None)
    if isinstance(done, Degraded):
        return Answer(degraded=done)
    return Answer((), replace(done, frozen_bytes=0), Degraded.STORE_UNAVAILABLE)


async def _keep(
    context: Context,
    caller: Caller,
    scope: Scope,
    result: tuple[bytes, Conversed],
    retention: float,
) -> _Kept:
    """Store the originals that are not held; leave out the edits of those that cannot be."""
    body, done = result
    wanted = {splice.view.ref: splice for splice in done.splices if splice.view.ref}
    if not wanted:
        return _Kept(done.splices, done.pins, is_whole=True)
    unkept: set[str] = set(wanted)
    try:
        missing = await caller.within(context.store.find_missing(scope, list(wanted), retention))
        unkept = set(missing)
        new = [wanted[ref] for ref in missing]
        is_short = sum(splice.length for splice in new) < _SHORT_BYTES
        records = _records(body, new) if is_short else await asyncio.to_thread(_records, body, new)
        if records:
            await context.admit(caller, sum(record.size for record in records))
            await caller.within(context.store.commit_all(scope, records, retention))
        unkept = set()
    except (StoreUnavailableError, QuotaExceededError):
        pass  # a turn is sent on in any case: unedited where nothing could be kept
    lost = {s.key: s.view for s in done.splices if s.view.ref in unkept and s.key}
    plain = {key: Pin("", ledger.pack_as_is(view)) for key, view in lost.items()}
    return _Kept(
        tuple(splice for splice in done.splices if splice.view.ref not in unkept),
        {**done.pins, **plain},
        not unkept,
    )


def _records(body: bytes, splices: list[Splice]) -> list[Record]:
    texts = (decode(body[splice.offset : splice.offset + splice.length]) for splice in splices)
    return [
        Record(splice.view.ref, splice.sha256, splice.size, (text or "").encode())
        for splice, text in zip(splices, texts, strict=True)
    ]


async def _pin(
    context: Context,
    caller: Caller,
    scope: Scope,
    wanted: tuple[ConversationRequest, _Kept],
    retention: float,
) -> dict[str, bytes] | None:
    """Pin what is new. Return what others had pinned there already; None if it failed."""
    request, kept = wanted
    if not request.conversation or not kept.pins:
        return {}
    try:
        held = await caller.within(
            context.store.pin(scope, request.conversation, kept.pins, retention)
        )
    except StoreUnavailableError:
        return None
    return held if any(held.get(k, p.data) != p.data for k, p in kept.pins.items()) else {}


def _without_new(kept: _Kept, done: Conversed) -> _Kept:
    """Leave out the edits that could not be pinned: a later turn would not know of them."""
    if done.is_relocated:
        return _Kept((), {}, is_whole=False)  # the prefix and its tail go together
    return _Kept(tuple(s for s in kept.splices if not s.key), {}, is_whole=False)


def _count(context: Context, scope: Scope, request: ConversationRequest, answer: Answer) -> None:
    """Add the views that are new to the counters, one entry per kind."""
    tallies: dict[str, Tally] = {}
    for splice in answer.splices:
        view = splice.view
        if not view.ref or (request.conversation and not splice.key):
            continue
        telemetry.record_view(
            tenant=scope.tenant,
            kind=view.kind,
            tokens=(view.tokens_before, view.tokens_after),
            degraded=answer.degraded,
            cached=not splice.key,
        )
        old = tallies.get(view.kind, Tally(view.kind))
        tallies[view.kind] = replace(
            old,
            views=old.views + 1,
            cached=old.cached + (not splice.key),
            tokens_before=old.tokens_before + view.tokens_before,
            tokens_after=old.tokens_after + view.tokens_after,
        )
    for tally in tallies.values():
        context.add_in_background(scope, tally)
