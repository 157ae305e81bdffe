"""What a hostile client can send: refused with a status of its own, while others are served."""

from __future__ import annotations

import gzip
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import zstandard

from support.gateway import Gateway, running_gateway
from support.inputs import orders
from support.service import Service, running_service

COMPRESS = "/v1/compress"
STATS = "/furler.v1.InfoService/GetStats"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with running_service() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(service: Service) -> Iterator[Gateway]:
    with running_gateway(
        service.address,
        max_body_bytes=str(8 * MIB),
        max_buffered_bytes=str(64 * MIB),
        body_timeout_seconds="1",
        idle_timeout_seconds="1",
        max_connections="40",
    ) as running:
        yield running


@pytest.fixture(autouse=True)
def _still_alive(gateway: Gateway) -> Iterator[None]:
    """Whatever a test sent, the gateway lives, serves, and holds nothing of it afterwards."""
    yield
    assert gateway.probe("/livez").status == 200
    assert gateway.post(STATS, {}).status == 200
    metrics = gateway.probe("/metrics").body.decode()
    assert "furler_gateway_held_bytes 0.0" in metrics
    assert [line for line in gateway.logged() if line["level"] == "error"] == []


@pytest.mark.parametrize("path", [COMPRESS, STATS, "/v1/retrieve", "/v1/usage"])
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 60_000,
        b'{"a":' * 50_000,
        b'{"messages":' + b"[" * 60_000 + b"]" * 60_000 + b"}",
        b'"' + b"\\" * 60_001,
        b"\x00" * 60_000,
        b"\xff\xfe" * 30_000,
        b'{"messages": [' + b"1" * 60_000 + b"]}",
    ],
)
def test_bodies_that_are_no_request_are_refused(gateway: Gateway, path: str, body: bytes) -> None:
    assert gateway.post(path, body).status == 400


@pytest.mark.parametrize("filler", [b"[],", b"{},", b"1,", b'"",'])
def test_a_body_of_more_values_than_any_request_has_is_refused_unread(
    gateway: Gateway, filler: bytes
) -> None:
    body = b'{"space":[' + filler * 200_000 + b"1]}"
    reply = gateway.post(STATS, body)
    assert (reply.status, "more than 200,000 values" in str(reply.json["message"])) == (400, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"space": "x" * 1_100_000}, "space"),
        ({"contents": [{"inline": "eA=="}, {"hints": {"query": "x" * 1_100_000}}]}, "query"),
    ],
)
def test_a_text_longer_than_any_name_is_refused(
    gateway: Gateway, body: dict[str, object], field: str
) -> None:
    reply = gateway.post("/furler.v1.CompressorService/BatchCompress", body)
    wanted = f"{field}: want at most 1,048,576 characters"
    assert (reply.status, reply.json["message"]) == (400, wanted)


@pytest.mark.parametrize("path", ["/v1/retrieve", "/v1/usage"])
def test_a_body_that_holds_names_only_is_small(gateway: Gateway, path: str) -> None:
    body = b'{"hash":"' + b"x" * (256 * 1024) + b'"}'
    assert gateway.post(path, body).status == 413
    assert gateway.post(path, gzip.compress(body), content_encoding="gzip").status == 413


def test_a_body_of_5_mb_is_served_while_the_process_answers(gateway: Gateway) -> None:
    message = {"role": "tool", "tool_call_id": "c", "content": orders(40_000)[: 5 * MIB]}
    body = json.dumps({"messages": [message]}).encode()
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(gateway.post, COMPRESS, body)
        answers = 0
        while not pending.done():
            assert gateway.probe("/livez").status == 200
            answers += 1
        reply = pending.result()
    assert reply.status == 200
    assert answers > 0


def test_a_body_above_the_limit_is_413(gateway: Gateway) -> None:
    reply = gateway.post(STATS, b" " * (8 * MIB + 1))
    assert (reply.status, reply.json["code"]) == (413, "invalid_argument")


def test_a_body_above_the_limit_without_a_length_is_413(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(_head(STATS, "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        try:
            for _ in range(200):
                client.sendall(chunk)
        except OSError:
            pass  # the gateway has answered and closed
        assert b" 413 " in client.recv(1000)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("zstd", zstandard.compress)],
)
def test_a_bomb_is_413(gateway: Gateway, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    bomb = pack(b" " * (64 * MIB))
    assert len(bomb) < MIB
    assert gateway.post(STATS, bomb, content_encoding=encoding).status == 413


def test_packed_bodies_are_read(gateway: Gateway) -> None:
    for encoding, pack in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        assert gateway.post(STATS, pack(b"{}"), content_encoding=encoding).status == 200
    assert gateway.post(STATS, b"{}", content_encoding="br").status == 415
    assert gateway.post(STATS, b"{}", content_encoding="gzip").status == 400


def test_a_head_too_large_is_431(gateway: Gateway) -> None:
    assert gateway.post(STATS, {}, x="y" * 20_000).status == 431
    assert gateway.get("/" + "x" * 20_000).status == 431
    assert gateway.post(STATS, {}, **{f"x{n}": "y" for n in range(200)}).status == 431


def test_what_is_not_http_is_400_and_not_logged(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(b"zanzibar\x00 zanzibar\r\n\r\n")
        assert b" 400 " in client.recv(1000)
    assert "zanzibar" not in gateway.log.read_text()


def test_a_head_that_trickles_is_cut_off(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: 127")
        assert client.recv(1000) == b""


def test_a_body_that_trickles_is_408(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(_head(STATS, "Content-Length: 1000") + b"{")
        assert b" 408 " in client.recv(1000)


def test_connections_are_bounded_and_come_back(gateway: Gateway) -> None:
    clients = [socket.create_connection(("127.0.0.1", gateway.port), timeout=30) for _ in range(60)]
    try:
        refused = [client for client in clients if client.recv(1) == b""]
        assert len(refused) == 60  # those above the bound at once, the idle ones in time
    finally:
        for client in clients:
            client.close()


def test_requests_at_once_are_bounded_with_a_word_on_when_to_come_back(service: Service) -> None:
    body = json.dumps({"messages": [{"role": "tool", "content": orders(20_000)}]}).encode()
    with running_gateway(service.address, max_requests="1") as narrow:
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: narrow.post(COMPRESS, body), range(8)))
        refused = [reply for reply in replies if reply.status == 429]
        assert len(refused) < 8
        assert refused
        assert all(reply.headers["Retry-After"] == "1" for reply in refused)


def test_who_only_waits_has_no_place_among_the_requests(service: Service) -> None:
    watch = "/furler.v1.SharedContextService/WatchEntries"
    with running_gateway(service.address, max_requests="2") as narrow, ExitStack() as clients:
        for _ in range(4):  # a byte of a body, and no more
            client = clients.enter_context(_connected(narrow))
            client.sendall(_head(STATS, "Content-Length: 1000") + b"{")
        for _ in range(4):
            client = clients.enter_context(_connected(narrow))
            client.sendall(_head(watch, "Content-Length: 2") + b"{}")
            assert b" 200 " in client.recv(1000)
        assert narrow.post(STATS, {}).status == 200


def test_a_head_of_many_long_headers_is_431_before_it_is_whole(gateway: Gateway) -> None:
    lines = [f"x{n}: {'y' * 16_000}" for n in range(4)]
    with _connected(gateway) as client:
        for line in ("POST / HTTP/1.1", *lines, f"x4: {'y' * 2000}"):
            client.sendall(f"{line}\r\n".encode())
        assert b" 431 " in client.recv(1000)
    whole = {f"x{n}": "y" * 16_000 for n in range(5)}
    assert gateway.post(STATS, {}, **whole).status == 431
    del whole["x4"], whole["x3"]
    assert gateway.post(STATS, {}, **whole).status == 200


@pytest.mark.parametrize(
    "data", [b"GET * HTTP/1.1\r\n\r\n", b"no HTTP\r\n\r\n", b"GET /docs HTTP/1.1\r\n\r\n"]
)
def test_no_reply_names_a_version_of_what_serves(gateway: Gateway, data: bytes) -> None:
    with _connected(gateway) as client:
        client.sendall(data)
        assert b"\r\nServer: furler-gateway\r\n" in client.recv(1000)


def test_a_method_that_is_not_served_is_told_which_are(gateway: Gateway) -> None:
    reply = gateway.get(COMPRESS)
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")


def test_only_json_is_taken(gateway: Gateway) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert gateway.post(STATS, b"{}", content_type=kind).status == 415


def test_pages_of_other_origins_are_kept_out(gateway: Gateway, service: Service) -> None:
    assert gateway.post(STATS, {}, origin="https://evil.example").status == 403
    assert gateway.post(STATS, {}, origin=f"http://{gateway.address}").status == 200
    assert gateway.post(STATS, {}, host="evil.example").status == 403
    assert gateway.post(STATS, {}, host=f"LocalHost:{gateway.port}").status == 200
    with running_gateway(service.address, cors_origins="https://ops.example") as opened:
        reply = opened.post(STATS, {}, origin="https://ops.example")
        assert reply.headers["Access-Control-Allow-Origin"] == "https://ops.example"
        preflight = opened.request("OPTIONS", STATS, None, origin="https://ops.example")
        assert preflight.status == 204
        assert opened.post(STATS, {}, origin="https://evil.example").status == 403


@pytest.mark.parametrize(
    ("credential", "status"),
    [(b"Bearer \xc3\xa9", 401), (b"Bearer \xff", 401), (b"Bearer a\tb", 401), (b"x" * 7000, 431)],
)
def test_a_credential_that_cannot_be_passed_on_is_refused(
    gateway: Gateway, credential: bytes, status: int
) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        head = _head(STATS, "Content-Length: 2")[:-2] + b"Authorization: " + credential
        client.sendall(head + b"\r\n\r\n{}")
        assert b" %d " % status in client.recv(1000)


def test_what_odd_headers_say_is_not_logged_and_changes_nothing(gateway: Gateway) -> None:
    odd = b"tracestate: zanzibar\xc3\xa9=\xff\r\nbaggage: zanzibar=\xff\r\ntraceparent: zanzibar"
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(_head(STATS, "Content-Length: 2")[:-2] + odd + b"\r\n\r\n{}")
        assert b" 200 " in client.recv(1000)
    assert "zanzibar" not in gateway.log.read_text()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /v1/retrieve/\xff?query=\xff HTTP/1.1", 400),
        (b"GET /v1/retrieve/%ff?query=%ff HTTP/1.1", 404),
        (b"GET /v1/retrieve/aaaaaaaaaaaaaaaa?query=\xff HTTP/1.1", 400),
        (b"GET /v1/retrieve/aaaaaaaaaaaaaaaa HTTP/1.1\r\nx-furler-space: \xff", 400),
        (b"GET /\xff\xfe HTTP/1.1", 400),
    ],
)
def test_bytes_that_are_no_text_are_refused(gateway: Gateway, head: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(head + b"\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).split()[1] == b"%d" % status


@pytest.mark.parametrize("name", ["session_id", "model"])
def test_half_a_surrogate_pair_in_a_name_is_refused(gateway: Gateway, name: str) -> None:
    message = {"role": "tool", "content": "half \ud800 a pair"}
    assert gateway.post(COMPRESS, {"messages": [message]}).status == 200
    assert gateway.post(COMPRESS, {"messages": [message], name: "\ud800"}).status == 400


def test_two_lengths_are_refused(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as client:
        client.sendall(_head(STATS, "Content-Length: 2\r\nTransfer-Encoding: chunked") + b"{}")
        assert b" 400 " in client.recv(1000)


def _connected(gateway: Gateway) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gateway.port), timeout=30)


def _head(path: str, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
