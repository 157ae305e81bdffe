"""The part of a content that detectors look at: a bounded, evenly spread sample of its lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from furler_engine.types import Source

_HEAD, _SPREAD, _WIDTH = 120, 180, 400
_WINDOW = 40_000
"""Characters read from the start; the spread comes from windows of 1,000 further on."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines of the content, cut to 400 characters; blank ones left out.

    ``head`` is the very start of the text, at most 2,000 characters, for
    detectors that look for an opening.
    """

    head: str
    lines: tuple[str, ...]
    size: int

    @classmethod
    def of(cls, source: Source) -> Sample:
        """Sample a source: up to 120 lines from its start, up to 180 from the rest."""
        text = source.text
        lines = [line[:_WIDTH] for line in text[:_WINDOW].split("\n") if line.strip()]
        picked = lines[:_HEAD]
        if len(text) > _WINDOW:
            step = max(1, (len(text) - _WINDOW) // 40)
            rest = [
                line[:_WIDTH]
                for at in range(_WINDOW, len(text), step)
                for line in text[at : at + 1000].split("\n")[1:-1]
                if line.strip()
            ]
        else:
            rest = lines[_HEAD:]
        picked += rest[:: max(1, -(-len(rest) // _SPREAD))]
        return cls(text[:2000].lstrip("\ufeff"), tuple(picked), len(text))

    def share(self, test: Callable[[str], object]) -> float:
        """Return the share of sampled lines that pass a test; 0 without lines."""
        return sum(1 for line in self.lines if test(line)) / len(self.lines) if self.lines else 0.0


Detector = Callable[[Sample], float]
"""A score between 0 (not this kind) and 1 (surely this kind)."""
