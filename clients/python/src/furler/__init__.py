"""Furler: a far shorter view of what an agent is about to read, and any part of it back on demand.

    from furler import Furler

    with Furler.embedded() as furler:
        view = furler.compress(log, query="why did the deploy fail?")
        part = furler.retrieve(view.ref, lines="120-188")

``Furler.embedded()`` runs the engine in this process, ``Furler.connect("host:port")``
talks to a server; both give the same views. AsyncFurler is the same for asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from furler.conversations import (
    Compaction,
    CompactionMode,
    CompactionPlan,
    Conversation,
    Dialect,
    Edit,
    Retired,
    Volatile,
)
from furler.errors import (
    ClosedError,
    ContentCorruptError,
    ContentNotFoundError,
    ContentNotTextError,
    ContentTooLargeError,
    CredentialInvalidError,
    CursorExpiredError,
    DeadlineExceededError,
    DigestMismatchError,
    EntryNotFoundError,
    FieldInvalidError,
    FurlerError,
    NotInstalledError,
    OverloadedError,
    QuotaExceededError,
    RevisionMismatchError,
    SelectorInvalidError,
    ServerError,
    SpaceDeniedError,
    StoreUnavailableError,
    UnavailableError,
)
from furler.sharing import Change, DifferingLine, Entry, Listing, Resemblance, Written
from furler.values import (
    Capabilities,
    Decision,
    Degraded,
    Digest,
    Elision,
    Explanation,
    Fidelity,
    Item,
    Kind,
    KindStats,
    Level,
    Policy,
    Retrieved,
    Stats,
    View,
)

if TYPE_CHECKING:
    from furler.backends.remote import Tls
    from furler.client import AsyncFurler
    from furler.shared import AsyncSharedSpace
    from furler.shared_sync import SharedSpace
    from furler.sync import Furler

__all__ = [
    "AsyncFurler",
    "AsyncSharedSpace",
    "Capabilities",
    "Change",
    "ClosedError",
    "Compaction",
    "CompactionMode",
    "CompactionPlan",
    "ContentCorruptError",
    "ContentNotFoundError",
    "ContentNotTextError",
    "ContentTooLargeError",
    "Conversation",
    "CredentialInvalidError",
    "CursorExpiredError",
    "DeadlineExceededError",
    "Decision",
    "Degraded",
    "Dialect",
    "DifferingLine",
    "Digest",
    "DigestMismatchError",
    "Edit",
    "Elision",
    "Entry",
    "EntryNotFoundError",
    "Explanation",
    "Fidelity",
    "FieldInvalidError",
    "Furler",
    "FurlerError",
    "Item",
    "Kind",
    "KindStats",
    "Level",
    "Listing",
    "NotInstalledError",
    "OverloadedError",
    "Policy",
    "QuotaExceededError",
    "Resemblance",
    "Retired",
    "Retrieved",
    "RevisionMismatchError",
    "SelectorInvalidError",
    "ServerError",
    "SharedSpace",
    "SpaceDeniedError",
    "Stats",
    "StoreUnavailableError",
    "Tls",
    "UnavailableError",
    "View",
    "Volatile",
    "Written",
]

# What needs protobuf, asyncio or gRPC is imported when it is asked for (PEP 562): a
# program that only catches our errors or speaks of our values pays for neither.
_LAZY = {
    "AsyncFurler": "furler.client",
    "AsyncSharedSpace": "furler.shared",
    "SharedSpace": "furler.shared_sync",
    "Furler": "furler.sync",
    "Tls": "furler.backends.remote",
}


if not TYPE_CHECKING:  # a type checker would take every name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415

        value: object = getattr(import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
