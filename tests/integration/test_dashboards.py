"""Every panel of the dashboards shows something: a real Prometheus scrapes real services under load."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import pytest

from bench import generate
from furler.v1 import compression_pb2, compressor_service_pb2, content_pb2, content_service_pb2
from support.gateway import Gateway, fetch, running_gateway
from support.ports import free_port
from support.service import Service, running_service
from support.waiting import eventually

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ROOT / "deploy/observability"
KEY = "a-key-of-the-load"
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: furler-compressor
    static_configs: [{{targets: ["{compressor}"]}}]
  - job_name: furler-gateway
    static_configs: [{{targets: ["{gateway}", "{lonely}"]}}]
"""
# What only a model, and Triton itself, measure: their own tests start them.
ELSEWHERE = re.compile("nv_inference_")
PROSE = "The committee met on Tuesday and talked about the budget of the coming year. " * 50
SCRAPES = 4


def panels() -> list[tuple[str, str]]:
    """Return title and query of every panel of every dashboard."""
    return [
        (f"{path.stem}: {panel['title']}", target["expr"])
        for path in sorted((OBSERVABILITY / "grafana").glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel.get("targets", ())
        if not ELSEWHERE.search(target["expr"])
    ]


class Prometheus:
    """A running Prometheus, asked over HTTP."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def query(self, expression: str) -> list[dict[str, object]]:
        asked = expression.replace("$__rate_interval", "1m")
        url = f"{self._url}/query?query={urllib.parse.quote(asked)}"
        reply = fetch(url, "GET", None, {})
        if reply.status == 503:  # it starts
            return []
        assert reply.status == 200, reply.body
        answer = reply.json["data"]
        assert isinstance(answer, dict)
        found: list[dict[str, object]] = answer["result"]
        return found

    def value(self, expression: str) -> float:
        """Return the one value of an expression; 0 if there is none."""
        with suppress(OSError):
            for found in self.query(expression):
                value = found["value"]
                assert isinstance(value, list)
                return float(value[1])
        return 0.0


def use_everything(service: Service, gateway: Gateway, lonely: Gateway) -> None:
    """Have the services do what panels speak of: views of all kinds, hits, misses, trouble, refusals."""
    bearer = {"authorization": f"Bearer {KEY}"}
    metadata = tuple(bearer.items())

    def compress(text: str, seconds: float = 30.0, **policy: float) -> compression_pb2.View:
        request = compressor_service_pb2.CompressRequest(
            content=content_pb2.Content(inline=text.encode())
        )
        stub = service.compressor
        return stub.Compress(request, timeout=seconds, metadata=metadata).view

    log = generate.log(60_000, 1)
    new = f"{PROSE}In week {time.monotonic_ns()} nothing was said.\n"  # judged, not recalled
    for text in (log, log, new, *(make(20_000, 2) for make in generate.KINDS.values())):
        compress(text)
    ref = compress(log).ref
    for asked in (ref, "a" * 16):
        with suppress(grpc.RpcError):
            request = content_service_pb2.RetrieveRequest(ref=asked)
            service.contents.Retrieve(request, timeout=30, metadata=metadata)
    large = generate.log(8_000_000, 3)
    for seconds in (0.4, 0.8, 1.6, 3.2, 6.4):  # the deadline that leaves too little time
        with suppress(grpc.RpcError):
            if compress(f"within {seconds}\n{large}", seconds).degraded:
                break
    call = {"id": "c", "type": "function", "function": {"name": "sh", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": log},
    ]
    gateway.post("/v1/compress", {"messages": messages, "config": {"mode": "ccr"}}, **bearer)
    lonely.post("/v1/compress", {"messages": messages}, **bearer)
    usage = {"cache_read_input_tokens": 5, "cache_creation_input_tokens": 5}
    gateway.post("/v1/usage", {"session_id": "s", "usage": usage}, **bearer)
    gateway.post("/v1/compress", b" " * 2_000_000, **bearer)  # more than this gateway takes


def key_file(directory: Path) -> Path:
    digest = hashlib.sha256(KEY.encode()).hexdigest()
    path = directory / "keys.toml"
    path.write_text(f'[[keys]]\nid = "k"\nsha256 = "{digest}"\ntenant = "acme"\n')
    return path


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("no prometheus: Debian's package of that name has it")
    directory = tmp_path_factory.mktemp("prometheus")
    keys = key_file(directory)
    port = free_port()
    with (
        running_service(
            metrics_listen="127.0.0.1:0", api_keys=str(keys), audit="off", model="auto"
        ) as service,
        running_gateway(service.address, max_body_bytes="1000000") as gateway,
        running_gateway("127.0.0.1:1") as lonely,  # nobody is there: it saves nothing
        (directory / "log").open("w") as log,
    ):
        config = directory / "prometheus.yaml"
        rules = OBSERVABILITY / "prometheus/rules.yaml"
        config.write_text(
            CONFIG.format(
                rules=rules,
                compressor=service.metrics,
                gateway=gateway.operate,
                lonely=lonely.operate,
            )
        )
        use_everything(service, gateway, lonely)
        process = subprocess.Popen(
            [
                binary,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            running = Prometheus(port)
            scrapes = f'count_over_time(up{{job="furler-compressor"}}[1m]) >= {SCRAPES}'
            eventually(lambda: running.value(scrapes), "some scrapes")
            use_everything(service, gateway, lonely)
            before = time.time()
            fresh = f"timestamp(furler_views_total) > {before + 2:.0f}"
            eventually(lambda: running.value(f"count({fresh})"), "scrapes after the load")
            recorded = "furler:tokens_saved:ratio_rate1h"
            eventually(lambda: running.value(f"count({recorded})"), "the rules were evaluated")
            yield running
        finally:
            process.terminate()
            process.wait(timeout=30)


def test_both_services_are_scraped(prometheus: Prometheus) -> None:
    assert prometheus.value('sum(up{job=~"furler.*"})') == 3


def test_every_panel_shows_something(prometheus: Prometheus) -> None:
    empty = [title for title, query in panels() if not prometheus.query(query)]
    assert "\n".join(empty) == ""


def test_no_panel_shows_nan_where_there_was_traffic(prometheus: Prometheus) -> None:
    asked = "furler:tokens_saved:ratio_rate1h"
    assert 0 < prometheus.value(asked) < 1
