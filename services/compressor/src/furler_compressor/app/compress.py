"""The use cases Compress and Explain.

Order of promises: a reference leaves only after the store acknowledged the
original (G4); trouble with the store, the engine or the clock costs savings,
never the answer (G10). How a view is obtained: ``making``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from furler_compressor import telemetry
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.app.making import (
    CompressRequest,
    Wanted,
    make,
    obtain,
    off_loop,
    text_of,
)
from furler_compressor.app.outcome import Degraded, Outcome
from furler_compressor.app.ports import Scope, Tally
from furler_compressor.app.refs import digest_of
from furler_engine.types import TOKENIZERS

__all__ = ["CompressRequest", "Compressed", "Degraded", "Outcome", "compress", "explain"]


@dataclass(frozen=True, slots=True)
class Compressed:
    """An outcome and the content's digest."""

    outcome: Outcome
    sha256: bytes
    size: int


async def compress(context: Context, caller: Caller, request: CompressRequest) -> Compressed:
    """Compress one content. Raises FurlerError for what the caller did wrong."""
    scope, retention = _validate(context, caller, request)
    # Before the view is looked for: its recipe names the model.
    request = replace(request, policy=context.judging.policy(request.policy))
    sha256 = await off_loop(digest_of, request.data)
    ref = context.reference(scope, sha256)
    outcome = await obtain(context, caller, Wanted(request, scope, ref, sha256, retention))
    _count(context, scope, outcome, len(request.data))
    return Compressed(outcome, sha256, len(request.data))


async def explain(context: Context, caller: Caller, request: CompressRequest) -> Compressed:
    """Return the view Compress would give, with the decisions behind it; store nothing."""
    scope, _ = _validate(context, caller, request)
    sha256 = await off_loop(digest_of, request.data)
    ref = context.reference(scope, sha256)
    outcome = await make(context, caller, request, await text_of(request.data), ref)
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


def _count(context: Context, scope: Scope, outcome: Outcome, size: int) -> None:
    """Add to the counters, beside the answer: a counter is never worth a caller's time."""
    view = outcome.view
    telemetry.record_size(view.kind, size)
    telemetry.record_view(
        tenant=scope.tenant,
        kind=view.kind,
        tokens=(view.tokens_before, view.tokens_after),
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
