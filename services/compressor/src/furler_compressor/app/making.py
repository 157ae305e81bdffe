"""Making a view that the cache does not have: once, for all who ask for it at the same time.

Within the process callers share one computation (singleflight); between replicas a short lease
says who computes, and the others look for its result in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from furler_compressor.app.context import Caller, Context
from furler_compressor.app.engine import CompressJob, EngineFailedError
from furler_compressor.app.errors import ContentNotTextError, StoreUnavailableError
from furler_compressor.app.leases import UNHELD
from furler_compressor.app.outcome import Degraded, Led, Outcome
from furler_compressor.app.ports import Record, Scope, StoredView
from furler_compressor.app.views import pack_view, unpack_view
from furler_engine.recipe import recipe
from furler_engine.types import Fidelity, Hints, Kind, Policy, View

_T = TypeVar("_T")

RESERVE_SECONDS = 0.1
"""Kept back from a deadline for the store and the way home."""
_OFF_LOOP_BYTES = 256 * 1024
"""Contents from this size on are hashed and decoded off the event loop (about 0.3 ms at 1 GB/s)."""
LEASE_BYTES = 64 * 1024
"""Contents from this size on take 10 ms and more of an engine: worth a round trip for a lease."""
_LEASE_SECONDS, _LEASE_SECONDS_PER_MIB = 2.0, 2.0
"""Several times what an engine needs (0.3 s per MiB): how long a dead leader is waited for."""
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


@dataclass(frozen=True, slots=True)
class Miss:
    """A request whose view the cache does not have, and where it belongs."""

    request: CompressRequest
    scope: Scope
    ref: str
    sha256: bytes
    retention: float
    store_up: bool

    @property
    def recipe(self) -> str:
        """Name of the view within its original."""
        return recipe(self.request.policy, self.request.hints)


async def make_once(context: Context, caller: Caller, miss: Miss) -> Outcome:
    """Return the view of a miss: made here, by another caller, or by another replica.

    A caller whose leader ran out of time has its own time still: the next to last leads anew.
    """
    key = (miss.scope, miss.ref, miss.recipe, miss.retention)
    while True:
        led = await context.flights.run(key, lambda: _lead(context, caller, miss))
        if led.deadline == caller.deadline:
            return led.outcome
        if not led.hurried or caller.deadline <= led.deadline + RESERVE_SECONDS:
            return replace(led.outcome, cached=bool(led.outcome.view.ref))


async def _lead(context: Context, caller: Caller, miss: Miss) -> Led:
    claim: View | str = UNHELD
    name = f"{miss.ref}:{miss.recipe}"
    if miss.store_up and is_stored(miss.request) and len(miss.request.data) >= LEASE_BYTES:
        claim = await _claim(context, caller, miss, name)
    if isinstance(claim, View):
        return Led(Outcome(claim, cached=True), caller.deadline, hurried=False)
    try:
        outcome = await _make_and_keep(context, caller, miss)
    finally:
        context.in_background(context.leases.release(miss.scope, name, claim))
    late = caller.time_left() <= 2 * RESERVE_SECONDS
    return Led(outcome, caller.deadline, hurried=late and outcome.degraded is not Degraded.NO)


async def _claim(context: Context, caller: Caller, miss: Miss, name: str) -> View | str:
    """Return a lease's token, or the view that another replica made while we waited for one."""
    size = len(miss.request.data)
    seconds = _LEASE_SECONDS + _LEASE_SECONDS_PER_MIB * size / (1024 * 1024)
    patience = asyncio.get_running_loop().time() + _PATIENCE * caller.time_left()
    pause, waited = _FIRST_PAUSE, False
    while True:
        token = await context.leases.take(miss.scope, name, seconds)
        if token is not None and not waited:
            return token
        # With the lease in hand, too: its last holder may have ended just after our last look.
        try:
            view = await recalled(
                context, caller, miss.scope, miss.ref, miss.request, miss.retention
            )
        except StoreUnavailableError:
            return token or UNHELD
        if view is not None:
            context.in_background(context.leases.release(miss.scope, name, token or UNHELD))
            return view
        if token is not None or asyncio.get_running_loop().time() >= patience:
            return token or UNHELD
        await asyncio.sleep(pause)
        pause, waited = min(_MAX_PAUSE, 1.5 * pause), True


async def _make_and_keep(context: Context, caller: Caller, miss: Miss) -> Outcome:
    request = miss.request
    text = await text_of(request.data)
    outcome = await make(context, caller, request, text, miss.ref)
    if not outcome.view.ref:
        return outcome
    kept = miss.store_up and await _keep(context, caller, miss, outcome.view)
    return outcome if kept else _unkept(request, text, outcome.view)


async def recalled(
    context: Context,
    caller: Caller,
    scope: Scope,
    ref: str,
    request: CompressRequest,
    retention: float,
) -> View | None:
    """Return the view that the store holds, by the recipe asked for or by the request's own.

    Raises StoreUnavailableError.
    """
    if not is_stored(request):
        return None
    for wanted in filter(None, (request.recipe, recipe(request.policy, request.hints))):
        data = await caller.within(context.store.recall(scope, ref, wanted, retention))
        view = unpack_view(data) if data is not None else None
        if view is not None:
            return view
    return None


def is_stored(request: CompressRequest) -> bool:
    """Return whether the request's original would be stored."""
    return request.policy.fidelity is not Fidelity.IRREVERSIBLE


async def make(
    context: Context, caller: Caller, request: CompressRequest, text: str, ref: str
) -> Outcome:
    """Run the engine. Its trouble, and the clock's, give the content as its own view."""
    job = CompressJob(text, request.hints, request.policy, ref if is_stored(request) else "")
    try:
        view = await context.engine.compress(job, max(0.0, caller.time_left() - RESERVE_SECONDS))
    except TimeoutError:
        return Outcome(_untouched(request, text), Degraded.DEADLINE)
    except EngineFailedError:
        return Outcome(_untouched(request, text), Degraded.COMPRESSOR_FAILED)
    return Outcome(view)


async def _keep(context: Context, caller: Caller, miss: Miss, view: View) -> bool:
    """Store an original and its view; whether the store acknowledged it.

    Raises QuotaExceededError.
    """
    record = Record(miss.ref, miss.sha256, len(miss.request.data), miss.request.data)
    try:
        await context.admit(caller, record.size)
        stored = StoredView(view.recipe, pack_view(view))
        await caller.within(context.store.commit(miss.scope, record, stored, miss.retention))
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
