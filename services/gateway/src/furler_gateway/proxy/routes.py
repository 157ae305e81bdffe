"""The proxy's routes, and what it is put together from. ``treating`` and ``ledgers`` are the seams."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiohttp import web

from furler.values import Fidelity, Policy
from furler_gateway.config import Settings
from furler_gateway.proxy.forward import Forwarder
from furler_gateway.proxy.handler import Proxy
from furler_gateway.proxy.ledger import Ledger, Ledgers, Metrics, Recent
from furler_gateway.proxy.pins import Pins
from furler_gateway.proxy.prepare import Preparer
from furler_gateway.proxy.providers import Upstreams
from furler_gateway.proxy.treatment import ByPolicy, Treating
from furler_gateway.requests import PROVIDERS
from furler_gateway.upstream import Upstream

_OURS: Final = r"(?!(?:v1/|\.?/)*(?:compress|usage|policy|retrieve)(?:/|$)).*"
"""Under /v1 all is a provider's but what is ours, and what was meant to be: with a slash too many, or
/v1 twice, a caller's content and our own credential would go to a provider."""
_PIN_SECONDS: Final = 2.0
"""What the compressor has to say what a conversation began with: it takes it a millisecond."""


def add_routes(
    app: web.Application,
    upstream: Upstream,
    settings: Settings,
    treating: Treating | None = None,
    ledgers: Sequence[Ledger] = (),
) -> None:
    """Add the proxy's routes; after all others, because they take every path under /v1.

    Raises OSError if the authorities to trust for providers cannot be read.
    """
    policy = Policy(fidelity=Fidelity(settings.proxy_fidelity))
    by_policy = ByPolicy(upstream.governor, policy, settings.proxy_retrieve_tool)
    seconds = settings.proxy_compress_seconds
    pins = Pins(upstream.plain, min(seconds, _PIN_SECONDS))
    forwarder = Forwarder.of(settings)
    proxy = Proxy(
        upstream,
        settings,
        Upstreams(settings.bases()),
        Preparer(upstream, treating or by_policy, pins, seconds),
        forwarder,
        Ledgers([Metrics(), Recent(upstream.figures), *ledgers]),
    )
    for path in PROVIDERS:
        full = (
            f"/v1/{{path:{_OURS}}}" if path == "/v1/{path}" else path.replace("{path}", "{path:.*}")
        )
        app.router.add_route("*", full, proxy.answer)
    app.on_cleanup.append(forwarder.close)
