"""gRPC's health protocol.

The library's servicer for asyncio forgets all who watch a service when one of them goes away
(grpcio-health-checking 1.81), and does not end watches with the server: ours does neither.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final

import grpc
import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthServicer

_Call = grpc.aio.ServicerContext[HealthCheckRequest, HealthCheckResponse]
_SERVING: Final = HealthCheckResponse.SERVING
_NOT_SERVING: Final = HealthCheckResponse.NOT_SERVING
_UNKNOWN: Final = HealthCheckResponse.SERVICE_UNKNOWN


class Health(HealthServicer):  # type: ignore[misc]  # the library has no types
    """Whether services are served, for probes that ask and for channels that watch."""

    def __init__(self, services: Iterable[str]) -> None:
        """Know some services, none of them served yet; ``""`` is the server as a whole."""
        self._services = frozenset(services)
        self._serving = False
        self._ended = False
        self._changed = asyncio.Condition()

    async def Check(  # noqa: N802 - the protocol's name, as below
        self, request: HealthCheckRequest, context: _Call
    ) -> HealthCheckResponse:
        """Answer at once; NOT_FOUND for a service that is not known."""
        status = self._status(request.service)
        if status is _UNKNOWN:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service {request.service!r}")
        return HealthCheckResponse(status=status)

    async def Watch(  # noqa: N802
        self, request: HealthCheckRequest, _context: _Call
    ) -> AsyncIterator[HealthCheckResponse]:
        """Say how a service is, and again whenever that changes."""
        said = self._status(request.service)
        yield HealthCheckResponse(status=said)

        def is_news() -> bool:
            return self._ended or self._status(request.service) != said

        while not self._ended:
            async with self._changed:
                await self._changed.wait_for(is_news)
            if (status := self._status(request.service)) != said:
                yield HealthCheckResponse(status=status)
                said = status

    async def serve(self, *, serving: bool) -> None:
        """Set what all services are from now on."""
        self._serving = serving
        await self._tell()

    async def end_watches(self) -> None:
        """End all watches, for good."""
        self._ended = True
        await self._tell()

    def _status(self, service: str) -> HealthCheckResponse.ServingStatus:
        if service not in self._services:
            return _UNKNOWN
        return _SERVING if self._serving else _NOT_SERVING

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
