"""Pages and documents that are files: the API's description with its page, and the dashboard."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Final

from aiohttp import web

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A file, where it is served, and as what."""

    path: str
    file: str
    media_type: str


API_PAGES: Final = (
    Page("/docs", "pages/api.html", "text/html"),
    Page("/openapi.json", "openapi.json", "application/json"),
    Page("/docs/api.css", "pages/api.css", "text/css"),
    Page("/docs/api.js", "pages/api.js", "text/javascript"),
)


DASHBOARD_PAGES: Final = (
    Page("/dashboard", "pages/dashboard.html", "text/html"),
    Page("/dashboard/dashboard.css", "pages/dashboard.css", "text/css"),
    Page("/dashboard/dashboard.js", "pages/dashboard.js", "text/javascript"),
    Page("/dashboard/charts.js", "pages/charts.js", "text/javascript"),
)


def add_routes(app: web.Application, pages: tuple[Page, ...]) -> None:
    """Add a route per page, and one from the root to the first."""
    root = files("furler_gateway")
    for page in pages:
        body = (root / page.file).read_bytes()
        app.router.add_get(page.path, partial(_serve, body, page.media_type))
    app.router.add_get("/", partial(_to_first, pages[0].path))


async def _serve(body: bytes, media_type: str, _request: web.Request) -> web.Response:
    return web.Response(body=body, content_type=media_type, charset="utf-8", headers=HEADERS)


async def _to_first(path: str, _request: web.Request) -> web.Response:
    raise web.HTTPFound(path)
