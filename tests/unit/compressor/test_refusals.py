"""What is refused at the gate costs little: no garbage, no span nobody asked for, the same bytes as ever."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from furler.v1 import info_service_pb2, info_service_pb2_grpc
from furler_compressor import telemetry
from furler_compressor.adapters.engine_inline import InlineEngine
from furler_compressor.app.crowd import Crowd, Lull
from furler_compressor.app.errors import CredentialInvalidError
from furler_compressor.assemble import opened
from furler_compressor.config import Settings
from furler_compressor.rpc.errors import DETAILS_KEY, DOMAIN, Status
from furler_compressor.rpc.server import Server

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLS = 10


@asynccontextmanager
async def full_server() -> AsyncIterator[info_service_pb2_grpc.InfoServiceAsyncStub]:
    """Give a client of a server in this process that has no room for anybody."""
    settings = Settings(listen="127.0.0.1:0", store="memory:", model="none", health_listen="")
    async with opened(settings, InlineEngine()) as service:
        gate = replace(service.gate, crowd=Crowd(0), lull=Lull(seconds=0.001))
        server = Server(service.handlers, settings, shared_port=False, gate=gate)
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
                yield info_service_pb2_grpc.InfoServiceStub(channel)
        finally:
            await server.drain()


async def refused(client: info_service_pb2_grpc.InfoServiceAsyncStub, trace: str = "") -> None:
    """Make a call, which is refused."""
    metadata = (("traceparent", trace),) if trace else ()
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await client.GetIdentity(
            info_service_pb2.GetIdentityRequest(), timeout=30, metadata=metadata
        )
    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def contexts() -> int:
    """Return how many served calls are still in memory."""
    return sum(type(held).__name__ == "_ServicerContext" for held in gc.get_objects())


async def test_a_refused_call_is_gone_without_the_collector() -> None:
    async with full_server() as client:
        await refused(client)
        with no_collector():
            before = contexts()
            for _ in range(CALLS):
                await refused(client)
            # A call's task may not have ended yet when its caller has the answer.
            async with asyncio.timeout(30):
                while contexts() > before:
                    await asyncio.sleep(0.01)


async def test_a_refused_call_has_a_span_only_where_its_caller_samples_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(telemetry, "_tracer", provider.get_tracer("test"))
    async with full_server() as client:
        for trace in ("", "nonsense", f"00-{TRACE}-b7ad6b7169203331-00"):
            await refused(client, trace)
        await refused(client, f"00-{TRACE}-b7ad6b7169203331-01")
    (span,) = spans.get_finished_spans()
    assert span.attributes is not None
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.attributes[telemetry.ATTRIBUTE_REASON] == "OVERLOADED"


async def test_who_may_not_come_in_is_told_so_and_not_that_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nobody(_self: object, _token: str) -> None:
        raise CredentialInvalidError

    monkeypatch.setattr("furler_compressor.app.identity.Anyone.grant_of", nobody)
    async with full_server() as client:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await client.GetIdentity(info_service_pb2.GetIdentityRequest(), timeout=30)
    assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


TEXTS = st.text(max_size=20)


@given(
    TEXTS,
    st.lists(st.tuples(TEXTS, TEXTS), max_size=2, unique_by=lambda pair: pair[0]),
    TEXTS,
    TEXTS,
    st.floats(0, 10_000),
)
def test_what_goes_over_the_wire_has_every_detail_once(
    message: str, metadata: list[tuple[str, str]], field: str, subject: str, retry: float
) -> None:
    status = Status(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        message,
        "OVERLOADED",
        tuple(metadata),
        field,
        retry,
        subject,
    )
    for _ in range(2):  # made, and remembered
        ((key, value),) = status.trailing_metadata()
        sent = status_pb2.Status.FromString(value)
        assert (key, sent.code, sent.message) == (DETAILS_KEY, 8, message)
        wanted = ["ErrorInfo", *["BadRequest"] * bool(field), *["QuotaFailure"] * bool(subject)]
        wanted += ["RetryInfo"] * bool(retry)
        assert [each.TypeName().rpartition(".")[2] for each in sent.details] == wanted
        info = error_details_pb2.ErrorInfo()
        assert sent.details[0].Unpack(info)
        assert (info.reason, info.domain) == ("ERROR_REASON_OVERLOADED", DOMAIN)
        assert dict(info.metadata) == dict(metadata)
        if retry:
            delay = error_details_pb2.RetryInfo()
            assert sent.details[-1].Unpack(delay)
            seconds = delay.retry_delay.ToNanoseconds() / 1e9
            assert retry - 1e-6 <= seconds <= retry + 0.002
