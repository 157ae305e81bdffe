"""The use cases Compress and Explain.

Order of promises: a reference leaves only after the store acknowledged the
original (G4); trouble with the store, the engine or the clock costs savings,
never the answer (G10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from furler_compressor import telemetry
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.engine import CompressJob, EngineFailedError
from furler_compressor.app.errors import (
    ContentNotTextError,
    FieldInvalidError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Record, Scope, StoredView, Tally
from furler_compressor.app.refs import digest_of
from furler_compressor.app.views import pack_view, unpack_view
from furler_engine.recipe import recipe
from furler_engine.types import TOKENIZERS, Fidelity, Hints, Kind, Policy, View

_T = TypeVar("_T")

RESERVE_SECONDS = 0.1
"""Kept back from a deadline for the store and the way home."""
_OFF_LOOP_BYTES = 256 * 1024
"""Contents from this size on are hashed and decoded off the event loop (about 0.3 ms at 1 GB/s)."""


class Degraded(StrEnum):
    """Why a view is less compressed than the policy allows."""

    NO = ""
    STORE_UNAVAILABLE = "store_unavailable"
    MODEL_UNAVAILABLE = "model_unavailable"
    DEADLINE = "deadline"
    COMPRESSOR_FAILED = "compressor_failed"


@dataclass(frozen=True, slots=True)
class CompressRequest:
    """One content to compress. ``recipe`` asks for an earlier view, if the cache holds it."""

    space: str
    data: bytes
    hints: Hints
    policy: Policy
    recipe: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A view and what the way there was like."""

    view: View
    degraded: Degraded = Degraded.NO
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Compressed:
    """An outcome and the content's digest."""

    outcome: Outcome
    sha256: bytes
    size: int


async def compress(context: Context, caller: Caller, request: CompressRequest) -> Compressed:
    """Compress one content. Raises FurlerError for what the caller did wrong."""
    scope, retention = _validate(context, caller, request)
    sha256 = await _off_loop(digest_of, request.data)
    ref = context.reference(scope, sha256)
    store_up = True
    try:
        view = await caller.within(_recall(context, scope, ref, request, retention))
    except StoreUnavailableError:
        view, store_up = None, False
    if view is not None:
        outcome = Outcome(view, cached=True)
    else:
        text = await _text(request.data)
        outcome = await _make(context, caller, request, text, ref)
        if outcome.view.ref:
            record = Record(ref, sha256, len(request.data), request.data)
            kept = store_up and await _keep(context, caller, scope, record, outcome.view, retention)
            if not kept:
                outcome = _unkept(request, text, outcome.view)
    _count(context, scope, outcome)
    return Compressed(outcome, sha256, len(request.data))


async def explain(context: Context, caller: Caller, request: CompressRequest) -> Compressed:
    """Return the view Compress would give, with the decisions behind it; store nothing."""
    scope, _ = _validate(context, caller, request)
    sha256 = await _off_loop(digest_of, request.data)
    ref = context.reference(scope, sha256)
    outcome = await _make(context, caller, request, await _text(request.data), ref)
    return Compressed(outcome, sha256, len(request.data))


def _validate(context: Context, caller: Caller, request: CompressRequest) -> tuple[Scope, float]:
    context.check_size(len(request.data))
    tokenizer = request.policy.tokenizer
    if tokenizer not in TOKENIZERS:
        raise FieldInvalidError(
            f"policy.tokenizer: unknown {tokenizer[:40]!r}; have {', '.join(TOKENIZERS)}",
            field="policy.tokenizer",
        )
    return caller.scope(request.space), context.retention(request.policy.retention_seconds)


async def _off_loop(work: Callable[[bytes], _T], data: bytes) -> _T:
    return work(data) if len(data) < _OFF_LOOP_BYTES else await asyncio.to_thread(work, data)


async def _text(data: bytes) -> str:
    try:
        return await _off_loop(bytes.decode, data)
    except UnicodeDecodeError as error:
        raise ContentNotTextError(
            f"content: not UTF-8 text at byte {error.start}", offset=str(error.start)
        ) from None


async def _recall(
    context: Context, scope: Scope, ref: str, request: CompressRequest, retention: float
) -> View | None:
    if request.policy.fidelity is Fidelity.IRREVERSIBLE:
        return None
    for wanted in filter(None, (request.recipe, recipe(request.policy, request.hints))):
        data = await context.store.recall(scope, ref, wanted, retention)
        view = unpack_view(data) if data is not None else None
        if view is not None:
            return view
    return None


async def _make(
    context: Context, caller: Caller, request: CompressRequest, text: str, ref: str
) -> Outcome:
    stored = request.policy.fidelity is not Fidelity.IRREVERSIBLE
    job = CompressJob(text, request.hints, request.policy, ref if stored else "")
    try:
        view = await context.engine.compress(job, max(0.0, caller.time_left() - RESERVE_SECONDS))
    except TimeoutError:
        return Outcome(_untouched(request, text), Degraded.DEADLINE)
    except EngineFailedError:
        return Outcome(_untouched(request, text), Degraded.COMPRESSOR_FAILED)
    return Outcome(view)


async def _keep(
    context: Context, caller: Caller, scope: Scope, record: Record, view: View, retention: float
) -> bool:
    """Store an original and its view; whether the store acknowledged it."""
    try:
        stored = StoredView(view.recipe, pack_view(view))
        await caller.within(context.store.commit(scope, record, stored, retention))
    except StoreUnavailableError:
        return False
    return True


def _unkept(request: CompressRequest, text: str, view: View) -> Outcome:
    """Return what can be given out when the original is not stored."""
    if request.policy.fidelity is Fidelity.LOSSLESS:
        # Nothing is left out, so nothing dangles: only the reference has to go.
        view = replace(view, ref="")
    else:
        view = replace(
            view, text=text, ref="", compressors=(), elisions=(), tokens_after=view.tokens_before
        )
    return Outcome(view, Degraded.STORE_UNAVAILABLE)


def _untouched(request: CompressRequest, text: str) -> View:
    """Return the content as its own view; its tokens are not worth more time: 4 characters each."""
    size = len(text) // 4
    return View(
        text=text,
        ref="",
        kind=request.hints.kind or Kind.TEXT,
        compressors=(),
        elisions=(),
        tokens_before=size,
        tokens_after=size,
        tokenizer=request.policy.tokenizer,
        recipe=recipe(request.policy, request.hints),
        estimated=True,
    )


def _count(context: Context, scope: Scope, outcome: Outcome) -> None:
    """Add to the counters, beside the answer: a counter is never worth a caller's time."""
    view = outcome.view
    telemetry.record_view(
        kind=view.kind,
        tokens_before=view.tokens_before,
        tokens_after=view.tokens_after,
        cached=outcome.cached,
        degraded=outcome.degraded,
    )
    tally = Tally(
        view.kind,
        views=1,
        cached=int(outcome.cached),
        degraded=int(outcome.degraded is not Degraded.NO),
        tokens_before=view.tokens_before,
        tokens_after=view.tokens_after,
    )
    context.add_in_background(scope, tally)
