"""G9 of docs/guarantees.md: who does not take a reply keeps neither it nor a connection."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.connections import Connection, Runner, Site

pytestmark = pytest.mark.anyio
LONG = 60.0
"""Seconds that no test takes."""
LEAST = 256 * 1024
REPLY = b"x" * (24 * 1024 * 1024)
"""More than the kernel holds for both ends."""


@asynccontextmanager
async def reading_slowly(settings: Settings) -> AsyncIterator[tuple[Runner, socket.socket]]:
    """Give a server of a long reply, and a client that has asked for it and takes nothing by itself."""

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=REPLY)

    app = web.Application()
    app.router.add_get("/", answer)
    runner = Runner(app, settings)
    await runner.setup()
    await Site(runner, ("127.0.0.1", 0), None, LONG).start()
    try:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
            client.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(client, ("127.0.0.1", int(runner.addresses[0][1])))
            await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            yield runner, client
    finally:
        await runner.cleanup()


async def served(runner: Runner) -> Connection:
    """Return the one connection, once its reply is more than the client takes."""
    async with asyncio.timeout(LONG):
        while not (found := runner._connections()) or found[0].look is None:
            await asyncio.sleep(0)
    return found[0]


def refused() -> float:
    value = telemetry.REGISTRY.get_sample_value(
        "furler_gateway_refused_total", {"limit": "slow_reader"}
    )
    return value or 0.0


class Scripted(asyncio.Transport):
    """Says how much is left to take, look by look."""

    def __init__(self, *left: int) -> None:
        super().__init__()
        self.left = list(left)
        self.is_cut = False

    def get_write_buffer_size(self) -> int:
        return self.left.pop(0)

    def abort(self) -> None:
        self.is_cut = True


async def test_a_client_that_takes_too_little_of_its_reply_is_cut_off() -> None:
    before = refused()
    async with reading_slowly(Settings(body_timeout_seconds=0.05)) as (runner, client):
        await served(runner)
        async with asyncio.timeout(LONG):
            while runner._connections():
                await asyncio.sleep(0.01)
        assert refused() == before + 1
        got = 0
        while piece := await asyncio.get_running_loop().sock_recv(client, 1 << 20):
            got += len(piece)
        assert got < len(REPLY)


@pytest.mark.parametrize(
    ("left", "is_cut"),
    [
        ((10 * LEAST, 9 * LEAST, 8 * LEAST), False),
        ((10 * LEAST, 9 * LEAST, 8 * LEAST + 1), True),
        ((LEAST, LEAST), True),
        ((LEAST, 2 * LEAST), True),
    ],
)
async def test_a_client_takes_a_quarter_of_a_megabyte_at_a_time(
    left: tuple[int, ...], *, is_cut: bool
) -> None:
    async with reading_slowly(Settings(body_timeout_seconds=LONG)) as (runner, _):
        connection = await served(runner)
        transport, connection.transport = connection.transport, Scripted(*left)
        for _ in left:
            connection._see_what_was_taken()
        assert connection.transport.is_cut is is_cut
        assert (connection.look is None) is is_cut
        connection.transport = transport


async def test_a_client_that_takes_all_is_not_looked_at_any_more() -> None:
    async with reading_slowly(Settings(body_timeout_seconds=LONG)) as (runner, client):
        connection = await served(runner)
        got = 0
        while got < len(REPLY):
            got += len(await asyncio.get_running_loop().sock_recv(client, 1 << 20))
        async with asyncio.timeout(LONG):
            while connection.look is not None:
                await asyncio.sleep(0)
        assert runner._connections() == [connection]


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="the kernel keeps no such time")
async def test_the_kernel_gives_up_on_a_client_that_takes_nothing() -> None:
    async with reading_slowly(Settings(idle_timeout_seconds=7)) as (runner, _):
        connection = await served(runner)
        assert connection.transport is not None
        sock = connection.transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
