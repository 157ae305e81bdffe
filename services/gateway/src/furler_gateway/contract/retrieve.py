"""``POST /v1/retrieve`` and ``GET /v1/retrieve/{ref}``: an original, or the part a selector picks.

``hash`` is a view's reference, under the name the contract has for it. Besides
the contract's ``query`` every selector of the client is understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from furler.values import Retrieved
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError
from furler_gateway.limits import OFF_LOOP_BYTES, malformed, off_loop
from furler_gateway.requests import is_utf8, json_body, space_of
from furler_gateway.upstream import Upstream

_TEXTS: Final = ("marker", "lines", "match", "path", "symbol", "query", "page")
_NUMBERS: Final = ("context", "limit", "max_tokens")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request of the contract, checked."""

    ref: str
    texts: Mapping[str, str]
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Retrieve:
    """Serves /v1/retrieve."""

    upstream: Upstream
    settings: Settings

    async def post(self, request: web.Request) -> web.Response:
        """Answer a request that names the reference in its body."""
        body = await json_body(request, self.settings, OFF_LOOP_BYTES)  # names and a question
        return await self._answer(request, wanted(_parse(body)))

    async def get(self, request: web.Request) -> web.Response:
        """Answer a request that names the reference in its path."""
        fields: dict[str, object] = dict(request.query)
        for name in _NUMBERS:
            text = request.query.get(name, "")
            if text.isascii() and text.isdecimal() and len(text) < 16:
                fields[name] = int(text)
        return await self._answer(request, wanted(fields | {"hash": request.match_info["ref"]}))

    async def _answer(self, request: web.Request, asked: Wanted) -> web.Response:
        part = await self.upstream.furler.retrieve(
            asked.ref,
            marker=asked.texts.get("marker"),
            lines=asked.texts.get("lines"),
            match=asked.texts.get("match"),
            context=asked.numbers.get("context", 0),
            path=asked.texts.get("path"),
            symbol=asked.texts.get("symbol"),
            query=asked.texts.get("query"),
            limit=asked.numbers.get("limit", 0),
            max_tokens=asked.numbers.get("max_tokens"),
            page=asked.texts.get("page"),
            space=space_of(request),
        )
        body = await off_loop(len(part.data), _write, asked.ref, part)
        return web.Response(body=body, content_type="application/json")


def wanted(fields: Mapping[str, object]) -> Wanted:
    """Return what is wanted. Raises RequestError."""
    ref = fields.get("hash", fields.get("ref"))
    if not isinstance(ref, str) or not ref or not is_utf8(ref):
        raise malformed("hash required")
    texts: dict[str, str] = {}
    numbers: dict[str, int] = {}
    for name in _TEXTS:
        value = fields.get(name)
        # An empty query is how callers leave it out.
        if value in (None, ""):
            continue
        if not isinstance(value, str) or not is_utf8(value):
            raise malformed(f"{name}: want text")
        texts[name] = value
    for name in _NUMBERS:
        number = fields.get(name)
        if number is None:
            continue
        if isinstance(number, bool) or not isinstance(number, int):
            raise malformed(f"{name}: want a whole number")
        numbers[name] = number
    return Wanted(ref, texts, numbers)


def _parse(body: bytes) -> dict[str, object]:
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise malformed("Invalid JSON in request body.") from None
    if not isinstance(value, dict):
        raise malformed("want a JSON object")
    return value


def _write(ref: str, part: Retrieved) -> bytes:
    try:
        text = part.data.decode()
    except UnicodeDecodeError:
        raise RequestError(
            Failure("invalid_argument", "the range cuts a character: ask for lines instead")
        ) from None
    reply: dict[str, object] = {
        "hash": ref,
        "original_content": text,
        "original_tokens": part.picked_tokens,
        # The contract has them; an original here is shared by every view and caller of it,
        # and keeps no such record.
        "original_item_count": 0,
        "compressed_item_count": 0,
        "tool_name": None,
        "retrieval_count": 0,
        "ranges": [list(each) for each in part.ranges],
        "size_bytes": part.original.size_bytes,
        "next_page": part.next_page,
    }
    return orjson.dumps(reply)
