"""The circuit breaker of everything that answers over a network: stores, meters, models.

A value machine over an injected clock: no I/O, no tasks.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Closed until ``failures`` calls in a row failed, then open for ``pause`` seconds.

    After the pause one call is let through (half open): its success closes the breaker, its
    failure opens it for another pause. Meanwhile nobody else waits.

    Each admitted call holds a ticket. Outcomes of calls admitted before the last change of state
    say nothing about the server now, and are ignored.
    """

    failures: int = 5
    pause: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = 0
    _epoch: int = 0
    _open_until: float | None = None
    _probing: bool = False

    @property
    def is_open(self) -> bool:
        """Whether calls are held back; true until a call that was let through succeeded."""
        return self._open_until is not None

    def admit(self) -> int | None:
        """Return a ticket, or None if the call must not be made."""
        if self._open_until is None:
            return self._epoch
        if self._probing or self.clock() < self._open_until:
            return None
        self._probing = True
        return self._epoch

    def succeeded(self, ticket: int) -> None:
        """The server answered the call."""
        if ticket == self._epoch:
            self._in_a_row = 0
            if self._open_until is not None:
                self._change(open_until=None)

    def failed(self, ticket: int) -> None:
        """The server did not answer the call."""
        if ticket != self._epoch:
            return
        self._in_a_row += 1
        if self._open_until is not None or self._in_a_row >= self.failures:
            self._change(open_until=self.clock() + self.pause)

    def abandoned(self, ticket: int) -> None:
        """The call ended in a way that says nothing about the server."""
        if ticket == self._epoch:
            self._probing = False

    def hasten(self) -> None:
        """The server gave a sign of life: if it is left alone, the next call may find out at once."""
        if self._open_until is not None:
            self._open_until = min(self._open_until, self.clock())

    def _change(self, open_until: float | None) -> None:
        self._epoch += 1
        self._in_a_row = 0
        self._probing = False
        self._open_until = open_until
