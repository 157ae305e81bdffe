"""The routes of the contract."""

from __future__ import annotations

from aiohttp import web

from furler_gateway.config import Settings
from furler_gateway.contract.compress import Compress
from furler_gateway.contract.retrieve import Retrieve
from furler_gateway.contract.usage import Usage
from furler_gateway.upstream import Upstream


def add_routes(app: web.Application, upstream: Upstream, settings: Settings) -> None:
    """Add the contract's routes."""
    retrieve = Retrieve(upstream, settings)
    app.router.add_post("/v1/compress", Compress(upstream, settings).answer)
    app.router.add_post("/v1/usage", Usage(settings, upstream).answer)
    app.router.add_post("/v1/retrieve", retrieve.post)
    app.router.add_get("/v1/retrieve/{ref}", retrieve.get)
