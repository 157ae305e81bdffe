"""The service without a server: what ``Furler.embedded()`` runs in its own process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.protobuf.message import Message

from furler_compressor.adapters.open_model import open_model
from furler_compressor.app.context import Caller
from furler_compressor.app.errors import FurlerError
from furler_compressor.app.identity import DEFAULT_TENANT
from furler_compressor.app.model_port import ModelUnavailableError
from furler_compressor.assemble import backend, for_library, prose_model
from furler_compressor.config import Settings
from furler_compressor.rpc.errors import Status, status_of
from furler_compressor.rpc.handlers import Handlers
from furler_compressor.rpc.methods import METHODS

__all__ = [
    "CallError",
    "EmbeddedService",
    "ModelUnavailableError",
    "model_state",
    "open_service",
    "store_advice",
    "triton_report",
]


class CallError(Exception):
    """A call failed; ``status`` is what a server would have answered."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


class EmbeddedService:
    """Calls handlers by the RPCs' full names, such as ``/furler.v1.InfoService/GetStats``."""

    def __init__(self, handlers: Handlers, default_seconds: float) -> None:
        self._handlers = handlers
        self._default_seconds = default_seconds

    async def unary(self, method: str, request: Message, seconds: float | None = None) -> Message:
        """Call a unary RPC. Raises CallError, or KeyError for a name the API does not have."""
        work = METHODS[method].unary(self._handlers)
        try:
            return await work(self._caller(seconds), request)
        except (FurlerError, TimeoutError) as error:
            raise CallError(status_of(error)) from error

    async def stream(
        self, method: str, request: Message, seconds: float | None = None
    ) -> AsyncIterator[Message]:
        """Call an RPC that streams its answer. Raises like unary."""
        work = METHODS[method].server_stream(self._handlers)
        try:
            async for response in work(self._caller(seconds), request):
                yield response
        except (FurlerError, TimeoutError) as error:
            raise CallError(status_of(error)) from error

    def _caller(self, seconds: float | None) -> Caller:
        budget = self._default_seconds if seconds is None else seconds
        return Caller(DEFAULT_TENANT, asyncio.get_running_loop().time() + budget)


async def store_advice(store: str | None = None) -> list[str]:
    """Return what an operator should put right in a Redis store: sentences. Others need no advice.

    Raises CallError for a store that does not answer, ValueError for a URL that names none.
    """
    settings = Settings() if store is None else Settings(store=store)
    if not settings.store.lower().startswith(("redis", "unix:")):
        return []
    found = backend(settings).store
    try:
        return await found.ping()
    except FurlerError as error:
        raise CallError(status_of(error)) from error
    finally:
        await found.close()


async def model_state() -> str:
    """Load the model that is configured, and return its name, version and checksum; '' for none.

    Raises:
        ModelUnavailableError: It is configured and cannot serve.
        ValueError: It is not installed.
    """
    settings = Settings()
    model = open_model(settings.model, settings.model_threads)
    if not model.version:
        return ""
    try:
        return await model.check()
    finally:
        await model.close()


async def triton_report() -> str:
    """Return which Triton servers answer and what they serve; nothing where none is configured.

    Raises ModelUnavailableError where none answers, ValueError or OSError for unfit settings.
    """
    settings = Settings()
    if not settings.triton_urls:
        return ""
    model = prose_model(settings)
    try:
        return await model.check()
    finally:
        await model.close()


@asynccontextmanager
async def open_service(store: str | None = None) -> AsyncIterator[EmbeddedService]:
    """Open the service in this process.

    ``store`` is a directory, ``memory:`` or a ``redis://`` URL; None takes the
    environment's FURLER_STORE, else the user's data directory.
    """
    settings = Settings() if store is None else Settings(store=store)
    async with for_library(settings) as handlers:
        yield EmbeddedService(handlers, settings.default_timeout_seconds)
