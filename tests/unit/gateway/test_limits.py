"""Bodies within bounds, whatever they claim and grow to."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
import zstandard

from furler_gateway.config import Settings
from furler_gateway.errors import RequestError
from furler_gateway.limits import Admission, decompressed, gunzip, unzstd

TEXT = b"some text " * 1000
LIMIT = len(TEXT)


def _status(caught: pytest.ExceptionInfo[RequestError]) -> int:
    return caught.value.failure.http_status()


@pytest.mark.parametrize("packed", [gzip.compress(TEXT, mtime=0), zlib.compress(TEXT)])
def test_gzip_and_zlib_are_unpacked_up_to_the_limit(packed: bytes) -> None:
    assert gunzip(packed, LIMIT) == TEXT
    with pytest.raises(RequestError) as caught:
        gunzip(packed, LIMIT - 1)
    assert _status(caught) == 413


def test_zstd_is_unpacked_up_to_the_limit() -> None:
    packed = zstandard.compress(TEXT)
    assert unzstd(packed, LIMIT) == TEXT
    with pytest.raises(RequestError) as caught:
        unzstd(packed, LIMIT - 1)
    assert _status(caught) == 413


def test_several_members_are_one_body() -> None:
    half = len(TEXT) // 2
    assert gunzip(gzip.compress(TEXT[:half], mtime=0) + gzip.compress(TEXT[half:]), LIMIT) == TEXT
    frames = zstandard.compress(TEXT[:half]) + zstandard.compress(TEXT[half:])
    assert unzstd(frames, LIMIT) == TEXT


@pytest.mark.parametrize(
    ("unpack", "data"),
    [
        (gunzip, b"no archive"),
        (gunzip, gzip.compress(TEXT, mtime=0)[:-9]),
        (unzstd, b"no archive"),
        (unzstd, gzip.compress(TEXT, mtime=0)),
    ],
)
def test_what_is_not_packed_or_cut_is_refused(
    unpack: Callable[[bytes, int], bytes], data: bytes
) -> None:
    with pytest.raises(RequestError) as caught:
        unpack(data, LIMIT)
    assert _status(caught) == 400


def test_the_next_request_is_refused_until_one_ends() -> None:
    admission = Admission(max_requests=1, max_bytes=100)
    with admission.admitted():
        with pytest.raises(RequestError) as caught, admission.admitted():
            pass
        assert _status(caught) == 429
        assert caught.value.failure.retry_after is not None
    with admission.admitted():
        assert admission.requests == 1
    assert admission.requests == 0


def test_bytes_are_bounded_over_all_requests_and_given_back() -> None:
    admission = Admission(max_requests=9, max_bytes=100)
    with admission.admitted() as first:
        first.take(60)
        with admission.admitted() as second, pytest.raises(RequestError) as caught:
            second.take(41)
        assert _status(caught) == 429
        assert admission.held_bytes == 60
    assert admission.held_bytes == 0


@pytest.mark.parametrize("data", [gzip.compress(b"x" * 2_000_000), b"no archive"])
def test_a_body_that_cannot_be_unpacked_holds_no_more_than_it_did(data: bytes) -> None:
    admission = Admission(1, 10_000_000)
    with admission.admitted() as hold:
        hold.take(len(data))
        with pytest.raises(RequestError):
            asyncio.run(decompressed(data, "gzip", Settings(max_body_bytes=1_000_000), hold))
        assert admission.held_bytes == len(data)


def test_a_request_that_only_waits_gives_its_place_to_another() -> None:
    admission = Admission(1, 1)
    with admission.admitted() as first:
        first.stand_aside()
        with admission.admitted(), pytest.raises(RequestError) as caught, admission.admitted():
            pass
        assert _status(caught) == 429
    assert admission.requests == 0
