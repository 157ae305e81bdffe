"""What a caller asks for, held to the terms: less is always granted, more never. Pure.

Works on the API's message in place; done twice it gives the same as once.
"""

from __future__ import annotations

from typing import Final

from furler.messages import policy as policy_message
from furler.v1 import compression_pb2 as compression
from furler.values import Policy
from furler_gateway.policy.document import MAX_TOOLS, Terms

NEVER: Final = 2**62
"""Tokens that no content has: with this as min_tokens everything passes through."""
_UNSET: Final = 0


def hold(message: compression.Policy, terms: Terms) -> None:
    """Hold a call's policy to terms."""
    bounds = policy_message(_as_policy(terms))
    if bounds is None:  # only None gives None
        return
    message.fidelity = _least(message.fidelity, bounds.fidelity)
    _hold_levels(message, bounds)
    _hold_tools(message, bounds)
    disabled = {*message.disabled_compressors, *bounds.disabled_compressors}
    message.disabled_compressors[:] = sorted(disabled)
    if terms.min_tokens is not None:
        given = message.min_tokens if message.HasField("min_tokens") else 0
        message.min_tokens = max(given, terms.min_tokens)
    message.target_tokens = message.target_tokens or bounds.target_tokens
    if terms.allow_model is False:
        message.allow_model = False
    if message.allow_model or not message.HasField("allow_model"):
        message.keep = max(message.keep, bounds.keep)
    if terms.retention_seconds is not None:
        given = message.retention.seconds
        seconds = min(given or terms.retention_seconds, terms.retention_seconds)
        message.retention.seconds, message.retention.nanos = seconds, 0


def nothing(message: compression.Policy) -> None:
    """Have everything pass through."""
    message.min_tokens = NEVER


def _as_policy(terms: Terms) -> Policy:
    return Policy(
        fidelity=terms.fidelity or "",
        target_tokens=terms.target_tokens or 0,
        disabled_compressors=terms.disabled_compressors or (),
        levels={str(kind): level for kind, level in terms.levels.items()},
        keep=terms.keep or 0.0,
        tools=terms.tools,
    )


def _least(given: int, bound: int) -> compression.Fidelity.ValueType:
    """Return the stricter of two; both are numbered from the strictest on, 0 is unset."""
    chosen = min(given, bound) if _UNSET not in (given, bound) else given or bound
    return compression.Fidelity.ValueType(chosen)


def _hold_levels(message: compression.Policy, bounds: compression.Policy) -> None:
    levels = {each.kind: each.level for each in message.levels}
    for each in bounds.levels:
        given = levels.get(each.kind, each.level)
        levels[each.kind] = min(given, each.level)
    del message.levels[:]
    for kind in sorted(levels):
        message.levels.add(kind=kind, level=levels[kind])


def _hold_tools(message: compression.Policy, bounds: compression.Policy) -> None:
    """Put the terms' tools before the caller's.

    Of the caller's only OFF stays where there are terms: a level by tool beats one by kind, and
    which of two globs is the narrower cannot be told.
    """
    if not bounds.tools and not bounds.levels:
        return
    held = {each.tool for each in bounds.tools}
    off = [each for each in message.tools if each.level == compression.LEVEL_OFF]
    first = [each for each in off if each.tool not in held]
    same = {each.tool for each in off}
    theirs = [
        compression.ToolLevel(
            tool=each.tool, level=compression.LEVEL_OFF if each.tool in same else each.level
        )
        for each in bounds.tools
    ]
    kept = [*first, *theirs][:MAX_TOOLS]
    del message.tools[:]
    message.tools.extend(kept)
