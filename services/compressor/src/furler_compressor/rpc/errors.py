"""The one boundary where errors become gRPC statuses with details.

Every FurlerError carries an ErrorInfo; what is worth a retry carries a
RetryInfo. Anything else is INTERNAL without a word of what was inside.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import grpc
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2, status_pb2

from furler.v1 import error_reason_pb2 as reasons
from furler_compressor.app.errors import (
    FieldInvalidError,
    FurlerError,
    OverloadedError,
    QuotaExceededError,
    SpaceFullError,
)

DOMAIN: Final = "furler.dev"
DETAILS_KEY: Final = "grpc-status-details-bin"
STORE_RETRY_SECONDS: Final = 1.0
_SPREAD: Final = 1.5

_CODES: Final = {
    "FIELD_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "CONTENT_NOT_TEXT": grpc.StatusCode.INVALID_ARGUMENT,
    "DIGEST_MISMATCH": grpc.StatusCode.INVALID_ARGUMENT,
    "CONTENT_TOO_LARGE": grpc.StatusCode.INVALID_ARGUMENT,
    "SELECTOR_INVALID": grpc.StatusCode.INVALID_ARGUMENT,
    "CONTENT_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "CONTENT_CORRUPT": grpc.StatusCode.DATA_LOSS,
    "STORE_UNAVAILABLE": grpc.StatusCode.UNAVAILABLE,
    "OVERLOADED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "CREDENTIAL_INVALID": grpc.StatusCode.UNAUTHENTICATED,
    "SPACE_DENIED": grpc.StatusCode.PERMISSION_DENIED,
    "QUOTA_EXCEEDED": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "ENTRY_NOT_FOUND": grpc.StatusCode.NOT_FOUND,
    "REVISION_MISMATCH": grpc.StatusCode.ABORTED,
    "CURSOR_EXPIRED": grpc.StatusCode.OUT_OF_RANGE,
}


@dataclass(frozen=True, slots=True)
class Status:
    """What goes over the wire: a code, a message, details."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    field: str = ""
    retry_after: float = 0.0
    subject: str = ""

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """Return the serialised google.rpc.Status with its details."""
        if not self.reason:
            return ()
        serialised = _serialised(
            self.code, self.message, self.reason, self.metadata, self.field, self.subject
        )
        if self.retry_after:
            serialised += _retry_info(math.ceil(self.retry_after * 1000))
        return ((DETAILS_KEY, serialised),)

    def item(self) -> reasons.ItemError:
        """Return the status as the outcome of one item of a batch."""
        return reasons.ItemError(
            code=self.code.value[0],
            reason=(
                reasons.ErrorReason.Value(f"ERROR_REASON_{self.reason}")
                if self.reason
                else reasons.ERROR_REASON_UNSPECIFIED
            ),
            message=self.message,
            metadata=dict(self.metadata),
            retry_delay=_duration(self.retry_after) if self.retry_after else None,
        )


@lru_cache(maxsize=256)  # refusals: the same for thousands of calls
def _serialised(
    code: grpc.StatusCode,
    message: str,
    reason: str,
    metadata: tuple[tuple[str, str], ...],
    field: str,
    subject: str,
) -> bytes:
    """Return a google.rpc.Status with all details but the time to come back."""
    status = status_pb2.Status(code=code.value[0], message=message)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(
            reason=f"ERROR_REASON_{reason}", domain=DOMAIN, metadata=dict(metadata)
        )
    )
    if field:
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=field, description=message)
        status.details.add().Pack(bad)
    if subject:
        failure = error_details_pb2.QuotaFailure()
        failure.violations.add(subject=subject, description=message)
        status.details.add().Pack(failure)
    serialised: bytes = status.SerializeToString()
    return serialised


@lru_cache(maxsize=1024)
def _retry_info(milliseconds: int) -> bytes:
    """Return a google.rpc.Status that has only a time to come back.

    Serialised messages that follow each other are one message: repeated fields add up.
    """
    status = status_pb2.Status()
    delay = _duration(milliseconds / 1000)
    status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    serialised: bytes = status.SerializeToString()
    return serialised


def status_of(error: Exception) -> Status:
    """Return the status for an error."""
    if isinstance(error, FurlerError):
        return Status(
            code=_CODES[error.reason],
            message=error.message,
            reason=error.reason,
            metadata=tuple(sorted(error.metadata.items())),
            field=error.metadata.get("field", "") if isinstance(error, FieldInvalidError) else "",
            retry_after=_retry_after(error),
            subject=error.subject if isinstance(error, QuotaExceededError) else "",
        )
    if isinstance(error, TimeoutError):
        return Status(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed")
    return Status(grpc.StatusCode.INTERNAL, "internal error")


def _retry_after(error: FurlerError) -> float:
    if isinstance(error, OverloadedError):
        # Whoever was refused in the same moment is not to come back in the same moment.
        return error.retry_after * random.uniform(1.0, _SPREAD)  # noqa: S311 - no secret
    if isinstance(error, QuotaExceededError | SpaceFullError):
        return error.retry_after
    return STORE_RETRY_SECONDS if error.reason == "STORE_UNAVAILABLE" else 0.0


def _duration(seconds: float) -> duration_pb2.Duration:
    whole = int(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=int((seconds - whole) * 1e9))
