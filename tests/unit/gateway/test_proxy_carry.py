"""Carrying a body from one connection to another: whole, in order, with patience that ends."""

from __future__ import annotations

import asyncio
import hashlib
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from hypothesis import given
from hypothesis import strategies as st

from furler_gateway.config import Settings
from furler_gateway.proxy.carry import (
    Body,
    BrokenError,
    Carrier,
    Connection,
    Connector,
    Outlet,
    Reply,
    Take,
)

SETTINGS = Settings()
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def served(handler: Handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def carried(
    provider: Handler, take: Take = lambda piece: piece, settings: Settings = SETTINGS
) -> AsyncIterator[tuple[str, list[BaseException]]]:
    """Serve a provider through a carrier; give the address, and what carrying raised."""
    raised: list[BaseException] = []
    connector = Connector(limit=4, keepalive_timeout=15, ssl=ssl.create_default_context())
    async with (
        served(provider) as url,
        aiohttp.ClientSession(connector=connector, auto_decompress=False) as session,
    ):

        async def carry(request: web.BaseRequest) -> web.StreamResponse:
            async with session.get(url + request.path) as response:
                reply = Reply()
                if "Content-Length" in response.headers:
                    reply.content_length = int(response.headers["Content-Length"])
                await reply.prepare(request)
                try:
                    last = await Carrier(response, Outlet(request, reply), take, settings).run()
                except (BrokenError, ValueError, ConnectionError, asyncio.CancelledError) as error:
                    raised.append(error)
                    raise
                await reply.write_eof(last)
                return reply

        async with served(carry) as address:
            yield address, raised


def writing(*pieces: bytes, length: int | None = None) -> Handler:
    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        reply.content_length = length
        await reply.prepare(request)
        for piece in pieces:
            await reply.write(piece)
            await asyncio.sleep(0)
        return reply

    return provide


async def got(url: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return await answer.read()


def pieces_of(seed: int) -> list[bytes]:
    chance = random.Random(seed)  # noqa: S311 - no secret
    return [chance.randbytes(chance.choice([0, 1, 2, 100, 70_000])) for _ in range(30)]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_pieces_a_body_comes_in_it_arrives_as_it_was(seed: int) -> None:
    async def run() -> None:
        pieces = pieces_of(seed)
        whole = b"".join(pieces)
        for length in (None, len(whole)):
            async with carried(writing(*pieces, length=length)) as (url, raised):
                assert await asyncio.gather(*(got(url) for _ in range(3))) == [whole] * 3
                assert raised == []

    asyncio.run(run())


def test_a_connection_carries_one_body_after_another() -> None:
    seen: list[object] = []

    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.transport)
        return await writing(request.path.encode(), b" and", b" more")(request)

    async def run() -> None:
        async with carried(provide) as (url, raised):
            for number in range(5):
                assert await got(f"{url}/{number}") == f"/{number} and more".encode()
            assert raised == []

    asyncio.run(run())
    assert len(set(seen)) == 1


def test_a_client_that_reads_slowly_gets_all_and_holds_the_provider_up() -> None:
    piece = b"x" * 65_536
    most = 1000
    written = 0

    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal written
        reply = web.StreamResponse()
        await reply.prepare(request)
        for _ in range(most):
            await reply.write(piece)
            written += 1
        return reply

    async def run() -> None:
        async with (
            carried(provide) as (url, _),
            aiohttp.ClientSession() as session,
            session.get(url) as answer,
        ):
            before = -1
            while before < written:  # until nothing moves: every buffer on the way is full
                before = written
                for _ in range(500):
                    await asyncio.sleep(0)
            assert written < most
            digest = hashlib.sha256()
            async for chunk in answer.content.iter_any():
                digest.update(chunk)
        assert written == most
        assert digest.digest() == hashlib.sha256(piece * most).digest()

    asyncio.run(run())


def test_what_has_to_be_waited_for_comes_before_what_follows_it() -> None:
    async def later(piece: bytes) -> bytes:
        await asyncio.sleep(0.01)
        return piece.upper()

    def take(piece: bytes) -> bytes | Awaitable[bytes]:
        return later(piece) if piece[:1] in b"ace" else piece

    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        for piece in (b"a", b"b", b"c", b"d", b"e"):
            await reply.write(piece)
            await asyncio.sleep(0.002)
        return reply

    async def run() -> None:
        async with carried(provide, take) as (url, raised):
            assert (await got(url)).lower() == b"abcde"
            assert raised == []

    asyncio.run(run())


@pytest.mark.parametrize("comes_first", [b"", b"some of it"])
def test_a_provider_that_falls_silent_is_waited_for_only_so_long(comes_first: bytes) -> None:
    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(comes_first)
        await asyncio.Event().wait()
        return reply

    async def run() -> None:
        settings = SETTINGS.model_copy(update={"upstream_idle_seconds": 0.05})
        async with carried(provide, settings=settings) as (url, raised):
            with pytest.raises(aiohttp.ClientError):
                await got(url)
            assert [type(error) for error in raised] == [BrokenError]

    asyncio.run(run())


def test_a_body_that_breaks_off_is_not_taken_for_whole() -> None:
    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(b"half")
        await asyncio.sleep(0)
        assert request.transport is not None
        request.transport.close()
        return reply

    async def run() -> None:
        async with carried(provide) as (url, raised):
            with pytest.raises(aiohttp.ClientError):
                await got(url)
            assert [type(error) for error in raised] == [BrokenError]

    asyncio.run(run())


def test_what_taking_a_piece_raises_reaches_the_request_and_not_the_connection() -> None:
    def take(piece: bytes) -> bytes:
        if b"b" in piece:
            raise ValueError("not mine")
        return piece

    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        await reply.write(b"a")
        await asyncio.sleep(0.01)
        await reply.write(b"b")
        await asyncio.sleep(0.01)
        return reply

    async def run() -> None:
        async with carried(provide, take) as (url, raised):
            with pytest.raises(aiohttp.ClientError):
                await got(url)
            assert [type(error) for error in raised] == [ValueError]

    asyncio.run(run())


def test_a_client_that_goes_away_ends_the_provider_s_work() -> None:
    gone = asyncio.Event()

    async def provide(request: web.BaseRequest) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        try:
            while True:
                await reply.write(b"on and on ")
                await asyncio.sleep(0)
        finally:
            gone.set()

    async def run() -> None:
        async with carried(provide) as (url, raised):
            async with aiohttp.ClientSession() as session, session.get(url) as answer:
                await answer.content.readany()
            await asyncio.wait_for(gone.wait(), 30)
        (error,) = raised
        assert isinstance(error, asyncio.CancelledError | ConnectionResetError)

    asyncio.run(run())


async def read(reads: list[bytes]) -> aiohttp.StreamReader:
    """Return the body of a reply that a connection gets in these pieces."""
    connection = Connection(asyncio.get_running_loop())
    connection.connection_made(asyncio.Transport())
    connection.set_response_params(read_until_eof=True, auto_decompress=False)
    for data in reads:
        connection.data_received(data)
    _, body = await connection.read()
    assert isinstance(body, aiohttp.StreamReader)
    return body


def chunked(pieces: list[bytes]) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in [*pieces, b""])


@given(st.lists(st.sampled_from([b"\r\n\r\n", b"event\n\n", b"x" * 700]), max_size=9), st.data())
def test_a_reply_is_the_same_however_much_comes_with_its_head(
    pieces: list[bytes], data: st.DataObject
) -> None:
    raw = chunked(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    reads = [raw[start:end] for start, end in pairwise([0, *cuts, len(raw)])]
    body = asyncio.run(read(reads))
    assert body.read_nowait() == b"".join(pieces)
    assert body.at_eof()


def test_no_note_is_taken_of_pieces_that_come_with_their_head(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noted: list[object] = []
    monkeypatch.setattr(aiohttp.StreamReader, "end_http_chunk_receiving", noted.append)
    body = asyncio.run(read([chunked([b"x" * 100] * 50)]))
    assert (type(body), body.read_nowait(), noted) == (Body, b"x" * 5000, [])


@dataclass
class Held:
    """The side of a connection that a reader holds up."""

    held: list[str] = field(default_factory=list)

    def pause_reading(self) -> None:
        self.held.append("pause")

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's
        self.held.append("resume")


def made_body(limit: int) -> tuple[Body, Held]:
    """Return a body as Connection makes it of aiohttp's."""
    protocol = Held()
    made = aiohttp.StreamReader(
        cast("BaseProtocol", protocol), limit, loop=asyncio.new_event_loop()
    )
    made._loop.close()
    made.__class__ = Body
    assert isinstance(made, Body)
    return made, protocol


@given(st.lists(st.lists(st.binary(max_size=8), max_size=5), max_size=8), st.data())
def test_a_body_gives_what_it_was_fed_in_order(
    batches: list[list[bytes]], data: st.DataObject
) -> None:
    body, _ = made_body(64)
    out = b""
    for batch in batches:
        for piece in batch:
            body.begin_http_chunk_receiving()
            assert body.feed_data(piece) is False
            body.end_http_chunk_receiving()
        out += body.read_nowait(data.draw(st.sampled_from([-1, 3])))
    out += body.read_nowait()
    assert out == b"".join(piece for batch in batches for piece in batch)
    assert (body._size, body._cursor, body.total_bytes) == (0, len(out), len(out))
    body.feed_eof()
    assert body.at_eof()


@pytest.mark.parametrize(("piece", "most"), [(b"x" * 100, 6), (b"x", 17)])
def test_a_body_that_nobody_reads_holds_its_provider_up(piece: bytes, most: int) -> None:
    """Bytes are bounded, and so are pieces, which take fifty bytes each besides."""
    body, protocol = made_body(256)  # bytes; of pieces a sixteenth
    fed = 0
    while not protocol.held:
        body.feed_data(piece)
        fed += 1
    assert (fed, protocol.held) == (most, ["pause"])
    assert body.read_nowait() == piece * fed
    assert protocol.held == ["pause", "resume"]
