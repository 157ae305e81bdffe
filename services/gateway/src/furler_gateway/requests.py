"""What every surface asks of a request: the JSON body, within limits."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import hdrs, web

from furler.client import DEFAULT_SPACE
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError, invalid
from furler_gateway.limits import Hold, read_body

HOLD: Final = web.RequestKey("hold", Hold)
"""What the request holds of the process's memory."""
DRAINING: Final = web.AppKey("draining", asyncio.Event)
"""Set when the process is about to end: what would go on for ever ends now, and its client goes on elsewhere."""
SERVER: Final = "furler-gateway"
"""What replies say that they come from: no versions, which tell an attacker what to try."""
SPACE_HEADER: Final = "x-furler-space"
CREDENTIAL_HEADER: Final = "x-furler-authorization"
"""Where our credential stands on the way to a provider, whose own is in Authorization."""
PROVIDERS: Final = ("/to/{upstream}/{path}", "/v1/{path}", "/chat/completions", "/responses")
"""Routes, as patterns, of what is passed on to providers."""


def route_of(request: web.Request) -> str:
    """Return the route's pattern, never the path that the client made up."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"


def credential_of(request: web.Request) -> str:
    """Return the credential that is for us; a provider's must not reach anybody else."""
    is_provider = route_of(request) in PROVIDERS
    return request.headers.get(CREDENTIAL_HEADER if is_provider else hdrs.AUTHORIZATION, "")


def space_of(request: web.Request) -> str:
    """Return the space a request of the /v1 surface names. Raises RequestError."""
    space = request.headers.get(SPACE_HEADER, DEFAULT_SPACE)
    if not space.isprintable():  # nor are the stand-ins for bytes that are no text
        raise invalid("space", f"{SPACE_HEADER}: want printable characters")
    return space


def is_utf8(text: str) -> bool:
    """Return whether text has no half pairs, which stand in for bytes that are no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


async def json_body(request: web.Request, settings: Settings, most: int | None = None) -> bytes:
    """Return the body of a request that says it is JSON, of ``most`` bytes. Raises RequestError."""
    # Also what keeps pages of other origins out: a browser asks before it sends this type.
    if request.content_type != "application/json":
        raise RequestError(
            Failure("invalid_argument", "Content-Type: want application/json", status=415)
        )
    return await read_body(request, settings, request[HOLD], most)
