"""The one error tree of the client.

What lives here: the classes, and which of them a reason becomes. What does
not: how a reason is read from a gRPC status (backends.status).

Nothing in an error holds content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class FurlerError(Exception):
    """A call that did not succeed. Catch this one to catch them all.

    Attributes:
        reason: What went wrong, for programs: a furler.v1.ErrorReason without its
            prefix, or one of this module's own (see UnavailableError and below).
        message: One line for people.
        metadata: Details by name, such as ``offset`` or ``limit_bytes``.
        retry_after: Seconds to wait before a retry, if the server said so.
        code: Name of the gRPC status, such as ``NOT_FOUND``; empty if no call failed.
    """

    reason: str = "UNKNOWN"
    code: str = ""
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later."""

    def __init__(
        self,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.retry_after = retry_after


class FieldInvalidError(FurlerError, ValueError):
    """An argument is malformed or out of range. Metadata: field."""

    reason = "FIELD_INVALID"


class ContentNotTextError(FurlerError, ValueError):
    """The content is not UTF-8 text. Metadata: offset, of the first wrong byte."""

    reason = "CONTENT_NOT_TEXT"


class DigestMismatchError(FurlerError):
    """A digest does not match its bytes. Metadata: expected, actual."""

    reason = "DIGEST_MISMATCH"


class ContentTooLargeError(FurlerError, ValueError):
    """The content exceeds a limit. Metadata: limit_bytes, size_bytes."""

    reason = "CONTENT_TOO_LARGE"


class SelectorInvalidError(FurlerError, ValueError):
    """A selector is malformed or does not fit the content. Metadata: selector."""

    reason = "SELECTOR_INVALID"


class ContentNotFoundError(FurlerError):
    """Expired, deleted, never stored, or not yours: all look the same."""

    reason = "CONTENT_NOT_FOUND"


class ContentCorruptError(FurlerError):
    """Stored or received bytes do not match their digest."""

    reason = "CONTENT_CORRUPT"


class StoreUnavailableError(FurlerError):
    """The store does not answer, and the call cannot do without it."""

    reason = "STORE_UNAVAILABLE"
    retryable = True


class OverloadedError(FurlerError):
    """The server sheds load; ``retry_after`` says for how long."""

    reason = "OVERLOADED"
    retryable = True


class CredentialInvalidError(FurlerError):
    """There is no valid credential."""

    reason = "CREDENTIAL_INVALID"


class SpaceDeniedError(FurlerError):
    """The credential does not cover the space. Metadata: space."""

    reason = "SPACE_DENIED"


class QuotaExceededError(FurlerError):
    """Over a quota; ``retry_after`` says for how long. Metadata: quota, limit."""

    reason = "QUOTA_EXCEEDED"
    retryable = True


class EntryNotFoundError(FurlerError):
    """The shared entry expired, was deleted, was never written, or is not yours. Metadata: key."""

    reason = "ENTRY_NOT_FOUND"


class RevisionMismatchError(FurlerError):
    """A shared entry is not at the revision asked for. Metadata: key, revision."""

    reason = "REVISION_MISMATCH"

    @property
    def revision(self) -> int:
        """The revision it is at; 0: it does not exist."""
        return int(self.metadata.get("revision", "0"))


class CursorExpiredError(FurlerError):
    """A watch cannot go on there without a gap: list again. Metadata: oldest_revision."""

    reason = "CURSOR_EXPIRED"


# What a client finds out without a server's word.


class UnavailableError(FurlerError):
    """The server cannot be reached."""

    reason = "UNAVAILABLE"
    retryable = True


class DeadlineExceededError(FurlerError):
    """The call took longer than its timeout."""

    reason = "DEADLINE_EXCEEDED"
    retryable = True


class NotInstalledError(FurlerError):
    """A part that the call needs is not installed; the message says how to get it."""

    reason = "NOT_INSTALLED"


class ClosedError(FurlerError):
    """The client was closed before the call."""

    reason = "CLOSED"


class ServerError(FurlerError):
    """The server failed in a way that it has no reason for."""

    reason = "INTERNAL"


_BY_REASON: Mapping[str, type[FurlerError]] = {
    error.reason: error for error in FurlerError.__subclasses__()
}


def from_reason(
    reason: str,
    message: str,
    metadata: Mapping[str, str] | None = None,
    retry_after: float | None = None,
) -> FurlerError:
    """Return the error for a reason; a reason this client does not know is a ServerError."""
    known = _BY_REASON.get(reason)
    error = (known or ServerError)(message, metadata=metadata, retry_after=retry_after)
    if known is None and reason:
        error.reason = reason
    return error
