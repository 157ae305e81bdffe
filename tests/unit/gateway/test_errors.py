"""Failures as callers see them."""

from __future__ import annotations

import base64

import grpc
import orjson
import pytest
from google.rpc import error_details_pb2

from furler import errors as client
from furler.errors import FurlerError, from_reason
from furler.v1 import error_reason_pb2
from furler_gateway.errors import STATUSES, Failure, as_connect, failure_of, response

REASONS = [
    name.removeprefix("ERROR_REASON_")
    for name in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118 - an enum wrapper
    if name != "ERROR_REASON_UNSPECIFIED"
]


def test_every_grpc_status_has_an_http_status() -> None:
    names = {each.name.lower() for each in grpc.StatusCode} - {"ok", "cancelled"}
    assert names | {"canceled"} == set(STATUSES)


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_reaches_the_caller(reason: str) -> None:
    error = from_reason(reason, "message", {"field": "x"}, 2.0)
    error.code = "RESOURCE_EXHAUSTED"
    body = as_connect(failure_of(error))
    assert (body["code"], body["message"]) == ("resource_exhausted", "message")
    details = body["details"]
    assert isinstance(details, list)
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(details[0]["value"] + "=="))
    assert (info.reason, info.domain) == (f"ERROR_REASON_{reason}", "furler.dev")
    assert dict(info.metadata) == {"field": "x"}
    assert details[1]["debug"] == {"retryDelay": "2s"}


def test_a_reason_newer_than_the_client_keeps_its_name_and_code() -> None:
    error = from_reason("REVISION_MISMATCH", "message")
    error.code = "ABORTED"
    failure = failure_of(error)
    assert (failure.code, failure.reason, failure.http_status()) == (
        "aborted",
        "REVISION_MISMATCH",
        409,
    )


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (client.UnavailableError("cannot reach inside.example:50051"), "unavailable"),
        (client.DeadlineExceededError("inside.example:50051 did not answer"), "deadline_exceeded"),
        (client.ServerError("inside.example:50051 failed"), "internal"),
        (FurlerError("inside.example:50051"), "internal"),
    ],
)
def test_addresses_inside_are_told_to_nobody(error: FurlerError, code: str) -> None:
    failure = failure_of(error)
    assert failure.code == code
    assert "inside" not in failure.message


def test_what_the_client_finds_by_itself_is_the_callers_fault() -> None:
    failure = failure_of(client.FieldInvalidError("ref: is empty", metadata={"field": "ref"}))
    assert (failure.code, failure.reason) == ("invalid_argument", "FIELD_INVALID")


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.01, "1"), (2.4, "2"), (90.0, "90"), (None, None)]
)
def test_a_wait_is_told_in_whole_seconds(seconds: float | None, expected: str | None) -> None:
    made = response(Failure("resource_exhausted", "m", retry_after=seconds), "/furler.v1.X/Y")
    assert made.headers.get("Retry-After") == expected


def test_the_contracts_paths_have_the_contracts_form() -> None:
    made = response(Failure("unauthenticated", "no"), "/v1/compress")
    assert isinstance(made.body, bytes)
    assert orjson.loads(made.body) == {"error": {"type": "authentication_error", "message": "no"}}
    assert (made.status, made.headers["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.parametrize(("status", "kind"), [(405, "invalid_request"), (502, "internal_error")])
def test_whose_fault_it_is_shows_in_the_type(status: int, kind: str) -> None:
    made = response(Failure("unimplemented", "m", status=status), "/v1/compress")
    assert isinstance(made.body, bytes)
    assert orjson.loads(made.body)["error"]["type"] == kind
