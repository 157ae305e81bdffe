"""What every surface asks of a request: the JSON body, within limits."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError
from furler_gateway.limits import Hold, read_body

HOLD: Final = web.RequestKey("hold", Hold)
"""What the request holds of the process's memory."""


async def json_body(request: web.Request, settings: Settings) -> bytes:
    """Return the body of a request that says it is JSON. Raises RequestError."""
    # Also what keeps pages of other origins out: a browser asks before it sends this type.
    if request.content_type != "application/json":
        raise RequestError(
            Failure("invalid_argument", "Content-Type: want application/json", status=415)
        )
    return await read_body(request, settings, request[HOLD])
