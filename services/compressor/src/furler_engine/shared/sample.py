"""The part of a content that detectors look at: a bounded, evenly spread sample of its lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from furler_engine.clean import clean_line, needs_cleaning
from furler_engine.shared.languages import Guess, guess
from furler_engine.types import Source

_HEAD, _SPREAD, WIDTH = 50, 70, 400
"""Lines and characters. On the 237 inputs that detection was tuned on, 300 lines
told no kind better and took twice as long."""
_START = 10_000
"""Characters read from the start; what is spread comes from windows of 1,000 further on."""
_WINDOWS = 35
_ROUNDING = 1e-6
"""Of a line: more than a product of shares is rounded by, less than a line."""


@dataclass(frozen=True)
class Sample:
    """Lines of the content as a terminal shows them, cut to 400 characters; no blank ones.

    ``head`` is the very start of the text, at most 2,000 characters, for
    detectors that look for an opening; ``tail`` is its last 100, without the
    space at the end.
    """

    head: str
    lines: tuple[str, ...]
    size: int
    tail: str = ""

    @classmethod
    def of(cls, source: Source) -> Sample:
        """Sample a source: up to 50 lines from its start, up to 70 from the rest."""
        text = source.text.removeprefix("\ufeff")
        lines = text[:_START].split("\n")
        if len(text) > _START and len(lines) > 1:
            lines.pop()  # cut short
        picked, rest = lines[:_HEAD], lines[_HEAD:]
        step = max(1000, (len(text) - _START) // _WINDOWS)
        for at in range(_START, len(text), step):
            rest += text[at : at + 1000].split("\n")[1:-1]
        picked += rest[:: max(1, -(-len(rest) // _SPREAD))]
        if needs_cleaning(text):
            picked = [clean_line(line[:_START]) for line in picked]
        shown = tuple(line[:WIDTH] for line in picked if line and not line.isspace())
        return cls(text[:2000], shown, len(text), text[-100:].rstrip())

    @cached_property
    def language(self) -> Guess | None:
        """The programming language that most of the lines speak for."""
        return guess(self.lines)

    def share(self, test: Callable[[str], object], least: float = 0.0) -> float:
        """Return the share of sampled lines that pass a test; 0 without lines.

        Of a share below ``least`` it may return 0 instead, as soon as enough lines failed.
        """
        if not self.lines:
            return 0.0
        may_fail = self.may_fail(least)
        failed = 0
        for line in self.lines:
            if not test(line):
                failed += 1
                if failed > may_fail:
                    return 0.0
        return (len(self.lines) - failed) / len(self.lines)

    def may_fail(self, least: float) -> float:
        """Return how many lines may fail a test that a share of ``least`` passes."""
        return len(self.lines) * (1 - least) + _ROUNDING


Detector = Callable[[Sample, float], float]
"""A score between 0 (not this kind) and 1 (surely this kind).

Instead of a score below the number given it may return any that is no higher: it would not
win, and most kinds are ruled out by a few lines.
"""
