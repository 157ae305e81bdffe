"""How a compression ended: what use cases hand to each other and to the rpc layer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from furler_engine.types import View


class Degraded(StrEnum):
    """Why a view is less compressed than the policy allows."""

    NO = ""
    STORE_UNAVAILABLE = "store_unavailable"
    MODEL_UNAVAILABLE = "model_unavailable"
    DEADLINE = "deadline"
    COMPRESSOR_FAILED = "compressor_failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A view and what the way there was like."""

    view: View
    degraded: Degraded = Degraded.NO
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Led:
    """An outcome that several callers share, and what the one who led had for it.

    Attributes:
        outcome: What came out.
        deadline: Event-loop time by which the leader needed it.
        hurried: Whether it is degraded because the leader's time was over.
    """

    outcome: Outcome
    deadline: float
    hurried: bool
