"""Several Tritons as one: which is asked, when it is left alone, and the one retry.

What lives here: breakers, the choice of a server, how a call's time is split, and which weights
the fleet is said to serve. What does not: texts and tokens (triton_model).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from furler_compressor import telemetry
from furler_compressor.adapters.breaker import Breaker
from furler_compressor.adapters.triton_replica import (
    Batch,
    FloatMatrix,
    ReplicaBusyError,
    ReplicaError,
    ReplicaLostError,
    ReplicaSilentError,
    ReplicaStaleError,
    Served,
)

# The first try, and one on another server: a third would be load on a fleet that has none to spare.
TRIES: Final = 2
_FAILURES: Final = 3
# Longer than a server takes to start; then one caller's try finds out.
PAUSE_SECONDS: Final = 5.0
# A server that was given less time than this, and was silent, is not yet taken for hanging: its
# queue may hold a request for 250 ms before it answers.
_SILENCE_SECONDS: Final = 0.5
_RELEARN_SECONDS: Final = 1.0
# While a server does not say what it serves it is asked this often: it may be starting.
_TROUBLE_SECONDS: Final = 2.0


class Server(Protocol):
    """What a fleet needs of a replica; triton_replica.Replica has it."""

    async def served(self, seconds: float) -> Served:
        """Return what it serves. Raises ReplicaError."""
        ...

    async def infer(self, batch: Batch, version: str, seconds: float) -> FloatMatrix:
        """Return its answer. Raises ReplicaError."""
        ...

    async def close(self) -> None:
        """Close its connections."""
        ...


class Directory(Protocol):
    """Who the servers are at present; triton_names.Names is one."""

    async def servers(self, seconds: float) -> dict[str, Server]:
        """Return the servers by name. A server that stays is the same object. Raises nothing."""
        ...


@dataclass(slots=True, eq=False)
class Member:
    """A server of the fleet, and what is known of it.

    Attributes:
        name: Its address, for an operator's eyes only.
        served: What it served when it was last asked; None: not known.
        trouble: Why that is not known, in a word.
    """

    name: str
    server: Server
    breaker: Breaker
    served: Served | None = None
    trouble: str = "it was not asked yet"
    in_flight: int = 0
    turn: int = 0
    """Grows each time it is asked: of equally busy servers the one that waited longest is next."""


class Fleet:
    """Servers of one model; equal ones serve each other's requests.

    Args:
        directory: Who the servers are.
        timeout: Seconds that one try may take.
        pause: Seconds for which a server that failed thrice in a row is left alone.
        clock: For the breakers.
    """

    def __init__(
        self,
        directory: Directory,
        timeout: float,
        pause: float = PAUSE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._members: list[Member] = []
        self._leaving: list[Member] = []
        self._timeout = timeout
        self._pause = pause
        self._clock = clock
        self._turns = itertools.count(1)
        self._identity = ""
        self._stale = asyncio.Event()

    @property
    def identity(self) -> str:
        """Which weights the fleet serves; empty while no server has said so.

        While servers differ (a rollout) it stays what it was, as long as one of them serves that.
        """
        return self._identity

    @property
    def answers(self) -> bool:
        """Whether a server of ``identity`` may be asked, as far as is known."""
        return any(not member.breaker.is_open for member in self._serving(self._identity))

    def rows(self, identity: str) -> int:
        """Return how many rows a request to any server of ``identity`` may have."""
        return min((m.served.rows for m in self._serving(identity) if m.served), default=1)

    @property
    def members(self) -> Sequence[Member]:
        """The servers, in the operator's order."""
        return self._members

    async def learn(self, seconds: float) -> None:
        """Look who the servers are, and ask each what it serves.

        Raises nothing: what failed is each member's trouble.
        """
        await self._meet(await self._directory.servers(seconds))
        await asyncio.gather(*(self._learn(member, seconds) for member in self._members))
        self._settle()

    async def watch(self, every: float, seconds: float) -> None:
        """Learn again and again, until cancelled: every so often, and when a server has changed.

        Args:
            every: Seconds between two rounds.
            seconds: Time limit of one answer.
        """
        while True:
            await self.learn(seconds)
            with contextlib.suppress(TimeoutError):
                well = not any(member.trouble for member in self._members)
                async with asyncio.timeout(every if well else min(every, _TROUBLE_SECONDS)):
                    await self._stale.wait()
                # Once per second at most, whatever the servers say.
                await asyncio.sleep(_RELEARN_SECONDS)
            self._stale.clear()

    async def infer(self, batch: Batch, identity: str, deadline: float) -> FloatMatrix:
        """Return the probabilities of a batch, float32 [rows, length], by a server of ``identity``.

        Args:
            batch: Rows of tokens.
            identity: The weights that must answer.
            deadline: Event-loop time by which the answer is needed.

        Raises:
            ReplicaError: Nobody gave a usable answer; the last one's reason.
        """
        tried: list[Member] = []
        failure: ReplicaError = ReplicaLostError("no server of the model answers")
        while len(tried) < TRIES:
            chosen = self._choose(identity, tried, failure)
            if chosen is None:
                break
            member, ticket = chosen
            tried.append(member)
            remaining = deadline - asyncio.get_running_loop().time()
            another = len(tried) < TRIES and len(self._serving(identity)) > len(tried)
            seconds = min(self._timeout, remaining / 2 if another else remaining)
            if seconds <= 0:
                member.breaker.abandoned(ticket)
                raise ReplicaSilentError("there is no time left to ask")
            try:
                return await self._ask(member, ticket, batch, seconds)
            except ReplicaError as error:
                failure = error
        raise failure

    async def close(self) -> None:
        """Close every connection."""
        everyone = [*self._members, *self._leaving]
        await asyncio.gather(*(member.server.close() for member in everyone))

    async def _meet(self, found: Mapping[str, Server]) -> None:
        """Take in servers that are new; let go of those that are gone, once they have answered."""
        before = {member.name: member for member in self._members}
        self._members = [
            before.pop(name)
            if name in before
            else Member(name, server, Breaker(_FAILURES, self._pause, self._clock))
            for name, server in found.items()
        ]
        self._leaving += before.values()
        for member in [one for one in self._leaving if not one.in_flight]:
            self._leaving.remove(member)
            await member.server.close()

    def _serving(self, identity: str) -> list[Member]:
        return [m for m in self._members if m.served is not None and m.served.identity == identity]

    def _choose(
        self, identity: str, tried: list[Member], failure: ReplicaError
    ) -> tuple[Member, int] | None:
        """Return the least busy server that may be asked, and its breaker's ticket.

        One that was asked is asked again only if it was lost and there is no other: it may be back,
        or its name may stand for another server.
        """
        fresh = [member for member in self._serving(identity) if member not in tried]
        again = tried if isinstance(failure, ReplicaLostError) else []
        for member in sorted(fresh, key=lambda one: (one.in_flight, one.turn)) or again:
            ticket = member.breaker.admit()
            if ticket is not None:
                member.turn = next(self._turns)
                return member, ticket
        return None

    async def _ask(self, member: Member, ticket: int, batch: Batch, seconds: float) -> FloatMatrix:
        member.in_flight += 1
        served = member.served or Served("", "")
        try:
            with telemetry.model_call("triton", served.identity):
                answer = await member.server.infer(batch, served.version, seconds)
        except ReplicaError as error:
            self._failed(member, ticket, error, seconds)
            raise
        except BaseException:
            member.breaker.abandoned(ticket)
            raise
        finally:
            member.in_flight -= 1
        member.breaker.succeeded(ticket)
        return answer

    def _failed(self, member: Member, ticket: int, error: ReplicaError, seconds: float) -> None:
        """Draw the conclusion about the server that an error allows."""
        match error:
            case ReplicaBusyError():
                member.breaker.succeeded(ticket)
            case ReplicaStaleError():
                member.breaker.succeeded(ticket)
                member.served, member.trouble = None, str(error)
                self._stale.set()
            case ReplicaLostError():
                member.breaker.failed(ticket)
                # Its name may stand for another by now.
                self._stale.set()
            case ReplicaSilentError() if seconds < _SILENCE_SECONDS:
                member.breaker.abandoned(ticket)
            case _:
                member.breaker.failed(ticket)

    async def _learn(self, member: Member, seconds: float) -> None:
        try:
            member.served = await member.server.served(seconds)
            if member.trouble:
                # Only one that could not be asked at all: one that hangs may still say what it serves.
                member.breaker.hasten()
            member.trouble = ""
        except ReplicaError as error:
            # What it serves is kept: a server that is back serves the same more often than not,
            # and a request names the version it is for.
            member.trouble = str(error)

    def _settle(self) -> None:
        answering = [m.served.identity for m in self._members if m.served and not m.trouble]
        if answering and self._identity not in answering:
            self._identity = answering[0]
