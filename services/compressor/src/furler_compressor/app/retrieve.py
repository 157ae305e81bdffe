"""The use case Retrieve, and the rest of what is done with stored originals."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from furler_compressor import telemetry
from furler_compressor.app.audit import Operation, audited
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.engine import EngineFailedError, SelectJob
from furler_compressor.app.errors import (
    ContentNotFoundError,
    FieldInvalidError,
    OverloadedError,
    SelectorInvalidError,
)
from furler_compressor.app.identity import ERASE
from furler_compressor.app.ports import Held, Scope, Tally
from furler_compressor.app.refs import canonical
from furler_engine.markers import is_ref
from furler_engine.types import DEFAULT_TOKENIZER, Selector


@dataclass(frozen=True, slots=True)
class RetrieveRequest:
    """A part of one original. ``max_tokens`` 0 is unlimited, ``start`` a page's next_start."""

    space: str
    ref: str
    selector: Selector | None
    max_tokens: int = 0
    start: int = 0


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The picked bytes, their places in the original, and where the next page starts.

    ``tokens`` are those of all pages.
    """

    data: bytes
    ranges: tuple[tuple[int, int], ...]
    tokens: int
    held: Held
    next_start: int | None
    is_estimate: bool


async def retrieve(context: Context, caller: Caller, request: RetrieveRequest) -> Retrieved:
    """Return the picked part of an original, exactly its bytes.

    Raises ContentNotFoundError, ContentCorruptError, SelectorInvalidError,
    StoreUnavailableError.
    """
    form = _name(request.selector) if request.selector is not None else "all"
    with audited(
        context.trail, caller, Operation.RETRIEVE, request.space, request.ref, form
    ) as attempt:
        retrieved = await _retrieve(context, caller, request)
        attempt.size = len(retrieved.data)
    return retrieved


async def _retrieve(context: Context, caller: Caller, request: RetrieveRequest) -> Retrieved:
    scope = caller.scope(request.space)
    held = await _fetch(context, caller, scope, request.ref)
    data = held.record.data
    job = SelectJob(
        await asyncio.to_thread(data.decode),
        request.selector,
        request.max_tokens,
        DEFAULT_TOKENIZER,
        request.start,
        owner=caller.tenant,
    )
    try:
        picked = await context.engine.select(job, caller.time_left())
    except ValueError as error:
        raise SelectorInvalidError(f"selector: {error}", selector=_name(job.selector)) from error
    except EngineFailedError as error:
        raise OverloadedError("the engine restarts; try again", retry_after=1.0) from error
    parts = b"".join(data[start:end] for start, end in picked.ranges)
    return Retrieved(
        parts, picked.ranges, picked.tokens, held, picked.next_start, picked.is_estimate
    )


def _name(selector: Selector | None) -> str:
    """Return a selector's name in the API, such as json_path."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(selector).__name__).lower()


async def read(
    context: Context, caller: Caller, space: str, ref: str, operation: Operation = Operation.READ
) -> Held:
    """Return a whole original. Raises ContentNotFoundError and what the store raises."""
    with audited(context.trail, caller, operation, space, ref) as attempt:
        held = await _fetch(context, caller, caller.scope(space), ref)
        attempt.size = held.record.size
    return held


async def _fetch(context: Context, caller: Caller, scope: Scope, ref: str) -> Held:
    # A malformed reference is one that was never made: the same answer.
    ref = canonical(ref)
    held = await caller.within(context.store.fetch(scope, ref)) if is_ref(ref) else None
    name = "retrieval" if held is not None else "retrieval_miss"
    telemetry.record_retrieval(hit=held is not None)
    context.add_in_background(scope, Tally(name, views=1))
    if held is None:
        raise ContentNotFoundError("content not found: expired, deleted, or never stored here")
    return held


async def find_missing(
    context: Context, caller: Caller, space: str, digests: list[bytes], retention: float
) -> list[bytes]:
    """Return the digests that the space does not hold; extend the retention of the rest."""
    scope = caller.scope(space)
    if len(digests) > context.limits.max_batch_items:
        limit = context.limits.max_batch_items
        raise FieldInvalidError(f"digests: at most {limit}, got {len(digests)}", field="digests")
    for index, digest in enumerate(digests):
        if len(digest) != 32:
            raise FieldInvalidError(
                f"digests[{index}].sha256: want 32 bytes, got {len(digest)}",
                field=f"digests[{index}].sha256",
            )
    by_ref = {context.reference(scope, digest): digest for digest in digests}
    keep = context.retention(retention)
    missing = await caller.within(context.store.find_missing(scope, list(by_ref), keep))
    return [by_ref[ref] for ref in missing]


async def delete(context: Context, caller: Caller, space: str, ref: str) -> None:
    """Forget an original and every view of it. Idempotent: what is not held is no error.

    Wants the role erase.
    """
    with audited(context.trail, caller, Operation.DELETE, space, ref):
        scope = caller.scope_for(ERASE, space)
        if is_ref(canonical(ref)):
            context.pin_memory.forget(scope)
            await caller.within(context.store.delete(scope, canonical(ref)))
