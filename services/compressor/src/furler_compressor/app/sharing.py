"""What shared context is made of: its backend, its bounds, who watches."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from furler_compressor.app.entries_port import Bounds, Entries
from furler_compressor.app.errors import OverloadedError
from furler_compressor.app.singleflight import SingleFlight


@dataclass(frozen=True, slots=True)
class SharingLimits:
    """Bounds of shared context.

    Attributes:
        bounds: What one space may hold.
        watches: Watches that one process serves; the next is refused.
        checkpoint: Seconds without a change after which a watch is sent a checkpoint.
    """

    bounds: Bounds
    watches: int = 1000
    checkpoint: float = 10.0


@dataclass(slots=True)
class Sharing:
    """The backend of shared context, and what the watches of a process have in common."""

    entries: Entries
    limits: SharingLimits
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is about to end: watches end, and go on at another replica."""
    waits: SingleFlight[Hashable, None] = field(default_factory=SingleFlight)
    """Watches of one scope that have seen the same wait together: one wait for all of them."""
    watching: int = 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Count a watch while it lasts. Raises OverloadedError for one too many."""
        if self.watching >= self.limits.watches:
            raise OverloadedError("too many watches; try another replica", retry_after=1.0)
        self.watching += 1
        try:
            yield
        finally:
            self.watching -= 1

    async def close(self) -> None:
        """End the watches, and close the backend."""
        self.stopping.set()
        await self.entries.close()
