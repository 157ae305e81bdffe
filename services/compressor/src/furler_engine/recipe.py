"""The recipe: a short name for everything but the content that may change a view's bytes."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from typing import Final

from furler_engine.types import Hints, Policy

ENGINE_VERSION = "0.3.3"
"""Changes whenever the engine may write other bytes for the same input."""

_RECENT: Final = 256
"""Recipes that are remembered: one call asks for its own several times, 0.1 ms each, and a
fleet's calls have few policies. A query is part of the hints: at most 4,096 characters."""


@lru_cache(maxsize=_RECENT)
def recipe(policy: Policy, hints: Hints) -> str:
    """Return ``version/fingerprint``; equal recipes give equal views of equal content."""
    parts = asdict(policy)
    del parts["retention_seconds"], parts["allow_model"]
    if not policy.model:
        del parts["keep"], parts["model"]  # as it was before there were any
    parts["disabled"] = sorted(policy.disabled)
    parts["levels"] = sorted(dict(policy.levels).items())
    if not policy.tools:
        del parts["tools"]  # views of before there were any keep their names
    parts["hints"] = asdict(hints)
    canonical = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return f"{ENGINE_VERSION}/{hashlib.sha256(canonical.encode()).hexdigest()[:16]}"
