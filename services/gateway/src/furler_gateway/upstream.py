"""The way to the compressor: one channel for all callers, measured, with retries where they pay."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from grpc_health.v1 import health_pb2

from furler.backends.around import BackendAround
from furler.backends.base import Backend, Method, Request, Response
from furler.backends.remote import RemoteBackend
from furler.backends.retry import RetryingBackend, RetryPolicy
from furler.client import AsyncFurler
from furler.errors import FurlerError
from furler.v1 import compressor_service_pb2 as compressor
from furler_gateway import caller, telemetry
from furler_gateway.assertions import load_signer
from furler_gateway.config import Settings
from furler_gateway.figures import Figures
from furler_gateway.governed import GovernedBackend, Governor
from furler_gateway.identities import Identities
from furler_gateway.policy.keeper import PolicyKeeper
from furler_gateway.prices import read_prices
from furler_gateway.recording import RecordingBackend

HEALTH = Method(
    "/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
)
_RETRIES = RetryPolicy(attempts=2, base=0.05)
"""One more try covers a replica that went away; more would multiply load on one in trouble."""


@dataclass(slots=True)
class MeasuredBackend(BackendAround):
    """Measures the calls of another backend."""

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Call the inner backend."""
        with telemetry.client_span(method.path) as ended:
            try:
                response = await self.inner.unary(method, request, seconds)
            except FurlerError as error:
                ended(error.code or error.reason)
                raise
            ended("OK")
        return response

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Call the inner backend."""
        # No span: a generator may be closed in another context than the one it was opened in.
        start = time.perf_counter()
        code = "CANCELLED"
        try:
            async with aclosing(self.inner.stream(method, requests, seconds)) as responses:
                async for response in responses:
                    yield response
            code = "OK"
        except FurlerError as error:
            code = error.code or error.reason
            raise
        finally:
            telemetry.record_upstream(method.path, code, time.perf_counter() - start)


@dataclass(slots=True)
class BriefBackend(BackendAround):
    """Leaves out of a turn's edits what they elide: nothing here reads it, and a turn has hundreds."""

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Call the inner backend."""
        response = await self.inner.unary(method, request, seconds)
        if isinstance(response, compressor.CompressConversationResponse):
            for edit in response.edits:
                edit.view.ClearField("elisions")
        return response

    def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Call the inner backend."""
        return self.inner.stream(method, requests, seconds)


@dataclass(frozen=True, slots=True)
class Upstream:
    """The compressor, as the surfaces see it."""

    backend: Backend
    """Calls as they are; the caller of the API retries."""
    furler: AsyncFurler
    """The client's face, for surfaces whose callers do not; its edits name no elisions."""
    governor: Governor
    """What the policy says; the two above obey it by themselves."""
    plain: AsyncFurler
    """The client's face for what no policy touches: asking what a conversation began with."""
    figures: Figures
    """What came of the calls, lately."""

    @classmethod
    def connect(cls, settings: Settings) -> Upstream:
        """Return the way to the compressor. It connects at the first call.

        Raises PolicyFileError, EdgeKeyError.
        """
        path = Path(settings.policy_file) if settings.policy_file else None
        keeper = PolicyKeeper.of(path)
        signer = load_signer(Path(settings.edge_keys)) if settings.edge_keys else None
        credentials = caller.Credentials(signer)
        remote = RemoteBackend(
            settings.compressor, tls=settings.tls(), metadata=credentials.metadata
        )
        measured = MeasuredBackend(remote)
        prices = read_prices(Path(settings.price_file)) if settings.price_file else None
        figures = Figures(prices)
        governor = Governor(keeper, Identities(measured))
        recording = RecordingBackend(measured, figures)
        governed = GovernedBackend(recording, governor, figures)
        # Tried again below the policy: a call is decided on, and counted, once.
        retrying = GovernedBackend(RetryingBackend(recording, _RETRIES), governor, figures)
        seconds = settings.default_timeout_seconds
        furler = AsyncFurler(BriefBackend(retrying), timeout=seconds)
        plain = AsyncFurler(measured, timeout=seconds)
        return cls(governed, furler, governor, plain, figures)

    async def serving(self, seconds: float) -> bool:
        """Return whether the compressor says that it serves."""
        try:
            answer = await self.backend.unary(HEALTH, health_pb2.HealthCheckRequest(), seconds)
        except FurlerError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def close(self) -> None:
        """Close the channel."""
        await self.backend.close()
