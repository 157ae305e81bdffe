"""The engine as the use cases see it: jobs in, results out, off the event loop.

What performs a job is in work.py; runners (adapters/engine_*.py) decide where:
in this process or in a child that can be killed when a caller gives up. This
module imports the engine's values only: a serving process stays small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from furler_compressor.app.conversed import ConversationJob, Conversed
from furler_engine.types import Answers, Hints, Policy, Selector, View


@dataclass(frozen=True, slots=True)
class CompressJob:
    """Make a view of a content. ``ref`` is empty when the original will not be stored.

    ``answers`` are those of a model to what an earlier run asked; None: it may ask.
    ``owner`` of a job is the tenant it is done for: where jobs wait, owners take turns.
    """

    text: str
    hints: Hints
    policy: Policy
    ref: str
    answers: Answers | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True)
class SelectJob:
    """Pick a part of an original; None picks all. ``start`` is a page's next_start, or 0."""

    text: str
    selector: Selector | None
    max_tokens: int
    tokenizer: str
    start: int
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Picked:
    """One page: ranges of the original (half-open bytes), and where the next one starts.

    ``tokens`` are those of all that was picked, over all pages; estimated where this is not all.
    """

    ranges: tuple[tuple[int, int], ...]
    tokens: int
    next_start: int | None
    is_estimate: bool = False


class EngineFailedError(Exception):
    """The engine could not finish a job: it crashed, or it was stopped."""


class EngineRunner(Protocol):
    """Where jobs run.

    ``seconds`` is the time the job may take. Raises TimeoutError when it passes (the work is
    stopped), EngineFailedError for a crash, OverloadedError when too many jobs
    wait already, and whatever the job itself raises as a ValueError.
    """

    @property
    def compressors(self) -> tuple[str, ...]:
        """Names of the compressors there are."""
        ...

    async def compress(self, job: CompressJob, seconds: float) -> View:
        """Run a CompressJob."""
        ...

    async def select(self, job: SelectJob, seconds: float) -> Picked:
        """Run a SelectJob."""
        ...

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        """Run a ConversationJob."""
        ...

    async def close(self) -> None:
        """Stop."""
        ...


Job = CompressJob | SelectJob | ConversationJob
Result = View | Picked | Conversed
