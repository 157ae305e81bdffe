"""The port to a model of prose: texts in, one score for each of their words out.

A word is a run of characters between white space, as ``str.split`` sees it. What a score does to
a word (rules, budget, what is shown) is the engine's affair; a model only judges.

A model may be slow, full, gone or wrong. None of that is a caller's trouble: every way to fail is
one error here, and the use case keeps the text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol


class Trouble(StrEnum):
    """Why there is no judgement. Names a metric's attribute, so the list is short."""

    NONE = ""
    """There is none."""
    NONE_SERVES = "none_serves"
    """There is no model, or none that can be reached."""
    TIMEOUT = "timeout"
    """It did not answer in the time given, or would not have."""
    OVERLOADED = "overloaded"
    """Its queue is full."""
    BAD_ANSWER = "bad_answer"
    """It answered with something that is no judgement of these texts."""
    OVER_QUOTA = "over_quota"
    """The tenant asked more of it than it may."""


class ModelUnavailableError(Exception):
    """A model did not judge. The message never holds content."""

    def __init__(self, trouble: Trouble, message: str = "") -> None:
        super().__init__(message or str(trouble))
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says of texts.

    ``scores`` has one tuple per text, in order, with one score from 0 (drop) to 1 (keep) per word.
    ``version`` names what answered, such as ``kompress/1-int8``: equal versions give equal scores. It
    is not always the version that was asked: an adapter may fall back on another model.
    """

    version: str
    scores: tuple[tuple[float, ...], ...]


class Model(Protocol):
    """A model that scores words. Safe to call from many tasks of one event loop.

    Nothing is loaded and nothing is connected to before the first call or ``start``.
    """

    @property
    def version(self) -> str:
        """What will most likely answer; empty where no model serves.

        Known without asking anybody, stable while the process lives unless an operator changes the
        model: it is part of the recipe, by which views are found again.
        """
        ...

    async def start(self) -> None:
        """Make the first call as fast as others. Never raises: a model may come up later."""
        ...

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        """Score every word of every text within ``seconds``.

        Raises ModelUnavailableError, and only that; soon after ``seconds`` at the latest. When the
        caller is cancelled, work that has not begun is not begun.
        """
        ...

    async def check(self) -> str:
        """Ask the model for a sign of life and return what an operator would want to know of it.

        Its name, version, checksum or address. Raises ModelUnavailableError, like judge.
        """
        ...

    async def close(self) -> None:
        """Release threads and connections; calls in flight end with ModelUnavailableError."""
        ...


NO_VERSION: Final = ""
"""The version of no model."""


class NoModel:
    """Implements Model where there is none."""

    @property
    def version(self) -> str:
        """None."""
        return NO_VERSION

    async def start(self) -> None:
        """Do nothing."""

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        """Raise ModelUnavailableError."""
        del texts, seconds
        raise ModelUnavailableError(Trouble.NONE_SERVES)

    async def check(self) -> str:
        """Raise ModelUnavailableError."""
        raise ModelUnavailableError(Trouble.NONE_SERVES)

    async def close(self) -> None:
        """Do nothing."""


def word_count(text: str) -> int:
    """Return how many scores a text is owed."""
    return len(text.split())


def checked(texts: Sequence[str], judgement: Judgement) -> Judgement:
    """Return a judgement that fits the texts. Raises ModelUnavailableError for any other.

    Adapters call it on what comes from outside the process; the use case does for all.
    """
    if len(judgement.scores) != len(texts) or not judgement.version:
        raise ModelUnavailableError(Trouble.BAD_ANSWER, "not one answer per text")
    for text, scores in zip(texts, judgement.scores, strict=True):
        if len(scores) != word_count(text):
            raise ModelUnavailableError(Trouble.BAD_ANSWER, "not one score per word")
        if not all(map(math.isfinite, scores)):
            raise ModelUnavailableError(Trouble.BAD_ANSWER, "a score is no number")
        if scores and not (min(scores) >= 0 and max(scores) <= 1):
            raise ModelUnavailableError(Trouble.BAD_ANSWER, "a score is not within 0 and 1")
    return judgement
