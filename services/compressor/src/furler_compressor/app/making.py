"""Obtaining a view: from the store, or made once for all who ask for it at the same time.

Within the process callers share one computation (singleflight). Between replicas a short lease,
asked for in the same round trip as the view, says who computes; the others look for its result.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from furler_compressor.app.context import Caller, Context
from furler_compressor.app.engine import CompressJob, EngineFailedError
from furler_compressor.app.errors import ContentNotTextError, StoreUnavailableError
from furler_compressor.app.model_port import ModelUnavailableError
from furler_compressor.app.outcome import Degraded, Led, Outcome
from furler_compressor.app.ports import (
    Lease,
    LeaseHeldError,
    Record,
    Scope,
    StoredView,
)
from furler_compressor.app.views import pack_view, unpack_view
from furler_engine.recipe import recipe
from furler_engine.types import Fidelity, Hints, Kind, Policy, View

_T = TypeVar("_T")

RESERVE_SECONDS = 0.1
"""Kept back from a deadline for the store and the way home."""
_OFF_LOOP_BYTES = 256 * 1024
"""Contents from this size on are hashed and decoded off the event loop (about 0.3 ms at 1 GB/s)."""
LEASE_BYTES = 64 * 1024
"""Contents from this size on take 10 ms and more of an engine: worth a key for a lease."""
_LEASE_SECONDS, _LEASE_SECONDS_PER_MIB = 2.0, 2.0
"""Several times what an engine needs (0.3 s per MiB): how long a dead leader is waited for."""
_LEASE_SECONDS_JUDGED = 10.0
"""What a model may need besides, for the largest text it is asked about."""
_PATIENCE = 0.5
"""Share of the time left to wait for another replica; the rest is for doing it alone."""
_FIRST_PAUSE, _MAX_PAUSE = 0.01, 0.1


@dataclass(frozen=True, slots=True)
class CompressRequest:
    """One content to compress. ``recipe`` asks for an earlier view, if the cache holds it."""

    space: str
    data: bytes
    hints: Hints
    policy: Policy
    recipe: str = ""

    @property
    def is_stored(self) -> bool:
        """Whether the original is to be stored."""
        return self.policy.fidelity is not Fidelity.IRREVERSIBLE


@dataclass(frozen=True, slots=True)
class Wanted:
    """A view that is wanted, and where it belongs."""

    request: CompressRequest
    scope: Scope
    ref: str
    sha256: bytes
    retention: float

    @property
    def recipe(self) -> str:
        """Name of the view within its original."""
        return recipe(self.request.policy, self.request.hints)

    def lease(self) -> Lease | None:
        """Return what to ask for before making the view, or None if that is not worth it."""
        size = len(self.request.data)
        if not self.request.is_stored or size < LEASE_BYTES:
            return None
        seconds = _LEASE_SECONDS + _LEASE_SECONDS_PER_MIB * size / (1024 * 1024)
        if self.request.policy.model:
            seconds += _LEASE_SECONDS_JUDGED
        return Lease(secrets.token_hex(16), seconds)


async def obtain(context: Context, caller: Caller, wanted: Wanted) -> Outcome:
    """Return a view: the store's, or made here, by another caller, or by another replica.

    A caller whose leader ran out of time has its own time still: it leads anew. One whose own time
    runs out while a leader has more gets its content as it is.
    """
    key = (wanted.scope, wanted.ref, wanted.request.recipe, wanted.recipe, wanted.retention)
    while True:
        try:
            # A leader's engine stops before this: it cuts off who follows, and who hangs.
            async with asyncio.timeout(max(0.0, caller.time_left() - RESERVE_SECONDS / 2)):
                led = await context.flights.run(key, lambda: _lead(context, caller, wanted))
        except TimeoutError:
            text = await text_of(wanted.request.data)
            return Outcome(_untouched(wanted.request, text), Degraded.DEADLINE)
        if led.deadline == caller.deadline:
            return led.outcome
        if not led.hurried or caller.deadline <= led.deadline + RESERVE_SECONDS:
            return replace(led.outcome, cached=bool(led.outcome.view.ref))


async def _lead(context: Context, caller: Caller, wanted: Wanted) -> Led:
    lease, store_up = wanted.lease(), True
    try:
        try:
            view = await _recalled(context, caller, wanted, lease)
        except StoreUnavailableError:
            view, store_up = None, False
        if view is not None:
            lease = None  # it was not taken
            return Led(Outcome(view, cached=True), caller.deadline, hurried=False)
        outcome = await _make_and_keep(context, caller, wanted, store_up=store_up)
    finally:
        if lease is not None and store_up:
            context.in_background(_release(context, wanted, lease))
    late = caller.time_left() <= 2 * RESERVE_SECONDS
    return Led(outcome, caller.deadline, hurried=late and outcome.degraded is not Degraded.NO)


async def _recalled(
    context: Context, caller: Caller, wanted: Wanted, lease: Lease | None
) -> View | None:
    """Return the view that the store has, or gets from another replica while we wait for it.

    None: it is ours to make, with the lease or without. Raises StoreUnavailableError.
    """
    if not wanted.request.is_stored:
        return None
    if wanted.request.recipe:
        view = await _recall(context, caller, wanted, wanted.request.recipe, None)
        if view is not None:
            return view
    patience = asyncio.get_running_loop().time() + _PATIENCE * caller.time_left()
    pause = _FIRST_PAUSE
    while True:
        try:
            return await _recall(context, caller, wanted, wanted.recipe, lease)
        except LeaseHeldError:
            if asyncio.get_running_loop().time() >= patience:
                return None
        await asyncio.sleep(pause)
        pause = min(_MAX_PAUSE, 1.5 * pause)


async def _recall(
    context: Context, caller: Caller, wanted: Wanted, name: str, lease: Lease | None
) -> View | None:
    data = await caller.within(
        context.store.recall(wanted.scope, wanted.ref, name, wanted.retention, lease)
    )
    return unpack_view(data) if data is not None else None


async def _release(context: Context, wanted: Wanted, lease: Lease) -> None:
    # What is not released ends by itself.
    with contextlib.suppress(StoreUnavailableError):
        await context.store.release(wanted.scope, wanted.ref, wanted.recipe, lease.token)


async def _make_and_keep(
    context: Context, caller: Caller, wanted: Wanted, *, store_up: bool
) -> Outcome:
    request = wanted.request
    text = await text_of(request.data)
    outcome = await make(context, caller, request, text, wanted.ref)
    if not outcome.view.ref:
        return outcome
    kept = store_up and await _keep(context, caller, wanted, outcome.view)
    return outcome if kept else _unkept(request, text, outcome.view)


async def make(
    context: Context, caller: Caller, request: CompressRequest, text: str, ref: str
) -> Outcome:
    """Run the engine. Its trouble, and the clock's, give the content as its own view."""
    policy = context.judging.policy(request.policy)
    ref = ref if request.is_stored else ""
    job = CompressJob(text, request.hints, policy, ref, owner=caller.tenant)
    started = asyncio.get_running_loop().time()
    view = await _run(context, caller, job)
    if isinstance(view, Degraded):
        return Outcome(_untouched(request, text), view)
    if not view.asks:
        return Outcome(view)
    took = asyncio.get_running_loop().time() - started
    try:
        heard = await context.judging.ask(caller, view.asks, RESERVE_SECONDS + took)
    except ModelUnavailableError:
        return Outcome(replace(view, asks=()), Degraded.MODEL_UNAVAILABLE)
    # What answered may be another version than was asked: the view is of that one's recipe.
    answered = replace(policy, model=heard.version)
    answers = dict(zip(view.asks, heard.scores, strict=True))
    better = await _run(context, caller, replace(job, policy=answered, answers=answers))
    if isinstance(better, Degraded):
        return Outcome(replace(view, asks=()), better)
    return Outcome(better)


async def _run(context: Context, caller: Caller, job: CompressJob) -> View | Degraded:
    try:
        return await context.engine.compress(job, max(0.0, caller.time_left() - RESERVE_SECONDS))
    except TimeoutError:
        return Degraded.DEADLINE
    except EngineFailedError:
        return Degraded.COMPRESSOR_FAILED


async def _keep(context: Context, caller: Caller, wanted: Wanted, view: View) -> bool:
    """Store an original and its view; whether the store acknowledged it.

    Raises QuotaExceededError.
    """
    record = Record(wanted.ref, wanted.sha256, len(wanted.request.data), wanted.request.data)
    try:
        await context.admit(caller, record.size)
        stored = StoredView(view.recipe, pack_view(view))
        await caller.within(context.store.commit(wanted.scope, record, stored, wanted.retention))
    except StoreUnavailableError:
        return False
    return True


async def off_loop(work: Callable[[bytes], _T], data: bytes) -> _T:
    """Return ``work(data)``, run on a thread if there is much of it."""
    return work(data) if len(data) < _OFF_LOOP_BYTES else await asyncio.to_thread(work, data)


async def text_of(data: bytes) -> str:
    """Return a content as text. Raises ContentNotTextError."""
    try:
        return await off_loop(bytes.decode, data)
    except UnicodeDecodeError as error:
        raise ContentNotTextError(
            f"content: not UTF-8 text at byte {error.start}", offset=str(error.start)
        ) from None


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
