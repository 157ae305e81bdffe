"""Performs engine jobs. Imports the whole engine: only what runs jobs imports this."""

from __future__ import annotations

from furler_compressor.app.converse import converse
from furler_compressor.app.conversed import ConversationJob
from furler_compressor.app.engine import (
    CompressJob,
    EngineFailedError,
    Job,
    Picked,
    Result,
    SelectJob,
)
from furler_engine import tokens
from furler_engine.dialects.json_scan import BodyError
from furler_engine.paging import page
from furler_engine.pipeline import compress
from furler_engine.router import ROUTES
from furler_engine.select import SelectorError, select
from furler_engine.tokens import UnknownTokenizerError
from furler_engine.types import Hints, Policy

COMPRESSORS = tuple(dict.fromkeys(c.name for route in ROUTES.values() for c in route))
"""Names of the compressors, in the router's order."""


_MISTAKES = (SelectorError, BodyError, UnknownTokenizerError)
"""What a caller did wrong. Any other error, a plain ValueError too, is a fault of the engine."""


def perform(job: Job) -> Result:
    """Run a job here and now.

    Raises a ValueError for what the caller did wrong, and EngineFailedError, with the name of
    the error only, for whatever else went wrong: the content passes through then.
    """
    try:
        return _perform(job)
    except _MISTAKES:
        raise
    except Exception as error:
        raise EngineFailedError(type(error).__name__) from error


def _perform(job: Job) -> Result:
    match job:
        case CompressJob():
            return compress(job.text, job.hints, job.policy, job.ref, job.answers)
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
    text = b"".join(data[start:end] for start, end in ranges).decode(errors="replace")
    if got.next_start is None and not job.start:
        count = tokens.count(text, job.tokenizer)
        return Picked(tuple(got.ranges), count.tokens, None, count.estimated)
    # To count all of it with every page would cost the square of its size.
    about = tokens.estimate(text, job.tokenizer)
    return Picked(tuple(got.ranges), about, got.next_start, is_estimate=True)
