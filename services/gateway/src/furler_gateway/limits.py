"""What one client may cost: requests, bytes, time. Each limit has a status of its own.

413 a body too large, 415 one in an encoding unknown, 408 one too slow, 429 too
many requests or bodies at once. Limits on heads (431, idle connections) are
connections.py.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final, ParamSpec, Self, TypeVar

import zstandard
from aiohttp import StreamReader, web

from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError

_P = ParamSpec("_P")
_T = TypeVar("_T")

OFF_LOOP_BYTES: Final = 256 * 1024
"""Work over more than this leaves the event loop: parsing it takes milliseconds."""
_MOST_VALUES: Final = 200_000
"""Many times what the largest batch has: 256 contents, or as many digests."""
RETRY_SECONDS: Final = 1.0
"""What a refused client is told to wait: most requests take less."""
_ZSTD_WINDOW: Final = 8 * 1024 * 1024
"""What RFC 8878 has every decoder support; a frame that wants more memory is refused."""
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_LEAST_BYTES: Final = 256 * 1024
_ROOM_BYTES: Final = 64 * 1024
_USUAL_RATIO: Final = 16
"""Logs and JSON shrink to a tenth or so."""
_MEMBER_BYTES: Final = 512
"""What is read of a member at first: as much as an empty one costs by itself."""
_READ_BYTES: Final = 256 * 1024


@dataclass(slots=True)
class Admission:
    """Counts requests and the bytes they hold, of one process."""

    max_requests: int
    max_bytes: int
    requests: int = 0
    held_bytes: int = 0

    def admitted(self) -> Hold:
        """Let a request in for the time of a ``with``. Entering raises RequestError with 429."""
        return Hold(self)

    def enter(self) -> None:
        """Count one request more. Raises RequestError with 429."""
        if self.requests >= self.max_requests:
            raise _too_many("requests", "too many requests at once")
        self.requests += 1


@dataclass(slots=True)
class Hold:
    """What one request holds: a place among the requests, and bytes."""

    admission: Admission
    held_bytes: int = 0
    is_aside: bool = False

    def __enter__(self) -> Self:
        """Take a place. Raises RequestError with 429."""
        self.admission.enter()
        return self

    def __exit__(self, *_: object) -> None:
        """Hold nothing any more, no place either."""
        self.stand_aside()
        self.release()

    def stand_aside(self) -> None:
        """Give the place among the requests to another: what is left to do is to wait."""
        if not self.is_aside:
            self.is_aside = True
            self.admission.requests -= 1

    def come_back(self) -> None:
        """Have a place among the requests again. Raises RequestError with 429."""
        if self.is_aside:
            self.admission.enter()
            self.is_aside = False

    def take(self, count: int) -> None:
        """Hold more bytes. Raises RequestError with 429."""
        if self.admission.held_bytes + count > self.admission.max_bytes:
            raise _too_many("bytes", "too many bytes of request bodies at once")
        self.held_bytes += count
        self.admission.held_bytes += count

    def give(self, count: int) -> None:
        """Hold so many bytes less."""
        self.held_bytes -= count
        self.admission.held_bytes -= count

    def release(self) -> None:
        """Hold nothing any more."""
        self.admission.held_bytes -= self.held_bytes
        self.held_bytes = 0


def _too_many(what: str, message: str) -> RequestError:
    telemetry.REFUSED.labels(what).inc()
    return RequestError(
        Failure("resource_exhausted", message, "OVERLOADED", retry_after=RETRY_SECONDS)
    )


async def read_body(
    request: web.Request, settings: Settings, hold: Hold, most: int | None = None
) -> bytes:
    """Return a request's body, decompressed. Raises RequestError: 400, 408, 413, 415, 429.

    ``most`` are the bytes that such a body has at most, where that is less than any body may have.
    """
    encoding = request.headers.get("Content-Encoding", "")
    _decompressor(encoding)  # one that is unknown is refused before its body is read
    raw = await read_raw(request, settings, hold, most)
    return await decompressed(raw, encoding, settings, hold, most)


async def read_raw(
    request: web.Request, settings: Settings, hold: Hold, most: int | None = None
) -> bytes:
    """Return a request's body as it came. Raises RequestError: 400, 408, 413, 429."""
    limit = min(settings.max_body_bytes, most or settings.max_body_bytes)
    if request.content_length is not None and request.content_length > limit:
        raise _refused(limit)
    body, size = bytearray(), 0
    try:
        if request.content.is_eof():  # all of it came with its head, as small ones do
            whole = request.content.read_nowait()
            if len(whole) > limit:
                raise _refused(limit)
            hold.take(len(whole))
            return whole
        # Whoever sends a byte a second must not have a place for that long.
        hold.stand_aside()
        async with asyncio.timeout(settings.body_timeout_seconds):
            async for chunk in request.content.iter_any():
                size += len(chunk)
                if size > limit:
                    raise _refused(limit)
                hold.take(len(chunk))
                body += chunk
    except TimeoutError:
        raise _too_slow() from None
    except web.RequestPayloadError:
        raise malformed("the body is not what its headers say") from None
    hold.come_back()
    return await off_loop(size, bytes, body)


async def arriving(content: StreamReader, seconds: float) -> AsyncGenerator[bytes]:
    """Yield a body that is passed on, as it comes: at least 256 KiB, or the rest, in so much time waited for.

    What whoever takes it is slow at does not count. Raises RequestError with 408.
    """
    loop, got, left = asyncio.get_running_loop(), 0, seconds
    while True:
        began = loop.time()
        try:
            async with asyncio.timeout(left):
                chunk = await content.readany()
        except TimeoutError:
            raise _too_slow() from None
        if not chunk:
            return
        got, left = got + len(chunk), left - (loop.time() - began)
        if got >= _LEAST_BYTES:
            got, left = 0, seconds
        yield chunk


def _too_slow() -> RequestError:
    telemetry.REFUSED.labels("slow_body").inc()
    return RequestError(Failure("deadline_exceeded", "the body did not arrive in time", status=408))


async def decompressed(
    data: bytes, encoding: str, settings: Settings, hold: Hold, most: int | None = None
) -> bytes:
    """Return what a body in some encoding holds. Raises RequestError: 400, 413, 415, 429."""
    decompress = _decompressor(encoding)
    if decompress is None:
        return data
    limit = min(settings.max_body_bytes, most or settings.max_body_bytes)
    # What it grows to is known afterwards only, so room is held meanwhile: for what is usual, then for
    # the most. Were it for the most at once, a few small bodies would take all there is.
    room = min(limit, max(_ROOM_BYTES, _USUAL_RATIO * len(data)))
    hold.take(room)
    try:
        try:
            data = await off_loop(room, decompress, data, room)
        except BodyTooLargeError:
            if room == limit:
                raise
            hold.take(limit - room)
            room = limit
            data = await off_loop(room, decompress, data, room)
    except BodyTooLargeError:
        hold.give(room)
        raise _refused(limit) from None
    except RequestError:
        hold.give(room)
        raise
    hold.release()
    hold.take(len(data))
    return data


def check_values(body: bytes) -> None:
    """Refuse JSON of more values than any request has. Raises RequestError with 400.

    A value of three bytes takes 60 to 300 once it is read, by a parser that nothing runs beside. Text
    that is long is base64 here, which has none of these signs.
    """
    if sum(body.count(sign) for sign in (b",", b"[", b"{")) > _MOST_VALUES:
        raise malformed(f"the body has more than {_MOST_VALUES:,} values")


async def off_loop(size: int, work: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Do work over so many bytes: here if it is quick, else in a thread."""
    if size <= OFF_LOOP_BYTES:
        return work(*args, **kwargs)
    return await asyncio.to_thread(work, *args, **kwargs)


def malformed(message: str) -> RequestError:
    """Return the error for a body that cannot be read; the message must hold no content."""
    return RequestError(Failure("invalid_argument", message))


class BodyTooLargeError(RequestError):
    """The body is larger than it may be."""


def _refused(limit: int) -> BodyTooLargeError:
    telemetry.REFUSED.labels("body").inc()
    return _too_large(limit)


def _too_large(limit: int) -> BodyTooLargeError:
    return BodyTooLargeError(
        Failure(
            "invalid_argument",
            f"the body has more than {limit:,} bytes",
            "CONTENT_TOO_LARGE",
            {"limit_bytes": str(limit)},
            status=413,
        )
    )


def _decompressor(encoding: str) -> Callable[[bytes, int], bytes] | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return gunzip
        case "zstd":
            return unzstd
    raise RequestError(
        Failure("invalid_argument", "Content-Encoding: want gzip, deflate or zstd", status=415)
    )


def gunzip(data: bytes, limit: int) -> bytes:
    """Return what gzip or zlib data holds. Raises RequestError: 400, 413 above the limit.

    Linear, however many members there are: a decoder is given pieces that grow with its member, for
    it copies what it was given too much.
    """
    out, held, at = bytearray(), memoryview(data), 0
    while at < len(held):
        inflater, size = zlib.decompressobj(_GZIP_OR_ZLIB), _MEMBER_BYTES
        while not inflater.eof:
            piece = held[at : at + size]
            if not piece:
                raise malformed("the body ends within its Content-Encoding")
            try:
                # One byte more than allowed is enough to know, whatever the rest would grow to.
                out += inflater.decompress(piece, limit + 1 - len(out))
            except zlib.error:
                raise malformed("the body is not in its Content-Encoding") from None
            if len(out) > limit:
                raise _too_large(limit)
            at += len(piece) - len(inflater.unused_data)
            size = min(2 * size, _READ_BYTES)
    return bytes(out)


def unzstd(data: bytes, limit: int) -> bytes:
    """Return what zstd frames hold. Raises RequestError: 400, 413 above the limit.

    Of a frame that is cut short it is what there is: no JSON ends in the middle.
    """
    inflater = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    out = bytearray()
    try:
        with inflater.stream_reader(data, read_across_frames=True) as reader:
            while chunk := reader.read(min(1 << 20, limit + 1 - len(out))):
                out += chunk
                if len(out) > limit:
                    raise _too_large(limit)
    except zstandard.ZstdError:
        raise malformed("the body is not in its Content-Encoding") from None
    return bytes(out)
