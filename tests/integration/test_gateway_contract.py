"""The /v1 contract: a real gateway in front of a real compressor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from support.gateway import Gateway, running_gateway
from support.inputs import orders, service_log
from support.service import running_service

LOG = service_log(400)
ORDERS = orders(200)
COMPRESS = "/v1/compress"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    with running_service() as service, running_gateway(service.address) as running:
        yield running


def _chat(*contents: str) -> list[dict[str, object]]:
    call = {"type": "function", "function": {"name": "bash", "arguments": '{"cmd": "cat"}'}}
    messages: list[dict[str, object]] = [
        {"role": "system", "content": LOG},
        {"role": "user", "content": LOG},
    ]
    for number, content in enumerate(contents):
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call | {"id": f"c{number}"}]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": content},
        ]
    return messages


def _messages(reply: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", reply["messages"])


def test_the_default_re_encodes_without_loss_and_without_markers(gateway: Gateway) -> None:
    sent = _chat(ORDERS, LOG)
    reply = gateway.post(COMPRESS, {"messages": sent, "model": "gpt-4o"}).json
    got = _messages(reply)
    assert [each for at, each in enumerate(got) if at != 3] == [
        each for at, each in enumerate(sent) if at != 3
    ]
    view = got[3]["content"]
    assert isinstance(view, str)
    assert len(view) < len(ORDERS)
    assert "furler" not in view
    assert all(f"customer {n}" in view or f"{n}|" in view for n in range(200))
    assert reply["ccr_hashes"] == []


def test_the_sample_of_the_documentation_is_compressed_and_comes_back(gateway: Gateway) -> None:
    sample = (Path(__file__).parents[2] / "samples" / "chat.json").read_bytes()
    reply = gateway.post(COMPRESS, sample).json
    assert isinstance(reply["compression_ratio"], float)
    assert reply["compression_ratio"] < 0.1
    (found,) = cast("list[str]", reply["ccr_hashes"])
    original = gateway.get(f"/v1/retrieve/{found}").json["original_content"]
    assert original == json.loads(sample)["messages"][2]["content"]


def test_ccr_mode_elides_and_every_reference_resolves(gateway: Gateway) -> None:
    body = {"messages": _chat(LOG), "model": "gpt-4o", "config": {"mode": "ccr"}}
    reply = gateway.post(COMPRESS, body).json
    (ref,) = cast("list[str]", reply["ccr_hashes"])
    assert ref in str(_messages(reply)[3]["content"])
    for got in (gateway.get(f"/v1/retrieve/{ref}"), gateway.post("/v1/retrieve", {"hash": ref})):
        assert got.json["hash"] == ref
        assert got.json["original_content"] == LOG


def test_the_figures_add_up(gateway: Gateway) -> None:
    body = {"messages": _chat(LOG, ORDERS), "config": {"mode": "ccr"}}
    reply = gateway.post(COMPRESS, body).json
    before, after = cast("int", reply["tokens_before"]), cast("int", reply["tokens_after"])
    assert 0 < after < before
    assert reply["tokens_saved"] == before - after
    assert reply["compression_ratio"] == after / before
    assert reply["transforms_applied"]


def test_anthropic_and_responses_bodies_keep_their_shape(gateway: Gateway) -> None:
    block = {"type": "tool_result", "tool_use_id": "t", "cache_control": {"type": "ephemeral"}}
    sent = [{"role": "user", "content": [block | {"content": ORDERS}]}]
    got = _messages(gateway.post(COMPRESS, {"messages": sent}).json)
    view = cast("list[dict[str, object]]", got[0]["content"])[0].pop("content")
    assert isinstance(view, str)
    assert got == [{"role": "user", "content": [block]}]

    output = {"type": "function_call_output", "call_id": "f"}
    items = [{"type": "reasoning", "encrypted_content": "x"}, output | {"output": ORDERS}]
    answer = gateway.post(COMPRESS, {"input": items}).json
    assert answer["input"] == [items[0], output | {"output": view}]
    assert answer["messages"] == answer["input"]


def test_a_turn_starts_with_the_bytes_of_the_turn_before(gateway: Gateway) -> None:
    config = {"mode": "ccr"}
    first = gateway.post(COMPRESS, {"messages": _chat(LOG), "config": config}).json
    second = gateway.post(COMPRESS, {"messages": _chat(LOG, ORDERS), "config": config}).json
    assert _messages(second)[:4] == _messages(first)


def test_frozen_messages_come_back_as_they_were(gateway: Gateway) -> None:
    sent = _chat(LOG, LOG + "one more line\n")
    body = {"messages": sent, "config": {"mode": "ccr", "frozen_message_count": 4}}
    got = _messages(gateway.post(COMPRESS, body).json)
    assert got[:4] == sent[:4]
    assert got[5] != sent[5]


@pytest.mark.parametrize("header", ["x_headroom_bypass", "x_furler_bypass"])
def test_the_bypass_header_changes_nothing(gateway: Gateway, header: str) -> None:
    sent = _chat(LOG)
    reply = gateway.post(COMPRESS, {"messages": sent}, **{header: "True"}).json
    assert reply["messages"] == sent
    assert reply["tokens_before"] == 0


def test_what_was_retrieved_stays_whole(gateway: Gateway) -> None:
    call = {"id": "r", "function": {"name": "headroom_retrieve", "arguments": "{}"}}
    sent = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "r", "content": LOG},
    ]
    reply = gateway.post(COMPRESS, {"messages": sent, "config": {"mode": "ccr"}}).json
    assert reply["messages"] == sent


def test_trouble_costs_savings_and_never_the_turn() -> None:
    sent = _chat(LOG)
    with running_gateway("127.0.0.1:1") as alone:
        reply = alone.post(COMPRESS, {"messages": sent})
        assert reply.status == 200
        assert reply.json["messages"] == sent
        assert reply.json["compression_skipped"] is True
        assert reply.json["skip_reason"] == "unavailable"
        assert 'skipped_total{reason="unavailable"} 1.0' in alone.probe("/metrics").body.decode()


def test_bad_input_has_the_contracts_form(gateway: Gateway) -> None:
    reply = gateway.post(COMPRESS, b"{")
    assert reply.status == 400
    expected = {"error": {"type": "invalid_request", "message": "Invalid JSON in request body."}}
    assert reply.json == expected


def test_a_part_is_retrieved_by_every_selector(gateway: Gateway) -> None:
    body = {"messages": _chat(LOG), "config": {"mode": "ccr"}}
    (ref,) = cast("list[str]", gateway.post(COMPRESS, body).json["ccr_hashes"])
    lines = LOG.splitlines(keepends=True)

    def content(**fields: object) -> object:
        return gateway.post("/v1/retrieve", {"hash": ref, **fields}).json["original_content"]

    assert content(lines="3-4") == "".join(lines[2:4])
    assert content(match="FATAL") == lines[200]
    assert content(marker="L1") == lines[0]
    assert "FATAL" in str(content(query="pool exhausted", limit=1))
    assert gateway.get(f"/v1/retrieve/{ref}?lines=2").json["original_content"] == lines[1]
    assert gateway.post("/v1/retrieve", {"hash": ref, "match": "("}).status == 400


@pytest.mark.parametrize(("ref", "status"), [("a" * 16, 404), ("0123456789abcdef01234567", 404)])
def test_a_reference_that_is_not_there_is_404(gateway: Gateway, ref: str, status: int) -> None:
    assert gateway.get(f"/v1/retrieve/{ref}").status == status


def test_a_retrieval_without_a_reference_is_refused(gateway: Gateway) -> None:
    assert gateway.post("/v1/retrieve", {"query": "x"}).status == 400


def test_the_providers_cache_figures_are_counted(gateway: Gateway) -> None:
    anthropic = {"cache_read_input_tokens": 1000, "cache_creation_input_tokens": 50}
    openai = {"prompt_tokens_details": {"cached_tokens": 234}}
    for usage in (anthropic, openai):
        reply = gateway.post("/v1/usage", {"session_id": "s", "usage": usage})
        assert (reply.status, reply.json["applied"]) == (200, True)
    text = gateway.probe("/metrics").body.decode()
    assert 'provider_cache_tokens_total{operation="read"} 1234.0' in text
    assert 'provider_cache_tokens_total{operation="write"} 50.0' in text


@pytest.mark.parametrize(
    "body",
    [
        {"usage": {}},
        {"session_id": "s"},
        {"session_id": "s", "usage": {"prompt_tokens": 3}},
        {"session_id": "s", "usage": {"cache_read_input_tokens": -1}},
        {"session_id": "s", "usage": {"cache_read_input_tokens": 2**40 + 1}},
        {"session_id": "s" * 257, "usage": {"cache_read_input_tokens": 1}},
    ],
)
def test_usage_without_figures_is_refused(gateway: Gateway, body: dict[str, object]) -> None:
    assert gateway.post("/v1/usage", body).status == 400


def test_content_is_nowhere_in_the_logs(gateway: Gateway) -> None:
    gateway.post(COMPRESS, {"messages": _chat("zanzibar " * 300)}, authorization="Bearer sesame")
    gateway.get("/v1/retrieve/zanzibar?query=zanzibar")
    assert gateway.logged()
    text = gateway.log.read_text()
    assert json.dumps("zanzibar")[1:-1] not in text
    assert "sesame" not in text
