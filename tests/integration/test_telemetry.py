"""Traces and metrics leave as configured, join the caller's trace, and are all named in one place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import grpc
import psutil
import pytest
from opentelemetry.proto.trace.v1 import trace_pb2
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from furler.v1 import compressor_service_pb2, content_pb2
from furler_compressor import telemetry
from furler_compressor.telemetry_export import prometheus_name
from furler_gateway import telemetry as gateway_telemetry
from support.gateway import fetch, running_gateway
from support.inputs import service_log
from support.otlp import Receiver, attributes, otlp_receiver, points
from support.ports import free_ports
from support.service import running_service
from support.waiting import eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
PROSE_TRACE = "1af7651916cd43dd8448eb211c80319d"
PROSE = "The committee met on Tuesday and talked about the budget of the coming year. " * 50
CALLER = "b7ad6b7169203331"
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


@dataclass(frozen=True)
class Watched:
    """What a receiver was sent, and what was scraped before the end."""

    receiver: Receiver
    compressor: dict[str, Metric]
    gateway: str

    def joined(self) -> list[trace_pb2.Span]:
        return [span for span in self.receiver.spans() if span.trace_id.hex() == TRACE]


@pytest.fixture(scope="module")
def watched(valkey_server: str) -> Iterator[Watched]:
    """One HTTP call with a trace, through gateway and compressor to Valkey; and one failed call."""
    with (
        otlp_receiver() as receiver,
        running_service(
            valkey_server,
            otlp_endpoint=receiver.endpoint,
            metrics_listen="127.0.0.1:0",
            model="auto",
        ) as service,
        running_gateway(service.address, otlp_endpoint=receiver.endpoint) as gateway,
    ):
        call = {"id": "c", "type": "function", "function": {"name": "logs", "arguments": "{}"}}
        messages = [
            {"role": "user", "content": "what failed?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": service_log(400)},
        ]
        body = {"messages": messages, "config": {"mode": "ccr"}}
        reply = gateway.post("/v1/compress", body, traceparent=f"00-{TRACE}-{CALLER}-01")
        assert (reply.status, "compression_skipped" in reply.json) == (200, False)
        with pytest.raises(grpc.RpcError):
            service.compress(b"\xff")
        service.compress(service_log(100))
        content = content_pb2.Content(inline=PROSE.encode())
        service.compressor.Compress(
            compressor_service_pb2.CompressRequest(content=content),
            metadata=(("traceparent", f"00-{PROSE_TRACE}-{CALLER}-01"),),
            timeout=60,
        )
        compressor = scraped(service.metrics)
        exposed = fetch(f"http://{gateway.operate}/metrics", "GET", None, OPEN_METRICS).body
        assert (gateway.stop(), service.stop()) == (0, 0)
        yield Watched(receiver, compressor, exposed.decode())


def scraped(address: str) -> dict[str, Metric]:
    text = fetch(f"http://{address}/metrics", "GET", None, OPEN_METRICS).body.decode()
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]
    return {family.name: family for family in families}


def test_one_trace_goes_from_the_http_call_to_the_store(watched: Watched) -> None:
    joined = {span.span_id: span for span in watched.joined()}
    at = next(key for key, span in joined.items() if span.name == "furler.store.commit_all")
    path = []
    while at in joined:
        path.append(joined[at].name)
        at = joined[at].parent_span_id
    assert path[::-1] == [
        "POST /v1/compress",
        "furler.v1.CompressorService/CompressConversation",
        "furler.v1.CompressorService/CompressConversation",
        "furler.store.commit_all",
    ]
    assert at.hex() == CALLER


def test_the_spans_of_the_trace_are_of_both_services(watched: Watched) -> None:
    of = {
        service: {
            span.name for span in watched.receiver.spans(service) if span.trace_id.hex() == TRACE
        }
        for service in ("furler-gateway", "furler-compressor")
    }
    assert {
        "POST /v1/compress",
        "furler.v1.CompressorService/CompressConversation",
    } <= of["furler-gateway"]
    assert {
        "furler.v1.CompressorService/CompressConversation",
        "furler.engine.converse",
        "furler.store.commit_all",
    } <= of["furler-compressor"]


def test_the_model_is_part_of_its_callers_trace(watched: Watched) -> None:
    spans = {span.span_id: span for span in watched.receiver.spans("furler-compressor")}
    (judged,) = (s for s in spans.values() if s.name.startswith("token_classification "))
    assert attributes(judged)["gen_ai.provider.name"] == "onnx"
    assert judged.trace_id.hex() == PROSE_TRACE
    assert spans[judged.parent_span_id].name == "furler.v1.CompressorService/Compress"


def test_a_store_span_says_what_keeps_it(watched: Watched) -> None:
    (commit,) = (span for span in watched.joined() if span.name == "furler.store.commit_all")
    assert attributes(commit) == {"db.system.name": "redis", "db.operation.name": "commit_all"}
    assert commit.kind == trace_pb2.Span.SPAN_KIND_CLIENT


def test_a_failed_call_names_its_status_and_reason(watched: Watched) -> None:
    (failed,) = (s for s in watched.receiver.spans() if "furler.error.reason" in attributes(s))
    assert attributes(failed) == {
        "rpc.system.name": "grpc",
        "rpc.method": "furler.v1.CompressorService/Compress",
        "rpc.response.status_code": "INVALID_ARGUMENT",
        "furler.error.reason": "CONTENT_NOT_TEXT",
    }


def test_every_span_is_one_of_those_that_are_named(watched: Watched) -> None:
    named = {s.name.rstrip("…"): set(s.attributes) for s in telemetry.SPANS}
    for span in watched.receiver.spans("furler-compressor"):
        (name,) = (name for name in named if span.name.startswith(name))
        assert {a.key for a in span.attributes} <= named[name]
    allowed = {key for *_, keys in gateway_telemetry.SPANS for key in keys}
    for span in watched.receiver.spans("furler-gateway"):
        assert {a.key for a in span.attributes} <= allowed


def test_every_metric_is_one_of_those_that_are_named(watched: Watched) -> None:
    named = {metric.name: metric for metric in telemetry.METRICS}
    measured = watched.receiver.measured()
    assert {m.name for m in measured} >= {
        "rpc.server.call.duration",
        "furler.engine.duration",
        "furler.engine.queue",
        "furler.store.duration",
        "furler.views",
        "furler.tokens",
        "furler.tenant.tokens",
        "furler.saved.share",
        "furler.content.size",
    }
    for metric in measured:
        for point in points(metric):
            assert set(point) == set(named[metric.name].attributes), metric.name


def test_what_is_scraped_has_the_names_a_collector_would_give(watched: Watched) -> None:
    measured = {metric.name for metric in watched.receiver.measured()}
    wanted = {
        prometheus_name(metric.name, metric.kind, metric.unit).removesuffix("_total")
        for metric in telemetry.METRICS
        if metric.name in measured
    }
    assert wanted <= set(watched.compressor)
    assert {"process_open_fds", "process_resident_memory_bytes"} <= set(watched.compressor)


def test_the_ledger_knows_the_tenants_tokens(watched: Watched) -> None:
    tokens = {
        sample.labels["furler_side"]: sample.value
        for sample in watched.compressor["furler_tenant_tokens"].samples
        if sample.name.endswith("_total") and sample.labels["furler_tenant"] == "default"
    }
    assert 0 < tokens["after"] < tokens["before"]


def test_a_latency_bucket_leads_to_a_trace(watched: Watched) -> None:
    exemplars = {
        sample.exemplar.labels["trace_id"]
        for family in watched.compressor.values()
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert TRACE in exemplars
    assert f'trace_id="{TRACE}"' in watched.gateway


def test_buckets_tell_a_cache_hit_from_a_large_log(watched: Watched) -> None:
    bounds = {
        float(sample.labels["le"])
        for sample in watched.compressor["rpc_server_call_duration_seconds"].samples
        if sample.name.endswith("_bucket")
    }
    assert bounds == {*telemetry.SECONDS, float("inf")}


def test_every_worker_serves_its_own_metrics_on_the_next_port() -> None:
    first, _ = free_ports(2)
    with running_service(workers="2", metrics_listen=f"127.0.0.1:{first}") as service:
        service.compress(service_log(50))
        for port in (first, first + 1):
            assert eventually(lambda port=port: begun(port), f"metrics on port {port}") > 0  # type: ignore[misc]
        # When they began tells nothing: both may do so in the same hundredth of a second.
        workers = psutil.Process(service.process.pid).children()
        ports = {port for worker in workers for port in listened(worker)}
        assert {first, first + 1} <= ports
        assert not any({first, first + 1} <= listened(worker) for worker in workers)
        assert service.stop() == 0


def begun(port: int) -> float:
    """Return when the process behind a port of metrics began; 0 if there is none yet."""
    try:
        return scraped(f"127.0.0.1:{port}")["process_start_time_seconds"].samples[0].value
    except OSError:
        return 0.0


def listened(process: psutil.Process) -> set[int]:
    """Return the TCP ports that a process listens on."""
    return {
        connection.laddr.port
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


def test_who_measures_nothing_does_without_the_sdk() -> None:
    seen = "import sys, furler_compressor.main; print('opentelemetry.sdk' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
