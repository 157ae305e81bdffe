"""gRPC's health protocol: every watch is told every change, and ends with the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from furler_compressor.rpc.health import Health

pytestmark = pytest.mark.anyio
NOT_SERVING, SERVING, UNKNOWN = (
    HealthCheckResponse.NOT_SERVING,
    HealthCheckResponse.SERVING,
    HealthCheckResponse.SERVICE_UNKNOWN,
)
PATIENCE_SECONDS = 30
EOF = grpc.aio.EOF  # type: ignore[attr-defined]


@pytest.fixture
def health() -> Health:
    return Health(("", "furler.v1.InfoService"))


@pytest.fixture
async def stub(health: Health) -> AsyncIterator[health_pb2_grpc.HealthStub]:
    server = grpc.aio.server()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield health_pb2_grpc.HealthStub(channel)
    await server.stop(None)


async def test_a_service_is_served_from_when_that_is_said(
    health: Health, stub: health_pb2_grpc.HealthStub
) -> None:
    asked = HealthCheckRequest(service="furler.v1.InfoService")
    assert (await stub.Check(asked)).status == NOT_SERVING
    await health.serve(serving=True)
    assert (await stub.Check(asked)).status == SERVING
    assert (await stub.Check(HealthCheckRequest())).status == SERVING


async def test_a_service_that_is_not_known_is_not_found(stub: health_pb2_grpc.HealthStub) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="nobody's"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert caught.value.details() == 'no service "nobody\'s"'


async def test_who_watches_is_told_though_another_went_away(
    health: Health, stub: health_pb2_grpc.HealthStub
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        staying, leaving = stub.Watch(HealthCheckRequest()), stub.Watch(HealthCheckRequest())
        assert (await staying.read()).status == NOT_SERVING
        assert (await leaving.read()).status == NOT_SERVING
        leaving.cancel()
        await stub.Check(HealthCheckRequest())  # on the same connection, after what was cancelled
        await health.serve(serving=True)
        assert (await staying.read()).status == SERVING
        await health.serve(serving=False)
        assert (await staying.read()).status == NOT_SERVING


async def test_a_watch_of_a_service_that_is_not_known_waits(
    health: Health, stub: health_pb2_grpc.HealthStub
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        watch = stub.Watch(HealthCheckRequest(service="nobody's"))
        assert (await watch.read()).status == UNKNOWN
        await health.end_watches()
        assert await watch.read() is EOF


async def test_watches_end_with_the_server(
    health: Health, stub: health_pb2_grpc.HealthStub
) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        watches = [stub.Watch(HealthCheckRequest()) for _ in range(3)]
        for watch in watches:
            assert (await watch.read()).status == NOT_SERVING
        await health.end_watches()
        for watch in watches:
            assert await watch.read() is EOF
