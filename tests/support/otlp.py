"""An OTLP/gRPC receiver in the test's process: what a collector would be sent, kept."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2


@dataclass
class Receiver(traces_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer):
    """Keeps every request it gets."""

    endpoint: str = ""
    traces: list[traces.ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[metrics.ExportMetricsServiceRequest] = field(default_factory=list)

    def Export(self, request: object, context: grpc.ServicerContext) -> object:  # noqa: N802
        if isinstance(request, traces.ExportTraceServiceRequest):
            self.traces.append(request)
            return traces.ExportTraceServiceResponse()
        assert isinstance(request, metrics.ExportMetricsServiceRequest)
        self.metrics.append(request)
        return metrics.ExportMetricsServiceResponse()

    def spans(self, service: str = "") -> list[trace_pb2.Span]:
        """Return all spans, or those of one service."""
        return [
            span
            for request in self.traces
            for resource in request.resource_spans
            if not service or _name(resource) == service
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def measured(self) -> list[metrics_pb2.Metric]:
        return [
            metric
            for request in self.metrics
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def everything(self) -> bytes:
        """Return all that was sent, one after the other."""
        return b"\n".join(r.SerializeToString() for r in (*self.traces, *self.metrics))


def attributes(span: trace_pb2.Span) -> dict[str, str]:
    return {a.key: a.value.string_value for a in span.attributes}


def points(metric: metrics_pb2.Metric) -> list[dict[str, str]]:
    """Return the attributes of every data point of a metric."""
    data = metric.histogram if metric.HasField("histogram") else metric.sum
    return [{a.key: a.value.string_value for a in point.attributes} for point in data.data_points]


def _name(resource: trace_pb2.ResourceSpans) -> str:
    named = (a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
    return next(named, "")


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    """Run a receiver for the time of the body."""
    received = Receiver()
    server = grpc.server(futures.ThreadPoolExecutor(4))
    traces_grpc.add_TraceServiceServicer_to_server(received, server)  # type: ignore[no-untyped-call]
    metrics_grpc.add_MetricsServiceServicer_to_server(received, server)  # type: ignore[no-untyped-call]
    received.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield received
    finally:
        server.stop(None).wait()
