"""What a request fails with: one value, one table of HTTP statuses, two ways to write it.

The API's surface writes it as Connect does: ``{code, message, details}``. The
/v1 surface writes what its callers expect: ``{"error": {type, message}}``.
Messages never hold content.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson
from aiohttp import web
from google.protobuf import duration_pb2, json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2

from furler.errors import (
    ClosedError,
    ContentNotTextError,
    ContentTooLargeError,
    DeadlineExceededError,
    DigestMismatchError,
    FieldInvalidError,
    FurlerError,
    SelectorInvalidError,
    UnavailableError,
)

DOMAIN: Final = "furler.dev"
REASON_PREFIX: Final = "ERROR_REASON_"

STATUSES: Final[Mapping[str, int]] = {
    "canceled": 499,
    "unknown": 500,
    "invalid_argument": 400,
    "deadline_exceeded": 504,
    "not_found": 404,
    "already_exists": 409,
    "permission_denied": 403,
    "resource_exhausted": 429,
    "failed_precondition": 400,
    "aborted": 409,
    "out_of_range": 400,
    "unimplemented": 501,
    "internal": 500,
    "unavailable": 503,
    "data_loss": 500,
    "unauthenticated": 401,
}
"""HTTP status by code: the Connect protocol's table."""

_LOCAL_CODES: Final[Mapping[type[FurlerError], str]] = {
    FieldInvalidError: "invalid_argument",
    SelectorInvalidError: "invalid_argument",
    ContentNotTextError: "invalid_argument",
    ContentTooLargeError: "invalid_argument",
    DigestMismatchError: "invalid_argument",
    DeadlineExceededError: "deadline_exceeded",
    UnavailableError: "unavailable",
    ClosedError: "unavailable",
}
"""Codes of errors that the client finds before or without a call."""
_LOCAL_MESSAGES: Final[Mapping[str, str]] = {
    "UNAVAILABLE": "the compressor cannot be reached",
    "DEADLINE_EXCEEDED": "the compressor did not answer in time",
    "CLOSED": "the gateway is shutting down",
    "INTERNAL": "the compressor failed",
    "UNKNOWN": "the compressor failed",
}
"""By reasons of the client's own, which no furler.v1.ErrorReason has: their messages name
addresses inside, which are nothing for a caller."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a request fails. ``status`` differs from the code's own where HTTP has a better one."""

    code: str
    message: str
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    status: int = 0

    def http_status(self) -> int:
        """Return the HTTP status."""
        return self.status or STATUSES[self.code]


class RequestError(Exception):
    """Ends the handling of a request with a failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def invalid(field_name: str, message: str) -> RequestError:
    """Return the error for a field that is malformed; the message must hold no content."""
    return RequestError(
        Failure("invalid_argument", message, "FIELD_INVALID", {"field": field_name})
    )


def failure_of(error: FurlerError) -> Failure:
    """Return the failure that a call's error stands for."""
    code = error.code.lower().replace("cancelled", "canceled")
    if code not in STATUSES:
        code = _LOCAL_CODES.get(type(error), "internal")
    if (message := _LOCAL_MESSAGES.get(error.reason)) is not None:
        return Failure(code, message, retry_after=error.retry_after)
    return Failure(code, error.message, error.reason, error.metadata, error.retry_after)


def as_connect(failure: Failure) -> dict[str, object]:
    """Return the failure as the Connect protocol writes an error."""
    body: dict[str, object] = {"code": failure.code, "message": failure.message}
    if details := [_detail(message) for message in _details(failure)]:
        body["details"] = details
    return body


def response(failure: Failure, path: str) -> web.Response:
    """Return the reply to a request for a path."""
    status = failure.http_status()
    body = _as_contract(failure) if path.startswith(("/v1/", "/to/")) else as_connect(failure)
    made = web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
    if failure.retry_after is not None:
        # Whole seconds, and never 0: a client would come back at once.
        made.headers["Retry-After"] = str(max(1, round(failure.retry_after)))
    if status == 401:
        made.headers["WWW-Authenticate"] = "Bearer"
    return made


_CONTRACT_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found",
    408: "timeout",
    413: "request_too_large",
    429: "rate_limit_error",
    431: "request_too_large",
    501: "not_implemented",
    503: "service_unavailable",
    504: "timeout",
}


def _as_contract(failure: Failure) -> dict[str, object]:
    status = failure.http_status()
    kind = _CONTRACT_TYPES.get(status, "invalid_request" if status < 500 else "internal_error")
    return {"error": {"type": kind, "message": failure.message}}


def _details(failure: Failure) -> list[Message]:
    details: list[Message] = []
    if failure.reason:
        details.append(
            error_details_pb2.ErrorInfo(
                reason=REASON_PREFIX + failure.reason,
                domain=DOMAIN,
                metadata=dict(failure.metadata),
            )
        )
    if failure.retry_after is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(failure.retry_after * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _detail(message: Message) -> dict[str, object]:
    """Return a detail: its bytes for programs, its fields for people."""
    packed = base64.b64encode(message.SerializeToString(deterministic=True)).decode().rstrip("=")
    fields: dict[str, object] = json_format.MessageToDict(message)
    return {"type": message.DESCRIPTOR.full_name, "value": packed, "debug": fields}
