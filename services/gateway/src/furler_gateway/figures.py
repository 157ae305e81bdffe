"""What the gateway has saved and how it did lately: figures by time, kept in bounded memory.

What lives here: counting into buckets of two rings (a quarter of an hour, a day) and adding them up.
What does not: where figures come from (recording.py), how they look (pages/dashboard.*).
Names of kinds, tools, tenants, models and routes are all that is kept; no content, no reference.
"""

from __future__ import annotations

import sys
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from furler_gateway.prices import Prices

DIMENSIONS: Final = ("kind", "tool", "tenant", "model")
OTHER: Final = "other"
"""Where what comes after the first names of a bucket is counted."""
UNKNOWN: Final = "—"
MAX_NAMES: Final = 24
"""Names per dimension and bucket: both rings full of short ones take 7 MB, of the longest 13 MB."""
MAX_NAME: Final = 128
"""Characters of a name. Providers take names of tools up to 64 (OpenAI) and 128 (Anthropic), tenants have 128 at
most: two that begin alike are two rows."""
SECONDS: Final = (
    0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.04, 0.06, 0.1, 0.15, 0.25, 0.4, 0.6,
    1.0, 1.5, 2.5, 4.0, 6.0, 10.0, 30.0,
)  # fmt: skip
"""Upper edges of the latency bins: a percentile is right to within half of itself."""


@dataclass(slots=True)
class Saved:
    """Views and their tokens.

    ``again`` are savings of views that were sent before: a turn of a
    conversation sends them anew, and a provider that caches the prefix asks less for them.
    ``money`` is what both would have cost, at the prices of the table, if there is one.
    """

    views: int = 0
    before: int = 0
    after: int = 0
    again: int = 0
    money: float = 0.0

    @property
    def tokens(self) -> int:
        """Tokens saved by views that are sent for the first time."""
        return self.before - self.after

    def add(self, other: Saved) -> None:
        """Add other figures to these."""
        self.views += other.views
        self.before += other.before
        self.after += other.after
        self.again += other.again
        self.money += other.money


@dataclass(frozen=True, slots=True)
class View:
    """One view that was given out, or only measured."""

    kind: str
    tool: str
    tenant: str
    model: str
    before: int
    after: int
    again: bool = False
    cached: bool = False
    degraded: bool = False
    audited: bool = False

    def names(self) -> tuple[str, str, str, str]:
        """Return its names, in the order of DIMENSIONS."""
        return self.kind, self.tool, self.tenant, self.model


@dataclass(slots=True)
class Times:
    """How long requests of one route took, and how many failed."""

    requests: int = 0
    errors: int = 0
    bins: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))

    def add(self, other: Times) -> None:
        """Add other figures to these."""
        self.requests += other.requests
        self.errors += other.errors
        self.bins = [a + b for a, b in zip(self.bins, other.bins, strict=True)]

    def quantile(self, share: float) -> float | None:
        """Return the time in seconds that so many requests were within; None without any."""
        wanted, seen = share * sum(self.bins), 0
        for edge, count in zip((*SECONDS, SECONDS[-1]), self.bins, strict=True):
            seen += count
            if count and seen >= wanted:
                return edge
        return None


@dataclass(slots=True)
class Bucket:
    """What happened in one span of time."""

    saved: Saved = field(default_factory=Saved)
    audited: Saved = field(default_factory=Saved)
    cached: int = 0
    repeats: int = 0
    """Views that a later turn of their conversation sent again."""
    degraded: int = 0
    """Answers with less saved than the policy allows, for trouble: views, and what went out whole."""
    whole: int = 0
    """Of which went out as they came, without a view."""
    retrievals: int = 0
    misses: int = 0
    by: dict[str, dict[str, Saved]] = field(
        default_factory=lambda: {dimension: {} for dimension in DIMENSIONS}
    )
    routes: dict[str, Times] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)
    provider: dict[str, int] = field(default_factory=dict)
    """Tokens as providers bill them (fresh, read, written, output), and turns by cache outcome."""

    def add(self, other: Bucket) -> None:
        """Add another bucket to this one."""
        self.saved.add(other.saved)
        self.audited.add(other.audited)
        self.cached += other.cached
        self.repeats += other.repeats
        self.degraded += other.degraded
        self.whole += other.whole
        self.retrievals += other.retrievals
        self.misses += other.misses
        for dimension, names in other.by.items():
            for name, saved in names.items():
                # All of them: which are the largest is known when all is added up.
                self.by[dimension].setdefault(name, Saved()).add(saved)
        for route, times in other.routes.items():
            self.routes.setdefault(route, Times()).add(times)
        for mine, theirs in ((self.modes, other.modes), (self.provider, other.provider)):
            for name, count in theirs.items():
                mine[name] = mine.get(name, 0) + count

    def view(self, view: View, money: float) -> None:
        """Count a view and what it saves."""
        if view.audited:
            self.audited.add(Saved(1, view.before, view.after, money=money))
            return
        if view.again:
            one = Saved(again=view.before - view.after, money=money)
            self.repeats += 1
        else:
            one = Saved(1, view.before, view.after, money=money)
            self.cached += view.cached
            self.degraded += view.degraded
        self.saved.add(one)
        for dimension, name in zip(DIMENSIONS, view.names(), strict=True):
            _slot(self.by[dimension], _plain(name)).add(one)


@dataclass(slots=True)
class Ring:
    """The last buckets of one width."""

    width: int
    length: int
    buckets: deque[tuple[int, Bucket]] = field(default_factory=deque)

    @property
    def until(self) -> float:
        """When its last bucket ends; there must be one."""
        return self.buckets[-1][0] + self.width

    def at(self, now: float) -> Bucket:
        """Return the bucket of a time, which is not before those it had."""
        start = int(now) // self.width * self.width
        if not self.buckets or self.buckets[-1][0] < start:
            self.buckets.append((start, Bucket()))
            while self.buckets[0][0] <= start - self.width * self.length:
                self.buckets.popleft()
        return self.buckets[-1][1]

    def series(self, now: float) -> list[tuple[int, Bucket]]:
        """Return every bucket up to now, the empty ones too, with the times they begin at.

        Nothing of it changes any more: the bucket of the present is a copy.
        """
        last = int(now) // self.width * self.width
        known = dict(self.buckets)
        if last in known:
            present = Bucket()
            present.add(known[last])
            known[last] = present
        starts = range(last - self.width * (self.length - 1), last + self.width, self.width)
        return [(start, known.get(start) or Bucket()) for start in starts]


WINDOWS: Final[Mapping[str, tuple[int, int]]] = {"15m": (10, 90), "24h": (600, 144)}
"""Width in seconds and number of the buckets of each window."""


class Figures:
    """All figures. Of one event loop: nothing locks."""

    def __init__(
        self, prices: Prices | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.prices = prices
        self._clock = clock
        self._rings = {name: Ring(*shape) for name, shape in WINDOWS.items()}
        self.started = clock()
        self._present: list[Bucket] = []
        self._until = 0.0

    def view(self, view: View) -> None:
        """Count a view."""
        price = None if self.prices is None else self.prices.of(view.model)
        money = 0.0
        if price is not None:
            each = price.cached_input if view.again else price.input
            money = (view.before - view.after) * each / 1e6
        for bucket in self._now():
            bucket.view(view, money)

    def degraded(self) -> None:
        """Count a request that went out in full because something was in trouble."""
        for bucket in self._now():
            bucket.degraded += 1
            bucket.whole += 1

    def retrieval(self, *, hit: bool) -> None:
        """Count an original that was asked for."""
        for bucket in self._now():
            bucket.retrievals += 1
            bucket.misses += not hit

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request and its time."""
        for bucket in self._now():
            times = bucket.routes.get(route)
            if times is None:
                times = bucket.routes[route] = Times()
            times.requests += 1
            times.errors += status >= 500
            times.bins[bisect_left(SECONDS, seconds)] += 1

    def treated(self, mode: str) -> None:
        """Count a call by the mode that the policy gave it."""
        for bucket in self._now():
            bucket.modes[str(mode)] = bucket.modes.get(str(mode), 0) + 1

    def provider(self, counts: Mapping[str, int]) -> None:
        """Count what a provider says of its tokens, or what became of its cache, by name."""
        for bucket in self._now():
            for name, count in counts.items():
                bucket.provider[name] = bucket.provider.get(name, 0) + count

    def window(self, name: str) -> list[tuple[int, Bucket]]:
        """Return a window's buckets. Raises KeyError for a window there is not."""
        return self._rings[name].series(self._clock())

    def _now(self) -> Iterable[Bucket]:
        now = self._clock()
        if now >= self._until:
            self._present = [ring.at(now) for ring in self._rings.values()]
            self._until = min(ring.until for ring in self._rings.values())
        return self._present


def _slot(names: dict[str, Saved], name: str) -> Saved:
    if name not in names and len(names) >= MAX_NAMES:
        name = OTHER
    return names.setdefault(name, Saved())


def _plain(name: str) -> str:
    """Return a name as it is kept: tools are named by clients, who may call them anything."""
    if not name or not name.isprintable():
        return UNKNOWN
    # Interned: the buckets of a day share one copy.
    return sys.intern(name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…")
