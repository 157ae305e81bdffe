"""How much of a running text may stay when a query is asked of it.

What lives here: the share by level and the size a policy asks for. What does
not: which parts these are (relevance.py).
"""

from __future__ import annotations

from typing import Final

from furler_engine.tokens import estimate
from furler_engine.types import Kind, Level, Policy, Source

_SHARE: Final = {Level.CAREFUL: 0.45, Level.TIGHT: 0.3}
"""With a half kept, QMSum's relevant turns are recalled to .86; markers take the rest of it."""
_SHORT: Final = 1_000
"""Tokens under which a text stays whole: a retrieval costs a turn of about 600."""
_FOR_MARKERS: Final = 0.97


def budget(source: Source, policy: Policy, kind: Kind) -> float | None:
    """Return the characters that may stay of a text; None where all of it may."""
    size = estimate(source.text, policy.tokenizer)
    target = policy.target_tokens
    if target:
        return None if size <= target else _FOR_MARKERS * target / size * len(source.text)
    if size < _SHORT or not source.hints.query:
        return None
    return _SHARE.get(policy.level(kind), 1.0) * len(source.text)
