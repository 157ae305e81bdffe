"""Bodies within bounds, whatever they claim and grow to."""

from __future__ import annotations

import asyncio
import gzip
import random
import zlib
from collections.abc import Callable

import pytest
import zstandard
from aiohttp import StreamReader

from furler_gateway.config import Settings
from furler_gateway.errors import RequestError
from furler_gateway.limits import Admission, arriving, decompressed, gunzip, unzstd

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


@pytest.mark.parametrize("sizes", [[0], [1, 0, 3], [511, 513], [5000, 0, 0, 7000]])
@pytest.mark.parametrize("level", [0, 9])
def test_members_of_any_size_are_one_body(sizes: list[int], level: int) -> None:
    parts = [random.Random(size).randbytes(size) for size in sizes]  # noqa: S311 - bytes to pack
    packed = b"".join(gzip.compress(part, level, mtime=0) for part in parts)
    whole = b"".join(parts)
    assert gunzip(packed, len(whole)) == whole
    for cut in range(1, 20):  # within the last member
        with pytest.raises(RequestError) as caught:
            gunzip(packed[:-cut], len(whole))
        assert _status(caught) == 400


def test_what_many_members_hold_back_is_read_in_small_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    empty = gzip.compress(b"", mtime=0)
    given: list[int] = []
    real = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self.inner = real(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            given.append(len(data))
            return self.inner.decompress(data, most)

        def __getattr__(self, name: str) -> object:
            return getattr(self.inner, name)

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert gunzip(empty * 1000, LIMIT) == b""
    assert len(given) == 1000
    assert max(given) <= 1024


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


def test_a_request_that_comes_back_takes_a_place_or_is_refused() -> None:
    admission = Admission(1, 1)
    with admission.admitted() as first:
        first.stand_aside()
        with admission.admitted(), pytest.raises(RequestError) as caught:
            first.come_back()
        assert _status(caught) == 429
        first.come_back()
        assert admission.requests == 1
    assert admission.requests == 0


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_small_bodies_in_an_encoding_hold_no_room_for_the_largest(
    pack: Callable[[bytes], bytes],
) -> None:
    encoding = "gzip" if pack is gzip.compress else "zstd"
    settings = Settings(max_body_bytes=1_000_000, max_buffered_bytes=1_100_000)
    admission = Admission(99, settings.max_buffered_bytes)

    async def unpacked(data: bytes) -> tuple[bytes, int]:
        with admission.admitted() as hold:
            hold.take(len(data))
            return await decompressed(data, encoding, settings, hold), admission.held_bytes

    async def at_once(count: int) -> list[tuple[bytes, int]]:
        return await asyncio.gather(*(unpacked(pack(TEXT)) for _ in range(count)))

    assert asyncio.run(at_once(12)) == [(TEXT, len(TEXT))] * 12
    # One that grows more than is usual has room for the most, while there is any.
    much = bytes(900_000)
    assert asyncio.run(unpacked(pack(much))) == (much, len(much))
    with admission.admitted() as other:
        other.take(200_000)
        with pytest.raises(RequestError) as caught:
            asyncio.run(unpacked(pack(much)))
    assert _status(caught) == 429
    assert admission.held_bytes == 0


class Arriving(StreamReader):
    """A body that comes in pieces, each after some seconds on the loop's own clock."""

    def __init__(self, *pieces: tuple[float, bytes]) -> None:
        self.pieces = list(pieces)

    async def readany(self) -> bytes:
        if not self.pieces:
            return b""
        seconds, piece = self.pieces.pop(0)
        await asyncio.sleep(seconds)
        return piece


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        ([(0.0, b"x"), (0.0, b"y")], None),
        ([(0.0, b"x" * 1_000_000)] * 3, None),
        ([(0.0, b"x"), (60.0, b"y")], 408),
        ([(60.0, b"x")], 408),
    ],
)
def test_a_body_that_is_passed_on_arrives_in_time(
    pieces: list[tuple[float, bytes]], status: int | None
) -> None:
    async def passed_on() -> list[bytes]:
        return [chunk async for chunk in arriving(Arriving(*pieces), 0.05)]

    if status is None:
        assert asyncio.run(passed_on()) == [piece for _, piece in pieces]
    else:
        with pytest.raises(RequestError) as caught:
            asyncio.run(passed_on())
        assert _status(caught) == status
