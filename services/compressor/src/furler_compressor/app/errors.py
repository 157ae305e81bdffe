"""The one error tree. Each class is one ErrorReason; the rpc layer gives it a status.

Messages name the field and the limit, never content. ``metadata`` becomes
ErrorInfo.metadata.
"""

from __future__ import annotations

from typing import ClassVar, Self


class FurlerError(Exception):
    """Something a caller should know about. ``reason`` is an ErrorReason without its prefix."""

    reason: ClassVar[str]

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


class FieldInvalidError(FurlerError):
    """A field of the request is malformed. Metadata: field."""

    reason = "FIELD_INVALID"


class ContentNotTextError(FurlerError):
    """The content is not UTF-8. Metadata: offset."""

    reason = "CONTENT_NOT_TEXT"


class DigestMismatchError(FurlerError):
    """A digest does not match its bytes. Metadata: expected, actual."""

    reason = "DIGEST_MISMATCH"


class ContentTooLargeError(FurlerError):
    """The content exceeds a limit. Metadata: limit_bytes, size_bytes."""

    reason = "CONTENT_TOO_LARGE"


class SelectorInvalidError(FurlerError):
    """A selector does not fit the content. Metadata: selector."""

    reason = "SELECTOR_INVALID"


class ContentNotFoundError(FurlerError):
    """Expired, deleted, never stored, or not the caller's: all look the same."""

    reason = "CONTENT_NOT_FOUND"


class ContentCorruptError(FurlerError):
    """Stored bytes do not match their digest; the record was removed."""

    reason = "CONTENT_CORRUPT"


class StoreUnavailableError(FurlerError):
    """The store did not answer, refused, or is full."""

    reason = "STORE_UNAVAILABLE"


class StoreRefusedError(StoreUnavailableError):
    """The store answered and said no: it is full, or read-only, or the ref has another digest.

    To callers the same as StoreUnavailableError. A circuit breaker must know the difference:
    a full store still gives back what it holds.
    """


class CredentialInvalidError(FurlerError):
    """There is no valid credential. One message for every cause: it must not help to guess."""

    reason = "CREDENTIAL_INVALID"

    def __init__(self, message: str = "a valid credential is required") -> None:
        super().__init__(message)


class SpaceDeniedError(FurlerError):
    """The credential does not cover the space, or lacks a role there. Metadata: space, role."""

    reason = "SPACE_DENIED"


class QuotaExceededError(FurlerError):
    """The tenant is over a quota. ``retry_after`` is in seconds, ``subject`` names the tenant.

    Metadata: quota, limit.
    """

    reason = "QUOTA_EXCEEDED"

    def __init__(
        self, message: str, *, retry_after: float = 1.0, subject: str = "", **metadata: str
    ) -> None:
        super().__init__(message, **metadata)
        self.retry_after = retry_after
        self.subject = subject


class OverloadedError(FurlerError):
    """The server sheds load. ``retry_after`` is in seconds."""

    reason = "OVERLOADED"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class EntryNotFoundError(FurlerError):
    """The entry expired, was deleted, was never written, or is not the caller's. Metadata: key."""

    reason = "ENTRY_NOT_FOUND"

    @classmethod
    def of(cls, key: str) -> Self:
        """Return the error for a key."""
        return cls("entry not found: expired, deleted, or never written here", key=key)


class RevisionMismatchError(FurlerError):
    """The entry is not at the revision asked for. Metadata: key, revision (0: it does not exist)."""

    reason = "REVISION_MISMATCH"

    @classmethod
    def at(cls, key: str, revision: int) -> Self:
        """Return the error for an entry that is at a revision; 0: it does not exist."""
        where = f"at revision {revision}" if revision else "not there"
        return cls(f"if_revision: the entry is {where}", key=key, revision=str(revision))


class CursorExpiredError(FurlerError):
    """A watch cannot go on there without a gap. Metadata: oldest_revision."""

    reason = "CURSOR_EXPIRED"

    @classmethod
    def before(cls, oldest: int) -> Self:
        """Return the error of a log whose oldest revision to go on after is this."""
        return cls(
            "after_revision: not in the log of changes; list the entries again",
            oldest_revision=str(oldest),
        )


class SpaceFullError(FurlerError):
    """A space holds as many entries, or as much in them, as it may. Metadata: quota, limit."""

    reason = "QUOTA_EXCEEDED"
    retry_after: ClassVar[float] = 60.0
    """Seconds; entries expire by the minute rather than the second."""

    @classmethod
    def over(cls, quota: str, limit: int) -> Self:
        """Return the error for a quota and its limit."""
        return cls(
            f"the space is full: {quota} is limited to {limit:,}; delete entries, or let them expire",
            quota=quota,
            limit=str(limit),
        )


def request_reused() -> FieldInvalidError:
    """Return the error for a request_id that was another write's."""
    return FieldInvalidError("request_id: was used for another write", field="request_id")
