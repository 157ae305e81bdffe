"""What happens around every request, outermost first: observe, guard, admit.

``observe`` gives the request its span, metrics and line of log, and makes a
reply of whatever was raised: the one place where that happens.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from itertools import chain
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from furler.errors import FurlerError
from furler_gateway import caller, telemetry
from furler_gateway.assertions import name_of
from furler_gateway.config import Settings, address
from furler_gateway.errors import Failure, RequestError, failure_of, response
from furler_gateway.figures import Figures
from furler_gateway.limits import Admission
from furler_gateway.requests import HOLD, credential_of, route_of

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOG: Final = logging.getLogger("furler.gateway")
_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_OPERATIONS: Final = frozenset({"/dashboard", "/livez", "/readyz", "/metrics"})
_PREFLIGHT_SECONDS: Final = "600"


def middlewares(
    settings: Settings, admission: Admission, figures: Figures
) -> tuple[Middleware, ...]:
    """Return the middlewares, outermost first."""
    return (_observe(settings, figures), guard(settings), _admit(admission))


def _observe(settings: Settings, figures: Figures) -> Middleware:
    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        start = time.perf_counter()
        route = route_of(request)
        caller.come_in(route)
        parent = telemetry.incoming(request.headers)
        status = 499  # the client went away
        with telemetry.server_span(request.method, route, parent) as span:
            try:
                reply = await _answered(request, handler)
                status = reply.status
            finally:
                took = time.perf_counter() - start
                span.set_attribute(telemetry.ATTRIBUTE_STATUS, status)
                telemetry.record_request(route, status, took, span)
                figures.request(route, status, took)
                if settings.log_requests:
                    fields = {
                        "method": request.method,
                        "route": route,
                        "status": status,
                        "ms": round(took * 1000, 1),
                        "request_bytes": request.content_length,
                    }
                    _LOG.info("request", extra={"fields": fields})
        return reply

    return observe


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Return the handler's reply, or the one that stands for what it raised."""
    try:
        caller.serve(credential_of(request), _certificate(request))
        return await handler(request)
    except ConnectionResetError:
        raise  # the client went away: nobody is there to be answered
    except RequestError as error:
        failure = error.failure
    except FurlerError as error:
        failure = failure_of(error)
    except web.HTTPException as error:
        if error.status < 400:
            return error  # a redirection
        made = response(_http_failure(error, request.path), request.path)
        if isinstance(error, web.HTTPMethodNotAllowed):
            made.headers[hdrs.ALLOW] = ", ".join(sorted(error.allowed_methods))
        return made
    except Exception as error:  # noqa: BLE001 - the one place: an unforeseen error is 500
        telemetry.log_unforeseen(_LOG, error)
        failure = Failure("internal", "internal error")
    return response(failure, request.path)


def _certificate(request: web.Request) -> str:
    """Return the name of the client's certificate, which the handshake has verified."""
    found = request.get_extra_info("peercert")
    return name_of(found) if found else ""


def _http_failure(error: web.HTTPException, path: str) -> Failure:
    """Return the failure for what aiohttp's router raises."""
    match error.status:
        case 404 if path in _OPERATIONS:
            message = "this is on the port of operations, 8788 by default"
            return Failure("unimplemented", message, status=404)
        case 404:
            return Failure("unimplemented", "there is nothing at this path", status=404)
        case 405:
            return Failure("unimplemented", "not with this method", status=405)
        case status if status < 500:
            return Failure("invalid_argument", error.reason, status=status)
        case status:
            return Failure("internal", "internal error", status=status)


@web.middleware
async def answering(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Make a reply of whatever is raised, as ``observe`` does, and record nothing."""
    return await _answered(request, handler)


def guard(settings: Settings) -> Middleware:
    """Keep out pages of other origins, and names that are not ours."""
    return _guard(settings, settings.listen)


def guard_operations(settings: Settings) -> Middleware:
    """Do the same on the port of operations, whose page shows names of tenants."""
    return _guard(settings, settings.operate_listen)


def _guard(settings: Settings, listen: str) -> Middleware:
    hosts = frozenset(name.lower() for name in settings.allowed_hosts)
    if not hosts and address(listen)[0] in {"127.0.0.1", "::1", "localhost"}:
        hosts = _LOOPBACK_NAMES
    origins = frozenset(settings.cors_origins)
    most = settings.max_head_bytes

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if sum(map(len, chain.from_iterable(request.raw_headers))) > most:
            raise RequestError(
                Failure("invalid_argument", "the head of the request is too large", status=431)
            )
        if hosts and _host_name(request.host) not in hosts:
            raise RequestError(
                Failure("permission_denied", "this host name is not served", status=403)
            )
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or _same_origin(origin, request.host):
            return await handler(request)
        if origin not in origins and "*" not in origins:
            raise RequestError(Failure("permission_denied", "this origin is not allowed"))
        if request.method == hdrs.METH_OPTIONS:
            return web.Response(status=204, headers=_preflight(origin))
        reply = await _answered(request, handler)
        if not reply.prepared:
            reply.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            reply.headers[hdrs.VARY] = hdrs.ORIGIN
        return reply

    return guarded


def _same_origin(origin: str, host: str) -> bool:
    return origin in {f"http://{host}", f"https://{host}"}


def _host_name(host: str) -> str:
    """Return a Host header without its port, in small letters."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).lower()


def _preflight(origin: str) -> dict[str, str]:
    return {
        hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: origin,
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: "GET, POST",
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: "Authorization, Content-Type, Connect-Timeout-Ms",
        hdrs.ACCESS_CONTROL_MAX_AGE: _PREFLIGHT_SECONDS,
        hdrs.VARY: hdrs.ORIGIN,
    }


def _admit(admission: Admission) -> Middleware:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        with admission.admitted() as hold:
            request[HOLD] = hold
            return await handler(request)

    return admit
