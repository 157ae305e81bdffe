"""The providers' own SDKs through the gateway: the retrieve tool answered, one coherent reply."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import anthropic
import openai
import pytest

from support.fake_provider import JSON, FakeProvider, Says
from support.gateway import Gateway, running_gateway
from support.inputs import service_log
from support.model import ANSWER, FATAL, Model
from support.service import running_service

LOG = service_log(400)
PARAMETERS = {"type": "object", "properties": {"cmd": {"type": "string"}}}
Items = list[dict[str, Any]]


@pytest.fixture(scope="module")
def gateway(provider: FakeProvider) -> Iterator[Gateway]:
    upstreams = f"anthropic={provider.url},openai={provider.url}"
    with (
        running_service() as service,
        running_gateway(
            service.address,
            upstreams=upstreams,
            proxy_retrieve_rounds="2",
            proxy_retrieve_tokens="2000",
        ) as running,
        running_gateway(service.address, upstreams=upstreams) as other,
    ):
        OTHER[:] = [other]
        yield running


OTHER: list[Gateway] = []
"""Another replica."""
_OPEN: list[anthropic.Anthropic | openai.OpenAI] = []


@pytest.fixture(autouse=True)
def _forgotten(provider: FakeProvider) -> Iterator[None]:
    provider.got.clear()
    provider.brain = Model()
    yield
    while _OPEN:
        _OPEN.pop().close()


class SaidError(Exception):
    """An error event of the Responses API."""


class Messages:
    """Anthropic's SDK."""

    path = "/v1/messages"
    history = "messages"

    def __init__(self, gateway: Gateway, **headers: str) -> None:
        self.client = anthropic.Anthropic(
            api_key="k",
            base_url=f"http://{gateway.address}",
            max_retries=0,
            default_headers=headers,
        )
        _OPEN.append(self.client)

    def start(self) -> Items:
        call = {"type": "tool_use", "id": "t1", "name": "bash", "input": {"cmd": "cat log"}}
        result = {"type": "tool_result", "tool_use_id": "t1", "content": LOG}
        return [
            {"role": "user", "content": "why?"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]

    def ask(self, items: Items, *, stream: bool) -> tuple[Items, str, dict[str, Any]]:
        """Return what goes into the transcript, the text, and the usage."""
        arguments: dict[str, Any] = {
            "model": "claude", "max_tokens": 1000, "messages": items,
            "tools": [{"name": "bash", "input_schema": PARAMETERS}],
        }  # fmt: skip
        if stream:
            with self.client.messages.stream(**arguments) as events:
                reply = events.get_final_message()
        else:
            reply = self.client.messages.create(**arguments)
        blocks = [block.model_dump(exclude_none=True) for block in reply.content]
        assert {block["type"] for block in blocks} <= {"thinking", "text"}
        text = "".join(block.get("text", "") for block in blocks)
        usage = reply.usage.model_dump()
        return [{"role": "assistant", "content": blocks}], text, usage | {"stop": reply.stop_reason}


class Chat:
    """OpenAI's SDK, Chat Completions."""

    path = "/v1/chat/completions"
    history = "messages"

    def __init__(self, gateway: Gateway, **headers: str) -> None:
        self.client = openai.OpenAI(
            api_key="sk-k", base_url=f"http://{gateway.address}/v1", max_retries=0,
            default_headers=headers,
        )  # fmt: skip
        _OPEN.append(self.client)

    def start(self) -> Items:
        function = {"name": "bash", "arguments": '{"cmd": "cat log"}'}
        return [
            {"role": "user", "content": "why?"},
            {"role": "assistant", "content": None,
             "tool_calls": [{"id": "t1", "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": "t1", "content": LOG},
        ]  # fmt: skip

    def ask(self, items: Items, *, stream: bool) -> tuple[Items, str, dict[str, Any]]:
        arguments: dict[str, Any] = {
            "model": "gpt", "messages": items,
            "tools": [{"type": "function", "function": {"name": "bash", "parameters": PARAMETERS}}],
        }  # fmt: skip
        if stream:
            options: Any = {"include_usage": True}
            with self.client.chat.completions.stream(**arguments, stream_options=options) as events:
                for _ in events:
                    pass
                reply = events.current_completion_snapshot
        else:
            reply = self.client.chat.completions.create(**arguments)
        (choice,) = reply.choices
        assert not choice.message.tool_calls
        text = choice.message.content or ""
        assert reply.usage is not None
        usage = reply.usage.model_dump() | {"stop": choice.finish_reason}
        return [{"role": "assistant", "content": text}], text, usage


class Responses:
    """OpenAI's SDK, Responses."""

    path = "/v1/responses"
    history = "input"

    def __init__(self, gateway: Gateway, **headers: str) -> None:
        self.client = Chat(gateway, **headers).client

    def start(self) -> Items:
        return [
            {"role": "user", "content": "why?"},
            {"type": "function_call", "call_id": "t1", "name": "bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "t1", "output": LOG},
        ]

    def ask(self, items: Items, *, stream: bool) -> tuple[Items, str, dict[str, Any]]:
        tool = {"type": "function", "name": "bash", "parameters": PARAMETERS, "strict": False}
        arguments: dict[str, Any] = {"model": "gpt", "input": items, "tools": [tool]}
        if stream:
            with self.client.responses.stream(**arguments) as events:
                for event in events:
                    last = event
            if last.type == "error":
                raise SaidError(last.message)  # the SDK hands the event over as it is
            reply = last.response  # type: ignore[union-attr]
        else:
            reply = self.client.responses.create(**arguments)
        assert all(item.type in ("reasoning", "message") for item in reply.output)
        assert reply.usage is not None
        usage = reply.usage.model_dump() | {"stop": reply.status}
        output = [item.model_dump(exclude_none=True) for item in reply.output]
        return output, reply.output_text, usage


Sdk = Messages | Chat | Responses
EVERY = pytest.mark.parametrize("sdk", [Messages, Chat, Responses])
BOTH = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
Make = Callable[..., Sdk]


@EVERY
@BOTH
def test_the_model_gets_what_it_asks_for_and_the_client_one_reply(
    gateway: Gateway, provider: FakeProvider, sdk: Make, *, stream: bool
) -> None:
    client = sdk(gateway, **{"idempotency-key": "once"})
    _, text, usage = client.ask(client.start(), stream=stream)
    assert text == ANSWER
    first, second = provider.got
    assert [got.header("idempotency-key") for got in provider.got] == ["once", None]
    assert FATAL in second.body.decode()
    assert second.body.count(b"FATAL db pool") == first.body.count(b"FATAL db pool") + 1
    end = first.body.rindex(b"]", 0, first.body.rindex(b'"tools"'))
    assert second.body.startswith(first.body[:end])
    counts = [
        usage.get(name) for name in ("cache_read_input_tokens", "prompt_tokens", "input_tokens")
    ]
    assert counts[:2] in ([250, None], [None, 200], [None, None])
    if sdk is Responses:
        assert counts[2] == 200


@EVERY
@BOTH
def test_the_next_turn_begins_with_what_the_provider_has_cached(
    gateway: Gateway, provider: FakeProvider, sdk: Make, *, stream: bool
) -> None:
    client = sdk(gateway, **{"x-furler-conversation": f"next {sdk.__name__} {stream}"})
    items = client.start()
    said, _, _ = client.ask(items, stream=stream)
    first = json.loads(provider.got[0].body)
    provider.got.clear()
    provider.brain = Model(rounds=0)
    _, text, _ = client.ask([*items, *said, {"role": "user", "content": "sure?"}], stream=stream)
    assert text == ANSWER
    (third,) = provider.got
    body = json.loads(third.body)
    assert body["tools"] == first["tools"]
    assert body[client.history][: len(items)] == first[client.history]
    assert "furler_retrieve" not in json.dumps(body[client.history])


@EVERY
@BOTH
def test_a_model_that_goes_on_asking_is_made_to_answer(
    gateway: Gateway, provider: FakeProvider, sdk: Make, *, stream: bool
) -> None:
    provider.brain = Model(rounds=99)
    client = sdk(gateway)
    items = client.start()
    said, text, usage = client.ask(items, stream=stream)
    assert text == ANSWER
    assert usage["stop"] in ("end_turn", "stop", "completed")
    bodies = [json.loads(got.body) for got in provider.got]
    none = {"type": "none"} if sdk is Messages else "none"
    # Two are answered, one is refused in words, and then there is no tool to call.
    assert [body.get("tool_choice") for body in bodies] == [None, None, None, None, none]
    told = [got.body.decode() for got in provider.got]
    assert [body.count("that was the last retrieval") for body in told] == [0, 0, 1, 1, 1]
    assert [body.count("no more retrievals in this turn") for body in told] == [0, 0, 0, 1, 2]
    for before, after in pairwise(body[client.history] for body in bodies):
        assert after[: len(before)] == before  # what a round was sent, the next one is sent again
    provider.got.clear()
    provider.brain = Model(rounds=0)
    _, text, _ = client.ask([*items, *said, {"role": "user", "content": "sure?"}], stream=stream)
    assert text == ANSWER
    assert "tool_choice" not in json.loads(provider.got[0].body)


@EVERY
@BOTH
def test_a_model_that_calls_what_it_may_not_is_stopped(
    gateway: Gateway, provider: FakeProvider, sdk: Make, *, stream: bool
) -> None:
    provider.brain = Model(rounds=99, obeys=False)
    client = sdk(gateway)
    _, text, usage = client.ask(client.start(), stream=stream)
    assert usage["stop"] in ("max_tokens", "length", "incomplete")
    if sdk is not Responses:  # a message of nothing may not go back to the provider
        assert text.startswith("[furler: the turn stops here")
    assert len(provider.got) == 5


@EVERY
def test_what_a_turn_may_get_back_is_bounded(
    gateway: Gateway, provider: FakeProvider, sdk: Make
) -> None:
    provider.brain = Model(at_once=10, arguments={"lines": "1-40"})
    client = sdk(gateway)
    client.ask(client.start(), stream=False)
    told = provider.got[-1].body.decode()
    assert told.count("at most 8 retrievals at once") + told.count("no more retrievals") >= 2
    assert len(told) - len(provider.got[0].body) < 2000 * 8


@EVERY
@BOTH
def test_an_error_in_a_later_round_is_the_sdk_s_error(
    gateway: Gateway, provider: FakeProvider, sdk: Make, *, stream: bool
) -> None:
    failed = {"type": "overloaded_error", "message": "we are overloaded", "code": None}
    said = json.dumps({"type": "error", "error": failed}).encode()
    provider.brain = Model(error=Says([said], 529, JSON))
    client = sdk(gateway)
    with pytest.raises((anthropic.APIError, openai.APIError, SaidError), match="we are overloaded"):
        client.ask(client.start(), stream=stream)


@EVERY
@BOTH
def test_what_the_provider_has_no_room_for_costs_the_retrieval_and_not_the_turn(
    gateway: Gateway, provider: FakeProvider, sdk: Make, *, stream: bool
) -> None:
    model = Model()
    full = json.dumps({"error": {"type": "invalid_request_error", "message": "too long"}}).encode()
    provider.brain = lambda got: (
        Says([full], 400, JSON) if got.body.count(FATAL.encode()) > 1 else model(got)
    )
    _, text, _ = sdk(gateway).ask(sdk(gateway).start(), stream=stream)
    assert text == ANSWER
    first, second, third = (got.body for got in provider.got)
    assert third.startswith(first[: first.rindex(b"]", 0, first.rindex(b'"tools"'))])
    assert b"[furler: the provider has no room for it" in third
    assert third.count(b"call_id") + third.count(b"use_id") == second.count(b"call_id") + second.count(b"use_id")  # fmt: skip


@EVERY
def test_a_reference_that_is_none_is_told_to_the_model(
    gateway: Gateway, provider: FakeProvider, sdk: Make
) -> None:
    provider.brain = Model(arguments={"ref": "aaaaaaaaaaaaaaaa"})
    client = sdk(gateway)
    _, text, _ = client.ask(client.start(), stream=False)
    assert text == ANSWER
    assert b"NOT_FOUND" in provider.got[-1].body


@BOTH
def test_who_goes_on_from_a_response_by_its_id_goes_on_from_all_of_it(
    gateway: Gateway, provider: FakeProvider, *, stream: bool
) -> None:
    """On another replica, too: the link is kept in the store."""
    client = Responses(gateway).client
    tool: Any = {"type": "function", "name": "bash", "parameters": PARAMETERS, "strict": False}
    items: Any = Responses(gateway).start()
    if stream:
        with client.responses.stream(model="gpt", input=items, tools=[tool]) as events:
            (*_, last) = events
        shown = last.response.id  # type: ignore[union-attr]
    else:
        shown = client.responses.create(model="gpt", input=items, tools=[tool]).id
    assert shown == ("resp_1" if stream else "resp_2")
    for address in (gateway, OTHER[0]):
        provider.got.clear()
        client = Responses(address).client
        client.responses.create(model="gpt", input="sure?", previous_response_id=shown)
        (got,) = provider.got
        assert json.loads(got.body)["previous_response_id"] == "resp_2"


def test_errors_models_and_counts_come_through(gateway: Gateway, provider: FakeProvider) -> None:
    limited = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    provider.brain = lambda _: Says([json.dumps(limited).encode()], 429, JSON)
    with pytest.raises(anthropic.RateLimitError, match="slow down"):
        Messages(gateway).ask([{"role": "user", "content": "hi"}], stream=False)
    with pytest.raises(openai.RateLimitError, match="slow down"):
        Chat(gateway).ask([{"role": "user", "content": "hi"}], stream=True)
    model = {"id": "m", "object": "model", "created": 1, "owned_by": "x"}
    provider.brain = lambda _: Says([json.dumps({"object": "list", "data": [model]}).encode()])
    assert [each.id for each in Chat(gateway).client.models.list()] == ["m"]
    provider.brain = lambda _: Says([b'{"input_tokens": 7}'])
    counted = Messages(gateway).client.messages.count_tokens(
        model="claude",
        messages=Messages(gateway).start(),  # type: ignore[arg-type]
        tools=[{"name": "bash", "input_schema": {"type": "object"}}],
    )
    assert counted.input_tokens == 7
    assert len(provider.got[-1].body) < len(LOG) / 2
    assert b"furler_retrieve" in provider.got[-1].body


def test_turns_are_counted_with_what_became_of_the_cache(
    gateway: Gateway, provider: FakeProvider
) -> None:
    client = Messages(gateway, **{"x-furler-conversation": "counted"})
    items = client.start()
    before = _figures(gateway)
    said, _, _ = client.ask(items, stream=True)
    client.ask([*items, *said, {"role": "user", "content": "sure?"}], stream=True)
    items[0]["content"] = "what?"
    client.ask(items, stream=False)
    after = _figures(gateway)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    turns = 'furler_gateway_proxy_cache_turns_total{dialect="anthropic_messages",outcome='
    assert grown[turns + '"first"}'] == 2  # its first message is another: another conversation
    assert grown[turns + '"hit"}'] == 1
    usage = 'furler_gateway_proxy_usage_tokens_total{dialect="anthropic_messages",part='
    assert grown[usage + '"read"}'] == 3 * 250
    answered = 'furler_gateway_proxy_retrievals_total{dialect="anthropic_messages",outcome='
    assert grown[answered + '"answered"}'] == 3


def _figures(gateway: Gateway) -> dict[str, float]:
    text = gateway.probe("/metrics").body.decode()
    return {
        name: float(value) for name, value in re.findall(r"^([a-z]\S*) (\S+)$", text, re.MULTILINE)
    }
