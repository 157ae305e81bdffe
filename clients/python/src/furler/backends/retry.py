"""Retries, as a backend around a backend: bounded in number and in time.

Only what the server did not start or may repeat is tried again: UnavailableError,
OverloadedError, StoreUnavailableError. Every method of the API is idempotent.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from furler.backends.around import BackendAround
from furler.backends.base import Method, Request, Response
from furler.errors import (
    FurlerError,
    OverloadedError,
    StoreUnavailableError,
    UnavailableError,
)

WORTH_A_RETRY: Final = (UnavailableError, OverloadedError, StoreUnavailableError)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to wait in between, in seconds.

    The wait before retry n is between half of and all of ``base * 2**n``, at most
    ``longest``; the server's own word (RetryInfo) is a lower bound of it.
    """

    attempts: int = 4
    base: float = 0.1
    longest: float = 5.0

    def wait(self, retry: int, error: FurlerError) -> float:
        """Return the wait before a retry, counted from 0."""
        backoff = min(self.longest, self.base * 2.0**retry)
        # Jitter keeps a fleet of agents from coming back all at once.
        jittered = backoff * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        return max(jittered, error.retry_after or 0.0)


@dataclass(slots=True)
class RetryingBackend(BackendAround):
    """Tries calls again until they succeed, attempts are used up, or time is over."""

    policy: RetryPolicy = field(default_factory=RetryPolicy)

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Return the first answer. Raises the last error when there is none."""
        end = asyncio.get_running_loop().time() + seconds
        retry = 0
        while True:
            try:
                return await self.inner.unary(
                    method, request, end - asyncio.get_running_loop().time()
                )
            except WORTH_A_RETRY as error:
                await self._pause(retry, error, end)
            retry += 1

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Yield answers; nothing is tried again once the first of them was passed on."""
        end = asyncio.get_running_loop().time() + seconds
        retry = 0
        while True:
            started = False
            try:
                left = end - asyncio.get_running_loop().time()
                # Whoever stops reading early ends the call now, not when memory is reclaimed.
                async with aclosing(self.inner.stream(method, requests, left)) as responses:
                    async for response in responses:
                        started = True
                        yield response
            except WORTH_A_RETRY as error:
                if started:
                    raise
                await self._pause(retry, error, end)
            else:
                return
            retry += 1

    async def _pause(self, retry: int, error: FurlerError, end: float) -> None:
        """Wait before a retry; raise the error when there must be none."""
        wait = self.policy.wait(retry, error)
        if retry + 1 >= self.policy.attempts or asyncio.get_running_loop().time() + wait >= end:
            raise error
        await asyncio.sleep(wait)
