"""What clients make of streams: as the providers' SDKs put their replies together."""

from __future__ import annotations

import json
from typing import Any, cast

Json = dict[str, object]


def events(stream: bytes) -> list[dict[str, Any]]:
    """Return the data of a stream's events; their names must agree with their types."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if line)
        if not lines or lines["data"] == "[DONE]":
            continue
        data = json.loads(lines["data"])
        assert lines.get("event", data.get("type")) == data.get("type")
        found.append(data)
    return found


def anthropic_message(stream: bytes) -> Json:
    """Return the message that a stream of Messages adds up to."""
    message: dict[str, Any] = {}
    for event in events(stream):
        match event["type"]:
            case "message_start":
                assert not message
                message = event["message"]
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"] | {"partial": ""})
            case "content_block_delta":
                block, delta = message["content"][event["index"]], event["delta"]
                for name in ("text", "thinking", "signature"):
                    if name in delta:
                        block[name] += delta[name]
                block["partial"] += delta.get("partial_json", "")
            case "content_block_stop":
                partial = message["content"][event["index"]].pop("partial")
                if partial:
                    message["content"][event["index"]]["input"] = json.loads(partial)
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= event["usage"]
    return cast("Json", message)


def chat_message(stream: bytes) -> tuple[Json, str, set[str], Json]:
    """Return message, finish reason, ids and usage of a stream of Chat Completions."""
    message: dict[str, Any] = {"content": ""}
    finish = ""
    ids: set[str] = set()
    usage: dict[str, Any] = {}
    for chunk in events(stream):
        ids.add(chunk["id"])
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            assert not finish, "a choice goes on after its end"
            finish = choice["finish_reason"] or finish
            delta = choice["delta"]
            if "role" in delta:
                assert "role" not in message
                message["role"] = delta["role"]
            message["content"] += delta.get("content") or ""
            for piece in delta.get("tool_calls", []):
                calls = message.setdefault("tool_calls", [])
                if piece["index"] == len(calls):
                    calls.append(piece | {"function": dict(piece["function"])})
                    calls[-1].pop("index")
                else:
                    calls[piece["index"]]["function"]["arguments"] += piece["function"]["arguments"]
    return cast("Json", message), finish, ids, cast("Json", usage)


def responses_response(stream: bytes) -> tuple[Json, dict[int, Json], list[int]]:
    """Return the final response, the items by index as they were done, all sequence numbers."""
    final: Json = {}
    done: dict[int, Json] = {}
    sequence = []
    for event in events(stream):
        sequence.append(event["sequence_number"])
        if event["type"] == "response.output_item.added":
            assert event["output_index"] == len(done)
        if event["type"] == "response.output_item.done":
            done[event["output_index"]] = event["item"]
        if event["type"] in ("response.completed", "response.incomplete"):
            final = event["response"]
    return final, done, sequence
