"""What the use cases need from outside: a store. Adapters implement it, wrap/ decorates it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data: a tenant, taken from the credential alone, and one of its spaces.

    A record is visible in its own scope and nowhere else.
    """

    tenant: str
    space: str


@dataclass(frozen=True, slots=True)
class Record:
    """One original as it is stored.

    ``sha256`` and ``size`` are of the original bytes, ``data`` may be packed
    (zstd) or sealed (encrypted) by decorators on its way to an adapter.
    ``mark`` is what ``data`` begins with if it is sealed: it names the key.
    """

    ref: str
    sha256: bytes
    size: int
    data: bytes
    mark: bytes = b""


@dataclass(frozen=True, slots=True)
class StoredView:
    """One cached view: the recipe that made it and its serialised form."""

    recipe: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Pin:
    """What a conversation holds on to: any bytes, and the original they were made of.

    An empty ``ref`` is of no original.
    """

    ref: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to make a view that is missing: for a while, by whoever has the token."""

    token: str
    seconds: float


class LeaseHeldError(Exception):
    """A view is missing, and another replica is making it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A record that was found, and when (Unix seconds) it will be forgotten."""

    record: Record
    expires_at: float


@dataclass(frozen=True, slots=True)
class Tally:
    """What one compression or retrieval adds to a scope's counters.

    ``name`` is a kind of content for compressions, ``retrieval`` or
    ``retrieval_miss`` for retrievals.
    """

    name: str
    views: int = 0
    cached: int = 0
    degraded: int = 0
    tokens_before: int = 0
    tokens_after: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a scope holds: originals and their size unpacked, in bytes."""

    originals: int
    stored_bytes: int


class Store(Protocol):
    """Originals, their views, and counters, per scope.

    Every method may raise StoreUnavailableError, and only that (fetch also
    ContentCorruptError); StoreRefusedError when the store answered but is full
    or read-only. Nothing held is ever evicted to make room. A return means the
    effect is durable as far as the backend promises. Nothing is visible after
    its retention, to which a store may add a minute at most. Re-putting,
    finding and recalling extend retention, never shorten it.

    Tenants, spaces, refs, recipes and names are any text; data are any bytes.
    """

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        """Return a cached view's data, if the view and its original are both held.

        A hit extends the retention of both to at least ``retention`` seconds
        from now. A view without its original is a miss.

        A miss with a ``lease`` takes it, or raises LeaseHeldError while another's
        is held. A lease spares work and guards nothing: two replicas that both make
        a view make the same bytes. So in doubt it is granted, and a store that no
        other machine shares grants every one.
        """
        ...

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        """End the lease on a view, if it is still this one. By itself it ends after its time."""
        ...

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        """Keep an original, and with it a view of it, for at least ``retention`` seconds.

        Idempotent; atomic: never a view without its original. A view of the
        same recipe is replaced; so is the data of an original that is held and
        does not begin with the record's mark: it is sealed with an older key.
        Raises StoreRefusedError if the ref is held with another digest.
        """
        ...

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        """Keep many originals; a return means all of them. As commit otherwise."""
        ...

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        """Return what a conversation holds on to, by key; extend its retention.

        Pins of a conversation are forgotten together.
        """
        ...

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        """Pin what is not pinned yet, and return what is pinned now under these keys.

        Atomic, and the first write of a key wins: whoever comes second gets the first one's
        data. Extends the retention of the whole conversation.
        """
        ...

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        """Return an original, or None: expired, deleted, never stored, another scope's.

        Raises ContentCorruptError, once, if what is held is damaged: it is gone then.
        """
        ...

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        """Return the refs that are not held, in order; extend the retention of the others."""
        ...

    async def delete(self, scope: Scope, ref: str) -> None:
        """Forget an original, its views and its pins. Nothing happens if it is not held."""
        ...

    async def add(self, scope: Scope, tally: Tally) -> None:
        """Add to the scope's counters."""
        ...

    async def totals(self, scope: Scope) -> list[Tally]:
        """Return the scope's counters, by name."""
        ...

    async def usage(self, scope: Scope) -> Usage:
        """Return what the scope holds now."""
        ...

    async def tenant_usage(self, tenant: str) -> Usage:
        """Return what all spaces of a tenant hold together."""
        ...

    async def ping(self) -> list[str]:
        """Return if the store answers, with what an operator should put right: sentences."""
        ...

    async def close(self) -> None:
        """Release connections and files."""
        ...
