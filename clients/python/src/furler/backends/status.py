"""The one boundary where a gRPC status becomes an error of ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from furler.errors import (
    ContentTooLargeError,
    CredentialInvalidError,
    DeadlineExceededError,
    FurlerError,
    ServerError,
    UnavailableError,
    from_reason,
)
from furler.messages import REASON_PREFIX

DOMAIN: Final = "furler.dev"
_DETAILS: Final = "grpc-status-details-bin"


def error_from(error: grpc.aio.AioRpcError, target: str) -> FurlerError:
    """Return the error that a failed call stands for."""
    info, retry_after = _details(error)
    message = error.details() or ""
    if info is not None and info.domain == DOMAIN:
        reason = info.reason.removeprefix(REASON_PREFIX)
        made = from_reason(reason, message, info.metadata, retry_after)
    else:
        made = _without_reason(error.code(), message, target, retry_after)
    made.code = error.code().name
    return made


def _without_reason(
    code: grpc.StatusCode, message: str, target: str, retry_after: float | None
) -> FurlerError:
    """Return the error for a status that gRPC itself or something on the way made."""
    match code:
        case grpc.StatusCode.UNAVAILABLE:
            return UnavailableError(
                f"cannot reach a Furler server at {target}: {_cause(message)}",
                retry_after=retry_after,
            )
        case grpc.StatusCode.CANCELLED:
            # Not by this client, which would see asyncio.CancelledError: gRPC's server does so to
            # what arrives in the moment of its end.
            return UnavailableError(f"{target} ended while the call was on its way to it")
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return DeadlineExceededError(f"{target} did not answer in time")
        case grpc.StatusCode.UNAUTHENTICATED:
            return CredentialInvalidError(message or "the server wants a credential")
        case grpc.StatusCode.RESOURCE_EXHAUSTED if "larger than max" in message:
            # gRPC's own limit on messages, hit before any handler saw the call.
            return ContentTooLargeError(f"{target}: {message}")
        case grpc.StatusCode.UNIMPLEMENTED:
            return ServerError(f"{target} does not serve this method: {message}")
        case _:
            return ServerError(f"{target} failed with {code.name}: {message}")


def _cause(message: str) -> str:
    """Return the last and most telling part of how gRPC says that it cannot connect."""
    _, found, last = message.partition("last error: ")
    return last.rpartition(": ")[2] if found else message


def _details(
    error: grpc.aio.AioRpcError,
) -> tuple[error_details_pb2.ErrorInfo | None, float | None]:
    """Return the status's ErrorInfo and RetryInfo, as far as it has them."""
    info: error_details_pb2.ErrorInfo | None = None
    retry_after: float | None = None
    for detail in _packed(error):
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
        elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            retry = error_details_pb2.RetryInfo()
            detail.Unpack(retry)
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return info, retry_after


def _packed(error: grpc.aio.AioRpcError) -> list[any_pb2.Any]:
    # The stubs have another type here than what grpc.aio gives.
    trailing = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata())
    for key, value in trailing:
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return list(status_pb2.Status.FromString(value).details)
            except DecodeError:
                return []
    return []
