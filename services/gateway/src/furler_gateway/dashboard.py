"""``/dashboard`` on the port of operations: a page, and the figures that it asks for every few seconds.

It is served where /metrics is, and not behind the credentials of callers: it tells operators of all
tenants, as /metrics does, and no caller of anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from furler_gateway import pages
from furler_gateway.errors import invalid
from furler_gateway.figures import DIMENSIONS, MAX_NAMES, OTHER, WINDOWS, Bucket, Saved, Times
from furler_gateway.prices import Prices
from furler_gateway.requests import PROVIDERS
from furler_gateway.upstream import Upstream

_DRAWN: Final = 6
"""Names that are drawn by time; the others are drawn together."""
Series = list[tuple[int, Bucket]]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Serves the page and its figures."""

    upstream: Upstream

    def add_routes(self, app: web.Application) -> None:
        """Add the routes."""
        pages.add_routes(app, pages.DASHBOARD_PAGES)
        app.router.add_get("/dashboard/data", self.data)

    async def data(self, request: web.Request) -> web.Response:
        """Answer with the figures of a window."""
        name = request.query.get("window", "15m")
        if name not in WINDOWS:
            raise invalid("window", f"window: want one of {', '.join(WINDOWS)}")
        figures = self.upstream.figures
        series = figures.window(name)
        # Adding up a day of buckets takes some ten milliseconds.
        body = await asyncio.to_thread(_written, series, self._state(name), figures.prices)
        return web.Response(body=body, content_type="application/json", headers=pages.HEADERS)

    def _state(self, window: str) -> dict[str, object]:
        figures, keeper = self.upstream.figures, self.upstream.governor.keeper
        prices = figures.prices
        return {
            "window": window,
            "width": WINDOWS[window][0],
            "started": int(figures.started),
            "policy": {
                "revision": keeper.document.revision,
                "kill_switch": keeper.document.kill_switch,
                "stale": bool(keeper.problem),
            },
            "prices": None
            if prices is None
            else {"currency": prices.currency, "as_of": prices.as_of},
        }


def _written(series: Series, state: Mapping[str, object], prices: Prices | None) -> bytes:
    return orjson.dumps({**state, **figures_of(series, prices)})


def figures_of(series: Series, prices: Prices | None = None) -> dict[str, object]:
    """Return a window's figures as the page draws them. Money of a model without a price is None."""
    total = Bucket()
    for _, bucket in series:
        total.add(bucket)
    rows = {name: _rows(total.by[name]) for name in DIMENSIONS}
    for row in rows["model"]:
        if prices is not None and row["name"] != OTHER and prices.of(str(row["name"])) is None:
            row["money"] = None
    return {
        "times": [start for start, _ in series],
        "totals": _totals(total),
        "by": rows,
        "saved": {name: _drawn(series, total, name) for name in DIMENSIONS},
        "line": _lines(series),
        "routes": [_route(name, times) for name, times in sorted(total.routes.items())],
        "modes": total.modes,
        "provider": total.provider,
    }


def _totals(total: Bucket) -> dict[str, object]:
    every = _every(total)
    return {
        **_row(total.saved),
        "cached": total.cached,
        "repeats": total.repeats,
        "degraded": total.degraded,
        "whole": total.whole,
        "retrievals": total.retrievals,
        "misses": total.misses,
        "requests": every.requests,
        "errors": every.errors,
        "p50": every.quantile(0.5),
        "p95": every.quantile(0.95),
        "audited": _row(total.audited),
    }


def _row(saved: Saved) -> dict[str, object]:
    return {
        "views": saved.views,
        "before": saved.before,
        "after": saved.after,
        "again": saved.again,
        "money": round(saved.money, 6),
    }


def _rows(names: Mapping[str, Saved]) -> list[dict[str, object]]:
    """Return the rows of a dimension, the largest saving first, and last all that have no row of their own."""
    named = {name: saved for name, saved in names.items() if name != OTHER}
    ranked = sorted(named.items(), key=lambda each: (-each[1].tokens - each[1].again, each[0]))
    rest = Saved()
    for saved in (names.get(OTHER, Saved()), *(saved for _, saved in ranked[MAX_NAMES:])):
        rest.add(saved)
    shown = ranked[:MAX_NAMES] + ([(OTHER, rest)] if rest != Saved() else [])
    return [{"name": name, **_row(saved)} for name, saved in shown]


def _drawn(series: Series, total: Bucket, dimension: str) -> list[dict[str, object]]:
    """Return tokens saved by time for the largest names of a dimension, and for the rest."""
    ranked = [str(row["name"]) for row in _rows(total.by[dimension]) if row["name"] != OTHER]
    shown = ranked[:_DRAWN]
    lines = {name: [0] * len(series) for name in shown}
    rest = [0] * len(series)
    for at, (_, bucket) in enumerate(series):
        for name, saved in bucket.by[dimension].items():
            lines.get(name, rest)[at] += saved.tokens + saved.again
    drawn: list[dict[str, object]] = [{"name": name, "values": lines[name]} for name in shown]
    if any(rest):
        drawn.append({"name": OTHER, "values": rest})
    return drawn


def _lines(series: Series) -> dict[str, list[float | int | None]]:
    every = [_every(bucket) for _, bucket in series]

    def of(value: Callable[[Bucket], int]) -> list[float | int | None]:
        return [value(bucket) for _, bucket in series]

    return {
        "p50": [times.quantile(0.5) for times in every],
        "p95": [times.quantile(0.95) for times in every],
        "requests": [times.requests for times in every],
        "errors": [times.errors for times in every],
        "views": of(lambda bucket: bucket.saved.views),
        "repeats": of(lambda bucket: bucket.repeats),
        "degraded": of(lambda bucket: bucket.degraded),
        "retrievals": of(lambda bucket: bucket.retrievals),
        "misses": of(lambda bucket: bucket.misses),
    }


def _every(bucket: Bucket) -> Times:
    """Return the times of all routes together, but for those that wait for a provider's model."""
    every = Times()
    for route, times in bucket.routes.items():
        if route in PROVIDERS:
            every.requests += times.requests
            every.errors += times.errors
        else:
            every.add(times)
    return every


def _route(name: str, times: Times) -> dict[str, object]:
    return {
        "route": f"{name} (with the provider's time)" if name in PROVIDERS else name,
        "requests": times.requests,
        "errors": times.errors,
        "p50": times.quantile(0.5),
        "p95": times.quantile(0.95),
    }
