"""The audit trail: who asked for which original, and whether it was given. Never content.

Use cases write one entry per attempt, whatever its outcome; an adapter takes it away.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from furler_compressor.app.caller import Caller
from furler_compressor.app.errors import FurlerError
from furler_engine.markers import is_ref


class Operation(StrEnum):
    """What was attempted."""

    RETRIEVE = "retrieve"
    READ = "read"
    GET_ENTRY = "get_entry"
    READ_ENTRY = "read_entry"
    COMPRESS_STORED = "compress_stored"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt.

    Attributes:
        operation: What was attempted.
        tenant: Whose data, from the credential.
        credential: Which credential; empty on a server without.
        agent: What the caller calls itself: not verified.
        space: In which space.
        ref: Of which original; empty when what was given is no reference.
        selector: Form of the selector, such as "lines"; never its words.
        size: Bytes given out.
        outcome: "ok", or the reason of the error.
    """

    operation: Operation
    tenant: str
    credential: str
    agent: str
    space: str
    ref: str
    selector: str
    size: int
    outcome: str


class AuditTrail(Protocol):
    """Keeps entries. Never raises, never blocks for long."""

    def write(self, entry: Entry) -> None:
        """Keep an entry."""
        ...


class NoTrail:
    """Keeps nothing: for one person's machine."""

    def write(self, entry: Entry) -> None:
        """Forget it."""


@dataclass(slots=True)
class Attempt:
    """What becomes known while an audited use case runs."""

    size: int = 0


@contextmanager
def audited(
    trail: AuditTrail,
    caller: Caller,
    operation: Operation,
    space: str,
    ref: str,
    selector: str = "",
) -> Iterator[Attempt]:
    """Write one entry about the body, however it ends."""
    attempt, outcome = Attempt(), "cancelled"
    try:
        yield attempt
        outcome = "ok"
    except FurlerError as error:
        outcome = error.reason.lower()
        raise
    finally:
        trail.write(
            Entry(
                operation,
                caller.tenant,
                caller.grant.credential,
                caller.agent,
                # A space that was refused may be anything; one that was covered is printable.
                space[:128] if space.isprintable() else "",
                ref if is_ref(ref) else "",
                selector,
                attempt.size if outcome == "ok" else 0,
                outcome,
            )
        )
