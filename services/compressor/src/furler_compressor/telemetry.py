"""Every span, metric and attribute name of the compressor, and how they are recorded.

Off unless an OTLP endpoint or a metrics port is configured: without one the
OpenTelemetry API hands out no-ops (``telemetry_export`` configures it). Content,
queries, references and file names are never recorded. docs/telemetry.md is made
from this module (``make docs``).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

SERVICE_NAME: Final = "furler-compressor"
"""``service.name`` of everything this process sends."""

ATTRIBUTE_RPC_SYSTEM: Final = "rpc.system.name"
ATTRIBUTE_RPC_METHOD: Final = "rpc.method"
ATTRIBUTE_RPC_STATUS: Final = "rpc.response.status_code"
ATTRIBUTE_REASON: Final = "furler.error.reason"
ATTRIBUTE_ERROR_TYPE: Final = "error.type"
ATTRIBUTE_KIND: Final = "furler.kind"
ATTRIBUTE_CACHED: Final = "furler.cached"
ATTRIBUTE_DEGRADED: Final = "furler.degraded"
ATTRIBUTE_HIT: Final = "furler.hit"
ATTRIBUTE_JOB: Final = "furler.job"
ATTRIBUTE_TENANT: Final = "furler.tenant"
ATTRIBUTE_SIDE: Final = "furler.side"
ATTRIBUTE_DB_SYSTEM: Final = "db.system.name"
ATTRIBUTE_DB_OPERATION: Final = "db.operation.name"
ATTRIBUTE_MODEL_OPERATION: Final = "gen_ai.operation.name"
ATTRIBUTE_MODEL: Final = "gen_ai.request.model"
ATTRIBUTE_MODEL_PROVIDER: Final = "gen_ai.provider.name"
ATTRIBUTE_TROUBLE: Final = "furler.model.trouble"

MODEL_OPERATION: Final = "token_classification"
"""What the prose model does: it scores words; it generates nothing."""
MOST_TENANTS: Final = 200
"""Tenants with a series of their own; later ones share OTHER_TENANTS. A series is kept for good."""
OTHER_TENANTS: Final = "other"

SECONDS: Final = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
"""Buckets of durations: a cache hit takes one millisecond, 20 MB of log several seconds."""
SHARES: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
SIZES: Final = tuple(float(4**power * 1024) for power in range(9))
"""Buckets of sizes: 1 KiB to 64 MiB, the largest content there is."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as it is named and described. ``buckets`` are a histogram's upper bounds."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SpanName:
    """A span as it is named and described; ``…`` stands for what follows."""

    name: str
    kind: Literal["server", "client", "internal"]
    description: str
    attributes: tuple[str, ...] = ()


CALLS: Final = Metric(
    "rpc.server.call.duration",
    "histogram",
    "s",
    "Time to answer a call; of a stream, until its end",
    (ATTRIBUTE_RPC_METHOD, ATTRIBUTE_RPC_STATUS, ATTRIBUTE_REASON),
    SECONDS,
)
CONTENT_SIZE: Final = Metric(
    "furler.content.size",
    "histogram",
    "By",
    "Size of the contents views were asked of",
    (ATTRIBUTE_KIND,),
    SIZES,
)
QUEUE: Final = Metric(
    "furler.engine.queue",
    "histogram",
    "s",
    "Time a job waited for an engine process",
    (ATTRIBUTE_JOB,),
    SECONDS,
)
ENGINE: Final = Metric(
    "furler.engine.duration",
    "histogram",
    "s",
    "Time an engine process worked on a job",
    (ATTRIBUTE_JOB,),
    SECONDS,
)
WAITING: Final = Metric(
    "furler.engine.waiting", "gauge", "{job}", "Jobs that wait for an engine process"
)
RESTARTS: Final = Metric(
    "furler.engine.restarts", "counter", "{process}", "Engine processes replaced: stopped, crashed"
)
STORE: Final = Metric(
    "furler.store.duration",
    "histogram",
    "s",
    "Time the store took for an operation, its decorators' work included",
    (ATTRIBUTE_DB_SYSTEM, ATTRIBUTE_DB_OPERATION, ATTRIBUTE_ERROR_TYPE),
    SECONDS,
)
MODEL: Final = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "Time the prose model took for a request",
    (ATTRIBUTE_MODEL_OPERATION, ATTRIBUTE_MODEL_PROVIDER, ATTRIBUTE_MODEL, ATTRIBUTE_ERROR_TYPE),
    SECONDS,
)
MODEL_WORDS: Final = Metric(
    "furler.model.words", "counter", "{word}", "Words that views asked the prose model about; trouble says why it told nothing", (ATTRIBUTE_TROUBLE,),
)  # fmt: skip
VIEWS: Final = Metric(
    "furler.views",
    "counter",
    "{view}",
    "Views given out; degraded says why nothing was saved, empty if nothing went wrong",
    (ATTRIBUTE_KIND, ATTRIBUTE_CACHED, ATTRIBUTE_DEGRADED),
)
TOKENS: Final = Metric(
    "furler.tokens",
    "counter",
    "{token}",
    "Tokens of contents (side: before) and of their views (side: after)",
    (ATTRIBUTE_KIND, ATTRIBUTE_SIDE),
)
TENANT_TOKENS: Final = Metric(
    "furler.tenant.tokens",
    "counter",
    "{token}",
    f"The same tokens by tenant: a ledger. From the {MOST_TENANTS + 1}st tenant on: {OTHER_TENANTS}",
    (ATTRIBUTE_TENANT, ATTRIBUTE_SIDE),
)
SAVED: Final = Metric(
    "furler.saved.share",
    "histogram",
    "1",
    "Share of its content's tokens that a view saved",
    (ATTRIBUTE_KIND,),
    SHARES,
)
RETRIEVALS: Final = Metric(
    "furler.retrievals", "counter", "{request}", "References asked for, and whether they were held", (ATTRIBUTE_HIT,),
)  # fmt: skip
TURNS: Final = Metric(
    "furler.turns", "counter", "{turn}", "Turns of conversations; degraded says why one was forwarded as it came", (ATTRIBUTE_DEGRADED,),
)  # fmt: skip
METRICS: Final = (
    *(CALLS, CONTENT_SIZE, QUEUE, ENGINE, WAITING, RESTARTS, STORE, MODEL),
    *(MODEL_WORDS, VIEWS, TURNS, TOKENS, TENANT_TOKENS, SAVED, RETRIEVALS),
)

SPAN_CALL: Final = SpanName(
    "furler.v1.…",
    "server",
    "A served call, named by its method; joins the caller's trace (traceparent)."
    " One that is turned away at the gate has a span only if its caller samples the trace",
    (ATTRIBUTE_RPC_SYSTEM, ATTRIBUTE_RPC_METHOD, ATTRIBUTE_RPC_STATUS, ATTRIBUTE_REASON),
)
SPAN_ENGINE_COMPRESS: Final = SpanName(
    "furler.engine.compress", "internal", "Making a view, the wait for an engine process included"
)
SPAN_ENGINE_SELECT: Final = SpanName(
    "furler.engine.select", "internal", "Picking what a selector names"
)
SPAN_ENGINE_CONVERSE: Final = SpanName(
    "furler.engine.converse", "internal", "Making the edits of a conversation's turn"
)
SPAN_STORE: Final = SpanName(
    "furler.store.…",
    "client",
    "A call of the store, named by its operation",
    (ATTRIBUTE_DB_SYSTEM, ATTRIBUTE_DB_OPERATION, ATTRIBUTE_ERROR_TYPE),
)
SPAN_MODEL: Final = SpanName(
    f"{MODEL_OPERATION} …",
    "client",
    "A request to the prose model, named by the model; its context goes along to Triton",
    (ATTRIBUTE_MODEL_OPERATION, ATTRIBUTE_MODEL_PROVIDER, ATTRIBUTE_MODEL, ATTRIBUTE_ERROR_TYPE),
)
SPANS: Final = (
    *(SPAN_CALL, SPAN_ENGINE_COMPRESS, SPAN_ENGINE_SELECT, SPAN_ENGINE_CONVERSE),
    *(SPAN_STORE, SPAN_MODEL),
)

_tracer = trace.get_tracer("furler.compressor")
_meter = metrics.get_meter("furler.compressor")


def _histogram(metric: Metric) -> metrics.Histogram:
    return _meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets,
    )


def _counter(metric: Metric) -> metrics.Counter:
    return _meter.create_counter(metric.name, unit=metric.unit, description=metric.description)


_calls, _queue, _engine = _histogram(CALLS), _histogram(QUEUE), _histogram(ENGINE)
_store, _model, _saved = _histogram(STORE), _histogram(MODEL), _histogram(SAVED)
_content_size = _histogram(CONTENT_SIZE)
_views, _tokens, _tenant_tokens = _counter(VIEWS), _counter(TOKENS), _counter(TENANT_TOKENS)
_retrievals, _restarts = _counter(RETRIEVALS), _counter(RESTARTS)
_turns, _words = _counter(TURNS), _counter(MODEL_WORDS)
_waiting = _meter.create_up_down_counter(
    WAITING.name, unit=WAITING.unit, description=WAITING.description
)
_tenants: dict[str, str] = {}
_OpenSpan: TypeAlias = AbstractContextManager[Span]
_NO_SPAN: Final[_OpenSpan] = nullcontext(trace.INVALID_SPAN)
_SAMPLED: Final = frozenset("13579bdf")  # a traceparent's last digit with the bit "sampled" set
_SPAN_KINDS: Final = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "internal": SpanKind.INTERNAL,
}


def server_span(service: str, method: str, headers: Mapping[str, str]) -> _OpenSpan:
    """Open the span of one served call, within the trace of its metadata (traceparent, tracestate)."""
    name = f"{service}/{method}"
    attributes = {ATTRIBUTE_RPC_SYSTEM: "grpc", ATTRIBUTE_RPC_METHOD: name}
    return _open(name, SpanKind.SERVER, attributes, extract(headers))


def span_if_traced(service: str, method: str, headers: Mapping[str, str]) -> _OpenSpan:
    """Open the span of a served call if its caller samples it (the last bit of traceparent)."""
    if headers.get("traceparent", "")[-1:] in _SAMPLED:
        return server_span(service, method, headers)
    return _NO_SPAN


def span(named: SpanName) -> _OpenSpan:
    """Open an inner span."""
    return _open(named.name, _SPAN_KINDS[named.kind])


def _open(
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, str] | None = None,
    parent: Context | None = None,
) -> _OpenSpan:
    """Open a span, within the current one unless a parent is given.

    Without a tracer there is one only to pass on what came in, as to Triton: spans that go nowhere
    were a tenth of a short call's time.
    """
    if not parent and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return _NO_SPAN
    return _tracer.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    )


def store_call(system: str, operation: str) -> AbstractContextManager[None]:
    """Record a call of the store: its span, and its time by operation and type of error."""
    attributes = {ATTRIBUTE_DB_SYSTEM: system, ATTRIBUTE_DB_OPERATION: operation}
    return _measured(SPAN_STORE.name.removesuffix("…") + operation, attributes, _store)


def model_call(provider: str, model: str) -> AbstractContextManager[None]:
    """Record a request to the prose model; ``provider`` is ``triton`` or ``onnx``."""
    attributes = {
        ATTRIBUTE_MODEL_OPERATION: MODEL_OPERATION,
        ATTRIBUTE_MODEL_PROVIDER: provider,
        ATTRIBUTE_MODEL: model,
    }
    return _measured(f"{MODEL_OPERATION} {model}", attributes, _model)


def record_words(words: int, trouble: str) -> None:
    """Record the words that a view asked the prose model about, and why it told nothing."""
    _words.add(words, {ATTRIBUTE_TROUBLE: trouble})


@contextmanager
def _measured(name: str, attributes: dict[str, str], seconds: metrics.Histogram) -> Iterator[None]:
    """Open a client span and record its time; of an error its type only, which quotes nothing."""
    start = time.perf_counter()
    with _open(name, SpanKind.CLIENT, attributes) as opened:
        error = ""
        try:
            yield
        except BaseException as raised:
            error = type(raised).__name__
            opened.set_attribute(ATTRIBUTE_ERROR_TYPE, error)
            opened.set_status(Status(StatusCode.ERROR))
            raise
        finally:
            # Within the span, so that the bucket's exemplar names its trace.
            took = time.perf_counter() - start
            seconds.record(took, {**attributes, ATTRIBUTE_ERROR_TYPE: error})


def record_call(
    span: Span, service: str, method: str, code: str, reason: str, seconds: float
) -> None:
    """Record how a served call ended, on its span and in the duration histogram."""
    span.set_attribute(ATTRIBUTE_RPC_STATUS, code)
    if reason:
        span.set_attribute(ATTRIBUTE_REASON, reason)
    of_method = {ATTRIBUTE_RPC_METHOD: f"{service}/{method}", ATTRIBUTE_RPC_STATUS: code}
    _calls.record(seconds, {**of_method, ATTRIBUTE_REASON: reason})


def record_wait(job: str, seconds: float) -> None:
    """Record how long a job waited for an engine process."""
    _queue.record(seconds, {ATTRIBUTE_JOB: job})


def record_job(job: str, seconds: float) -> None:
    """Record how long an engine process worked on a job."""
    _engine.record(seconds, {ATTRIBUTE_JOB: job})


def add_waiting(jobs: int) -> None:
    """Change the number of jobs that wait for an engine process."""
    _waiting.add(jobs)


def record_restart(processes: int = 1) -> None:
    """Record engine processes that were replaced; 0 shows the counter before there are any."""
    _restarts.add(processes)


def record_view(
    *,
    tenant: str,
    kind: str,
    tokens: tuple[int, int],
    cached: bool = False,
    degraded: str = "",
) -> None:
    """Record one view that was given out; ``tokens`` are its content's and its own."""
    before, after = tokens
    _views.add(1, {ATTRIBUTE_KIND: kind, ATTRIBUTE_CACHED: cached, ATTRIBUTE_DEGRADED: degraded})
    ledger = tenant_label(tenant)
    for side, count in (("before", before), ("after", after)):
        _tokens.add(count, {ATTRIBUTE_KIND: kind, ATTRIBUTE_SIDE: side})
        _tenant_tokens.add(count, {ATTRIBUTE_TENANT: ledger, ATTRIBUTE_SIDE: side})
    if before:
        _saved.record(1 - after / before, {ATTRIBUTE_KIND: kind})


def record_turn(*, degraded: str) -> None:
    """Record a turn of a conversation that was answered."""
    _turns.add(1, {ATTRIBUTE_DEGRADED: degraded})


def record_size(kind: str, size: int) -> None:
    """Record the bytes of a content that a view was asked of."""
    _content_size.record(size, {ATTRIBUTE_KIND: kind})


def record_retrieval(*, hit: bool) -> None:
    """Record one reference that was asked for."""
    _retrievals.add(1, {ATTRIBUTE_HIT: hit})


def tenant_label(tenant: str) -> str:
    """Return the tenant's name in the ledger: its own for the first MOST_TENANTS that are seen."""
    if tenant not in _tenants and len(_tenants) < MOST_TENANTS:
        _tenants[tenant] = tenant
    return _tenants.get(tenant, OTHER_TENANTS)
