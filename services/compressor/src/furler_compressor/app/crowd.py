"""How many calls a process works on at a time, and whose: the cheapest place to say no.

A call that is refused here has cost a fraction of a millisecond, so a flood leaves the process to
those who are let in. While there is room everybody is; beyond that, who has less than an equal
share of it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from furler_compressor.app.errors import OverloadedError

_LEAST_RETRY_SECONDS = 0.05


@dataclass(slots=True)
class Crowd:
    """Lets ``most`` calls be in flight; up to as many again from tenants with less than their share."""

    most: int
    clock: Callable[[], float] = time.monotonic
    _calls: Counter[str] = field(default_factory=Counter)
    _total: int = 0
    _average_seconds: float = _LEAST_RETRY_SECONDS

    def __len__(self) -> int:
        return self._total

    @contextmanager
    def admitted(self, tenant: str) -> Iterator[None]:
        """Let a call of a tenant in for the time of the body. Raises OverloadedError."""
        if self._total >= self.most and not self._has_share_left(tenant):
            raise OverloadedError(
                f"too many calls at once: {self.most}",
                retry_after=max(_LEAST_RETRY_SECONDS, self._average_seconds),
            )
        self._calls[tenant] += 1
        self._total += 1
        began = self.clock()
        try:
            yield
        finally:
            self._average_seconds += 0.05 * (self.clock() - began - self._average_seconds)
            self._total -= 1
            self._calls[tenant] -= 1
            if not self._calls[tenant]:
                del self._calls[tenant]

    def _has_share_left(self, tenant: str) -> bool:
        """Return whether a tenant has less in flight than if all that call had the same."""
        own = self._calls.get(tenant, 0)
        tenants = len(self._calls) + (own == 0)
        return own < self.most // tenants and self._total < 2 * self.most
