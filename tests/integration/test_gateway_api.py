"""The HTTP/JSON form of the API: a real gateway in front of a real compressor."""

from __future__ import annotations

import base64
import html
import http.client
import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import pytest

from servers import silent_server
from support import browser
from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.recording import recording_server
from support.service import Service, running_service
from support.waiting import eventually

LOG = service_log(400)
COMPRESS = "/furler.v1.CompressorService/Compress"
RETRIEVE = "/furler.v1.ContentService/Retrieve"
READ = "/furler.v1.ContentService/ReadContent"
STATS = "/furler.v1.InfoService/GetStats"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(service: Service) -> Iterator[Gateway]:
    with running_gateway(service.address) as running:
        yield running


def _inline(text: str) -> dict[str, object]:
    return {"content": {"inline": base64.b64encode(text.encode()).decode()}}


def _view(gateway: Gateway, text: str) -> dict[str, object]:
    view = gateway.post(COMPRESS, _inline(text)).json["view"]
    assert isinstance(view, dict)
    return view


def test_a_view_over_http_is_the_view_over_grpc(gateway: Gateway, service: Service) -> None:
    over_http = _view(gateway, LOG)
    over_grpc = service.compress(LOG)
    assert (over_http["text"], over_http["ref"]) == (over_grpc.text, over_grpc.ref)


def test_what_is_retrieved_is_the_original(gateway: Gateway) -> None:
    ref = _view(gateway, LOG)["ref"]
    part = gateway.post(RETRIEVE, {"ref": ref, "selector": {"lines": {"first": 3, "last": 4}}})
    data = part.json["data"]
    assert isinstance(data, str)
    assert base64.b64decode(data).decode() == "".join(LOG.splitlines(keepends=True)[2:4])


def test_the_services_error_comes_with_its_code_and_reason(gateway: Gateway) -> None:
    reply = gateway.post(RETRIEVE, {"ref": "a" * 16})
    assert reply.status == 404
    assert reply.json["code"] == "not_found"
    details = reply.json["details"]
    assert isinstance(details, list)
    assert details[0]["type"] == "google.rpc.ErrorInfo"
    assert details[0]["debug"]["reason"] == "ERROR_REASON_CONTENT_NOT_FOUND"


def test_a_field_of_the_wrong_form_is_named_and_its_value_is_not(gateway: Gateway) -> None:
    reply = gateway.post(COMPRESS, {"content": {"hints": {"kind": "hunter2"}}})
    assert reply.status == 400
    assert b"kind" in reply.body
    assert b"hunter2" not in reply.body


def test_a_field_that_does_not_exist_is_named(gateway: Gateway) -> None:
    reply = gateway.post(RETRIEVE, {"reff": "a"})
    assert (reply.status, b"'reff'" in reply.body) == (400, True)


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_an_empty_body_is_an_empty_message(gateway: Gateway, body: bytes) -> None:
    assert gateway.post(STATS, body).status == 200


def test_a_server_stream_comes_as_a_line_per_message(gateway: Gateway) -> None:
    ref = _view(gateway, LOG)["ref"]
    reply = gateway.post(READ, {"ref": ref})
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in reply.body.splitlines()]
    chunks = [base64.b64decode(line["result"]["chunk"]) for line in lines]
    assert b"".join(chunks).decode() == LOG


def test_a_server_stream_comes_as_events_on_request(gateway: Gateway) -> None:
    ref = _view(gateway, LOG)["ref"]
    reply = gateway.post(READ, {"ref": ref}, accept="text/event-stream")
    assert reply.headers["Content-Type"] == "text/event-stream"
    assert reply.body.startswith(b'data: {"result":')
    assert reply.body.endswith(b"\n\n")


def test_a_stream_that_fails_at_once_has_the_errors_status(gateway: Gateway) -> None:
    assert gateway.post(READ, {"ref": "a" * 16}).status == 404


def test_a_deadline_is_kept() -> None:
    with silent_server() as silent, running_gateway(silent) as waiting:
        reply = waiting.post(STATS, {}, connect_timeout_ms="300")
    assert (reply.status, reply.json["code"]) == (504, "deadline_exceeded")


def test_a_deadline_that_is_no_number_is_refused(gateway: Gateway) -> None:
    assert gateway.post(STATS, {}, connect_timeout_ms="soon").status == 400


def test_what_streams_from_the_client_is_for_grpc(gateway: Gateway) -> None:
    reply = gateway.post("/furler.v1.CompressorService/StreamCompress", {})
    assert (reply.status, reply.json["code"]) == (501, "unimplemented")


def test_a_compressor_that_is_away_is_unavailable_and_named_to_nobody() -> None:
    with running_gateway("127.0.0.1:1") as alone:
        reply = alone.post(STATS, {})
        assert (reply.status, reply.json["code"]) == (503, "unavailable")
        assert b"127.0.0.1" not in reply.body
        assert alone.probe("/livez").status == 200
        assert alone.probe("/readyz").status == 503


def test_probes_and_metrics_are_on_the_operate_port_only(gateway: Gateway) -> None:
    gateway.post(STATS, {})
    assert gateway.probe("/livez").status == 200
    assert gateway.probe("/readyz").status == 200
    text = gateway.probe("/metrics").body.decode()
    assert f'furler_gateway_requests_total{{route="{STATS}",status="200"}}' in text
    assert f'furler_gateway_upstream_seconds_count{{code="OK",rpc="{STATS}"}}' in text
    assert gateway.get("/metrics").status == 404


def test_who_looks_for_a_probe_at_the_wrong_port_is_told_where_it_is(gateway: Gateway) -> None:
    for path in ("/livez", "/metrics", "/dashboard"):
        reply = gateway.get(path)
        assert (reply.status, "port of operations" in str(reply.json["message"])) == (404, True)


def test_no_reply_tells_versions(gateway: Gateway) -> None:
    for reply in (gateway.get("/docs"), gateway.probe("/livez"), gateway.probe("/none")):
        assert reply.headers["Server"] == "furler-gateway"


def test_logs_are_json_and_hold_neither_content_nor_credential(gateway: Gateway) -> None:
    gateway.post(COMPRESS, _inline("zanzibar " * 400), authorization="Bearer sesame")
    gateway.post("/zanzibar", {})
    gateway.post(RETRIEVE, {"zanzibar": 1})
    assert gateway.logged()
    assert "zanzibar" not in gateway.log.read_text()
    assert "sesame" not in gateway.log.read_text()


def test_requests_in_flight_end_before_the_process_does() -> None:
    with recording_server() as slow, running_gateway(slow.address) as stopping:
        slow.gate.clear()
        with ThreadPoolExecutor(1) as pool:
            pending = pool.submit(stopping.post, STATS, {})
            eventually(lambda: slow.calls, "the call reaches the compressor")
            stopping.process.send_signal(signal.SIGTERM)
            eventually(
                lambda: stopping.probe("/readyz").body == b"draining\n", "the gateway drains"
            )
            slow.gate.set()
            assert pending.result().status == 200
        assert stopping.process.wait(timeout=60) == 0
        assert [line for line in stopping.logged() if line["level"] == "error"] == []


def test_a_client_that_goes_away_ends_the_compressors_work() -> None:
    with recording_server() as slow, running_gateway(slow.address) as gateway:
        slow.gate.clear()
        with socket.create_connection(("127.0.0.1", gateway.port)) as client:
            head = f"POST {STATS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            client.sendall(head.encode() + b"Content-Length: 2\r\n\r\n{}")
            eventually(lambda: slow.calls, "the call reaches the compressor")
        eventually(lambda: slow.cancelled == [STATS], "the call is cancelled")


def test_a_watch_passes_on_each_change_as_it_comes(gateway: Gateway) -> None:
    service = "/furler.v1.SharedContextService"
    body = json.dumps({"space": "watched"}).encode()
    request = urllib.request.Request(
        f"http://{gateway.address}{service}/WatchEntries",
        body,
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as stream:  # noqa: S310 - loopback
        assert stream.headers["Content-Type"] == "application/x-ndjson"
        for number in range(3):
            entry = {"space": "watched", "key": f"k{number}", "content": _inline("x")["content"]}
            assert gateway.post(f"{service}/PutEntry", entry).status == 200
            seen = b""
            while f'"k{number}"'.encode() not in seen:
                seen = stream.readline()
                assert seen.startswith(b'{"result":')


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/event-stream"])
def test_a_watch_ends_with_its_gateway_and_goes_on_at_another(
    accept: str, gateway: Gateway, service: Service
) -> None:
    shared = "/furler.v1.SharedContextService"
    space = f"moved {accept}"

    def put(key: str) -> None:
        entry = {"space": space, "key": key, "content": _inline("x")["content"]}
        assert gateway.post(f"{shared}/PutEntry", entry).status == 200

    @contextmanager
    def watching(at: Gateway, **fields: object) -> Iterator[http.client.HTTPResponse]:
        request = urllib.request.Request(
            f"http://{at.address}{shared}/WatchEntries",
            json.dumps({"space": space, **fields}).encode(),
            {"Content-Type": "application/json", "Accept": accept},
        )
        with urllib.request.urlopen(request, timeout=60) as stream:  # noqa: S310 - loopback
            yield stream

    def result_of(line: bytes) -> dict[str, object]:
        result: dict[str, object] = json.loads(line.removeprefix(b"data: "))["result"]
        return result

    with running_gateway(service.address, drain_seconds="3600") as ending:
        with watching(ending) as stream:
            lines = [stream.readline()]  # where it begins
            put("seen")
            while b'"seen"' not in lines[-1]:
                lines.append(stream.readline())
            ending.process.send_signal(signal.SIGTERM)
            lines += stream.readlines()  # which fails if it is broken off
        assert ending.process.wait(timeout=60) == 0
    last = [line for line in lines if line.strip()][-1]
    put("missed")
    with watching(gateway, after_revision=result_of(last)["throughRevision"]) as stream:
        changes = result_of(stream.readline())["changes"]
    assert isinstance(changes, list)
    assert [change["put"]["key"] for change in changes] == ["missed"]


def test_the_api_describes_itself_on_a_page_that_loads_nothing_from_elsewhere(
    gateway: Gateway,
) -> None:
    assert COMPRESS in str(gateway.get("/openapi.json").json["paths"])
    page = gateway.get("/")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    sources = {
        part.split('"')[0] for part in page.body.decode().replace("href", "src").split('src="')[1:]
    }
    assert sources == {"/docs/api.css", "/docs/api.js", "/openapi.json"}
    assert all(gateway.get(source).status == 200 for source in sources)


@pytest.mark.skipif(browser.BINARY is None, reason=browser.MISSING)
def test_a_browser_shows_every_operation_with_all_that_is_said_of_it(
    gateway: Gateway, tmp_path: Path
) -> None:
    page = browser.opened(f"http://{gateway.address}/docs", tmp_path)
    paths = cast("dict[str, dict[str, dict[str, str]]]", gateway.get("/openapi.json").json["paths"])
    operations = [each for path in paths.values() for each in path.values()]
    assert page.console == []
    assert operations
    for each in operations:
        assert f'<a href="#{each["operationId"]}">' in page.text
        assert each["summary"] in html.unescape(page.text)
        assert each.get("description", "") in html.unescape(page.text)
