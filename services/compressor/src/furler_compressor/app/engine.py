"""The engine as the use cases see it: jobs in, results out, off the event loop.

``perform`` runs a job; runners (adapters/engine_*.py) decide where: in this
process or in a child that can be killed when a caller gives up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from furler_compressor.app.converse import ConversationJob, Conversed, converse
from furler_engine import tokens
from furler_engine.paging import page
from furler_engine.pipeline import compress
from furler_engine.select import select
from furler_engine.types import Hints, Policy, Selector, View


@dataclass(frozen=True, slots=True)
class CompressJob:
    """Make a view of a content. ``ref`` is empty when the original will not be stored."""

    text: str
    hints: Hints
    policy: Policy
    ref: str


@dataclass(frozen=True, slots=True)
class SelectJob:
    """Pick a part of an original; None picks all. ``start`` is a page's next_start, or 0."""

    text: str
    selector: Selector | None
    max_tokens: int
    tokenizer: str
    start: int


@dataclass(frozen=True, slots=True)
class Picked:
    """One page: ranges of the original (half-open bytes), their tokens, where the next one starts."""

    ranges: tuple[tuple[int, int], ...]
    tokens: int
    next_start: int | None


class EngineFailedError(Exception):
    """The engine could not finish a job: it crashed, or it was stopped."""


class EngineRunner(Protocol):
    """Where jobs run.

    ``seconds`` is the time the job may take. Raises TimeoutError when it passes (the work is
    stopped), EngineFailedError for a crash, OverloadedError when too many jobs
    wait already, and whatever the job itself raises as a ValueError.
    """

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


def perform(job: Job) -> Result:
    """Run a job here and now. Raises ValueError for what the caller did wrong."""
    match job:
        case CompressJob():
            return compress(job.text, job.hints, job.policy, job.ref)
        case SelectJob():
            return _pick(job)
        case ConversationJob():
            return converse(job)


def warm(tokenizer: str) -> None:
    """Load what the first job would wait for."""
    tokens.verify(tokenizer)
    compress('{"warm": [1, 2, 3]}', Hints(), Policy(tokenizer=tokenizer), "")


def _pick(job: SelectJob) -> Picked:
    data = job.text.encode()
    ranges = [(0, len(data))] if job.selector is None else select(job.text, job.selector)
    got = page(job.text, ranges, job.max_tokens, job.tokenizer, job.start)
    parts = b"".join(data[start:end] for start, end in got.ranges)
    count = tokens.count(parts.decode(errors="replace"), job.tokenizer)
    return Picked(tuple(got.ranges), count.tokens, got.next_start)
