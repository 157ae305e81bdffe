"""``POST /v1/usage``: callers relay what the provider said about its prompt cache.

It is counted, and nothing else: no reply of /v1/compress depends on it, so that
every replica gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.contract.compress import MAX_SESSION_ID
from furler_gateway.limits import OFF_LOOP_BYTES, malformed
from furler_gateway.requests import json_body
from furler_gateway.upstream import Upstream

_READ: Final = "cache_read_input_tokens"
_WRITE: Final = "cache_creation_input_tokens"
_MOST_TOKENS: Final = 2**40
"""More than any prompt has: one made-up number must not be all that the counters show."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Serves /v1/usage."""

    settings: Settings
    upstream: Upstream

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        session_id, read, written = parse(await json_body(request, self.settings, OFF_LOOP_BYTES))
        # Nobody else needs to know who calls: asked so that strangers count for nothing.
        await self.upstream.governor.identities.tenant()
        telemetry.CACHE_TOKENS.labels("read").inc(read)
        telemetry.CACHE_TOKENS.labels("write").inc(written)
        self.upstream.figures.provider({"read": read, "written": written})
        reply = {"session_id": session_id, "frozen_message_count": 0, "applied": True}
        return web.Response(body=orjson.dumps(reply), content_type="application/json")


def parse(body: bytes) -> tuple[str, int, int]:
    """Return session id, tokens read and tokens written. Raises RequestError."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise malformed("Invalid JSON in request body.") from None
    if not isinstance(value, dict):
        raise malformed("want a JSON object")
    session_id, usage = value.get("session_id"), value.get("usage")
    if not isinstance(session_id, str) or not 0 < len(session_id.strip()) <= MAX_SESSION_ID:
        raise malformed(f"session_id: want text of 1 to {MAX_SESSION_ID} characters")
    if not isinstance(usage, dict):
        raise malformed("usage: want an object")
    if _READ not in usage and _WRITE not in usage:
        usage = _as_openai_has_it(usage)
    return session_id, _count(usage, _READ), _count(usage, _WRITE)


def _as_openai_has_it(usage: Mapping[str, object]) -> Mapping[str, object]:
    """Return the usage with what OpenAI calls cached_tokens under the contract's name."""
    details = usage.get("prompt_tokens_details", usage.get("input_tokens_details"))
    holder = details if isinstance(details, dict) else usage
    if "cached_tokens" not in holder:
        raise malformed(f"usage: want {_READ} or {_WRITE}")
    return {_READ: holder["cached_tokens"]}


def _count(usage: Mapping[str, object], name: str) -> int:
    value = usage.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_TOKENS:
        raise malformed(f"usage.{name}: want a whole number from 0 to {_MOST_TOKENS:,}")
    return value
