"""Requests to providers: a real gateway between a client and a provider on loopback."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import socket
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import zstandard

from support.bodies import chat, odd_messages, responses
from support.fake_provider import JSON, FakeProvider, Says, stream
from support.gateway import Gateway, running_gateway
from support.inputs import orders, service_log
from support.model import Model
from support.service import running_service

LOG = service_log(400)
ORDERS = orders(200)
MESSAGES, COUNT = "/v1/messages", "/v1/messages/count_tokens"
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
KEY = {"x_api_key": "secret-of-the-provider", "anthropic_version": "2023-06-01"}
BEARER = {"authorization": "Bearer sk-secret-of-the-provider"}


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_service() as running:
        yield running.address


@pytest.fixture(scope="module")
def gateway(provider: FakeProvider, service: str) -> Iterator[Gateway]:
    with running_gateway(service, upstreams=_upstreams(provider)) as running:
        yield running


@pytest.fixture(autouse=True)
def _forgotten(provider: FakeProvider) -> None:
    provider.got.clear()
    provider.script.clear()
    provider.gone.clear()


def _upstreams(provider: FakeProvider) -> str:
    return f"anthropic={provider.url},openai={provider.url},other={provider.url}/base"


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _around(body: bytes, text: str) -> tuple[bytes, bytes]:
    """Return what stands before and after a text in a body."""
    before, _, after = body.partition(json.dumps(text).encode())
    return before, after


@pytest.mark.parametrize("path", [MESSAGES, COUNT])
def test_all_bytes_but_the_result_s_reach_the_provider_as_they_came(
    gateway: Gateway, provider: FakeProvider, path: str
) -> None:
    body = odd_messages(ORDERS)
    assert gateway.post(path, body, **KEY).status == 200
    sent = provider.take().body
    before, after = _around(body, ORDERS)
    assert len(sent) < len(body) / 2
    assert _sha(sent[: len(before)]) == _sha(before)
    assert _sha(sent[-len(after) :]) == _sha(after)
    view = json.loads(sent[len(before) : -len(after)])
    assert all(f"customer {n}" in view or f"{n}|" in view for n in range(200))


@pytest.mark.parametrize(("path", "body"), [(CHAT, chat(ORDERS)), (RESPONSES, responses(ORDERS))])
def test_openai_s_dialects_are_compressed_in_place(
    gateway: Gateway, provider: FakeProvider, path: str, body: bytes
) -> None:
    assert gateway.post(path, body, **BEARER).status == 200
    sent = provider.take().body
    before, after = _around(body, ORDERS)
    assert (sent[: len(before)], sent[-len(after) :]) == (before, after)
    assert len(sent) < len(body) / 2


def test_without_a_way_to_ask_nothing_is_left_out(gateway: Gateway, provider: FakeProvider) -> None:
    gateway.post(MESSAGES, odd_messages(LOG), **KEY)
    sent = provider.take().body
    assert b"tokens left out" not in sent
    assert b"furler_retrieve" not in sent


def test_with_tools_the_retrieve_tool_comes_last_and_parts_are_left_out(
    gateway: Gateway, provider: FakeProvider
) -> None:
    tools = b'[ {"name":"bash","input_schema":{"type":"object"}} ]'
    gateway.post(MESSAGES, odd_messages(LOG, tools), **KEY)
    sent = provider.take().body
    assert [tool["name"] for tool in json.loads(sent)["tools"]] == ["bash", "furler_retrieve"]
    assert tools[:-1] in sent
    assert b"tokens left out" in sent
    before, after = _around(odd_messages(LOG, tools), LOG)
    at = before.index(tools) + len(tools) - 1
    assert sent.startswith(before[:at])
    assert sent.endswith(after)
    assert before[at:] in sent


def test_a_client_s_own_retrieve_tool_is_enough(gateway: Gateway, provider: FakeProvider) -> None:
    tools = b'[{"name":"mcp__furler__retrieve","input_schema":{"type":"object"}}]'
    gateway.post(MESSAGES, odd_messages(LOG, tools), **KEY)
    sent = provider.take().body
    assert b'"furler_retrieve"' not in sent
    assert b"tokens left out" in sent


def test_headers_reach_the_provider_as_they_came(gateway: Gateway, provider: FakeProvider) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    connection.putrequest("POST", CHAT, skip_accept_encoding=True)
    given = [
        ("AUTHORIZATION", "Bearer sk-x"), ("Content-Type", "application/json"), ("X-Odd", "a, b"),
        ("X-Odd", "caf\u00e9"), ("OpenAI-Beta", "b"), ("OpenAI-Beta", "a"),
    ]  # fmt: skip
    ours = [("X-Furler-Space", "default"), ("x-furler-authorization", ""), ("TE", "trailers")]
    hop = [("Connection", "keep-alive, X-Hop"), ("X-Hop", "1")]
    for name, value in [*given, *ours, *hop]:
        connection.putheader(name, value.encode())
    connection.putheader("Content-Length", "2")
    connection.endheaders(b"{}")
    assert connection.getresponse().read() == b"{}"
    connection.close()
    got = [(name.decode(), value.decode()) for name, value in provider.take().headers]
    assert got == [
        ("Host", provider.url.removeprefix("http://")), *given, ("Content-Length", "2")
    ]  # fmt: skip


def test_a_reply_comes_back_as_it_was(gateway: Gateway, provider: FakeProvider) -> None:
    said = b'{"usage":{"input_tokens": 1.0e1},  "x":"\\u00e9"}'
    headers = [*JSON, ("Request-Id", "r1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    provider.says(Says([said], 200, headers))
    reply = gateway.post(MESSAGES, odd_messages(LOG), **KEY)
    assert reply.body == said
    assert reply.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert reply.headers["Request-Id"] == "r1"
    gateway.post(MESSAGES, odd_messages(LOG), **KEY)
    assert provider.got[-1].header("cookie") is None


@pytest.mark.parametrize("status", [400, 401, 404, 413, 429, 500, 529])
@pytest.mark.parametrize("tools", [b"[]", b'[{"name":"bash"}]'])
def test_a_provider_s_error_reaches_the_client_unchanged(
    gateway: Gateway, provider: FakeProvider, status: int, tools: bytes
) -> None:
    said = b'{"type":"error",  "error":{"type":"overloaded_error","message":"\\u00e9"}}'
    provider.says(Says([said], status, [*JSON, ("retry-after", "7")]))
    reply = gateway.post(MESSAGES, odd_messages(LOG, tools), **KEY)
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (status, said, "7")


def test_a_redirect_is_the_client_s_to_follow(gateway: Gateway, provider: FakeProvider) -> None:
    provider.says(Says([b""], 307, [("Location", "http://169.254.169.254/latest")]))
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port)
    connection.request("POST", CHAT, chat("x"), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (307, "http://169.254.169.254/latest")
    connection.close()
    provider.take()


def test_other_paths_pass_both_ways_unread(gateway: Gateway, provider: FakeProvider) -> None:
    provider.says(Says([b'{"data":[]}']))
    reply = gateway.get("/v1/models?limit=3&after=a%2Fb", **BEARER)
    got = provider.take()
    assert (reply.body, got.method, got.path) == (
        b'{"data":[]}', "GET", "/v1/models?limit=3&after=a%2Fb",
    )  # fmt: skip
    upload = bytes(range(256)) * 5000
    gateway.request("POST", "/v1/files", upload, content_type="application/octet-stream")
    assert _sha(provider.take().body) == _sha(upload)
    assert gateway.request("DELETE", "/v1/files/f%2F1", None, **BEARER).status == 200
    assert provider.take().path == "/v1/files/f%2F1"


def test_an_upstream_is_picked_by_name_and_by_name_only(
    gateway: Gateway, provider: FakeProvider
) -> None:
    gateway.post("/to/other/v1/chat/completions", chat(ORDERS), **BEARER)
    got = provider.take()
    assert got.path == "/base/v1/chat/completions"
    assert len(got.body) < len(ORDERS)
    gateway.post(CHAT, chat("x"), x_furler_upstream="other")
    assert provider.take().path == "/base/v1/chat/completions"
    for path, headers in (
        ("/to/evil.example/v1/models", {}),
        ("/v1/models", {"x_furler_upstream": "http://evil.example"}),
    ):
        assert gateway.get(path, **headers).status == 404
    assert gateway.get("/v1/@evil.example/x").status == 200
    assert provider.take().path == "/v1/@evil.example/x"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd"])
def test_an_encoded_body_is_compressed_in_place_as_well(
    gateway: Gateway, provider: FakeProvider, encoding: str
) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "zstd": zstandard.ZstdCompressor().compress,
    }
    packed = packers[encoding](odd_messages(ORDERS))
    gateway.post(MESSAGES, packed, content_encoding=encoding, **KEY)
    got = provider.take()
    assert got.header("content-encoding") is None
    before, after = _around(odd_messages(ORDERS), ORDERS)
    assert (got.body[: len(before)], got.body[-len(after) :]) == (before, after)
    # What is not changed stays packed.
    plain = gzip.compress(odd_messages("short"))
    gateway.post(MESSAGES, plain, content_encoding="gzip", **KEY)
    got = provider.take()
    assert (got.body, got.header("content-encoding")) == (plain, "gzip")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b'{"messages": "none"}',
        b'{"messages": [], "messages": []}',
        b'{"messages": [{"role": "tool", "content": 7}]}',
        b'{"messages": [{"role":"user","content":[{"type":"tool_result"}]}], "tools": 7}',
        b"[" * 60_000,
        b'{"messages": [{"role":"user","content":"\xff \\"tool_result\\" \xfe"}]}',
        b'{"n": ' + b"9" * 5000 + b', "messages": [{"type":"tool_result"}]}',
    ],
)
@pytest.mark.parametrize("path", [MESSAGES, CHAT, RESPONSES])
def test_a_body_that_is_no_such_dialect_passes_as_it_is(
    gateway: Gateway, provider: FakeProvider, path: str, body: bytes
) -> None:
    assert gateway.post(path, body, **KEY).status == 200
    assert provider.take().body == body


def test_a_body_of_an_encoding_unknown_or_false_passes_as_it_is(
    gateway: Gateway, provider: FakeProvider
) -> None:
    for encoding in ("br", "gzip"):
        gateway.post(MESSAGES, b"\x00\x01", content_encoding=encoding, **KEY)
        got = provider.take()
        assert (got.body, got.header("content-encoding")) == (b"\x00\x01", encoding)


def test_trouble_with_the_compressor_costs_savings_and_never_the_turn(
    provider: FakeProvider,
) -> None:
    body = odd_messages(LOG)
    with running_gateway("127.0.0.1:1", upstreams=_upstreams(provider)) as alone:
        provider.says(Says([b'{"content":[]}']))
        reply = alone.post(MESSAGES, body, x_furler_conversation="c", **KEY)
        assert (reply.status, reply.body) == (200, b'{"content":[]}')
        assert provider.take().body == body
        figures = alone.probe("/metrics").body.decode()
        assert 'outcome="unavailable"' in figures


def test_a_compressor_that_hangs_is_waited_for_only_so_long(provider: FakeProvider) -> None:
    body = odd_messages(LOG, b'[{"name":"bash"}]')
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with running_gateway(
            address, upstreams=_upstreams(provider), proxy_compress_seconds="0.2"
        ) as alone:
            assert alone.post(MESSAGES, body, x_furler_conversation="c", **KEY).status == 200
            sent = json.loads(provider.take().body)
            assert sent["messages"] == json.loads(body)["messages"]
            figures = alone.probe("/metrics").body.decode()
            assert 'outcome="deadline_exceeded"' in figures


def test_an_upgrade_is_refused_so_that_a_client_streams(
    gateway: Gateway, provider: FakeProvider
) -> None:
    headers = {"upgrade": "websocket", "connection": "upgrade"}
    assert gateway.get("/v1/responses", **headers).status == 426
    assert provider.got == []


def test_a_bypassed_request_is_not_touched(gateway: Gateway, provider: FakeProvider) -> None:
    body = odd_messages(LOG, b'[{"name":"bash"}]')
    gateway.post(MESSAGES, body, x_furler_bypass="true", **KEY)
    got = provider.take()
    assert got.body == body
    assert got.header("x-furler-bypass") is None


@contextmanager
def _connected(gateway: Gateway, path: str, body: bytes) -> Iterator[http.client.HTTPResponse]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    with connection.getresponse() as answer:
        yield answer
    connection.close()


def test_pieces_of_a_stream_arrive_before_it_ends(gateway: Gateway, provider: FakeProvider) -> None:
    said = b'event: ping\ndata: {"type": "ping"}\n\n'
    for tools in (b"[]", b'[{"name":"bash"}]'):
        provider.says(stream(said, hangs=True))
        with _connected(gateway, MESSAGES, odd_messages(LOG, tools)) as answer:
            assert answer.read1(len(said)) == said


def test_a_client_that_goes_away_cancels_the_provider(
    gateway: Gateway, provider: FakeProvider
) -> None:
    for tools in (b"[]", b'[{"name":"bash"}]'):
        provider.gone.clear()
        provider.says(stream(b"data: {}\n\n", hangs=True))
        with _connected(gateway, MESSAGES, odd_messages(LOG, tools)) as answer:
            assert answer.read1(1) == b"d"
        assert provider.gone.wait(20)


def test_a_client_that_goes_away_cancels_a_later_round_as_well(
    gateway: Gateway, provider: FakeProvider
) -> None:
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    model = Model(error=stream(ping, hangs=True))
    body = odd_messages(LOG, b'[{"name":"bash"}]').replace(b'"model"', b'"stream":true,"model"')
    provider.says(Says())  # makes the view
    gateway.post(MESSAGES, body, **KEY)
    provider.says(model(provider.got[0]), stream(ping, hangs=True))
    with _connected(gateway, MESSAGES, body) as answer:
        seen = b""
        while seen.count(ping) < 2:  # one of each round
            seen += answer.read1()
    assert provider.gone.wait(20)
    assert len(provider.got) == 3


def test_a_stream_that_breaks_off_is_not_taken_for_whole(
    gateway: Gateway, provider: FakeProvider
) -> None:
    for tools in (b"[]", b'[{"name":"bash"}]'):
        provider.says(stream(b"data: {}\n\n" * 10, breaks=True))
        with (
            _connected(gateway, MESSAGES, odd_messages(LOG, tools)) as answer,
            pytest.raises((http.client.IncompleteRead, ConnectionResetError)),
        ):
            answer.read()


def test_a_provider_that_cannot_be_reached_is_502_and_the_log_says_why(service: str) -> None:
    with running_gateway(service, upstreams="openai=http://127.0.0.1:1") as gateway:
        reply = gateway.post(CHAT, chat("x"), **BEARER)
        (why,) = [line for line in gateway.logged() if line["level"] == "warning"]
        assert (why["host"], why["cause"]) == ("127.0.0.1", "ClientConnectorError")
        assert reply.status == 502
        assert reply.json == {
            "error": {"type": "internal_error", "message": "the provider cannot be reached"}
        }


def test_what_is_said_to_the_gateway_itself_stays_here(
    gateway: Gateway, provider: FakeProvider
) -> None:
    for path in ("/v1/compress", "/v1/usage", "/v1/retrieve", "/v1/retrieve/x"):
        gateway.request("PUT", path, b"{}")
    assert provider.got == []


@pytest.mark.parametrize(
    "path", ["/v1/compress/", "/v1/v1/compress", "/v1//retrieve", "/v1/usage/x"]
)
def test_what_was_meant_for_the_gateway_is_no_provider_s(
    gateway: Gateway, provider: FakeProvider, path: str
) -> None:
    assert gateway.post(path, {"messages": []}, authorization="Bearer ours").status == 404
    assert provider.got == []


def test_a_body_that_trickles_on_its_way_to_a_provider_is_408(
    provider: FakeProvider, service: str
) -> None:
    with running_gateway(
        service, upstreams=_upstreams(provider), body_timeout_seconds="0.5"
    ) as hasty:
        line = http.client.HTTPConnection("127.0.0.1", hasty.port, timeout=60)
        line.putrequest("POST", "/v1/files")
        line.putheader("Content-Length", "100")
        line.endheaders(b"x")
        reply = line.getresponse()
        assert (reply.status, b"in time" in reply.read()) == (408, True)
        line.close()


def test_a_target_in_absolute_form_goes_to_the_upstream_all_the_same(
    gateway: Gateway, provider: FakeProvider
) -> None:
    line = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    for path, status in (("xevil://localhost/v1/models", 200), ("/to/other/..%2Fx", 400)):
        line.request("GET", path)
        reply = line.getresponse()
        assert (reply.status, bool(reply.read())) == (status, True)
    line.close()
    assert [got.path for got in provider.got] == ["/v1/models"]


def test_content_and_credentials_are_nowhere_in_logs_and_metrics(
    gateway: Gateway, provider: FakeProvider
) -> None:
    gateway.post(MESSAGES, odd_messages(LOG), x_furler_conversation="named-thing", **KEY)
    gateway.post(CHAT, b"no json but hush-hush", **BEARER)
    told = gateway.log.read_text() + gateway.probe("/metrics").body.decode()
    for secret in ("reconcile-refunds", "secret-of-the-provider", "hush-hush", "named-thing"):
        assert secret not in told
