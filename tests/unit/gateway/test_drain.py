"""G10 of docs/guarantees.md: a gateway that ends loses no request that has begun, or is on its way.

And waits for none that would go on for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from aiohttp import web

from furler_gateway import connections
from furler_gateway.api import until
from furler_gateway.config import Settings
from furler_gateway.connections import Runner, Site

pytestmark = pytest.mark.anyio
LONG = 60.0
"""Seconds that no test takes: what ends before has not waited for them."""
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def serving(gate: asyncio.Event | None = None) -> AsyncIterator[tuple[Runner, int]]:
    async def echo(request: web.Request) -> web.Response:
        body = await request.read()
        if gate is not None:
            await gate.wait()
        return web.Response(body=body)

    app = web.Application()
    app.router.add_post("/", echo)
    runner = Runner(app, Settings())
    await runner.setup()
    await Site(runner, ("127.0.0.1", 0), None, LONG).start()
    try:
        yield runner, int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def head(length: int) -> bytes:
    return f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


async def replied(client: Client) -> tuple[bytes, bytes]:
    """Return head and body of the next reply."""
    told = await client[0].readuntil(b"\r\n\r\n")
    length = int(told.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
    return told, await client[0].readexactly(length)


async def begun(client: Client) -> None:
    """Send a whole request, and read its reply."""
    client[1].write(head(3) + b"one")
    told, body = await replied(client)
    assert (told.partition(b"\r\n")[0], body) == (b"HTTP/1.1 200 OK", b"one")
    assert b"Connection" not in told


async def test_a_connection_that_is_used_again_is_served_and_told_that_it_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_IDLE_SECONDS", LONG)
    async with serving() as (runner, port), connected(port) as client:
        await begun(client)
        draining = asyncio.create_task(runner.drain(LONG))
        await asyncio.sleep(0)
        client[1].write(head(3) + b"two")
        told, body = await replied(client)
        assert body == b"two"
        assert b"\r\nConnection: close\r\n" in told
        assert await client[0].read() == b""
        await draining


async def test_a_body_that_is_still_coming_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_IDLE_SECONDS", 0.0)
    async with serving() as (runner, port), connected(port) as client:
        await begun(client)
        client[1].write(head(6) + b"thr")
        while any(connection.is_idle for connection in runner._connections()):
            await asyncio.sleep(0)
        draining = asyncio.create_task(runner.drain(LONG))
        while runner.sites:  # it has begun, and takes no new connection
            await asyncio.sleep(0)
        client[1].write(b"ee!")
        assert (await replied(client))[1] == b"three!"
        await draining


async def test_idle_connections_are_closed_and_no_end_waits_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_IDLE_SECONDS", 0.0)
    async with serving() as (runner, port), connected(port) as client:
        await begun(client)
        await runner.drain(LONG)
        assert await client[0].read() == b""


async def test_the_end_waits_no_longer_than_it_was_told() -> None:
    gate = asyncio.Event()
    async with serving(gate) as (runner, port), connected(port) as client:
        client[1].write(head(3) + b"one")
        while not runner._connections() or runner._connections()[0].is_idle:
            await asyncio.sleep(0)
        await runner.drain(0.0)
        gate.set()
        assert (await replied(client))[1] == b"one"


@asynccontextmanager
async def watched(
    *said: int | Exception,
) -> AsyncIterator[tuple[AsyncGenerator[int], asyncio.Event]]:
    """Give a stream of so much, that then goes on for ever, and whether it has been closed."""
    closed = asyncio.Event()

    async def stream() -> AsyncGenerator[int]:
        try:
            for each in said:
                if isinstance(each, Exception):
                    raise each
                yield each
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with aclosing(stream()) as made:
        yield made, closed


async def test_a_watch_gives_its_first_message_and_ends_where_it_is_to_end() -> None:
    ending = asyncio.Event()
    ending.set()
    async with watched(1, 2, 3) as (stream, closed):
        assert [each async for each in until(ending, stream)] == [1]
        assert closed.is_set()


async def test_a_watch_that_waits_ends_when_it_is_to_end() -> None:
    ending = asyncio.Event()
    got = []
    async with watched(1, 2) as (stream, closed):
        async for each in until(ending, stream):
            got.append(each)
            if each == 2:
                asyncio.get_running_loop().call_soon(ending.set)
        assert got == [1, 2]
        assert closed.is_set()


async def test_a_watch_that_ends_by_itself_or_fails_does_so() -> None:
    async def two() -> AsyncGenerator[int]:
        yield 1
        yield 2

    assert [each async for each in until(asyncio.Event(), two())] == [1, 2]
    async with watched(1, KeyError("late")) as (stream, closed):
        kept = until(asyncio.Event(), stream)
        assert await anext(kept) == 1
        with pytest.raises(KeyError):
            await anext(kept)
        assert closed.is_set()


async def test_a_watch_that_nobody_reads_any_more_is_closed() -> None:
    async with watched(1) as (stream, closed):
        async with aclosing(until(asyncio.Event(), stream)) as kept:
            assert await anext(kept) == 1
        assert closed.is_set()
