"""The HTTP server: one application of all surfaces, and one for operations on a port of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from aiohttp import hdrs, web

from furler_gateway import pages, telemetry
from furler_gateway.api import Api
from furler_gateway.certificates import ServerTls
from furler_gateway.config import Settings, address
from furler_gateway.connections import Runner, Site, connections_that_fit
from furler_gateway.contract import routes
from furler_gateway.dashboard import Dashboard
from furler_gateway.explained import Explained
from furler_gateway.limits import Admission
from furler_gateway.mcp import Mcp
from furler_gateway.middlewares import answering, guard_operations, middlewares
from furler_gateway.proxy import routes as proxy_routes
from furler_gateway.proxy.forward import Forwarder
from furler_gateway.requests import SERVER
from furler_gateway.upstream import Upstream

_READY_SECONDS: Final = 1.0
"""What the compressor has to say that it serves; probes come every few seconds."""


@dataclass(slots=True)
class Gateway:
    """The running gateway."""

    settings: Settings
    upstream: Upstream
    draining: bool = False
    port: int = 0
    operate_port: int = 0
    _runners: list[web.AppRunner] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def start(cls, settings: Settings) -> Gateway:
        """Listen. Raises OSError for an address that cannot be listened on, PolicyFileError."""
        tls = ServerTls.of(settings)
        fit = connections_that_fit(settings.max_connections)
        settings = settings.model_copy(update={"max_connections": fit})
        gateway = cls(settings, Upstream.connect(settings))
        try:
            app = application(settings, gateway.upstream)
            runner: web.AppRunner = Runner(app, settings)
            gateway.port = await gateway._listen(runner, settings.listen, tls)
            if settings.operate_listen:
                runner = web.AppRunner(gateway._operate(), access_log=None)
                gateway.operate_port = await gateway._listen(runner, settings.operate_listen)
        except OSError:
            await gateway.stop()
            raise
        if tls is not None:
            gateway._tasks.append(asyncio.create_task(tls.watch()))
        gateway._tasks.append(asyncio.create_task(gateway.upstream.governor.keeper.watch()))
        return gateway

    async def stop(self) -> None:
        """Report not ready, let requests in flight end within the drain time, close."""
        self.draining = True
        # The operate port goes last: probes and scrapes go on while the gateway drains.
        for runner in self._runners:
            if isinstance(runner, Runner):
                await runner.drain(self.settings.drain_seconds)
            await runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.upstream.close()

    async def _listen(
        self, runner: web.AppRunner, listen: str, tls: ServerTls | None = None
    ) -> int:
        await runner.setup()
        self._runners.append(runner)
        context = tls.context if tls is not None else None
        await Site(runner, address(listen), context, self.settings.idle_timeout_seconds).start()
        return int(runner.addresses[0][1])

    def _operate(self) -> web.Application:
        app = web.Application(middlewares=[answering, guard_operations(self.settings)])
        app.on_response_prepare.append(_name_server)
        app.router.add_get("/livez", self._livez)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        Dashboard(self.upstream).add_routes(app)
        return app

    async def _livez(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _readyz(self, _request: web.Request) -> web.Response:
        if self.draining:
            return web.Response(status=503, text="draining\n")
        if not await self.upstream.serving(_READY_SECONDS):
            return web.Response(status=503, text="the compressor does not serve\n")
        return web.Response(text="ok\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        body, content_type = telemetry.exposition(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


def check(settings: Settings) -> None:
    """Read the files that settings name. Raises OSError or ValueError for one of no use."""
    ServerTls.of(settings)
    Upstream.connect(settings)
    if settings.proxy:
        Forwarder.of(settings)


def application(settings: Settings, upstream: Upstream) -> web.Application:
    """Return the application of all surfaces."""
    admission = Admission(settings.max_requests, settings.max_buffered_bytes)
    telemetry.IN_FLIGHT.set_function(lambda: admission.requests)
    telemetry.HELD_BYTES.set_function(lambda: admission.held_bytes)
    app = web.Application(middlewares=middlewares(settings, admission, upstream.figures))
    app.on_response_prepare.append(_name_server)
    Api(upstream, settings).add_routes(app)
    routes.add_routes(app, upstream, settings)
    Explained(upstream).add_routes(app)
    pages.add_routes(app, pages.API_PAGES)
    if settings.mcp:
        Mcp(upstream, settings).add_routes(app)
    if settings.proxy:
        proxy_routes.add_routes(app, upstream, settings)
    return app


async def _name_server(_request: web.Request, reply: web.StreamResponse) -> None:
    reply.headers[hdrs.SERVER] = SERVER
