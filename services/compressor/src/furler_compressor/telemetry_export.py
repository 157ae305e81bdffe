"""How telemetry leaves the process: by OTLP to a collector, and on a port that Prometheus scrapes.

Both read the same instruments, so that names and numbers agree: a metric has in Prometheus the
name that a collector would give it (OpenTelemetry's "Prometheus and OpenMetrics Compatibility").
The port serves OpenMetrics to who asks for it, with a trace's id as exemplar on histogram buckets.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from threading import Thread
from typing import TYPE_CHECKING, Final
from wsgiref.simple_server import WSGIServer

from opentelemetry import metrics, trace

from furler_compressor import telemetry

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics import Exemplar as Measured
    from opentelemetry.sdk.metrics.export import (
        Histogram,
        HistogramDataPoint,
        InMemoryMetricReader,
        Metric,
        MetricReader,
        MetricsData,
        NumberDataPoint,
        Sum,
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.sampling import Sampler
    from opentelemetry.util.types import Attributes
    from prometheus_client.metrics_core import Metric as Family
    from prometheus_client.samples import Exemplar

_UNITS: Final = {"s": "seconds", "By": "bytes"}
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_]")


@dataclass(slots=True)
class Exporting:
    """What sends telemetry, until it is stopped. ``port`` is where metrics are served; 0: nowhere."""

    port: int = 0
    _servers: list[tuple[WSGIServer, Thread]] = field(default_factory=list)

    @classmethod
    def start(cls, otlp_endpoint: str, trace_share: float, metrics_listen: str) -> Exporting:
        """Begin. Empty addresses are left out; with none, nothing is recorded at all.

        Args:
            otlp_endpoint: OTLP/gRPC collector such as ``http://localhost:4317``.
            trace_share: Share of new traces that are sampled; a caller's decision is followed.
            metrics_listen: Address to serve metrics on, such as ``127.0.0.1:9464``.

        Raises OSError for an address that cannot be listened on.
        """
        exporting = cls()
        readers: list[MetricReader] = []
        if otlp_endpoint:
            _export_traces(otlp_endpoint, trace_share)
            readers.append(_otlp_reader(otlp_endpoint))
        if metrics_listen:
            readers.append(exporting._serve(metrics_listen))
        if readers:
            _set_meter_provider(readers)
            telemetry.record_restart(0)
        return exporting

    def stop(self) -> None:
        """Send what is still buffered, and serve no more."""
        for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
            stop = getattr(provider, "shutdown", None)
            if stop is not None:
                stop()
        for server, thread in self._servers:
            server.shutdown()
            server.server_close()
            thread.join()

    def _serve(self, listen: str) -> InMemoryMetricReader:
        # Imported here, as all of the SDK: an unconfigured process does without its 20 MB.
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader  # noqa: PLC0415
        from prometheus_client import (  # noqa: PLC0415
            CollectorRegistry,
            ProcessCollector,
            start_http_server,
        )

        reader = InMemoryMetricReader()
        registry = CollectorRegistry()
        registry.register(_Scraped(reader))
        ProcessCollector(registry=registry)
        host, _, port = listen.rpartition(":")
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
        self._servers.append((server, thread))
        self.port = server.server_port
        return reader


@dataclass(frozen=True, slots=True)
class _Scraped:
    """A collector of prometheus_client over what OpenTelemetry has measured."""

    reader: InMemoryMetricReader

    def collect(self) -> Iterable[Family]:
        """Return every metric that was recorded."""
        data = self.reader.get_metrics_data()
        return () if data is None else families(data)


def prometheus_name(name: str, kind: str, unit: str) -> str:
    """Return what Prometheus calls a metric, counters with their ``_total``."""
    parts = [_UNFIT.sub("_", name)]
    if suffix := _UNITS.get(unit):
        parts.append(suffix)
    if kind == "counter":
        parts.append("total")
    return "_".join(parts)


def label(attribute: str) -> str:
    """Return what Prometheus calls an attribute."""
    return _UNFIT.sub("_", attribute)


def families(data: MetricsData) -> Iterator[Family]:
    """Return measured metrics as Prometheus has them."""
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield _family(metric)


def _family(metric: Metric) -> Family:
    from opentelemetry.sdk.metrics.export import Histogram, Sum  # noqa: PLC0415

    points = metric.data
    if isinstance(points, Histogram):
        return _histogram(metric, points)
    if isinstance(points, Sum):
        return _number(metric, points)
    raise TypeError(f"no instrument of ours makes {type(points).__name__}")


def _number(metric: Metric, points: Sum) -> Family:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily  # noqa: PLC0415

    labels = _labels(points.data_points)
    names = [label(name) for name in labels]
    kind = "counter" if points.is_monotonic else "gauge"
    name = prometheus_name(metric.name, kind, metric.unit or "")
    make = CounterMetricFamily if points.is_monotonic else GaugeMetricFamily
    family = make(name, metric.description or "", labels=names)
    for point in points.data_points:
        family.add_metric(_values(point.attributes, labels), point.value)
    return family


def _histogram(metric: Metric, points: Histogram) -> Family:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

    labels = _labels(points.data_points)
    names = [label(name) for name in labels]
    name = prometheus_name(metric.name, "histogram", metric.unit or "")
    family = HistogramMetricFamily(name, metric.description or "", labels=names)
    for point in points.data_points:
        buckets = list(_buckets(point))
        family.add_metric(_values(point.attributes, labels), buckets, point.sum)
    return family


def _buckets(
    point: HistogramDataPoint,
) -> Iterator[tuple[str, float] | tuple[str, float, Exemplar]]:
    """Yield (upper bound, how many are not above it, perhaps a trace that was one of them)."""
    bounds = (*point.explicit_bounds, math.inf)
    exemplars = {bisect_left(bounds, e.value): e for e in point.exemplars if e.trace_id}
    seen = 0
    for at, (bound, count) in enumerate(zip(bounds, point.bucket_counts, strict=True)):
        seen += count
        name = "+Inf" if math.isinf(bound) else repr(float(bound))
        if at in exemplars:
            yield name, float(seen), _exemplar(exemplars[at])
        else:
            yield name, float(seen)


def _exemplar(measured: Measured) -> Exemplar:
    from prometheus_client.samples import Exemplar  # noqa: PLC0415

    trace_id = f"{measured.trace_id or 0:032x}"
    return Exemplar({"trace_id": trace_id}, measured.value, measured.time_unix_nano / 1e9)


def _labels(points: Iterable[NumberDataPoint | HistogramDataPoint]) -> list[str]:
    """Return the attributes of all points, in order of their names."""
    return sorted({name for point in points for name in point.attributes or ()})


def _values(attributes: Attributes, labels: list[str]) -> list[str]:
    given = attributes or {}
    return [_text(given.get(name, "")) for name in labels]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resource() -> Resource:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415

    attributes = {"service.name": telemetry.SERVICE_NAME}
    with suppress(PackageNotFoundError):
        attributes["service.version"] = version("furler-compressor")
    return Resource.create(attributes)


def _sampler(share: float) -> Sampler:
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415

    return ParentBasedTraceIdRatio(share)


def _export_traces(endpoint: str, share: float) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=_resource(), sampler=_sampler(share))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)


def _otlp_reader(endpoint: str) -> MetricReader:
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415

    return PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint))


def _set_meter_provider(readers: list[MetricReader]) -> None:
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415

    metrics.set_meter_provider(MeterProvider(resource=_resource(), metric_readers=readers))
