"""Retries: only what may be repeated, bounded in number and in time."""

from __future__ import annotations

import asyncio

import pytest

from furler import (
    ContentNotFoundError,
    DeadlineExceededError,
    FurlerError,
    OverloadedError,
    QuotaExceededError,
    StoreUnavailableError,
    UnavailableError,
)
from furler.backends.base import GET_STATS, READ_CONTENT
from furler.backends.retry import RetryingBackend, RetryPolicy
from furler.v1.content_service_pb2 import ReadContentRequest, ReadContentResponse
from furler.v1.info_service_pb2 import GetStatsRequest, GetStatsResponse
from support.fake_backend import FakeBackend, Outcome, in_turn

AT_ONCE = RetryPolicy(attempts=3, base=0.0)
ANSWER = GetStatsResponse(retrievals=7)


def _stats(fake: FakeBackend, policy: RetryPolicy = AT_ONCE, seconds: float = 60) -> object:
    backend = RetryingBackend(fake, policy)
    return asyncio.run(backend.unary(GET_STATS, GetStatsRequest(), seconds))


def _read(fake: FakeBackend) -> list[bytes]:
    async def collect() -> list[bytes]:
        backend = RetryingBackend(fake, AT_ONCE)
        stream = backend.stream(READ_CONTENT, [ReadContentRequest()], 60)
        return [message.chunk async for message in stream]

    return asyncio.run(collect())


@pytest.mark.parametrize("error", [UnavailableError, OverloadedError, StoreUnavailableError])
def test_a_call_that_may_be_repeated_is(error: type[FurlerError]) -> None:
    fake = FakeBackend({"GetStats": in_turn(error("no"), error("no"), ANSWER)})
    assert _stats(fake) == ANSWER
    assert len(fake.calls) == 3


@pytest.mark.parametrize("error", [ContentNotFoundError, DeadlineExceededError, QuotaExceededError])
def test_a_call_that_would_fail_again_is_not_repeated(error: type[FurlerError]) -> None:
    fake = FakeBackend({"GetStats": in_turn(error("no"), ANSWER)})
    with pytest.raises(error):
        _stats(fake)
    assert len(fake.calls) == 1


def test_attempts_are_bounded_and_the_last_error_is_told() -> None:
    fake = FakeBackend({"GetStats": in_turn(UnavailableError("1"), UnavailableError("2"))})
    with pytest.raises(UnavailableError, match="2"):
        _stats(fake)
    assert len(fake.calls) == 3


def test_no_retry_waits_beyond_the_time_of_the_call() -> None:
    fake = FakeBackend({"GetStats": in_turn(OverloadedError("no", retry_after=61.0), ANSWER)})
    with pytest.raises(OverloadedError):
        _stats(fake, seconds=60)
    assert len(fake.calls) == 1


def test_a_retry_gets_the_time_that_is_left() -> None:
    fake = FakeBackend({"GetStats": in_turn(UnavailableError("no"), ANSWER)})
    _stats(fake, seconds=60)
    first, second = fake.seconds
    assert 60 >= first >= second > 0


def test_the_servers_word_is_a_lower_bound_of_the_wait() -> None:
    policy = RetryPolicy(base=0.1, longest=5.0)
    assert policy.wait(0, OverloadedError("no", retry_after=3.0)) == 3.0
    for retry in range(20):
        backoff = min(5.0, 0.1 * 2**retry)
        assert backoff / 2 <= policy.wait(retry, UnavailableError("no")) <= backoff


def test_a_stream_that_has_not_begun_is_repeated() -> None:
    chunks: list[Outcome] = [ReadContentResponse(chunk=b"a"), ReadContentResponse(chunk=b"b")]
    fake = FakeBackend({"ReadContent": in_turn(UnavailableError("no"), chunks)})
    assert _read(fake) == [b"a", b"b"]
    assert len(fake.calls) == 2


def test_a_stream_that_has_begun_is_not_repeated() -> None:
    broken: list[Outcome] = [ReadContentResponse(chunk=b"a"), UnavailableError("gone")]
    fake = FakeBackend({"ReadContent": in_turn(broken)})
    with pytest.raises(UnavailableError):
        _read(fake)
    assert len(fake.calls) == 1
