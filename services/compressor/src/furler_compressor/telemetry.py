"""Every span, metric and attribute name, and how they leave the process.

Off unless an OTLP endpoint is configured: without one the OpenTelemetry API
hands out no-ops. Content, queries, references and file names are never
recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Final

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind

SERVICE_NAME: Final = "furler-compressor"

SPAN_ENGINE_COMPRESS: Final = "furler.engine.compress"
SPAN_ENGINE_SELECT: Final = "furler.engine.select"
SPAN_ENGINE_CONVERSE: Final = "furler.engine.converse"
SPAN_STORE: Final = "furler.store."
"""Prefix of store spans; the operation's name follows."""

ATTRIBUTE_RPC_SYSTEM: Final = "rpc.system"
ATTRIBUTE_RPC_SERVICE: Final = "rpc.service"
ATTRIBUTE_RPC_METHOD: Final = "rpc.method"
ATTRIBUTE_RPC_STATUS: Final = "rpc.grpc.status_code"
ATTRIBUTE_REASON: Final = "furler.error.reason"
ATTRIBUTE_KIND: Final = "furler.kind"
ATTRIBUTE_CACHED: Final = "furler.cached"
ATTRIBUTE_DEGRADED: Final = "furler.degraded"
ATTRIBUTE_HIT: Final = "furler.hit"
ATTRIBUTE_BYTES: Final = "furler.content.bytes"

_tracer = trace.get_tracer("furler.compressor")
_meter = metrics.get_meter("furler.compressor")

REQUEST_SECONDS: Final = _meter.create_histogram(
    "rpc.server.duration", unit="s", description="Time to answer a call"
)
QUEUE_SECONDS: Final = _meter.create_histogram(
    "furler.engine.queue", unit="s", description="Time a job waited for an engine process"
)
ENGINE_SECONDS: Final = _meter.create_histogram(
    "furler.engine.duration", unit="s", description="Time an engine process worked on a job"
)
ENGINE_RESTARTS: Final = _meter.create_counter(
    "furler.engine.restarts", description="Engine processes replaced after a stop or a crash"
)
VIEWS: Final = _meter.create_counter("furler.views", description="Views made, by kind")
TOKENS_BEFORE: Final = _meter.create_counter(
    "furler.tokens.before", unit="{token}", description="Tokens of the contents"
)
TOKENS_AFTER: Final = _meter.create_counter(
    "furler.tokens.after", unit="{token}", description="Tokens of their views"
)
SAVED_SHARE: Final = _meter.create_histogram(
    "furler.saved.share", unit="1", description="Share of the tokens a view saved"
)
RETRIEVALS: Final = _meter.create_counter("furler.retrievals", description="References asked for")


def configure(endpoint: str, sample_share: float) -> None:
    """Export traces and metrics by OTLP over gRPC to an endpoint such as ``http://localhost:4317``."""
    # Imported here: an unconfigured process does without the SDK's 20 MB.
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    resource = Resource.create({"service.name": SERVICE_NAME})
    tracers = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(sample_share))
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(tracers)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


def shutdown() -> None:
    """Send what is still buffered."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        stop = getattr(provider, "shutdown", None)
        if stop is not None:
            stop()


def incoming(headers: Mapping[str, str]) -> Context:
    """Return the trace context of a call's metadata (W3C traceparent, tracestate)."""
    return extract(headers)


def server_span(service: str, method: str, parent: Context) -> AbstractContextManager[Span]:
    """Open the span of one served call."""
    return _tracer.start_as_current_span(
        f"{service}/{method}",
        context=parent,
        kind=SpanKind.SERVER,
        attributes={
            ATTRIBUTE_RPC_SYSTEM: "grpc",
            ATTRIBUTE_RPC_SERVICE: service,
            ATTRIBUTE_RPC_METHOD: method,
        },
        record_exception=False,
        set_status_on_exception=False,
    )


def span(name: str) -> AbstractContextManager[Span]:
    """Open an inner span."""
    return _tracer.start_as_current_span(name, record_exception=False)


def store_span(operation: str) -> AbstractContextManager[Span]:
    """Open the span of one store call."""
    return _tracer.start_as_current_span(
        SPAN_STORE + operation, kind=SpanKind.CLIENT, record_exception=False
    )


def record_call(
    span: Span, service: str, method: str, code: str, reason: str, seconds: float
) -> None:
    """Record how a served call ended, on its span and in the duration histogram."""
    span.set_attribute(ATTRIBUTE_RPC_STATUS, code)
    if reason:
        span.set_attribute(ATTRIBUTE_REASON, reason)
    REQUEST_SECONDS.record(
        seconds,
        {ATTRIBUTE_RPC_SERVICE: service, ATTRIBUTE_RPC_METHOD: method, ATTRIBUTE_RPC_STATUS: code},
    )


def record_view(
    *, kind: str, tokens_before: int, tokens_after: int, cached: bool, degraded: str
) -> None:
    """Record one view that was given out."""
    VIEWS.add(1, {ATTRIBUTE_KIND: kind, ATTRIBUTE_CACHED: cached, ATTRIBUTE_DEGRADED: degraded})
    TOKENS_BEFORE.add(tokens_before, {ATTRIBUTE_KIND: kind})
    TOKENS_AFTER.add(tokens_after, {ATTRIBUTE_KIND: kind})
    if tokens_before:
        SAVED_SHARE.record(1 - tokens_after / tokens_before, {ATTRIBUTE_KIND: kind})


def record_retrieval(*, hit: bool) -> None:
    """Record one reference that was asked for."""
    RETRIEVALS.add(1, {ATTRIBUTE_HIT: hit})
