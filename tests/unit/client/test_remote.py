"""The gRPC backend against a real gRPC server on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from furler import (
    ClosedError,
    ContentNotFoundError,
    CredentialInvalidError,
    DeadlineExceededError,
    FieldInvalidError,
    FurlerError,
    OverloadedError,
    ServerError,
    Tls,
    UnavailableError,
)
from furler.backends import base
from furler.backends.base import Method
from furler.backends.remote import RemoteBackend
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_service_pb2 as content
from furler.v1.info_service_pb2 import GetStatsRequest, GetStatsResponse

Context = grpc.aio.ServicerContext[Message, Message]
Stream = AsyncIterator[compressor.StreamCompressRequest]


def _unary(
    method: Method[GetStatsRequest, GetStatsResponse],
    work: Callable[[GetStatsRequest, Context], Awaitable[GetStatsResponse]],
) -> grpc.GenericRpcHandler[Message, Message]:
    handler = grpc.unary_unary_rpc_method_handler(
        work, method.request.FromString, method.response.SerializeToString
    )
    service, name = method.path[1:].split("/")
    return grpc.method_handlers_generic_handler(service, {name: handler})


@asynccontextmanager
async def _server(*handlers: grpc.GenericRpcHandler[Message, Message]) -> AsyncIterator[str]:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 65 * 1024 * 1024)])
    server.add_generic_rpc_handlers(handlers)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


@asynccontextmanager
async def _backend(target: str, token: str | None = None) -> AsyncIterator[RemoteBackend]:
    backend = RemoteBackend(target, token=token, tls=None)
    try:
        yield backend
    finally:
        await backend.close()


def _outcome_of(
    work: Callable[[GetStatsRequest, Context], Awaitable[GetStatsResponse]],
    token: str | None = None,
    seconds: float = 30,
) -> GetStatsResponse | FurlerError:
    async def call() -> GetStatsResponse | FurlerError:
        async with (
            _server(_unary(base.GET_STATS, work)) as target,
            _backend(target, token) as backend,
        ):
            try:
                return await backend.unary(base.GET_STATS, GetStatsRequest(), seconds)
            except FurlerError as error:
                return error

    return asyncio.run(call())


def _details(code: int, *details: Message) -> tuple[tuple[str, bytes], ...]:
    status = status_pb2.Status(code=code, message="no")
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def _aborts(
    code: grpc.StatusCode, message: str, trailing: tuple[tuple[str, bytes], ...] = ()
) -> Callable[[GetStatsRequest, Context], Awaitable[GetStatsResponse]]:
    async def work(_request: GetStatsRequest, context: Context) -> GetStatsResponse:
        await context.abort(code, message, trailing)
        raise AssertionError

    return work


def test_a_server_on_this_machine_is_reached_without_the_proxy_that_others_are_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    async def work(_request: GetStatsRequest, _context: Context) -> GetStatsResponse:
        return GetStatsResponse()

    assert _outcome_of(work) == GetStatsResponse()


@pytest.mark.parametrize("reason", ["CONTENT_NOT_FOUND", "ERROR_REASON_CONTENT_NOT_FOUND"])
def test_a_reason_in_the_details_becomes_its_error(reason: str) -> None:
    info = error_details_pb2.ErrorInfo(
        reason=reason, domain="furler.dev", metadata={"ref": "mfzwi3lborqxg5bo"}
    )
    error = _outcome_of(_aborts(grpc.StatusCode.NOT_FOUND, "no such ref", _details(5, info)))
    assert isinstance(error, ContentNotFoundError)
    assert error.message == "no such ref"
    assert error.metadata == {"ref": "mfzwi3lborqxg5bo"}
    assert error.retry_after is None


def test_a_retry_delay_in_the_details_is_kept() -> None:
    info = error_details_pb2.ErrorInfo(reason="OVERLOADED", domain="furler.dev")
    delay = duration_pb2.Duration(seconds=1, nanos=500_000_000)
    retry = error_details_pb2.RetryInfo(retry_delay=delay)
    trailing = _details(8, info, retry)
    error = _outcome_of(_aborts(grpc.StatusCode.RESOURCE_EXHAUSTED, "busy", trailing))
    assert isinstance(error, OverloadedError)
    assert error.retry_after == 1.5


def test_another_domains_reason_is_not_taken_for_ours() -> None:
    info = error_details_pb2.ErrorInfo(reason="CONTENT_NOT_FOUND", domain="example.org")
    error = _outcome_of(_aborts(grpc.StatusCode.INTERNAL, "odd", _details(13, info)))
    assert isinstance(error, ServerError)


def test_details_that_cannot_be_read_leave_the_status() -> None:
    trailing = (("grpc-status-details-bin", b"\xff\xff"),)
    error = _outcome_of(_aborts(grpc.StatusCode.UNAUTHENTICATED, "who?", trailing))
    assert isinstance(error, CredentialInvalidError)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (grpc.StatusCode.UNAVAILABLE, UnavailableError),
        (grpc.StatusCode.CANCELLED, UnavailableError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceededError),
        (grpc.StatusCode.UNAUTHENTICATED, CredentialInvalidError),
        (grpc.StatusCode.UNKNOWN, ServerError),
        (grpc.StatusCode.UNIMPLEMENTED, ServerError),
    ],
)
def test_a_status_without_a_reason_becomes_an_error_by_its_code(
    code: grpc.StatusCode, expected: type[FurlerError]
) -> None:
    assert type(_outcome_of(_aborts(code, "no"))) is expected


def test_the_token_goes_with_the_call() -> None:
    async def work(_request: GetStatsRequest, context: Context) -> GetStatsResponse:
        assert ("authorization", "Bearer s3cret") in tuple(context.invocation_metadata() or ())
        return GetStatsResponse(originals=1)

    assert _outcome_of(work, token="s3cret") == GetStatsResponse(originals=1)  # noqa: S106 - made up


def test_a_call_ends_by_its_deadline() -> None:
    async def work(_request: GetStatsRequest, _context: Context) -> GetStatsResponse:
        await asyncio.Event().wait()
        raise AssertionError

    assert isinstance(_outcome_of(work, seconds=0.1), DeadlineExceededError)


def test_a_server_that_is_not_there_is_named() -> None:
    async def call() -> None:
        async with _backend("127.0.0.1:1") as backend:
            await backend.unary(base.GET_STATS, GetStatsRequest(), 10)

    with pytest.raises(UnavailableError, match=r"cannot reach a Furler server at 127\.0\.0\.1:1: "):
        asyncio.run(call())


def test_a_stream_goes_both_ways_and_ends_when_its_reader_does() -> None:
    ended = asyncio.Event()

    async def work(
        requests: Stream, _context: Context
    ) -> AsyncIterator[compressor.StreamCompressResponse]:
        try:
            async for request in requests:
                yield compressor.StreamCompressResponse(chunk=request.chunk)
            await asyncio.Event().wait()
        finally:
            ended.set()

    method = base.STREAM_COMPRESS
    handler = grpc.stream_stream_rpc_method_handler(
        work, method.request.FromString, method.response.SerializeToString
    )
    generic = grpc.method_handlers_generic_handler(
        "furler.v1.CompressorService", {"StreamCompress": handler}
    )

    async def call() -> list[bytes]:
        async with _server(generic) as target, _backend(target) as backend:
            sent = [compressor.StreamCompressRequest(chunk=each) for each in (b"a", b"b")]
            chunks = []
            stream = backend.stream(method, sent, 30)
            async for message in stream:
                chunks.append(message.chunk)
                if len(chunks) == 2:
                    break
            await stream.aclose()
            await asyncio.wait_for(ended.wait(), 10)
            return chunks

    assert asyncio.run(call()) == [b"a", b"b"]


def test_a_download_works_on_a_method_that_takes_one_request() -> None:
    method = base.READ_CONTENT

    async def work(
        request: content.ReadContentRequest, _context: Context
    ) -> AsyncIterator[content.ReadContentResponse]:
        yield content.ReadContentResponse(chunk=request.ref.encode())

    handler = grpc.unary_stream_rpc_method_handler(
        work, method.request.FromString, method.response.SerializeToString
    )
    generic = grpc.method_handlers_generic_handler(
        "furler.v1.ContentService", {"ReadContent": handler}
    )

    async def call() -> list[bytes]:
        async with _server(generic) as target, _backend(target) as backend:
            request = content.ReadContentRequest(ref="abc")
            return [message.chunk async for message in backend.stream(method, [request], 30)]

    assert asyncio.run(call()) == [b"abc"]


def test_a_closed_backend_says_so() -> None:
    async def call() -> None:
        async with _backend("127.0.0.1:1") as backend:
            await backend.close()
            await backend.unary(base.GET_STATS, GetStatsRequest(), 10)

    with pytest.raises(ClosedError):
        asyncio.run(call())


@pytest.mark.parametrize(
    ("target", "token", "tls", "secured"),
    [
        ("furler.example:443", None, None, False),
        ("furler.example:443", "t", None, True),
        ("furler.example:443", "t", False, False),
        ("127.0.0.1:50051", "t", None, False),
        ("localhost:50051", "t", None, False),
        ("localhost.example:50051", "t", None, True),
        ("127.0.0.1:50051", None, True, True),
    ],
)
def test_a_token_leaves_this_machine_over_tls_unless_told_otherwise(
    target: str, token: str | None, *, tls: bool | None, secured: bool
) -> None:
    assert RemoteBackend(target, token=token, tls=tls).secured == secured


def test_tls_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    backend = RemoteBackend("x:1", token=None, tls=Tls(ca=tmp_path / "none.pem"))
    with pytest.raises(FieldInvalidError, match=r"tls\.ca: cannot read .*none\.pem: No such file"):
        asyncio.run(backend.open())


def test_an_empty_target_is_refused() -> None:
    with pytest.raises(FieldInvalidError):
        RemoteBackend("", token=None, tls=None)
