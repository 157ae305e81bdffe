"""Connections of the HTTP server: bounded in number and in patience, heads within limits, a gentle end.

aiohttp answers what it cannot parse by itself, before any handler of ours: here
those answers get our form and status, and nothing of the bytes is logged.
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from typing import Final

from aiohttp import hdrs, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, _ErrInfo
from aiohttp.web_request import BaseRequest

from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, response
from furler_gateway.requests import DRAINING, SERVER

_LOG: Final = logging.getLogger("furler.gateway")
_LINGER_SECONDS: Final = 2.0
"""How long the rest of a refused body is read and thrown away, so that the reply is seen."""
_BACKLOG: Final = 1024
_HANDSHAKE_SECONDS: Final = 10.0
"""Two round trips and some arithmetic, on the slowest of lines."""
_OTHER_FILES: Final = 1024 + 64
"""Connections to providers at most (proxy/forward.py), and the rest."""
_LEAST_BYTES: Final = 256 * 1024
"""What a client takes at least of a long reply in the time that a body may take: 70 kbit/s by default."""
_READ_BYTES: Final = 256 * 1024
"""Bytes buffered per connection before the sender is held back."""
_IDLE_SECONDS: Final = 1.0
"""How long a connection is idle before it closes in the end: a request that meets the close is lost,
and a client that talks will have said something by then, and been told to come by another."""
_LOOK_SECONDS: Final = 0.05
_CANCEL_SECONDS: Final = 1.0
"""What requests may still take that the end has cancelled."""


def connections_that_fit(wanted: int) -> int:
    """Return how many connections this process can hold, of so many; have it open as many files as it may.

    Without a file to spare it could neither answer /livez nor reach the compressor.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + _OTHER_FILES
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return wanted
    soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == needed:
        return wanted
    fit = max(1, soft - min(_OTHER_FILES, soft // 4))
    _LOG.warning("max_connections: %d, as this process may open %d files", fit, soft)
    return fit


class Connection(RequestHandler):
    """One client's connection."""

    __slots__ = ("head", "heard", "left", "look", "settings")

    settings: Settings
    heard: float
    head: int
    """Bytes of a head that is not complete."""
    left: int | None
    """Bytes of a reply that its client had still to take at the last look."""
    look: asyncio.TimerHandle | None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request to begin."""
        return self._waiter is not None and not self._messages

    def data_received(self, data: bytes) -> None:
        """Take bytes, and note when: half a head is no idle connection."""
        self.heard = self._loop.time()
        most = self.settings.max_head_bytes
        if self.head > most:
            return  # the answer is on its way
        super().data_received(data)
        begins = self.is_idle or not self._request_count  # a new one is not waiting yet
        self.head = self.head + len(data) if begins else 0
        if self.head > most:
            # As aiohttp does with what it refuses by itself.
            refused = LineTooLong(b"", most)
            self._messages.append((_ErrInfo(status=400, exc=refused, message=""), EMPTY_PAYLOAD))
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there are too many."""
        super().connection_made(transport)
        manager = self._manager
        if manager is not None and len(manager.connections) > self.settings.max_connections:
            telemetry.REFUSED.labels("connections").inc()
            self.force_close()
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            # A client that takes nothing would keep its reply and its place for ever.
            patience = max(1, int(self.settings.idle_timeout_seconds * 1000))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Look no more."""
        self._look_no_more()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Hold the writer back: its client is slower. Look whether it is far too slow."""
        super().pause_writing()
        if self.look is None:
            self._look_again(None)

    def resume_writing(self) -> None:
        """Let the writer go on."""
        self._look_no_more()
        super().resume_writing()

    def _look_again(self, left: int | None) -> None:
        self.left = left
        patience = self.settings.body_timeout_seconds
        self.look = self._loop.call_later(patience, self._see_what_was_taken)

    def _look_no_more(self) -> None:
        if self.look is not None:
            self.look.cancel()
            self.look = None

    def _see_what_was_taken(self) -> None:
        """Cut off a client that takes its reply a byte at a time: what it has to take is held meanwhile."""
        self.look = None
        if self.transport is None:
            return
        left = self.transport.get_write_buffer_size()
        if self.left is not None and self.left - left < _LEAST_BYTES:
            telemetry.REFUSED.labels("slow_reader").inc()
            self.transport.abort()
            return
        self._look_again(left)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what the client sent
    ) -> web.StreamResponse:
        """Return the reply to what could not be parsed, or could not be handled."""
        if request.writer.output_size > 0:
            raise ConnectionError("the reply has begun")
        if isinstance(exc, LineTooLong) or "too many headers" in str(exc).lower():
            telemetry.REFUSED.labels("head").inc()
            failure = Failure(
                "invalid_argument", "the head of the request is too large", status=431
            )
        elif status < 500:
            failure = Failure("invalid_argument", "the request is not HTTP", status=status)
        else:
            telemetry.log_unforeseen(_LOG, exc)
            failure = Failure("internal", "internal error", status=status)
        made = response(failure, request.rel_url.raw_path)
        made.force_close()
        made.headers[hdrs.SERVER] = SERVER
        return made


class _Server(web.Server):
    """Makes our connections."""

    settings: Settings

    def __call__(self) -> Connection:
        made = Connection(self, loop=self._loop, **self._kwargs)
        made.settings = self.settings
        made.heard, made.head = 0.0, 0
        made.left, made.look = None, None
        return made


class Runner(web.AppRunner):
    """Runs an application on connections of ours."""

    __slots__ = ("_draining", "_settings")

    _draining: asyncio.Event

    def __init__(self, app: web.Application, settings: Settings) -> None:
        super().__init__(
            app,
            access_log=None,
            handler_cancellation=True,  # a client that is gone must not keep the compressor busy
            shutdown_timeout=_CANCEL_SECONDS,  # after the drain
            keepalive_timeout=settings.idle_timeout_seconds,
            max_line_size=settings.max_header_bytes,
            max_field_size=settings.max_header_bytes,
            max_headers=settings.max_headers,
            lingering_time=_LINGER_SECONDS,
            read_bufsize=_READ_BYTES,
            auto_decompress=False,  # limits.py does, within bounds
        )
        self._settings = settings
        self._draining = app[DRAINING] = asyncio.Event()
        app.on_response_prepare.append(self._say_that_it_closes)

    async def drain(self, seconds: float) -> None:
        """Serve what has begun and what is on its way; return when nobody is there, or after so long.

        aiohttp's own end closes idle connections at once, and drops what bodies have still to come.
        Here replies say from now on that their connection closes, and idle ones close a moment later.
        """
        self._draining.set()
        loop = asyncio.get_running_loop()
        start = loop.time()
        idle: dict[Connection, float] = {}
        while (now := loop.time()) < start + seconds and (there := self._connections()):
            idle = {c: max(c.heard, idle.get(c, now)) for c in there if c.is_idle}
            for connection, since in idle.items():
                if now - since >= _IDLE_SECONDS:
                    connection.force_close()
            if now - start >= _IDLE_SECONDS:  # who is told where we are knows by now
                for site in list(self.sites):
                    await site.stop()
            await asyncio.sleep(_LOOK_SECONDS)

    def _connections(self) -> list[Connection]:
        server = self.server
        return (
            [] if server is None else [c for c in server.connections if isinstance(c, Connection)]
        )

    async def _say_that_it_closes(self, _: web.Request, reply: web.StreamResponse) -> None:
        if self._draining.is_set():
            reply.force_close()
            reply.headers[hdrs.CONNECTION] = "close"

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        made.__class__ = _Server
        assert isinstance(made, _Server)  # noqa: S101 - tells the type checker
        made.settings = self._settings
        return made


class Site(web.TCPSite):
    """Listens, and is as patient with TLS handshakes as with requests.

    asyncio alone waits for a minute, and such connections are not counted until then.
    """

    __slots__ = ("_handshake_seconds",)

    def __init__(
        self,
        runner: web.AppRunner,
        listen: tuple[str, int],
        tls: ssl.SSLContext | None,
        patience: float,
    ) -> None:
        super().__init__(runner, *listen, backlog=_BACKLOG, ssl_context=tls)
        self._handshake_seconds = min(patience, _HANDSHAKE_SECONDS)

    async def start(self) -> None:
        """Listen. Raises OSError."""
        await web.BaseSite.start(self)
        server = self._runner.server
        assert server is not None  # noqa: S101 - it was set up
        self._server = await asyncio.get_running_loop().create_server(
            server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            ssl_handshake_timeout=None if self._ssl_context is None else self._handshake_seconds,
        )
