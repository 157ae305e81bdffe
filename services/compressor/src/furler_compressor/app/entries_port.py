"""What shared context needs from outside: named entries per scope, and the log of their changes.

A port of its own beside app.ports.Store: originals and views are kept there; an entry holds where
they are and who wrote them, never content. Adapters: memory_entries, sqlite_entries, redis_entries.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

import orjson

from furler_compressor.app.ports import Scope

LOG_LENGTH: Final = 10_000
"""Changes kept per scope, for watches to go on after and retries to be known by: about 10 MB."""
LAST_CHARACTER: Final = "\U0010ffff"
"""Sorts after every character of a key: no text has it (it is a noncharacter)."""
SWEEP_ENTRIES: Final = 500
"""Expiries that one call turns into tombstones at most: a few milliseconds of work."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry.

    ``sha256`` and ``size`` are of the original; ``creator`` and ``created_at`` (Unix seconds, as
    all times here) are of its first write, carried from write to write; ``body`` is the caller's.
    """

    key: str
    revision: int
    sha256: bytes
    size: int
    creator: str
    created_at: float
    written_at: float
    expires_at: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a scope may hold: entries, and the sum of their originals' sizes in bytes."""

    entries: int
    size: int


@dataclass(frozen=True, slots=True)
class Write:
    """One put.

    ``if_revision`` None writes in any case, 0 only if there is no entry. ``sketch`` is what
    ``sketches`` gives back. ``request_id`` empty: a retry is another write.
    """

    key: str
    sha256: bytes
    size: int
    author: str
    body: bytes
    sketch: bytes
    retention: float
    bounds: Bounds
    if_revision: int | None = None
    request_id: str = ""

    def fingerprint(self) -> str:
        """Return what two writes of one request must have in common."""
        return _fingerprint("put", self.key, self.sha256.hex(), self.author, self.if_revision)


@dataclass(frozen=True, slots=True)
class Removal:
    """One deletion; fields as of Write."""

    key: str
    if_revision: int | None = None
    request_id: str = ""

    def fingerprint(self) -> str:
        """Return what two removals of one request must have in common."""
        return _fingerprint("delete", self.key, self.if_revision)


@dataclass(frozen=True, slots=True)
class Written:
    """The entry as written, by this call or, ``repeated``, by an earlier one of the same request."""

    entry: Entry
    repeated: bool


@dataclass(frozen=True, slots=True)
class Found:
    """An entry, or None, and the scope's revision when it was looked for."""

    entry: Entry | None
    revision: int


@dataclass(frozen=True, slots=True)
class Page:
    """Entries in the order of their keys' UTF-8 bytes, whether there are more, the scope's revision."""

    entries: tuple[Entry, ...]
    more: bool
    revision: int


@dataclass(frozen=True, slots=True)
class Change:
    """One put (``entry``), or one removal (None), by a deletion or because its time was over."""

    revision: int
    key: str
    entry: Entry | None
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes after a revision, in ascending order.

    Every change up to ``through`` is among them or was before them. ``due_in`` is in how many
    seconds the next entry expires, None if none is held.
    """

    changes: tuple[Change, ...]
    through: int
    due_in: float | None


class Entries(Protocol):
    """Named entries per scope, each change with a revision, in one log per scope.

    Every method may raise StoreUnavailableError (StoreRefusedError when full or read-only), besides
    what it says. Each call is atomic. Every put, deletion and expiry has a revision, larger than
    every earlier one of its scope; a revision is the time of the write in microseconds, or one
    more than the last if that is later. So it is not used again even if a failover loses writes.
    Keys are any text without LAST_CHARACTER.

    An expired entry is not found from its moment on. Its tombstone is written to the log by the
    next put, delete or changes of the scope: exactly one, before anything newer of its key.
    """

    async def put(self, scope: Scope, write: Write) -> Written:
        """Write an entry.

        A request_id that is in the log gives that write's answer again, whatever came after.

        Raises:
            FieldInvalidError: The request_id was another write's.
            RevisionMismatchError: The entry is not at ``if_revision``.
            SpaceFullError: The scope would hold more than its bounds.
        """
        ...

    async def get(self, scope: Scope, key: str) -> Found:
        """Return an entry."""
        ...

    async def page(self, scope: Scope, prefix: str, after: str, limit: int) -> Page:
        """Return up to ``limit`` entries whose keys have a prefix and lie after a key ("": all)."""
        ...

    async def delete(self, scope: Scope, removal: Removal) -> int:
        """Remove an entry and return the removal's revision.

        Raises:
            EntryNotFoundError: There is none.
            FieldInvalidError, RevisionMismatchError: As put.
        """
        ...

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        """Return up to ``limit`` changes after a revision; None: none, only where the log ends.

        Raises:
            CursorExpiredError: ``after`` is no revision of the log: trimmed, lost in a failover,
                or never one. 0 is one for as long as nothing was trimmed.
        """
        ...

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        """Return when the log goes on after a revision, or when the time is over, or earlier."""
        ...

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        """Return keys and sketches of the entries written last, newest first."""
        ...

    async def close(self) -> None:
        """Release connections and files. Whoever waits returns or fails soon."""
        ...


def _fingerprint(*parts: str | int | None) -> str:
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]
