"""A model for tests: scores words by a rule, and fails as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from furler_compressor.app.model_port import Judgement, ModelUnavailableError, Trouble

LIGHT = frozenset({
    "a", "an", "the", "of", "to", "in", "on", "at", "by", "for", "and", "is", "are", "was",
    "were", "be", "been", "it", "this", "that", "very", "really", "quite",
})  # fmt: skip


def score(word: str) -> float:
    """Return the score of a word: low for small words, higher the longer it is."""
    letters = word.strip(".,;:!?\"'").lower()
    return 0.05 if letters in LIGHT else min(0.99, 0.3 + len(letters) / 20)


def scores(text: str) -> tuple[float, ...]:
    """Return the scores of a text's words, no two neighbours' the same."""
    return tuple(score(word) + n % 7 / 1000 for n, word in enumerate(text.split()))


@dataclass
class FakeModel:
    """Implements Model. ``trouble`` makes it fail; ``gate`` holds answers back until it is set."""

    version: str = "fake/1"
    trouble: Trouble | None = None
    gate: asyncio.Event | None = None
    asked: list[tuple[str, ...]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    closed: bool = False

    async def start(self) -> None:
        """Do nothing."""

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        """Score the texts."""
        self.asked.append(tuple(texts))
        self.seconds.append(seconds)
        if self.gate is not None:
            try:
                async with asyncio.timeout(seconds):
                    await self.gate.wait()
            except TimeoutError:
                raise ModelUnavailableError(Trouble.TIMEOUT) from None
        if self.trouble is not None or self.closed:
            raise ModelUnavailableError(self.trouble or Trouble.NONE_SERVES)
        return Judgement(self.version, tuple(map(scores, texts)))

    async def check(self) -> str:
        """Say the version."""
        if self.trouble is not None:
            raise ModelUnavailableError(self.trouble)
        return self.version

    async def close(self) -> None:
        """Stop answering."""
        self.closed = True
