"""The HTTP/JSON form of the API: every RPC of the table as ``POST /furler.v1.Service/Method``.

Unary methods speak the Connect protocol's JSON: a message in, a message or an
error out. Server streams come as NDJSON, or as server-sent events if Accept asks
for them: ``{"result": …}`` per message, ``{"error": …}`` last if it fails.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar, cast

import orjson
from aiohttp import web
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from furler.backends.base import WATCH_ENTRIES
from furler.errors import FurlerError
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError, as_connect, failure_of, invalid
from furler_gateway.limits import OFF_LOOP_BYTES, check_values, malformed, off_loop
from furler_gateway.methods import ROWS, Row
from furler_gateway.requests import DRAINING, HOLD, json_body
from furler_gateway.upstream import Upstream

_T = TypeVar("_T")
TIMEOUT_HEADER: Final = "Connect-Timeout-Ms"
_TIMEOUT: Final = re.compile(r"[0-9]{1,10}")
_PATH_STEP: Final = re.compile(r"Failed to parse (\w+) field")
_UNKNOWN_FIELD: Final = re.compile(r'Message type "([\w.]+)" has no field named "(\w{1,64})"')
_HEADERS_SECONDS: Final = 0.5
"""How long a stream may take to fail with a status of its own before its headers go out."""
_HEARTBEAT_SECONDS: Final = 15.0
"""Silence after which an event stream gets a comment: proxies cut at 30 to 60 s."""
_MOST_TEXT: Final = 1024 * 1024
"""Characters of a name or a question; contents are bytes. Protobuf looks through text with a pattern that
nothing runs beside: 30 MB take half a second."""
_ENDLESS: Final = frozenset({WATCH_ENTRIES.path})
"""Streams that end only because somebody ends them. Each of their messages says from where to go on."""


@dataclass(frozen=True, slots=True)
class Api:
    """Serves the table's rows."""

    upstream: Upstream
    settings: Settings

    def add_routes(self, app: web.Application) -> None:
        """Add one route per row."""
        for row in ROWS.values():
            app.router.add_post(row.path, partial(self._work(row), row))

    def _work(self, row: Row) -> Callable[[Row, web.Request], Awaitable[web.StreamResponse]]:
        if row.client_streams:
            return self.unsupported
        return self.stream if row.server_streams else self.unary

    async def unary(self, row: Row, request: web.Request) -> web.StreamResponse:
        """Answer a unary call."""
        message = await self._message(row, request)
        seconds = self._seconds(request, self.settings.default_timeout_seconds)
        answer = await self.upstream.backend.unary(row.method, message, seconds)
        body = await off_loop(answer.ByteSize(), _encode, answer)
        return web.Response(body=body, content_type="application/json")

    async def stream(self, row: Row, request: web.Request) -> web.StreamResponse:
        """Answer with a stream."""
        message = await self._message(row, request)
        seconds = self._seconds(request, self.settings.stream_timeout_seconds)
        events = "text/event-stream" in request.headers.get("Accept", "")
        reply = web.StreamResponse(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        reply.content_type = "text/event-stream" if events else "application/x-ndjson"
        answers = self.upstream.backend.stream(row.method, [message], seconds)
        if row.path in _ENDLESS:
            request[HOLD].stand_aside()  # it waits, for an hour if nothing happens
            answers = until(request.app[DRAINING], answers)
        async with aclosing(answers):
            # A call that fails at once gets its HTTP status; a quiet one gets its headers.
            await _write_all(request, reply, answers, events=events)
        await reply.write_eof()
        return reply

    async def unsupported(self, row: Row, _request: web.Request) -> web.StreamResponse:
        """Refuse a call whose client streams."""
        raise RequestError(
            Failure("unimplemented", f"{row.path} streams from the client: use gRPC")
        )

    async def _message(self, row: Row, request: web.Request) -> Message:
        body = await json_body(request, self.settings)
        if len(body) > OFF_LOOP_BYTES:  # it costs time to read: not for strangers
            await self.upstream.governor.identities.tenant()
        return await off_loop(len(body), _decode, row, body)

    def _seconds(self, request: web.Request, default: float) -> float:
        given = request.headers.get(TIMEOUT_HEADER)
        if given is None:
            return default
        if not _TIMEOUT.fullmatch(given):
            raise invalid(TIMEOUT_HEADER, f"{TIMEOUT_HEADER}: want milliseconds, at most 10 digits")
        most = max(default, self.settings.max_timeout_seconds)
        return min(int(given) / 1000, most)


async def _write_all(
    request: web.Request,
    reply: web.StreamResponse,
    answers: AsyncGenerator[Message],
    *,
    events: bool,
) -> None:
    """Write a stream's messages as they come. Raises FurlerError if the call fails at once."""
    pending: asyncio.Task[Message] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(answers))
            patience = _HEARTBEAT_SECONDS if reply.prepared else _HEADERS_SECONDS
            done, _ = await asyncio.wait([pending], timeout=patience)
            if not done:
                if not reply.prepared:
                    await reply.prepare(request)
                elif events:
                    await reply.write(b":\n\n")
                continue
            try:
                message = pending.result()
            except StopAsyncIteration:
                break
            except FurlerError as error:
                if not reply.prepared:
                    raise
                failure = as_connect(failure_of(error))
                await reply.write(_line({"error": failure}, events=events))
                return
            finally:
                pending = None
            if not reply.prepared:
                await reply.prepare(request)
            fields = await off_loop(message.ByteSize(), json_format.MessageToDict, message)
            await reply.write(_line({"result": fields}, events=events))
        if not reply.prepared:
            await reply.prepare(request)
    finally:
        if pending is not None:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)


async def until(ending: asyncio.Event, answers: AsyncGenerator[_T]) -> AsyncGenerator[_T]:
    """Yield a stream's messages until it is to end, the first one whenever that is."""
    ended = asyncio.ensure_future(ending.wait())
    awaited: tuple[asyncio.Task[bool], ...] = ()
    async with aclosing(answers):
        following = asyncio.ensure_future(anext(answers))
        try:
            while True:
                await asyncio.wait((following, *awaited), return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    return
                try:
                    message = following.result()
                except StopAsyncIteration:
                    return
                yield message
                if ending.is_set():
                    return
                awaited = (ended,)
                following = asyncio.ensure_future(anext(answers))
        finally:
            ended.cancel()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


def _line(value: object, *, events: bool) -> bytes:
    data = orjson.dumps(value)
    return b"data: " + data + b"\n\n" if events else data + b"\n"


def _encode(message: Message) -> bytes:
    return orjson.dumps(json_format.MessageToDict(message))


def _decode(row: Row, body: bytes) -> Message:
    """Return the request message. Raises RequestError; what it says holds no content."""
    check_values(body)
    try:
        # orjson, because its depth is bounded: 60 KB of brackets is an error, not a stack.
        value: object = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        raise malformed("the body is not JSON") from None
    if not isinstance(value, dict):
        raise malformed("the body is not a JSON object")
    if len(body) > _MOST_TEXT:
        _check_texts(value, cast("Descriptor", row.method.request.DESCRIPTOR))
    name = row.method.request.DESCRIPTOR.full_name
    try:
        return json_format.ParseDict(value, row.method.request())
    except json_format.ParseError as error:
        # Its text quotes values; names of fields are all that is taken from it.
        path = ".".join(_PATH_STEP.findall(str(error)))
        if unknown := _UNKNOWN_FIELD.search(str(error)):
            field = f"{path}.{unknown[2]}" if path else unknown[2]
            raise invalid(field, f"{unknown[1]} has no field {unknown[2]!r}") from None
        raise invalid(path, f"{path or 'the body'}: is not as {name} has it") from None
    except (ValueError, TypeError, RecursionError):
        raise malformed(f"the body is not a {name}") from None


def _check_texts(value: Mapping[str, object], message: Descriptor) -> None:
    """Refuse text that is longer than any name or question. Raises RequestError."""
    for name, given in value.items():
        field = message.fields_by_camelcase_name.get(name) or message.fields_by_name.get(name)
        if field is None or field.type == FieldDescriptor.TYPE_BYTES:
            continue
        for each in given if isinstance(given, list) else (given,):
            if isinstance(each, str) and len(each) > _MOST_TEXT:
                raise invalid(name, f"{name}: want at most {_MOST_TEXT:,} characters")
            if isinstance(each, dict) and field.message_type is not None:
                _check_texts(each, field.message_type)
