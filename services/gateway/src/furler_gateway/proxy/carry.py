"""From a provider's connection to the client's: each piece is written where it is received.

aiohttp wakes a task for every piece that has come, which reads it and writes it on; of a stream of small
pieces that is most of what passing it on costs. Here the task that serves the request sleeps
until the body has ended, the client is slower than the provider, or there is something to wait for.
What is done with a piece is not decided here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, cast

import aiohttp
from aiohttp import hdrs, web
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

from furler_gateway import telemetry
from furler_gateway.config import Settings

Take = Callable[[bytes], bytes | Awaitable[bytes]]
"""Takes a piece of a body; returns what the client gets of it, at once or when something has been done."""


_HEAD_END: Final = b"\r\n\r\n"
_SHORT_BYTES: Final = 2048
"""What comes with a head in less than this are few pieces."""


class BrokenError(Exception):
    """The provider's reply broke off."""


class Body(aiohttp.StreamReader):
    """A provider's body. It forgets where the pieces of its transfer ended, which aiohttp notes of each."""

    __slots__ = ()

    def forget(self) -> None:
        """Forget what was noted so far."""
        self._http_chunk_splits = None

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        """Take a piece, of some hundred bytes as a rule; return that there is no more to be had of it."""
        if self._waiter is not None or not data:
            return super().feed_data(data, size)
        self._buffer.append(data)
        count = len(data)
        self._size += count
        self.total_bytes += count
        # Bytes alone would let pieces of one byte take fifty times their size.
        if self._size > self._high_water or len(self._buffer) > self._high_water_chunks:
            self._protocol.pause_reading()
        return False

    def begin_http_chunk_receiving(self) -> None:
        """Take no note."""

    def end_http_chunk_receiving(self) -> None:
        """Take no note."""

    def read_nowait(self, n: int = -1) -> bytes:
        """Return what is there. Raises what the connection failed with."""
        if n != -1 or self._exception is not None or self._waiter is not None:
            return super().read_nowait(n)
        return self._read_nowait(-1) if self._buffer else b""

    def _read_nowait(self, n: int) -> bytes:
        """Return all that is there, of many pieces at once."""
        buffer = self._buffer
        if n != -1 or self._buffer_offset or not buffer:
            return super()._read_nowait(n)
        self._timer.assert_timeout()
        if len(buffer) == 1:
            data = buffer.pop()
        else:
            data = b"".join(buffer)
            buffer.clear()
        self._size = 0
        self._cursor += len(data)
        self._protocol.resume_reading()
        return data


class Connection(ResponseHandler):
    """A connection to a provider. ``arrived`` is called whenever it may have brought something."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.arrived: Callable[[], None] | None = None
        self._is_held = False

    def feed_data(
        self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0
    ) -> None:
        """Take a reply's head; its body is read our way from here on."""
        body = data[1]
        if type(body) is aiohttp.StreamReader:
            body.__class__ = Body
            assert isinstance(body, Body)  # noqa: S101 - tells the type checker
            body.forget()
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self.arrived is not None:
            super().data_received(data)
            self.arrived()
            return
        # A head first, alone: pieces that come along with it are then read our way, too.
        if len(data) > _SHORT_BYTES and (end := data.find(_HEAD_END)) >= 0:
            end += len(_HEAD_END)
            super().data_received(data[:end])
            data = data[end:]
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Take note that nothing more will come."""
        super().connection_lost(exc)
        if self.arrived is not None:
            self.arrived()

    def pause_reading(self) -> None:
        """Have the provider wait."""
        self._is_held = True
        super().pause_reading()

    def resume_reading(self, resume_parser: bool = True) -> None:  # noqa: FBT001, FBT002 - aiohttp's
        """Go on, after a pause: aiohttp asks for it with every piece, and would parse again each time."""
        if self._is_held:
            self._is_held = False
            super().resume_reading(resume_parser)


class Connector(aiohttp.TCPConnector):
    """Opens such connections."""

    def __init__(self, *, limit: int, keepalive_timeout: float, ssl: ssl.SSLContext) -> None:
        super().__init__(limit=limit, keepalive_timeout=keepalive_timeout, ssl=ssl)
        self._factory = cast("partial[ResponseHandler]", partial(Connection, loop=self._loop))


class Reply(web.StreamResponse):
    """A reply whose head goes out together with what there is of its body."""

    _send_headers_immediately = False


class Outlet:
    """The client's side of a reply that is prepared."""

    def __init__(self, request: web.BaseRequest, reply: Reply) -> None:
        self._request = request
        self._protocol = request.protocol
        self._reply = reply
        self._is_chunked = reply.headers.get(hdrs.TRANSFER_ENCODING) == "chunked"
        self._has_begun = False

    async def begin(self, data: bytes) -> None:
        """Send the head, if it is not out, and a piece, if there is one: together."""
        if data:
            await self._reply.write(data)
        elif not self._has_begun:
            self._request.writer.send_headers()
        self._has_begun = True

    def put(self, data: bytes) -> bool:
        """Send a piece at once; return whether more may come. Raises ConnectionResetError."""
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError("the client went away")
        transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
        return not self._protocol.writing_paused

    async def drained(self) -> None:
        """Wait until the client can take more."""
        await self._request.writer.drain()


class Carrier:
    """Carries one body to the client, through what takes its pieces."""

    def __init__(
        self, response: aiohttp.ClientResponse, outlet: Outlet, take: Take, settings: Settings
    ) -> None:
        self._connection = response.connection
        self._content = response.content
        self._outlet = outlet
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._idle = settings.upstream_idle_seconds
        self._heard = self._loop.time()
        self._until = self._heard + settings.upstream_total_seconds
        self._is_busy = True
        self._is_over = False
        self._later: Awaitable[bytes] | None = None
        self._last = b""
        self._failed: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def run(self) -> bytes:
        """Send the body on as it comes; return its last piece, which is not sent. Raises BrokenError."""
        protocol = self._connection.protocol if self._connection is not None else None
        try:
            await self._began()
            if isinstance(protocol, Connection) and not self._content.is_eof():
                # Silence is timed here: a timer that is set anew with every piece costs more.
                protocol.read_timeout = None
                protocol.start_timeout()
                protocol.arrived = self._arrived
            while not self._is_over:
                self._is_busy = False
                self._arrived()
                await self._waited()
                if self._failed is not None:
                    raise self._failed
                await self._caught_up()
        except ConnectionResetError:
            raise  # it is the client that went away
        except TimeoutError:
            raise _broken("silent") from None
        except aiohttp.ClientError:
            raise _broken("broken") from None
        finally:
            if isinstance(protocol, Connection) and protocol.arrived == self._arrived:
                protocol.arrived = None
        return self._last

    async def _began(self) -> None:
        """Send what is there already; what comes meanwhile waits."""
        chunk = self._content.read_nowait()
        out = await _made(self._take(chunk)) if chunk else b""
        if self._content.at_eof():
            self._last, self._is_over = out, True
        else:
            await self._outlet.begin(out)

    def _arrived(self) -> None:
        """Send what has come; leave to the task what has to be waited for."""
        if self._is_busy:
            return
        self._is_busy = True
        self._heard = self._loop.time()
        content = self._content
        try:
            while chunk := content.read_nowait():
                out = self._take(chunk)
                if not isinstance(out, bytes):
                    self._later = out
                    self._wake()
                    return
                if content.at_eof():
                    self._last = out
                elif out and not self._outlet.put(out):
                    self._wake()
                    return
        except Exception as error:  # noqa: BLE001 - the task raises it
            self._failed = error
        if self._failed is not None or content.at_eof():
            self._is_over = True
            self._wake()
            return
        self._is_busy = False

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _waited(self) -> None:
        """Wait until there is something to do. Raises TimeoutError."""
        while not self._is_busy:
            until = min(self._heard + self._idle, self._until)
            if self._loop.time() >= until:
                raise TimeoutError
            self._waiter = self._loop.create_future()
            alarm = self._loop.call_at(until, self._wake)
            try:
                await self._waiter
            finally:
                alarm.cancel()

    async def _caught_up(self) -> None:
        """Do what has to be waited for. Raises TimeoutError."""
        if self._is_over:
            return
        if self._later is not None:
            later, self._later = self._later, None
            out = await later
            if self._content.at_eof():
                self._last, self._is_over = out, True
                return
            await self._outlet.begin(out)
        async with asyncio.timeout_at(self._until):
            await self._outlet.drained()


async def _made(out: bytes | Awaitable[bytes]) -> bytes:
    return out if isinstance(out, bytes) else await out


def _broken(kind: str) -> BrokenError:
    telemetry.PROXY_TROUBLE.labels(kind).inc()
    return BrokenError()
