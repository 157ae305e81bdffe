"""Generate docs/telemetry.md from the two telemetry modules.

What lives here: the one way the page is made. Names, kinds, units, attributes and
descriptions are the modules' own; a test compares the page with a fresh one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from furler_compressor import telemetry as compressor
from furler_compressor.telemetry_export import label, prometheus_name
from furler_gateway import telemetry as gateway

TARGET: Final = Path(__file__).resolve().parent.parent / "docs/telemetry.md"
_KINDS: Final = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}

HEAD: Final = """\
# Telemetry

Made by `make docs` from [the compressor's](../services/compressor/src/furler_compressor/telemetry.py) and
[the gateway's](../services/gateway/src/furler_gateway/telemetry.py) telemetry modules, which name everything; do not edit it.

No content, query, reference, file name, path or credential is in any of it. Tenants are named in `furler.tenant.tokens`.

| | compressor | gateway |
|---|---|---|
| traces, W3C trace context, OTLP/gRPC | `FURLER_OTLP_ENDPOINT`, `FURLER_TRACE_SHARE` | `FURLER_GATEWAY_OTLP_ENDPOINT`, `FURLER_GATEWAY_TRACE_SHARE` |
| metrics to scrape, OpenMetrics with exemplars | `FURLER_METRICS_LISTEN`, such as `0.0.0.0:9464` | `/metrics` on `FURLER_GATEWAY_OPERATE_LISTEN` |
| metrics by OTLP | with the traces | |
| logs | standard error, text | standard error, a JSON object per line, with `trace_id` |

One trace goes from the agent's HTTP call through gateway, compressor, store and model: whoever sends `traceparent` finds all of it under its own span.
A histogram's bucket names a trace that fell into it (exemplar) when that trace is sampled; Prometheus keeps it with `--enable-feature=exemplar-storage`.
With `FURLER_WORKERS` above 1 the n-th worker serves its metrics on the n-th port from `FURLER_METRICS_LISTEN` on.
"""


def page() -> str:
    """Return the page."""
    parts = [
        HEAD,
        "\n## Metrics of the compressor\n",
        _table(("metric", "in Prometheus", "kind", "labels", "what"), _compressor_rows()),
        "\n## Metrics of the gateway\n",
        _table(("in Prometheus", "kind", "labels", "what"), _gateway_rows()),
        "\n`process_*` (CPU, resident memory, file descriptors, start time) are served by both.\n",
        "\n## Spans\n",
        _table(("service", "span", "kind", "attributes", "what"), _span_rows()),
        "\n## Where they are used\n",
        _USED,
    ]
    return "".join(parts)


_USED: Final = """
[`deploy/observability`](../deploy/observability): Prometheus rules and their tests, three Grafana dashboards.
[`docs/runbook`](runbook): a page for every alert.
"""


def _compressor_rows() -> Iterator[Sequence[str]]:
    for metric in compressor.METRICS:
        yield (
            f"`{metric.name}`",
            f"`{prometheus_name(metric.name, metric.kind, metric.unit)}`",
            metric.kind,
            _names(map(label, metric.attributes)),
            metric.description,
        )


def _gateway_rows() -> Iterator[Sequence[str]]:
    for value in vars(gateway).values():
        if isinstance(value, MetricWrapperBase):
            (family,) = value.describe()
            kind = _KINDS[type(value)]
            name = f"{family.name}_total" if kind == "counter" else family.name
            # The one way to ask a metric for its labels before there is a sample.
            labels: Sequence[str] = value._labelnames  # noqa: SLF001
            yield f"`{name}`", kind, _names(labels), family.documentation


def _span_rows() -> Iterator[Sequence[str]]:
    for span in compressor.SPANS:
        yield (
            "compressor",
            f"`{span.name}`",
            span.kind,
            _names(span.attributes),
            span.description,
        )
    for name, kind, description, attributes in gateway.SPANS:
        yield "gateway", f"`{name}`", kind, _names(attributes), description


def metric_names() -> set[str]:
    """Return every metric's name in Prometheus, as samples have it without ``_bucket`` and such."""
    ours = {prometheus_name(m.name, m.kind, m.unit) for m in compressor.METRICS}
    return ours | {row[0].strip("`") for row in _gateway_rows()}


def _names(names: Iterator[str] | Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page())
