"""MCP over streamable HTTP at /mcp, stateless: any replica answers any request.

The tools are the client's (furler.mcp); here is the transport: the SDK speaks
ASGI, and this hands it one aiohttp request at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aiohttp import hdrs, web

from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError
from furler_gateway.json_spans import BodyError, members
from furler_gateway.limits import OFF_LOOP_BYTES, malformed, read_body
from furler_gateway.requests import HOLD
from furler_gateway.upstream import Upstream

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

PATH: Final = "/mcp"
_HOP_BY_HOP: Final = frozenset({"connection", "content-length", "transfer-encoding"})
"""Headers of the reply that are aiohttp's to write."""

Message = MutableMapping[str, object]


@dataclass(slots=True)
class Mcp:
    """Serves /mcp."""

    upstream: Upstream
    settings: Settings
    _manager: StreamableHTTPSessionManager | None = None
    _start: asyncio.Lock = field(default_factory=asyncio.Lock)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _running: asyncio.Task[None] | None = None

    def add_routes(self, app: web.Application) -> None:
        """Add the route, and the end of what it started."""
        app.router.add_post(PATH, self.answer)
        # Stateless: there is no stream of the server's own to open, and no session to end.
        app.router.add_get(PATH, _not_this_way)
        app.router.add_delete(PATH, _not_this_way)
        app.on_cleanup.append(self._end)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        body = await read_body(request, self.settings, request[HOLD])
        # An MCP client looks for 401, not for a tool's error, to ask for a credential.
        await self.upstream.governor.identities.tenant()
        if len(body) > OFF_LOOP_BYTES:
            await asyncio.to_thread(_skimmed, body)
        manager = await self._started()
        exchange = _Exchange(request, body)
        await manager.handle_request(_scope(request), exchange.receive, exchange.send)
        if exchange.reply is None:
            raise RequestError(Failure("internal", "internal error"))
        return exchange.reply

    async def _started(self) -> StreamableHTTPSessionManager:
        """Return the SDK's manager; the first request starts it, and pays for its imports."""
        async with self._start:
            if self._manager is None:
                manager = await asyncio.to_thread(_make_manager, self.upstream, self.settings)
                ready = asyncio.get_running_loop().create_future()
                self._running = asyncio.create_task(self._run(manager, ready))
                await ready
                self._manager = manager
            return self._manager

    async def _run(
        self, manager: StreamableHTTPSessionManager, ready: asyncio.Future[None]
    ) -> None:
        # A task of its own: what it opens must be closed by the task that opened it.
        async with manager.run():
            ready.set_result(None)
            await self._stop.wait()

    async def _end(self, _app: web.Application) -> None:
        self._stop.set()
        if self._running is not None:
            await self._running


def _skimmed(body: bytes) -> None:
    """Refuse a long body of more parts than any call has, which the SDK would make values of. Raises RequestError."""
    try:
        members(body)
    except BodyError as error:
        raise malformed(str(error)) from None


def _make_manager(upstream: Upstream, settings: Settings) -> StreamableHTTPSessionManager:
    # 30 MB and a second of imports, that a gateway without MCP clients does without.
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager  # noqa: PLC0415

    from furler.mcp.server import make_server  # noqa: PLC0415

    return StreamableHTTPSessionManager(
        make_server(upstream.furler),
        json_response=True,
        stateless=True,
        max_request_body_size=settings.max_body_bytes,
    )


def _scope(request: web.Request) -> dict[str, object]:
    """Return what ASGI says of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.rel_url.raw_path.encode(),
        "query_string": request.query_string.encode(),
        "root_path": "",
        "headers": [
            (name.lower(), value)
            for name, value in request.raw_headers
            if name.lower() != b"content-encoding"  # the body has been unpacked
        ],
        "client": None,
        "server": None,
    }


@dataclass(slots=True)
class _Exchange:
    """One request and its reply, as ASGI passes them."""

    request: web.Request
    body: bytes
    reply: web.StreamResponse | None = None
    _read: bool = False

    async def receive(self) -> Message:
        """Give the body, whole; after that wait for what ends the handler."""
        if self._read:
            # A client that goes away cancels the handler: nobody needs to be told of it.
            await asyncio.Event().wait()
        self._read = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take a piece of the reply."""
        if message["type"] == "http.response.start":
            status, headers = message["status"], message["headers"]
            assert isinstance(status, int)  # noqa: S101 - ASGI says so
            assert isinstance(headers, list)  # noqa: S101 - ASGI says so
            self.reply = web.StreamResponse(status=status)
            for name, value in headers:
                if name.decode("latin-1").lower() not in _HOP_BY_HOP:
                    self.reply.headers.add(name.decode("latin-1"), value.decode("latin-1"))
            await self.reply.prepare(self.request)
        elif message["type"] == "http.response.body" and self.reply is not None:
            data = message.get("body", b"")
            if isinstance(data, bytes) and data:
                await self.reply.write(data)
            if not message.get("more_body", False):
                await self.reply.write_eof()


async def _not_this_way(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPMethodNotAllowed(hdrs.METH_GET, [hdrs.METH_POST])
