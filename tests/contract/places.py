"""The places a store keeps its data in, each with the means to let time pass there."""

from __future__ import annotations

import asyncio
import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from furler_compressor.app.ports import Record, Store

POLL_SECONDS = 10.0


def record_of(data: bytes) -> Record:
    digest = hashlib.sha256(data).digest()
    return Record(ref=digest.hex()[:16], sha256=digest, size=len(data), data=data)


@dataclass(slots=True)
class Clock:
    """Unix time, moved by hand."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Place(ABC):
    """One backend: its store, the shortest retention worth testing, and how time passes."""

    store: Store
    short: float

    @abstractmethod
    def now(self) -> float: ...

    @abstractmethod
    async def eventually(self, seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
        """Let ``seconds`` pass and assert that ``condition`` holds."""


class StillPlace(Place):
    """Time is a variable: it passes at once, and the condition must hold at once."""

    short = 10.0

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock

    def now(self) -> float:
        return self.clock.now

    async def eventually(self, seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
        self.clock.now += seconds
        assert await condition()


class LivePlace(Place):
    """Time is the server's: ask again until the condition holds, with a bound."""

    short = 0.1

    def __init__(self, store: Store) -> None:
        self.store = store

    def now(self) -> float:
        return time.time()

    async def eventually(self, seconds: float, condition: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + seconds + POLL_SECONDS
        while not await condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
