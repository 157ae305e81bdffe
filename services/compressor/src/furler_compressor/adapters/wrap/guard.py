"""A server that hangs or is down costs at most a time limit, and soon nothing at all.

A Guard asks a Breaker before each call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from furler_compressor.adapters.breaker import Breaker
from furler_compressor.app.errors import FurlerError, StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import LeaseHeldError

T = TypeVar("T")

# Longer than the adapters' own limits, which know better what went wrong.
DEFAULT_TIMEOUT = 2.0
# Callers have deadlines of their own, often shorter than ours. A store that was silent for this
# long when its caller went away is taken for hanging: it usually answers within milliseconds.
_SILENCE_SECONDS = 0.25


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
