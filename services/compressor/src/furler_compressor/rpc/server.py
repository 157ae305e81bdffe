"""The gRPC server: registers the method table, and is the one place where errors become statuses.

Every call passes the gate (who calls, may it come in), has a server span around its
handler, and on the way back a status for whatever was raised. What is refused at the
gate has to be cheap: in an overload there is more of it than of anything else.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from grpc_channelz.v1 import channelz
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from opentelemetry.trace import Span

from furler_compressor import telemetry
from furler_compressor.app.context import Caller, Limits
from furler_compressor.app.errors import (
    FieldInvalidError,
    FurlerError,
    OverloadedError,
    QuotaExceededError,
)
from furler_compressor.app.identity import Anyone
from furler_compressor.config import Settings
from furler_compressor.rpc.errors import Status, status_of
from furler_compressor.rpc.gate import Gate, open_gate
from furler_compressor.rpc.handlers import Handlers
from furler_compressor.rpc.health import Health
from furler_compressor.rpc.methods import METHODS, SERVICES, Method, Unary
from furler_compressor.rpc.tls import ServerTls

_LOG: Final = logging.getLogger("furler.rpc")
_Call: TypeAlias = grpc.aio.ServicerContext[Message, Message]
_QUIET_SECONDS: Final = 0.1
"""Without a new call for so long, a draining server takes it that clients know: several times what
a health update takes to reach them, and short for whoever waits for the end."""
_LAME_SECONDS: Final = 1.0
"""The most a draining server waits for that: clients that do not watch health never know."""


class Server:
    """A gRPC server around the handlers, with health, reflection and channelz."""

    def __init__(
        self,
        handlers: Handlers,
        settings: Settings,
        *,
        shared_port: bool,
        gate: Gate | None = None,
        tls: ServerTls | None = None,
    ) -> None:
        self._handlers = handlers
        self._gate = gate or open_gate()
        self._settings = settings
        self._health = Health(("", *SERVICES))
        self._server = grpc.aio.server(options=_options(settings, shared_port=shared_port))
        self._register()
        if tls is None:
            self.port = self._server.add_insecure_port(settings.listen)
        else:
            self.port = self._server.add_secure_port(settings.listen, tls.credentials())
        self._probed = self._health_server(shared_port=shared_port)
        self._calls = 0

    async def start(self) -> None:
        """Listen, and report SERVING."""
        await self._server.start()
        if self._probed is not None:
            await self._probed.start()
        await self._health.serve(serving=True)

    async def drain(self) -> None:
        """Report NOT_SERVING, refuse new calls, let those in flight end within the drain time.

        gRPC's server cancels what has arrived but is not begun when it is told to stop. So it is
        told when clients that watch health have gone elsewhere, and serves until then.
        """
        await self._health.serve(serving=False)
        self._handlers.end_watches()
        await self._until_quiet()
        ending = asyncio.create_task(self._server.stop(self._settings.drain_seconds))
        await asyncio.sleep(0)  # it has begun: no new watch comes in for one that ends
        await self._health.end_watches()
        await ending
        if self._probed is not None:
            # Last: whoever probes while calls end learns that this replica takes no more.
            await self._probed.stop(None)

    async def _until_quiet(self) -> None:
        """Wait until no new call has come for a while; never for long."""
        clock = asyncio.get_running_loop().time
        end = clock() + _LAME_SECONDS
        seen = -1
        while seen != self._calls and clock() < end:
            seen = self._calls
            await asyncio.sleep(_QUIET_SECONDS)

    def _health_server(self, *, shared_port: bool) -> grpc.aio.Server | None:
        """Return a server of health alone, in the clear; None where none is asked for."""
        if not self._settings.health_listen:
            return None
        server = grpc.aio.server(options=[("grpc.so_reuseport", int(shared_port))])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        server.add_insecure_port(self._settings.health_listen)
        return server

    def _register(self) -> None:
        by_service: dict[str, dict[str, grpc.RpcMethodHandler[Message, Message]]] = {}
        for method in METHODS.values():
            by_service.setdefault(method.service, {})[method.name] = self._handler(method)
        for service, handlers in by_service.items():
            handler = grpc.method_handlers_generic_handler(service, handlers)
            self._server.add_generic_rpc_handlers((handler,))
        # With handlers by name, too, the server would wait for the next call of each of those methods:
        # for eleven tasks at every call, instead of for one.
        self._server.add_registered_method_handlers = _nothing  # type: ignore[attr-defined]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)
        if isinstance(self._gate.authenticator, Anyone):
            # It names every peer: not for whoever reaches a server that asks who they are.
            channelz.add_channelz_servicer(self._server)  # type: ignore[arg-type]

    def _handler(self, method: Method) -> grpc.RpcMethodHandler[Message, Message]:
        read, write = method.request.FromString, method.response.SerializeToString
        if method.client_streams:
            return grpc.stream_stream_rpc_method_handler(self._both(method), read, write)
        if method.server_streams:
            return grpc.unary_stream_rpc_method_handler(self._streaming(method), read, write)
        # On the wire the same as unary_unary, which would read and parse a message of any size
        # before it asks whether the call may come in.
        return grpc.stream_unary_rpc_method_handler(self._unary(method), read, write)

    def _unary(self, method: Method) -> Callable[[object, _Call], object]:
        work = method.unary(self._handlers)

        async def serve(requests: object, call: _Call) -> Message:
            answer = await self._answered(method, work, call)
            if isinstance(answer, Message):
                return answer
            try:
                await call.abort(answer.code, answer.message, answer.trailing_metadata())
            finally:
                # The call keeps the error that abort raises, and the error this frame: a cycle, which
                # would hold all of the call until the collector comes.
                del requests, call
            raise AssertionError("an error aborts the call")

        return serve

    async def _answered(self, method: Method, work: Unary, call: _Call) -> Message | Status:
        """Let a call in, read its message and work on it; or say how it ended without an answer."""
        self._calls += 1
        arrival = _Arrival.of(call, self._settings)
        name = _full_name(method)
        try:
            async with asyncio.timeout_at(arrival.deadline):
                caller = await self._gate.enter(arrival.headers, arrival.deadline, name)
                self._gate.check(caller, name)
        except Exception as error:  # noqa: BLE001 - as in _served
            return await self._turned_away(method, arrival, error)
        answer: Message | Status
        with telemetry.server_span(method.service, method.name, arrival.headers) as span:
            status = Status(grpc.StatusCode.OK, "")
            try:
                async with asyncio.timeout_at(arrival.deadline):
                    with self._gate.admitted(caller):
                        request = await _received(method, call)
                        await self._gate.charge(caller, request)
                        answer = await work(caller, request)
            except Exception as error:  # noqa: BLE001 - as in _served
                answer = status = await self._status(method, arrival, error)
            _record(span, method, status, arrival)
        return answer

    async def _turned_away(self, method: Method, arrival: _Arrival, error: Exception) -> Status:
        """Return the status of a call that did not get in.

        There may be more of them than calls that did: only who traces such a call has a span of it.
        """
        with telemetry.span_if_traced(method.service, method.name, arrival.headers) as span:
            status = await self._status(method, arrival, error)
            _record(span, method, status, arrival)
        return status

    async def _status(self, method: Method, arrival: _Arrival, error: Exception) -> Status:
        """Return what a caller is told of an error; a refusal after a moment."""
        status = _status_of(method, error)
        if isinstance(error, OverloadedError | QuotaExceededError):
            await self._gate.lull.wait(arrival.time_left())
        return status

    def _streaming(self, method: Method) -> Callable[[Message, _Call], object]:
        work = method.server_stream(self._handlers)

        async def serve(request: Message, call: _Call) -> AsyncIterator[Message]:
            async with self._served(method, call) as caller:
                await self._gate.charge(caller, request)
                async for response in work(caller, request):
                    yield response

        return serve

    def _both(self, method: Method) -> Callable[[AsyncIterator[Message], _Call], object]:
        work = method.both_streams(self._handlers)

        async def serve(requests: AsyncIterator[Message], call: _Call) -> AsyncIterator[Message]:
            async with self._served(method, call) as caller:
                async for response in work(caller, self._gate.charged(caller, requests)):
                    yield response

        return serve

    @asynccontextmanager
    async def _served(self, method: Method, call: _Call) -> AsyncIterator[Caller]:
        """Give a stream's handler its caller; turn what it raises into the call's status."""
        self._calls += 1
        arrival = _Arrival.of(call, self._settings)
        with telemetry.server_span(method.service, method.name, arrival.headers) as span:
            status = Status(grpc.StatusCode.OK, "")
            try:
                async with asyncio.timeout_at(arrival.deadline):
                    yield await self._gate.enter(
                        arrival.headers, arrival.deadline, _full_name(method)
                    )
            except Exception as error:  # noqa: BLE001 - the one place: an unforeseen error is INTERNAL
                status = _status_of(method, error)
            _record(span, method, status, arrival)
        if status.code is not grpc.StatusCode.OK:
            await call.abort(status.code, status.message, status.trailing_metadata())


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What is known of a call before its message is read; times are the event loop's."""

    headers: dict[str, str]
    at: float
    deadline: float

    @classmethod
    def of(cls, call: _Call, settings: Settings) -> _Arrival:
        now = asyncio.get_running_loop().time()
        headers = {
            key: value for key, value in call.invocation_metadata() or () if isinstance(value, str)
        }
        return cls(headers, now, now + _time_left(call, settings))

    def time_left(self) -> float:
        """Return the seconds until the deadline; negative after it."""
        return self.deadline - asyncio.get_running_loop().time()


def _record(span: Span, method: Method, status: Status, arrival: _Arrival) -> None:
    took = asyncio.get_running_loop().time() - arrival.at
    telemetry.record_call(span, method.service, method.name, status.code.name, status.reason, took)


def _status_of(method: Method, error: Exception) -> Status:
    if not isinstance(error, FurlerError | TimeoutError):
        _log(method, error)
    return status_of(error)


async def _received(method: Method, call: _Call) -> Message:
    """Read a call's only message. Raises FieldInvalidError if there is none, or it is malformed."""
    try:
        request = await call.read()
    except DecodeError:
        raise FieldInvalidError(
            f"request: not a {method.request.DESCRIPTOR.full_name}", field="request"
        ) from None
    if not isinstance(request, Message):  # the end, and nothing before it
        raise FieldInvalidError("request: want a message", field="request")
    return request


def _nothing(_service: str, _handlers: Mapping[str, object]) -> None:
    """Register nothing."""


def _full_name(method: Method) -> str:
    return f"/{method.service}/{method.name}"


def _time_left(call: _Call, settings: Settings) -> float:
    left: float | None = call.time_remaining()  # None without a deadline; the stubs do not say
    return settings.default_timeout_seconds if left is None else left


def _log(method: Method, error: Exception) -> None:
    """Log where an unforeseen error came from; its message may quote content, so it stays out."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    _LOG.error("%s/%s: %s at %s", method.service, method.name, type(error).__name__, places)


def _options(settings: Settings, *, shared_port: bool) -> list[tuple[str, int]]:
    message_bytes = settings.max_content_bytes + Limits.MESSAGE_HEADROOM
    age = int(settings.connection_age_seconds * 1000)
    return [
        ("grpc.so_reuseport", int(shared_port)),
        ("grpc.max_receive_message_length", message_bytes),
        ("grpc.max_send_message_length", message_bytes),
        # gRPC itself adds 10 % of jitter, so that clients do not come back all at once.
        ("grpc.max_connection_age_ms", age),
        ("grpc.max_connection_age_grace_ms", int(settings.drain_seconds * 1000)),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
