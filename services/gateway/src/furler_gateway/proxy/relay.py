"""A provider's reply to the client, as it comes: no byte changed, held back or added."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
from aiohttp import web

from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.proxy.carry import BrokenError, Carrier, Outlet, Reply, Take
from furler_gateway.proxy.headers import returned


async def chunks(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield a body as it arrives, for who needs all of it. Raises BrokenError."""
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except TimeoutError:
        telemetry.PROXY_TROUBLE.labels("silent").inc()
        raise BrokenError from None
    except aiohttp.ClientError:
        telemetry.PROXY_TROUBLE.labels("broken").inc()
        raise BrokenError from None


async def relay(
    request: web.Request, response: aiohttp.ClientResponse, take: Take, settings: Settings
) -> web.StreamResponse:
    """Answer with a provider's reply; ``take`` sees the pieces pass by."""
    reply = Reply(
        status=response.status, reason=response.reason, headers=returned(response.raw_headers)
    )
    await reply.prepare(request)
    try:
        last = await Carrier(response, Outlet(request, reply), take, settings).run()
    except BrokenError:
        return broken(request, reply)
    await reply.write_eof(last)
    return reply


def broken(request: web.Request, reply: web.StreamResponse) -> web.StreamResponse:
    """Break a reply off: the client must not take half of it for the whole."""
    if request.transport is not None:
        request.transport.abort()
    return reply
