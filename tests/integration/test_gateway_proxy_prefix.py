"""Long conversations through several gateways: the provider's prompt cache keeps what it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import cast

import pytest

from support.bodies import chat as chat_body
from support.fake_provider import FakeProvider
from support.gateway import Gateway, running_gateway
from support.inputs import orders, service_log
from support.model import Model
from support.provider import PrefixCache
from support.service import running_service

PADDING = 1_000_001
"""Bytes of a body that is sent on in several pieces."""
TURNS = 8
OUTPUTS = [service_log(400), orders(150), service_log(300), orders(200)]
Json = dict[str, object]


@pytest.fixture(scope="module")
def replicas(provider: FakeProvider) -> Iterator[list[Gateway]]:
    """Two gateways in front of one compressor; the second is of a later rollout."""
    upstreams = f"anthropic={provider.url},openai={provider.url}"
    with (
        running_service() as service,
        running_gateway(service.address, upstreams=upstreams) as one,
        running_gateway(
            service.address,
            upstreams=upstreams,
            proxy_retrieve_tool="false",
            proxy_fidelity="lossless",
        ) as other,
    ):
        yield [one, other]


def _anthropic(turn: int) -> list[Json]:
    """Return what an agent adds in a turn: its model's call, and what the tool gave."""
    call = {"type": "tool_use", "id": f"t{turn}", "name": "bash", "input": {"n": turn}}
    text = OUTPUTS[turn % len(OUTPUTS)].replace("INFO", f"INFO{turn // len(OUTPUTS)}")
    result = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": text}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]


def _chat(turn: int) -> list[Json]:
    messages = cast("list[Json]", json.loads(chat_body("x"))["messages"])
    result = cast("list[Json]", _anthropic(turn)[1]["content"])[0]
    calls = cast("list[Json]", messages[1]["tool_calls"])
    return [
        {**messages[1], "tool_calls": [{**calls[0], "id": f"t{turn}"}]},
        {"role": "tool", "tool_call_id": f"t{turn}", "content": result["content"]},
    ]


@pytest.mark.parametrize("dialect", ["anthropic", "chat"])
def test_no_turn_loses_the_prefix_of_the_one_before(
    provider: FakeProvider, replicas: list[Gateway], dialect: str
) -> None:
    path, tool = ("/v1/messages", {"name": "bash", "input_schema": {"type": "object"}})
    if dialect == "chat":
        path, tool = ("/v1/chat/completions", {"type": "function", "function": {"name": "bash"}})
    cache, messages = PrefixCache(), cast("list[Json]", [{"role": "user", "content": "why?"}])
    heads: set[str] = set()
    sent = came = 0
    for turn in range(TURNS):
        messages += _anthropic(turn) if dialect == "anthropic" else _chat(turn)
        provider.got.clear()
        provider.brain = Model(rounds=turn % 3)  # it asks back in some turns, and in some twice
        body = json.dumps({"model": "m", "tools": [tool], "messages": messages, "stream": True})
        gateway = replicas[turn % 2]
        reply = gateway.post(path, body.encode(), x_furler_conversation=f"long {dialect}")
        assert reply.status == 200
        first, *later = [got.body for got in provider.got]
        assert len(later) == turn % 3
        end = first.rindex(b"]", 0, first.rindex(b'"stream"'))
        assert all(each.startswith(first[:end]) for each in later)
        heads.add(json.dumps(json.loads(first)["tools"]))
        cache.send(first)
        sent, came = sent + len(first), came + len(body)
        messages.append({"role": "assistant", "content": f"So far {turn}."})
        messages.append({"role": "user", "content": "Go on."})
    assert (cache.turns, cache.busts, len(heads)) == (TURNS, 0, 1)
    assert "furler_retrieve" in heads.pop()
    assert sent < came / 3


def test_the_simulated_cache_can_be_lost() -> None:
    cache = PrefixCache()
    for text in ("a", "b"):
        cache.send(json.dumps({"messages": [{"role": "user", "content": text}]}).encode())
    assert cache.busts == 1


def test_a_long_body_reaches_the_provider_as_it_came_with_its_length(
    replicas: list[Gateway], provider: FakeProvider
) -> None:
    provider.got.clear()
    body = b'{"model":"m","messages":[{"role":"user","content":"%s"}]}' % (b"\xc3\xa9" * PADDING)
    replicas[0].post("/v1/messages", body, **{"x-api-key": "k"})
    got = provider.take()
    assert got.body == body
    headers = {name.lower(): value for name, value in got.headers}
    assert headers[b"content-length"] == str(len(body)).encode()
    assert b"transfer-encoding" not in headers
