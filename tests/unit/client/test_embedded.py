"""The embedded backend against a service that stands in for the real one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from google.protobuf.message import Message

from furler import (
    ClosedError,
    ContentNotFoundError,
    DeadlineExceededError,
    FieldInvalidError,
    NotInstalledError,
    OverloadedError,
    ServerError,
)
from furler.backends import embedded
from furler.backends.base import GET_STATS, READ_CONTENT
from furler.backends.embedded import EmbeddedBackend, Engine, Service
from furler.v1.content_service_pb2 import ReadContentRequest, ReadContentResponse
from furler.v1.info_service_pb2 import GetStatsRequest, GetStatsResponse


@dataclass
class _Status:
    reason: str = ""
    message: str = "no"
    metadata: tuple[tuple[str, str], ...] = ()
    retry_after: float = 0.0


class _CallError(Exception):
    def __init__(self, status: _Status) -> None:
        super().__init__(status.message)
        self.status = status


@dataclass
class _FakeService:
    """Raises what it is told to, or answers; notes who opened and closed it."""

    failure: Exception | None = None
    opening: Exception | None = None
    hangs: bool = False
    calls: list[str] = field(default_factory=list)
    stores: list[str | None] = field(default_factory=list)
    tasks: list[object] = field(default_factory=list)

    async def unary(self, method: str, request: Message, seconds: float | None) -> Message:
        self.calls.append(method)
        assert isinstance(request, GetStatsRequest)
        assert seconds is not None
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure:
            raise self.failure
        return GetStatsResponse(originals=2)

    async def stream(
        self, method: str, request: Message, seconds: float | None
    ) -> AsyncIterator[Message]:
        self.calls.append(method)
        assert isinstance(request, ReadContentRequest)
        assert seconds is not None
        yield ReadContentResponse(chunk=b"a")
        if self.failure:
            raise self.failure

    def engine(self) -> Engine:
        def open_service(store: str | None) -> AbstractAsyncContextManager[Service]:
            return self._open(store)

        return Engine(open_service, _CallError)

    @asynccontextmanager
    async def _open(self, store: str | None) -> AsyncIterator[Service]:
        self.stores.append(store)
        self.tasks.append(asyncio.current_task())
        if self.opening:
            raise self.opening
        yield self
        self.tasks.append(asyncio.current_task())


def _stats(service: _FakeService, seconds: float = 30) -> GetStatsResponse:
    async def call() -> GetStatsResponse:
        backend = EmbeddedBackend("memory:", service.engine)
        try:
            return await backend.unary(GET_STATS, GetStatsRequest(), seconds)
        finally:
            await backend.close()

    return asyncio.run(call())


def _caused(error: _CallError, cause: Exception) -> _CallError:
    error.__cause__ = cause
    return error


def test_calls_reach_the_service_by_their_full_name() -> None:
    service = _FakeService()
    assert _stats(service) == GetStatsResponse(originals=2)
    assert service.calls == ["/furler.v1.InfoService/GetStats"]
    assert service.stores == ["memory:"]


def test_the_service_is_opened_once_and_left_by_the_task_that_entered_it() -> None:
    service = _FakeService()

    async def calls() -> None:
        backend = EmbeddedBackend(None, service.engine)
        answers = [backend.unary(GET_STATS, GetStatsRequest(), 30) for _ in range(5)]
        await asyncio.gather(*answers)
        await asyncio.create_task(backend.close())

    asyncio.run(calls())
    assert service.stores == [None]
    entered, left = service.tasks
    assert entered is left


def test_streams_come_through() -> None:
    async def call() -> list[bytes]:
        backend = EmbeddedBackend(None, _FakeService().engine)
        stream = backend.stream(READ_CONTENT, [ReadContentRequest()], 30)
        chunks = [message.chunk async for message in stream]
        await backend.close()
        return chunks

    assert asyncio.run(call()) == [b"a"]


def test_a_reason_becomes_the_same_error_as_over_the_wire() -> None:
    status = _Status("CONTENT_NOT_FOUND", "gone", (("ref", "abc"),))
    with pytest.raises(ContentNotFoundError) as caught:
        _stats(_FakeService(failure=_CallError(status)))
    assert (caught.value.message, caught.value.metadata) == ("gone", {"ref": "abc"})
    with pytest.raises(OverloadedError) as busy:
        _stats(_FakeService(failure=_CallError(_Status("OVERLOADED", retry_after=2.0))))
    assert busy.value.retry_after == 2.0


def test_a_failure_without_a_reason_is_a_deadline_or_the_engines_own() -> None:
    with pytest.raises(DeadlineExceededError):
        _stats(_FakeService(failure=_caused(_CallError(_Status()), TimeoutError())))
    with pytest.raises(ServerError):
        _stats(_FakeService(failure=_CallError(_Status())))


def test_a_service_that_hangs_is_left_at_the_deadline() -> None:
    with pytest.raises(DeadlineExceededError, match=r"within 0\.05 s"):
        _stats(_FakeService(hangs=True), seconds=0.05)


@pytest.mark.parametrize(
    "opening", [ValueError("no store\nhas the scheme 'x'"), PermissionError(13, "denied", "/x")]
)
def test_a_store_that_cannot_be_opened_is_a_wrong_argument(opening: Exception) -> None:
    with pytest.raises(FieldInvalidError) as caught:
        _stats(_FakeService(opening=opening))
    assert caught.value.metadata == {"field": "store"}
    assert "\n" not in caught.value.message


def test_a_bug_in_opening_shows_as_itself() -> None:
    with pytest.raises(KeyError):
        _stats(_FakeService(opening=KeyError("bug")))


def test_a_closed_backend_says_so() -> None:
    async def call() -> None:
        backend = EmbeddedBackend(None, _FakeService().engine)
        await backend.close()
        await backend.open()

    with pytest.raises(ClosedError):
        asyncio.run(call())


def test_a_missing_engine_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "furler_compressor":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Hidden(), *sys.meta_path])
    with pytest.raises(NotInstalledError, match=r"pip install 'furler\[embedded\]'"):
        embedded.load()


class _Hidden:
    """Finds nothing of the service, as if it were not installed."""

    find_spec: Callable[[str, object, object], None]

    def __init__(self) -> None:
        def find_spec(name: str, _path: object, _target: object) -> None:
            if name.partition(".")[0] == "furler_compressor":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

        self.find_spec = find_spec
