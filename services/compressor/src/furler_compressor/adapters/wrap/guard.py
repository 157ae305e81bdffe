"""A server that hangs or is down costs at most a time limit, and soon nothing at all.

The Breaker is a value machine over an injected clock; a Guard asks it before each call.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from furler_compressor.app.errors import FurlerError, StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import LeaseHeldError

T = TypeVar("T")

# Longer than the adapters' own limits, which know better what went wrong.
DEFAULT_TIMEOUT = 2.0
# Callers have deadlines of their own, often shorter than ours. A store that was silent for this
# long when its caller went away is taken for hanging: it usually answers within milliseconds.
_SILENCE_SECONDS = 0.25


@dataclass(slots=True)
class Breaker:
    """Closed until ``failures`` calls in a row failed, then open for ``pause`` seconds.

    After the pause one call is let through (half open): its success closes the breaker, its
    failure opens it for another pause. Meanwhile nobody else waits.

    Each admitted call holds a ticket. Outcomes of calls admitted before the last change of state
    say nothing about the store now, and are ignored.
    """

    failures: int = 5
    pause: float = 5.0
    clock: Callable[[], float] = time.monotonic
    _in_a_row: int = 0
    _epoch: int = 0
    _open_until: float | None = None
    _probing: bool = False

    def admit(self) -> int | None:
        """Return a ticket, or None if the call must not be made."""
        if self._open_until is None:
            return self._epoch
        if self._probing or self.clock() < self._open_until:
            return None
        self._probing = True
        return self._epoch

    def succeeded(self, ticket: int) -> None:
        """The store answered the call."""
        if ticket == self._epoch:
            self._in_a_row = 0
            if self._open_until is not None:
                self._change(open_until=None)

    def failed(self, ticket: int) -> None:
        """The store did not answer the call."""
        if ticket != self._epoch:
            return
        self._in_a_row += 1
        if self._open_until is not None or self._in_a_row >= self.failures:
            self._change(open_until=self.clock() + self.pause)

    def abandoned(self, ticket: int) -> None:
        """The call ended in a way that says nothing about the store."""
        if ticket == self._epoch:
            self._probing = False

    def _change(self, open_until: float | None) -> None:
        self._epoch += 1
        self._in_a_row = 0
        self._probing = False
        self._open_until = open_until


class Guard:
    """Ends each call of a store after ``timeout`` seconds, and makes none while the breaker is open.

    A refusal (full, read-only, not at that revision) is an answer: it is passed on and keeps the
    breaker closed, so that a full store still gives back what it holds.
    """

    def __init__(self, timeout: float = DEFAULT_TIMEOUT, breaker: Breaker | None = None) -> None:
        self._timeout = timeout
        self._breaker = breaker or Breaker()

    async def ask(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what the call returns. Raises StoreUnavailableError, and what the call raises."""
        ticket = self._breaker.admit()
        if ticket is None:
            raise StoreUnavailableError("the store failed lately and is left alone for a moment")
        began = self._breaker.clock()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await call()
        except TimeoutError:
            self._breaker.failed(ticket)
            raise StoreUnavailableError(
                f"the store did not answer within {self._timeout:g} s"
            ) from None
        except StoreRefusedError:
            self._breaker.succeeded(ticket)
            raise
        except StoreUnavailableError:
            self._breaker.failed(ticket)
            raise
        except (FurlerError, LeaseHeldError):
            self._breaker.succeeded(ticket)
            raise
        except asyncio.CancelledError:
            if self._breaker.clock() - began >= _SILENCE_SECONDS:
                self._breaker.failed(ticket)
            else:
                self._breaker.abandoned(ticket)
            raise
        except BaseException:
            self._breaker.abandoned(ticket)
            raise
        self._breaker.succeeded(ticket)
        return answer
