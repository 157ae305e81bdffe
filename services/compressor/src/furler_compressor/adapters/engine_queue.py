"""Which job an engine process takes next: fair between tenants, small ones not behind large ones.

A value machine: jobs in, jobs out, no waiting. Between tenants it is start-time fair queueing
(Goyal, Vin, Cheng 1996): each job is tagged with the work its tenant was given before it, and the
smallest tag is next. One tenant alone has first come, first served. When the queue is full the
tenant with the most jobs in it makes room, so that who floods refuses itself.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")

LARGE_BYTES = 256 * 1024
"""Jobs from this size on take tens of milliseconds and more: they leave a process to the others."""
_FIXED_COST = 8 * 1024
"""What a job costs beside its bytes, in bytes: handing it over takes a millisecond."""
_FORGET_ABOVE = 1024
"""Tenants whose past is remembered before those that have caught up are forgotten."""


@dataclass(slots=True, eq=False)
class Ticket(Generic[T]):
    """One waiting job. ``give`` is what its owner waits on; the queue does not look at it."""

    tenant: str
    size: int
    deadline: float
    give: T
    tag: float = 0.0
    gone: bool = False

    @property
    def cost(self) -> int:
        """What the job counts for, in bytes."""
        return self.size + _FIXED_COST

    @property
    def large(self) -> bool:
        """Whether it has to leave a process to smaller ones."""
        return self.size >= LARGE_BYTES


@dataclass(slots=True)
class _Tenant(Generic[T]):
    waiting: list[Ticket[T]] = field(default_factory=list)
    small: int = 0
    large: int = 0
    """Cost of what waits."""
    finish: float = 0.0
    """The tag its next job would have."""


class FairQueue(Generic[T]):
    """At most ``most`` waiting jobs."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lanes: dict[bool, list[tuple[float, int, Ticket[T]]]] = {False: [], True: []}
        self._tenants: dict[str, _Tenant[T]] = {}
        self._order = count()
        self._now = 0.0
        self._waiting = 0
        self._all: _Tenant[T] = _Tenant()
        """Cost of what waits, of all tenants."""

    def __len__(self) -> int:
        return self._waiting

    def ahead(self, ticket: Ticket[T]) -> int:
        """Return the cost of what would be served before a new job, nearly.

        No more than all that waits; of the others no more than the tenant has itself. Large jobs
        count for large ones only: small ones have a process that those must leave alone.
        """
        own = self._tenants.get(ticket.tenant)
        if own is None or not own.waiting:
            return 0
        busy = sum(bool(other.waiting) for other in self._tenants.values())
        if ticket.large:
            return min(self._all.small + self._all.large, (own.small + own.large) * busy)
        return min(self._all.small, own.small * busy)

    def push(self, ticket: Ticket[T], *, free: int = 0) -> Ticket[T] | None:
        """Add a job; return the one that had to go for it, which may be itself.

        ``free`` jobs more may be in it: they are taken out at once.
        """
        if self._waiting >= self._most + free:
            crowd = max((t.waiting for t in self._tenants.values()), key=len, default=[])
            own = self._tenants.get(ticket.tenant)
            if (len(own.waiting) if own else 0) + 1 >= len(crowd):
                return ticket
            victim = crowd[-1]
            self.remove(victim)
            self._add(ticket)
            return victim
        self._add(ticket)
        return None

    def pop(self, *, large: bool) -> Ticket[T] | None:
        """Take the job that is next; a large one only if ``large``. None: there is none."""
        heads = [lane for lane in (self._head(False), self._head(True) if large else None) if lane]
        if not heads:
            return None
        tag, _, ticket = min(heads)
        self._now = max(self._now, tag)
        self.remove(ticket)
        return ticket

    def remove(self, ticket: Ticket[T]) -> None:
        """Forget a job that waits; nothing if it does not."""
        if ticket.gone:
            return
        ticket.gone = True
        tenant = self._tenants[ticket.tenant]
        tenant.waiting.remove(ticket)
        self._count(ticket, -ticket.cost)
        self._waiting -= 1
        if len(self._tenants) > _FORGET_ABOVE:
            self._tenants = {
                name: t for name, t in self._tenants.items() if t.waiting or t.finish > self._now
            }

    def _add(self, ticket: Ticket[T]) -> None:
        tenant = self._tenants.setdefault(ticket.tenant, _Tenant())
        ticket.tag = max(self._now, tenant.finish)
        tenant.finish = ticket.tag + ticket.cost
        tenant.waiting.append(ticket)
        self._count(ticket, ticket.cost)
        self._waiting += 1
        heapq.heappush(self._lanes[ticket.large], (ticket.tag, next(self._order), ticket))

    def _count(self, ticket: Ticket[T], cost: int) -> None:
        for counted in (self._tenants[ticket.tenant], self._all):
            if ticket.large:
                counted.large += cost
            else:
                counted.small += cost

    def _head(self, large: bool) -> tuple[float, int, Ticket[T]] | None:  # noqa: FBT001
        lane = self._lanes[large]
        while lane and lane[0][2].gone:
            heapq.heappop(lane)
        return lane[0] if lane else None


@dataclass(slots=True)
class Pace:
    """How long the engine takes, learned from what it took: for deciding what is worth starting.

    Kinds differ by several times, so it is an expectation and no promise.
    """

    seconds_per_byte: float = 0.3 / (1024 * 1024)
    """As measured for logs and JSON on one core; corrected from the first job on."""

    def expect(self, cost: int) -> float:
        """Return the seconds that work of a cost should take."""
        return cost * self.seconds_per_byte

    def learn(self, cost: int, seconds: float) -> None:
        """Take in what a job took."""
        self.seconds_per_byte += 0.1 * (seconds / cost - self.seconds_per_byte)
