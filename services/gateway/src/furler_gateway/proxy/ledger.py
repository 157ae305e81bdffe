"""What each turn cost and saved: figures and names, never content. The dashboard's source.

``Ledger`` is the seam: metrics by default, and whatever else is given.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Protocol

from prometheus_client import Counter

from furler.conversations import Dialect
from furler_gateway import telemetry
from furler_gateway.figures import Figures
from furler_gateway.proxy import cache_health
from furler_gateway.proxy.cache_health import Prefix, Seen
from furler_gateway.proxy.usage import Usage

_MOST_CONVERSATIONS: Final = 5000
"""Whose last turn is remembered: 80 MB if all were the longest, some MB as they are."""
_PARTS: Final = ("fresh", "read", "written", "output")
"""Of a provider's usage."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request to a provider, when its reply has ended.

    Attributes:
        dialect: Of the body.
        upstream: Name of the upstream.
        model: As the request named it.
        conversation: Its name; empty if it has none.
        rule: What decided how it was treated.
        outcome: What became of the body: compressed, unchanged, audit, bypass, or why not.
        tokens_before: Of the conversation as it came; 0 if nobody looked.
        tokens_after: Of the conversation as it went.
        usage: As the provider counts; None if it did not say.
        cache: What became of the provider's prompt cache; empty if that is not known.
        retrievals: Calls of the retrieve tool answered within the turn.
        status: HTTP status of the reply.
        seconds: From the request's head to the reply's end.
    """

    dialect: Dialect
    upstream: str
    model: str
    conversation: str
    rule: str
    outcome: str
    tokens_before: int
    tokens_after: int
    usage: Usage | None
    cache: str
    retrievals: int
    status: int
    seconds: float


class Ledger(Protocol):
    """Takes note of turns; must be quick."""

    def record(self, turn: Turn) -> None:
        """Take note of a turn."""
        ...


class Metrics:
    """The ledger that Prometheus scrapes."""

    def record(self, turn: Turn) -> None:
        """Count a turn."""
        dialect = str(turn.dialect)
        _turns(dialect, turn.outcome).inc()
        counters = _counters(dialect)
        if turn.tokens_before:  # else nobody looked
            counters["before"].inc(turn.tokens_before)
            counters["after"].inc(turn.tokens_after)
        if turn.usage is not None:
            for part in _PARTS:
                if count := getattr(turn.usage, part):
                    counters[part].inc(count)
        if turn.cache:
            telemetry.PROXY_CACHE.labels(dialect, turn.cache).inc()


# Series are found once: to look for one costs more than to count.
@cache
def _turns(dialect: str, outcome: str) -> Counter:
    return telemetry.PROXY_REQUESTS.labels(dialect, outcome)


@cache
def _counters(dialect: str) -> dict[str, Counter]:
    """Return the counters of a dialect's tokens."""
    tokens = {side: telemetry.PROXY_TOKENS.labels(dialect, side) for side in ("before", "after")}
    return tokens | {part: telemetry.PROXY_USAGE.labels(dialect, part) for part in _PARTS}


@dataclass(frozen=True, slots=True)
class Recent:
    """The ledger that the dashboard shows."""

    figures: Figures

    def record(self, turn: Turn) -> None:
        """Count a turn."""
        counts: dict[str, int] = {}
        if turn.usage is not None:
            counts = {part: getattr(turn.usage, part) for part in _PARTS}
        if turn.cache:
            counts[f"turns: {turn.cache}"] = 1
        self.figures.provider(counts)


@dataclass(slots=True)
class Ledgers:
    """All ledgers, and what it takes to say what became of the cache: each conversation's last turn."""

    ledgers: Sequence[Ledger]
    _seen: OrderedDict[str, Seen] = field(default_factory=OrderedDict)

    def record(self, turn: Turn) -> None:
        """Give a turn to every ledger."""
        for each in self.ledgers:
            each.record(turn)

    def cache_outcome(
        self, dialect: Dialect, conversation: str, now: Prefix | None, usage: Usage
    ) -> str:
        """Return what became of the provider's cache in a conversation's turn, and remember it."""
        if not conversation or now is None:
            return ""
        # Sub-agents share their session's name; they differ in what they are asked first.
        name = f"{conversation}/{now.first}"
        at = time.monotonic()
        outcome = cache_health.outcome(self._seen.get(name), now, usage, at)
        self._seen[name] = cache_health.seen(dialect, now, usage, at)
        self._seen.move_to_end(name)
        while len(self._seen) > _MOST_CONVERSATIONS:
            self._seen.popitem(last=False)
        return outcome
