"""The engine in this process: calls go to the service's own handlers, without a wire.

furler_compressor is imported when it is first needed, so that the client
alone stays small.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, cast

from google.protobuf.message import Message

from furler.backends.base import Method, Request, Response
from furler.errors import (
    ClosedError,
    DeadlineExceededError,
    FieldInvalidError,
    FurlerError,
    NotInstalledError,
    ServerError,
    from_reason,
)


class Service(Protocol):
    """What furler_compressor.embedded opens."""

    async def unary(self, method: str, request: Message, seconds: float | None) -> Message:
        """Answer one request, by an RPC's full name."""
        ...

    def stream(
        self, method: str, request: Message, seconds: float | None
    ) -> AsyncIterator[Message]:
        """Answer one request with a stream."""
        ...


class Status(Protocol):
    """What a CallError carries: what a server would have answered."""

    @property
    def reason(self) -> str:
        """An ErrorReason without its prefix; empty for none."""
        ...

    @property
    def message(self) -> str:
        """One line for people."""
        ...

    @property
    def metadata(self) -> Iterable[tuple[str, str]]:
        """Details by name."""
        ...

    @property
    def retry_after(self) -> float:
        """Seconds to wait; 0 for none."""
        ...


Opener = Callable[[str | None], AbstractAsyncContextManager[Service]]


@dataclass(frozen=True, slots=True)
class Engine:
    """What the embedded package gives: how to open the service, and the error of its calls."""

    open_service: Opener
    call_error: type[Exception]


def load() -> Engine:
    """Import the service. Raises NotInstalledError."""
    try:
        from furler_compressor import embedded  # noqa: PLC0415 - an optional part of the package
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "furler_compressor":
            raise
        raise NotInstalledError(
            "the engine is not installed in this Python: pip install 'furler[embedded]',"
            " or connect to a server"
        ) from error
    return Engine(cast("Opener", embedded.open_service), embedded.CallError)


class EmbeddedBackend:
    """Opens the service at the first call and keeps it open.

    The service lives in a task of its own: it is left by the task that entered
    it, whichever tasks the calls come from.
    """

    stream_above: int | None = None

    def __init__(self, store: str | None, loader: Callable[[], Engine] = load) -> None:
        self._store = store
        self._loader = loader
        self._engine: Engine | None = None
        self._ready: asyncio.Future[Service] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()

    async def open(self) -> None:
        """Open the service. Raises NotInstalledError, or FieldInvalidError for a store's URL."""
        await self._service()

    async def close(self) -> None:
        """Close the service, after its writes are done."""
        self._stop.set()
        if self._keeper is not None and self._ready is not None and not self._ready.done():
            self._keeper.cancel()
        if self._keeper is not None:
            await asyncio.wait([self._keeper])

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Call the handler."""
        service = await self._service()
        try:
            async with asyncio.timeout(seconds):
                return cast("Response", await service.unary(method.path, request, seconds))
        except self._call_errors() as error:
            raise _translate(error) from None
        except TimeoutError:
            raise _late(seconds) from None

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Call the handler of a method that takes one request."""
        service = await self._service()
        (request,) = requests
        try:
            async for response in service.stream(method.path, request, seconds):
                yield cast("Response", response)
        except self._call_errors() as error:
            raise _translate(error) from None

    def _call_errors(self) -> type[Exception]:
        assert self._engine is not None  # noqa: S101 - set with the service
        return self._engine.call_error

    async def _service(self) -> Service:
        if self._stop.is_set():
            raise ClosedError("the client is closed")
        if self._ready is None:
            self._engine = self._loader()
            self._ready = asyncio.get_running_loop().create_future()
            self._keeper = asyncio.create_task(self._keep(self._engine, self._ready))
            self._keeper.add_done_callback(self._opening_failed)
        # One caller that gives up must not cancel the opening for the others.
        return await asyncio.shield(self._ready)

    async def _keep(self, engine: Engine, ready: asyncio.Future[Service]) -> None:
        """Hold the service open until told to stop."""
        async with engine.open_service(self._store) as service:
            ready.set_result(service)
            await self._stop.wait()

    def _opening_failed(self, keeper: asyncio.Task[None]) -> None:
        """Pass on why the service did not open to those who wait for it."""
        if self._ready is None or self._ready.done():
            return
        error = None if keeper.cancelled() else keeper.exception()
        match error:
            case ValueError() | OSError():
                # The configuration is wrong: the store's URL, or a setting of the environment.
                problem = " ".join(str(error).split())
                self._ready.set_exception(
                    FieldInvalidError(f"store: {problem}", metadata={"field": "store"})
                )
            case None:
                self._ready.set_exception(ClosedError("the client was closed while it opened"))
            case _:
                self._ready.set_exception(error)


def _translate(error: Exception) -> FurlerError:
    status = cast("Status", getattr(error, "status", None))
    if not status.reason:
        return _without_reason(error)
    metadata: Mapping[str, str] = dict(status.metadata)
    return from_reason(status.reason, status.message, metadata, status.retry_after or None)


def _without_reason(error: Exception) -> FurlerError:
    if isinstance(error.__cause__, TimeoutError):
        return DeadlineExceededError(str(error))
    return ServerError(str(error))


def _late(seconds: float) -> DeadlineExceededError:
    return DeadlineExceededError(f"the engine did not finish within {seconds:g} s")
