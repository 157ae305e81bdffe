"""Whether a model may ask for what is left out: by its request's tools, and by what it may choose."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from support.bodies import chat, odd_messages, responses
from support.fake_provider import FakeProvider
from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.service import running_service

LOG = service_log(400)
LEFT_OUT = b"tokens left out"
PATHS = {
    "anthropic": "/v1/messages",
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
}
KEY = {"x_api_key": "secret-of-the-provider"}


@pytest.fixture(scope="module")
def gateway(provider: FakeProvider) -> Iterator[Gateway]:
    upstreams = f"anthropic={provider.url},openai={provider.url}"
    with running_service() as service, running_gateway(service.address, upstreams=upstreams) as one:
        yield one


@pytest.fixture(autouse=True)
def _forgotten(provider: FakeProvider) -> None:
    provider.got.clear()


def _tool(dialect: str, name: str) -> dict[str, Any]:
    if dialect == "anthropic":
        return {"name": name, "input_schema": {"type": "object"}}
    function: dict[str, Any] = {"name": name, "parameters": {"type": "object"}}
    if dialect == "chat":
        return {"type": "function", "function": function}
    return {"type": "function", **function}


def _body(dialect: str, tools: list[dict[str, Any]], choice: object = None) -> bytes:
    given = {} if choice is None else {"tool_choice": choice}
    if dialect == "anthropic":
        body = odd_messages(LOG, json.dumps(tools).encode()).rstrip().removesuffix(b"}")
        return body + b"".join(b',"tool_choice": %b' % json.dumps(choice).encode() for _ in given) + b"}"  # fmt: skip
    maker = chat if dialect == "chat" else responses
    return maker(LOG, tools=tools, **given)


def _sent(gateway: Gateway, provider: FakeProvider, dialect: str, body: bytes) -> bytes:
    assert gateway.post(PATHS[dialect], body, **KEY).status == 200
    return provider.take().body


def _named(dialect: str, name: str) -> dict[str, Any]:
    named: dict[str, dict[str, Any]] = {
        "anthropic": {"type": "tool", "name": name},
        "chat": {"type": "function", "function": {"name": name}},
        "responses": {"type": "function", "name": name},
    }
    return named[dialect]


def _allowed(dialect: str, name: str) -> dict[str, Any]:
    within: dict[str, Any] = {"mode": "auto", "tools": [_named(dialect, name)]}
    return {"type": "allowed_tools"} | ({"allowed_tools": within} if dialect == "chat" else within)


@pytest.mark.parametrize("dialect", list(PATHS))
def test_a_model_that_may_not_ask_is_shown_everything(
    gateway: Gateway, provider: FakeProvider, dialect: str
) -> None:
    tools = [_tool(dialect, "bash"), _tool(dialect, "report")]
    forbidding: list[object] = [{"type": "none"} if dialect == "anthropic" else "none"]
    forbidding.append(_named(dialect, "report"))
    if dialect != "anthropic":
        forbidding.append(_allowed(dialect, "bash"))
    free = _sent(gateway, provider, dialect, _body(dialect, tools))
    for choice in forbidding:
        sent = _sent(gateway, provider, dialect, _body(dialect, tools, choice))
        assert LEFT_OUT not in sent, choice
        # The tools stand before all else in the prompt: they are what they are in the other turns.
        assert json.loads(sent)["tools"] == json.loads(free)["tools"]
        assert json.loads(sent)["tool_choice"] == choice


@pytest.mark.parametrize("dialect", list(PATHS))
def test_a_model_that_may_ask_is_shown_a_view(
    gateway: Gateway, provider: FakeProvider, dialect: str
) -> None:
    tools = [_tool(dialect, "bash")]
    free: list[object] = [None]
    if dialect == "anthropic":
        free += [{"type": "auto"}, {"type": "any"}, _named(dialect, "furler_retrieve")]
    else:
        free += ["auto", "required", _allowed(dialect, "furler_retrieve")]
    for choice in free:
        sent = _sent(gateway, provider, dialect, _body(dialect, tools, choice))
        assert LEFT_OUT in sent, choice


@pytest.mark.parametrize("dialect", list(PATHS))
@pytest.mark.parametrize("name", ["", "one of many turns"])
def test_a_model_that_could_ask_before_goes_on_with_what_it_was_shown(
    gateway: Gateway, provider: FakeProvider, dialect: str, name: str
) -> None:
    """Such as one that is to sum up without tools: all originals may be more than it takes."""
    headers = {**KEY, "x_furler_conversation": f"{name} {dialect}"} if name else KEY
    tools = [_tool(dialect, "bash")]
    none = {"type": "none"} if dialect == "anthropic" else "none"
    first = _body(dialect, tools)
    said = b',{"role":"assistant","content":"It failed."},{"role":"user","content":"Sum up."}'
    later = _body(dialect, tools, none)
    end = later.rindex(b"}]", 0, later.rindex(b"tool_choice")) + 1
    if dialect != "anthropic":
        end = later.rindex(b"}]", 0, later.rindex(b'"tools"')) + 1
    for body in (first, later[:end] + said + later[end:]):
        assert gateway.post(PATHS[dialect], body, **headers).status == 200
    history = "input" if dialect == "responses" else "messages"
    before, after = (json.loads(got.body)[history] for got in provider.got)
    assert LEFT_OUT in provider.got[1].body
    assert after[: len(before)] == before


@pytest.mark.parametrize(
    ("dialect", "count", "offered"),
    [
        ("chat", 127, True),
        ("chat", 128, False),
        ("responses", 127, True),
        ("responses", 128, False),
        ("anthropic", 128, True),
    ],
)
@pytest.mark.parametrize("padding", [0, 1200], ids=["short", "long"])
def test_no_tool_is_added_beyond_what_the_provider_takes(
    gateway: Gateway, provider: FakeProvider, dialect: str, count: int, padding: int, *, offered: bool
) -> None:  # fmt: skip
    described = "x" * padding
    tools = [_tool(dialect, f"tool_{n}_{described[:40]}") for n in range(count)]
    if padding and dialect != "chat":
        tools = [tool | {"description": described * 8} for tool in tools]
    elif padding:
        tools = [{**t, "function": t["function"] | {"description": described * 8}} for t in tools]
    sent = _sent(gateway, provider, dialect, _body(dialect, tools))
    assert len(json.loads(sent)["tools"]) == count + offered
    assert (LEFT_OUT in sent) is offered


def test_who_would_rather_speak_http_2_is_answered_in_http_1(
    gateway: Gateway, provider: FakeProvider
) -> None:
    """As Java's own client asks with every request."""
    body = chat("short")
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        with connection.makefile("rb") as answer:
            assert answer.readline() == b"HTTP/1.1 200 OK\r\n"
    got = provider.take()
    assert got.body == body
    assert (got.header("upgrade"), got.header("http2-settings")) == (None, None)
