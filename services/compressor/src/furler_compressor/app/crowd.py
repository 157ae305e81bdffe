"""How many calls a process works on at a time, and whose: the cheapest place to say no.

A call that is refused here has cost a fraction of a millisecond, so a flood leaves the process to
those who are let in. While there is room everybody is; beyond that, who has less than half of what
the largest tenant has.

How much room there is, the calls themselves tell: one that got in and found too long a queue inside
takes a twentieth of it away, and room's worth of calls that went well give one place back (additive
increase, multiplicative decrease: Chiu and Jain 1989). So in an overload calls wait here, where it is
cheap to say no, and who gets in is answered in time.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from furler_compressor.app.errors import OverloadedError

_LEAST_RETRY_SECONDS = 0.05
_LULL_SECONDS = 0.1
"""Short beside a turn of a model, long beside the half a millisecond that a refusal costs."""
_TOGETHER_SECONDS = 0.02
"""Refusals of so long a time go out together: one timer, one turn of the loop, fewer wake-ups of gRPC's
threads. 600 a second are a dozen at a time, two milliseconds of the loop."""
_MOST_IN_LULL = 256
"""Refusals that are kept back at a time, each with up to 64 KiB unread: 2,500 a second, more than one
event loop gives out."""
_SHRINK = 0.95
_LEAST_SHARE = 8
"""However short deadlines are, an eighth of the room is left: more than the engine processes need."""


@dataclass(slots=True)
class Crowd:
    """Lets ``most`` calls be in flight; up to as many again from tenants with few of their own."""

    most: int
    clock: Callable[[], float] = time.monotonic
    _room: float = field(init=False)
    _calls: Counter[str] = field(default_factory=Counter)
    _total: int = 0
    _average_seconds: float = _LEAST_RETRY_SECONDS

    def __post_init__(self) -> None:
        self._room = float(self.most)

    def __len__(self) -> int:
        return self._total

    @property
    def room(self) -> int:
        """How many calls may be in flight now."""
        return int(self._room)

    def check(self, tenant: str) -> None:
        """Raise OverloadedError if a call of this tenant would not be let in now."""
        if self._total >= self.room and not self._has_few(tenant):
            raise OverloadedError(
                f"too many calls at once: {self.room}",
                retry_after=max(_LEAST_RETRY_SECONDS, self._average_seconds),
            )

    @contextmanager
    def admitted(self, tenant: str) -> Iterator[None]:
        """Let a call of a tenant in for the time of the body. Raises OverloadedError."""
        self.check(tenant)
        self._calls[tenant] += 1
        self._total += 1
        began = self.clock()
        try:
            yield
        except OverloadedError:
            self._room = max(1.0, self.most / _LEAST_SHARE, self._room * _SHRINK)
            raise
        else:
            self._room = min(float(self.most), self._room + 1 / self._room)
        finally:
            self._average_seconds += 0.05 * (self.clock() - began - self._average_seconds)
            self._total -= 1
            self._calls[tenant] -= 1
            if not self._calls[tenant]:
                del self._calls[tenant]

    def _has_few(self, tenant: str) -> bool:
        """Return whether a tenant has less in flight than half of what the largest one has.

        What ends is then a large tenant's, which gets no more in: the room comes back by itself.
        """
        if self._total >= 2 * self.most:
            return False
        return 2 * self._calls.get(tenant, 0) < max(self._calls.values(), default=0)


@dataclass(slots=True)
class Lull:
    """Keeps refusals back for a moment, and lets those go together that came together.

    A caller that comes back as soon as it is refused, whatever it was told, would keep the process
    busy with refusing. Beyond ``most`` at a time refusals go out at once.
    """

    seconds: float = _LULL_SECONDS
    most: int = _MOST_IN_LULL
    _held: int = 0
    _over: asyncio.Event | None = None
    """Set when those that came last may go."""

    async def wait(self, time_left: float) -> None:
        """Wait, but for no more than half of the caller's time."""
        if self._held >= self.most or time_left <= 0:
            return
        self._held += 1
        try:
            if time_left < 2 * (self.seconds + _TOGETHER_SECONDS):
                await asyncio.sleep(min(self.seconds, time_left / 2))
            else:
                await self._together().wait()
        finally:
            self._held -= 1

    def _together(self) -> asyncio.Event:
        """Return what those wait for that came in the same few milliseconds: one timer for all."""
        if self._over is None:
            self._over = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.call_later(_TOGETHER_SECONDS, self._close)
            loop.call_later(_TOGETHER_SECONDS + self.seconds, self._over.set)
        return self._over

    def _close(self) -> None:
        self._over = None
