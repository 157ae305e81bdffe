"""Every metric, span and log field of the gateway, and how they leave the process.

Metrics are scraped from the operate port; traces leave by OTLP if an endpoint is
configured, and a caller's trace is passed on in any case. Content, references,
credentials, query strings and what a client made up (paths) are never recorded.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from functools import cache
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder

SERVICE_NAME: Final = "furler-gateway"
ATTRIBUTE_ROUTE: Final = "http.route"
ATTRIBUTE_METHOD: Final = "http.request.method"
ATTRIBUTE_STATUS: Final = "http.response.status_code"
ATTRIBUTE_RPC_SYSTEM: Final = "rpc.system.name"
ATTRIBUTE_RPC_METHOD: Final = "rpc.method"
ATTRIBUTE_RPC_STATUS: Final = "rpc.response.status_code"

SPANS: Final = (
    (
        "{method} {route}",
        "server",
        "A request, named by its method and route; joins the caller's trace (traceparent)",
        (ATTRIBUTE_METHOD, ATTRIBUTE_ROUTE, ATTRIBUTE_STATUS),
    ),
    (
        "furler.v1.…",
        "client",
        "A call of the compressor, named by its method; its context goes along",
        (ATTRIBUTE_RPC_SYSTEM, ATTRIBUTE_RPC_METHOD, ATTRIBUTE_RPC_STATUS),
    ),
)
"""Every span: its name, kind, description, attributes; ``…`` stands for what follows."""

REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REQUESTS: Final = Counter(
    "furler_gateway_requests",
    "Requests answered, by route and status",
    ("route", "status"),
    registry=REGISTRY,
)
REQUEST_SECONDS: Final = Histogram(
    "furler_gateway_request_seconds",
    "Time from a request's head to the end of its reply",
    ("route",),
    buckets=_SECONDS,
    registry=REGISTRY,
)
UPSTREAM_SECONDS: Final = Histogram(
    "furler_gateway_upstream_seconds",
    "Time the compressor took, by method and gRPC status",
    ("rpc", "code"),
    buckets=_SECONDS,
    registry=REGISTRY,
)
REFUSED: Final = Counter(
    "furler_gateway_refused", "Requests refused by a limit", ("limit",), registry=REGISTRY
)
IN_FLIGHT: Final = Gauge(
    "furler_gateway_requests_in_flight", "Requests being worked on", registry=REGISTRY
)
HELD_BYTES: Final = Gauge(
    "furler_gateway_held_bytes", "Bytes of request bodies in memory", registry=REGISTRY
)
COMPRESSED_TOKENS: Final = Counter(
    "furler_gateway_tokens",
    "Tokens of what /v1/compress looked at: before, and after",
    ("side",),
    registry=REGISTRY,
)
COMPRESS_SKIPPED: Final = Counter(
    "furler_gateway_compress_skipped",
    "Replies of /v1/compress that left the messages as they were, by reason",
    ("reason",),
    registry=REGISTRY,
)
CACHE_TOKENS: Final = Counter(
    "furler_gateway_provider_cache_tokens",
    "Tokens that providers read from or wrote to their prompt caches, as callers relay it",
    ("operation",),
    registry=REGISTRY,
)
POLICY_RELOADS: Final = Counter(
    "furler_gateway_policy_reloads",
    "Changed policy files: read, or refused",
    ("outcome",),
    registry=REGISTRY,
)
POLICY_STALE: Final = Gauge(
    "furler_gateway_policy_stale",
    "Whether the policy file cannot be used and an earlier one is in force: alert on it",
    registry=REGISTRY,
)
POLICY_KILLED: Final = Gauge(
    "furler_gateway_policy_kill_switch", "Whether the kill switch is on", registry=REGISTRY
)
POLICY_REVISION: Final = Gauge(
    "furler_gateway_policy_revision",
    "1 for the revision of the policy in force",
    ("revision",),
    registry=REGISTRY,
)
TREATED: Final = Counter(
    "furler_gateway_treated",
    "Calls that compress, by the mode that the policy gave them",
    ("mode",),
    registry=REGISTRY,
)
PROXY_REQUESTS: Final = Counter(
    "furler_gateway_proxy_requests",
    "Requests to providers, by dialect and what became of the body: compressed, unchanged, or why not",
    ("dialect", "outcome"),
    registry=REGISTRY,
)
PROXY_TOKENS: Final = Counter(
    "furler_gateway_proxy_tokens",
    "Tokens of conversations sent to providers: before compression, and after",
    ("dialect", "side"),
    registry=REGISTRY,
)
PROXY_USAGE: Final = Counter(
    "furler_gateway_proxy_usage_tokens",
    "Tokens as providers count them: uncached input, read from and written to the prompt cache, output",
    ("dialect", "part"),
    registry=REGISTRY,
)
PROXY_CACHE: Final = Counter(
    "furler_gateway_proxy_cache_turns",
    "Turns of conversations by what became of the provider's prompt cache: first, hit, lapsed, a changed part, lost",
    ("dialect", "outcome"),
    registry=REGISTRY,
)
PROXY_RETRIEVALS: Final = Counter(
    "furler_gateway_proxy_retrievals",
    "Calls of the retrieve tool in replies: answered, failed, refused by a limit, left out beside other calls, "
    "taken back where the provider had no room",
    ("dialect", "outcome"),
    registry=REGISTRY,
)
PROXY_TROUBLE: Final = Counter(
    "furler_gateway_proxy_trouble",
    "Providers that could not be reached, were silent too long or broke off",
    ("kind",),
    registry=REGISTRY,
)

_tracer = trace.get_tracer("furler.gateway")
# Not the global one, which passes on baggage as well: what is in it is nobody's business here.
_propagator: Final = TraceContextTextMapPropagator()
_TRACEPARENT: Final = "traceparent"
_NO_PARENT: Final = Context()
_NO_SPAN: Final = nullcontext(trace.INVALID_SPAN)


def exposition(accept: str) -> tuple[bytes, str]:
    """Return all metrics and their content type: OpenMetrics, with exemplars, if it is accepted."""
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type


def record_request(route: str, status: int, seconds: float, span: Span) -> None:
    """Record how a request ended, with its span, if that is sampled, as the bucket's exemplar."""
    _requests(route, status).inc()
    _request_seconds(route).observe(seconds, _exemplar(span))


# Series are found once: to look for one costs more than to count.
@cache
def _requests(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, str(status))


@cache
def _request_seconds(route: str) -> Histogram:
    return REQUEST_SECONDS.labels(route)


def _exemplar(span: Span) -> dict[str, str] | None:
    context = span.get_span_context()
    sampled = context.is_valid and context.trace_flags.sampled
    return {"trace_id": f"{context.trace_id:032x}"} if sampled else None


def configure_traces(endpoint: str, sample_share: float) -> None:
    """Export traces by OTLP over gRPC to an endpoint such as ``http://localhost:4317``."""
    # Imported here: an unconfigured process does without the SDK's 20 MB.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    resource = Resource.create({"service.name": SERVICE_NAME})
    tracers = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(sample_share))
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(tracers)
    _takes_traces.cache_clear()


@cache
def _takes_traces() -> bool:
    """Return whether traces are taken; OpenTelemetry looks into the environment each time it is asked."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def shutdown() -> None:
    """Send what is still buffered."""
    stop = getattr(trace.get_tracer_provider(), "shutdown", None)
    if stop is not None:
        stop()


def incoming(headers: Mapping[str, str]) -> Context:
    """Return the trace context of a request (W3C traceparent, tracestate)."""
    return _propagator.extract(headers) if _TRACEPARENT in headers else _NO_PARENT


def outgoing() -> tuple[tuple[str, str], ...]:
    """Return the current trace context as metadata of a call."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return tuple(carrier.items())


def server_span(method: str, route: str, parent: Context) -> AbstractContextManager[Span]:
    """Open the span of one request; none where no trace is taken and none comes in."""
    if not parent and not _takes_traces():
        return _NO_SPAN
    return _tracer.start_as_current_span(
        f"{method} {route}",
        context=parent,
        kind=SpanKind.SERVER,
        attributes={ATTRIBUTE_METHOD: method, ATTRIBUTE_ROUTE: route},
        record_exception=False,
        set_status_on_exception=False,
    )


@contextmanager
def client_span(path: str) -> Iterator[Callable[[str], None]]:
    """Open the span of one unary call of the compressor; what it gives takes the call's status.

    Outside of a request (probes) there is no span.
    """
    name = path.removeprefix("/")
    code = "CANCELLED"

    def ended(status: str) -> None:
        nonlocal code
        code = status

    start = time.perf_counter()
    with ExitStack() as stack:
        if trace.get_current_span().get_span_context().is_valid:
            attributes = {ATTRIBUTE_RPC_SYSTEM: "grpc", ATTRIBUTE_RPC_METHOD: name}
            opened = _tracer.start_as_current_span(
                name,
                kind=SpanKind.CLIENT,
                attributes=attributes,
                record_exception=False,
                set_status_on_exception=False,
            )
            span = stack.enter_context(opened)
            stack.callback(lambda: span.set_attribute(ATTRIBUTE_RPC_STATUS, code))
        try:
            yield ended
        finally:
            record_upstream(path, code, time.perf_counter() - start)


def record_upstream(path: str, code: str, seconds: float) -> None:
    """Record how a call of the compressor ended."""
    exemplar = _exemplar(trace.get_current_span())
    UPSTREAM_SECONDS.labels(path, code).observe(seconds, exemplar)


class JsonFormatter(logging.Formatter):
    """One JSON object per line; ``extra={"fields": {…}}`` adds fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = f"{span.trace_id:032x}"
        fields = getattr(record, "fields", None)
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info and record.exc_info[1] is not None:
            # The places only: what an exception says may quote content.
            line["error"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs() -> None:
    """Log to standard error in JSON."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # They log what clients send, or a line per request of their own.
    for name in ("aiohttp", "mcp", "asyncio", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.ERROR)


def describe(error: BaseException) -> str:
    """Return where an error came from, without what it says."""
    frames = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    return f"{type(error).__name__} at {places}"


def log_unforeseen(logger: logging.Logger, error: BaseException | None) -> None:
    """Log an error nobody foresaw: where it came from, not what it says."""
    logger.error("unforeseen: %s", "unknown" if error is None else describe(error))
