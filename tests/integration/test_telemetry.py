"""Traces and metrics leave by OTLP when configured, join the caller's trace, and hold no content."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc
from opentelemetry.proto.trace.v1 import trace_pb2

from furler.v1 import compressor_service_pb2, content_pb2
from support.inputs import service_log
from support.service import running_service

WORD = "zanzibar-is-in-the-content"
TRACE = "0af7651916cd43dd8448eb211c80319c"


class Collector(traces_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer):
    """An OTLP receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.traces: list[traces.ExportTraceServiceRequest] = []
        self.metrics: list[metrics.ExportMetricsServiceRequest] = []

    def Export(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802
        if isinstance(request, traces.ExportTraceServiceRequest):
            self.traces.append(request)
            return traces.ExportTraceServiceResponse()
        assert isinstance(request, metrics.ExportMetricsServiceRequest)
        self.metrics.append(request)
        return metrics.ExportMetricsServiceResponse()

    def spans(self) -> list[trace_pb2.Span]:
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def metric_names(self) -> set[str]:
        return {
            metric.name
            for request in self.metrics
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector that one service with one traced call, and one failed one, reported to."""
    received = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    traces_grpc.add_TraceServiceServicer_to_server(received, server)  # type: ignore[no-untyped-call]
    metrics_grpc.add_MetricsServiceServicer_to_server(received, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with running_service(otlp_endpoint=f"http://127.0.0.1:{port}") as service:
        content = content_pb2.Content(
            inline=(service_log(400) + f"FATAL {WORD}\n").encode(),
            hints=content_pb2.Hints(query=WORD),
        )
        service.compressor.Compress(
            compressor_service_pb2.CompressRequest(content=content),
            metadata=(("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),),
        )
        with pytest.raises(grpc.RpcError):
            service.compress(WORD.encode() + b"\xff")
        assert service.stop() == 0
    yield received
    server.stop(None)


def test_a_call_joins_its_callers_trace(collector: Collector) -> None:
    joined = [span for span in collector.spans() if span.trace_id.hex() == TRACE]
    assert {
        "furler.v1.CompressorService/Compress",
        "furler.engine.compress",
        "furler.store.recall",
        "furler.store.commit",
    } <= {span.name for span in joined}


def test_a_failed_call_names_its_status_and_reason(collector: Collector) -> None:
    (failed,) = (
        span
        for span in collector.spans()
        if any(a.key == "furler.error.reason" for a in span.attributes)
    )
    attributes = {a.key: a.value.string_value for a in failed.attributes}
    assert attributes["furler.error.reason"] == "CONTENT_NOT_TEXT"
    assert attributes["rpc.grpc.status_code"] == "INVALID_ARGUMENT"


def test_metrics_count_views_and_tokens(collector: Collector) -> None:
    assert {
        "rpc.server.duration",
        "furler.engine.duration",
        "furler.engine.queue",
        "furler.views",
        "furler.tokens.before",
        "furler.tokens.after",
    } <= collector.metric_names()


def test_content_and_query_are_nowhere_in_telemetry(collector: Collector) -> None:
    assert len(collector.traces) > 0
    assert len(collector.metrics) > 0
    for request in (*collector.traces, *collector.metrics):
        assert WORD.encode() not in request.SerializeToString()
