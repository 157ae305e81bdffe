"""One request to a provider: read, prepared, sent, its reply passed on, its figures recorded."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import hdrs, web

from furler.errors import CredentialInvalidError
from furler_gateway import caller
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError
from furler_gateway.limits import arriving, decompressed, malformed, off_loop, read_raw
from furler_gateway.proxy import cache_health
from furler_gateway.proxy.converse import Converse
from furler_gateway.proxy.forward import Body, Forwarder
from furler_gateway.proxy.headers import forwarded
from furler_gateway.proxy.ledger import Ledgers, Turn
from furler_gateway.proxy.prepare import Prepared, Preparer
from furler_gateway.proxy.providers import PathError, Route, UnknownUpstreamError, Upstreams
from furler_gateway.proxy.relay import relay
from furler_gateway.proxy.usage import Raw, Watch, normal, summed
from furler_gateway.requests import CREDENTIAL_HEADER, HOLD, space_of
from furler_gateway.upstream import Upstream

_ENCODING: Final = frozenset({b"content-encoding"})
_ACCEPTED: Final = frozenset({b"accept-encoding"})
_NO_BODY: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})


@dataclass(slots=True)
class _Exchange:
    """One request, while it is served. ``usages`` are what the provider says of each round."""

    request: web.Request
    route: Route
    started: float = field(default_factory=time.perf_counter)
    status: int = 499
    usages: list[Raw] = field(default_factory=list)
    retrievals: int = 0


@dataclass(frozen=True, slots=True)
class Proxy:
    """Serves requests to providers."""

    upstream: Upstream
    settings: Settings
    upstreams: Upstreams
    preparer: Preparer
    forwarder: Forwarder
    ledgers: Ledgers

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        await self._known()
        try:
            route = self.upstreams.route(request.method, request.raw_path, request.headers)
        except UnknownUpstreamError:
            message = "there is no upstream of this name"
            raise RequestError(Failure("unimplemented", message, status=404)) from None
        except PathError:
            raise malformed("the path: want one that begins with / and has no .. in it") from None
        if "websocket" in request.headers.get(hdrs.UPGRADE, "").lower():
            # Agents that prefer one go on with a stream of events. Any other upgrade may be ignored, and
            # is: Java's client asks for HTTP/2 with every request and takes HTTP/1.1 as an answer.
            raise RequestError(Failure("unimplemented", "no upgrades here", status=426))
        if route.dialect is None:
            return await self._passed(request, route)
        caller.place().route = route.endpoint
        exchange = _Exchange(request, route)
        prepared, body, headers = await self._prepared(exchange)
        request[HOLD].stand_aside()  # from here on it is the provider that works
        try:
            return await self._exchanged(exchange, prepared, body, headers)
        finally:
            await self._record(exchange, prepared)

    async def _known(self) -> None:
        """Let in whom the compressor knows, whatever is sent on: strangers get no way out by us."""
        try:
            await self.upstream.governor.identities.tenant()
        except CredentialInvalidError:
            raise _unknown() from None

    async def _passed(self, request: web.Request, route: Route) -> web.StreamResponse:
        """Pass a request on that is nothing of ours, both ways unread."""
        request[HOLD].stand_aside()
        headers = _headers(request)
        body: Body = None
        if request.body_exists and request.method not in _NO_BODY:
            # Who sends it a byte at a time must not have one of the connections to providers for long.
            body = arriving(request.content, self.settings.body_timeout_seconds)
            if request.content_length is not None:
                headers.append((hdrs.CONTENT_LENGTH, str(request.content_length)))
        sent = self.forwarder.sent(request.method, route.url, headers, body)
        async with await sent as response:
            return await relay(request, response, _unread, self.settings)

    async def _prepared(self, exchange: _Exchange) -> tuple[Prepared, bytes, list[tuple[str, str]]]:
        """Return what goes out: the body, and headers that tell what it is."""
        request, route = exchange.request, exchange.route
        raw = await read_raw(request, self.settings, request[HOLD])
        plain = raw
        if encoding := request.headers.get(hdrs.CONTENT_ENCODING):
            try:
                plain = await decompressed(raw, encoding, self.settings, request[HOLD])
            except RequestError:
                plain = b""  # an encoding of which we know nothing: the provider may
        try:
            prepared = await self.preparer.prepare(route, request.headers, space_of(request), plain)
        except CredentialInvalidError:
            raise _unknown() from None
        drop = _ENCODING if prepared.is_changed else frozenset()
        is_read = prepared.is_offered and route.is_answered
        if is_read:
            drop |= _ACCEPTED  # a reply that may hold calls of ours must be readable
        headers = _headers(request, drop)
        if is_read:
            headers.append((hdrs.ACCEPT_ENCODING, "identity"))
        return prepared, prepared.body if prepared.is_changed else raw, headers

    async def _exchanged(
        self,
        exchange: _Exchange,
        prepared: Prepared,
        body: bytes,
        headers: list[tuple[str, str]],
    ) -> web.StreamResponse:
        request, route = exchange.request, exchange.route

        def go_on(body: bytes) -> Awaitable[aiohttp.ClientResponse]:
            # Another request than the client's: under its key it would get the client's reply again.
            own = [each for each in headers if each[0].lower() != "idempotency-key"]
            return self.forwarder.sent(request.method, route.url, own, body)

        sent = self.forwarder.sent(request.method, route.url, headers, body)
        async with await sent as response:
            exchange.status = response.status
            encoding = response.headers.get(hdrs.CONTENT_ENCODING, "").strip().lower()
            if (
                prepared.is_offered
                and route.is_answered
                and response.status == 200
                and not encoding
            ):
                converse = Converse(
                    prepared.traffic.dialect,
                    prepared.traffic.space,
                    self.upstream.furler,
                    self.settings,
                    go_on,
                    self.preparer.pins,
                )
                try:
                    return await converse.answer(request, body, response)
                finally:
                    exchange.usages += converse.turn.usages
                    exchange.retrievals = converse.answered
            watch = Watch(encoding)
            try:
                return await relay(request, response, watch.take, self.settings)
            finally:
                if route.is_answered and response.status == 200:
                    exchange.usages.append(watch.usage())

    async def _record(self, exchange: _Exchange, prepared: Prepared) -> None:
        """Take note of a turn that has ended, however it did."""
        if not exchange.route.is_answered:
            return
        traffic = prepared.traffic
        told = [usage for usage in exchange.usages if usage]
        total = told[0] if len(told) == 1 else summed(told)
        usage = normal(traffic.dialect, total) if told else None
        cache = ""
        if told and traffic.conversation:
            size = len(prepared.body)
            now = await off_loop(size, cache_health.prefix, traffic.dialect, prepared.body)
            # The first round is the one that went out with what the client sent.
            first = normal(traffic.dialect, told[0])
            cache = self.ledgers.cache_outcome(traffic.dialect, traffic.conversation, now, first)
        self.ledgers.record(
            Turn(
                dialect=traffic.dialect,
                upstream=traffic.upstream,
                model=traffic.model,
                conversation=traffic.conversation,
                rule=prepared.treatment.rule,
                outcome=prepared.outcome,
                tokens_before=prepared.before,
                tokens_after=prepared.after,
                usage=usage,
                cache=cache,
                retrievals=exchange.retrievals,
                status=exchange.status,
                seconds=time.perf_counter() - exchange.started,
            )
        )


def _unknown() -> RequestError:
    """Return the error for a caller nobody knows; not to be taken for the provider's answer."""
    message = f"Furler's own credential, in {CREDENTIAL_HEADER}, is missing or invalid"
    return RequestError(Failure("unauthenticated", message))


def _unread(chunk: bytes) -> bytes:
    return chunk


def _headers(request: web.Request, drop: frozenset[bytes] = frozenset()) -> list[tuple[str, str]]:
    try:
        return forwarded(request.raw_headers, drop=drop)
    except UnicodeDecodeError:
        raise malformed("a header is not UTF-8") from None
