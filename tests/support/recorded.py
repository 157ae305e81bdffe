"""Providers' traffic, in the shape and spelling of the real APIs: streams and whole replies."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

Json = dict[str, object]
TOOL = "furler_retrieve"


def sse(events: Iterable[tuple[str, Mapping[str, object]]]) -> bytes:
    """Return events as Anthropic and Responses write them, with names."""
    return b"".join(
        f"event: {name}\ndata: {json.dumps(data)}\n\n".encode() for name, data in events
    )


def pieces(text: str, size: int = 7) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)] or [""]


def anthropic_usage(read: int = 0, fresh: int = 12, output: int = 1) -> Json:
    return {
        "input_tokens": fresh,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": 5, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
    }


def sampling(read: int, output: int) -> Json:
    """Return the usage of one sampling of several."""
    usage = anthropic_usage(read, output=output)
    return {"type": "message"} | {n: usage[n] for n in usage if n != "service_tier"}


def thinking(text: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": f"sig/{text}=="}


def said(text: str) -> Json:
    return {"type": "text", "text": text}


def call(call_id: str, name: str = TOOL, **arguments: object) -> Json:
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def anthropic_stream(
    blocks: Sequence[Json], stop: str = "end_turn", read: int = 0, reply_id: str = "msg_1"
) -> bytes:
    """Return a stream of Messages with these blocks."""
    start: Json = {
        "id": reply_id, "type": "message", "role": "assistant", "model": "claude",
        "content": [], "stop_reason": None, "stop_sequence": None, "usage": anthropic_usage(read),
    }  # fmt: skip
    events: list[tuple[str, Mapping[str, object]]] = [
        ("message_start", {"type": "message_start", "message": start}),
        ("ping", {"type": "ping"}),
    ]
    for index, block in enumerate(blocks):
        events += _block(index, block)
    delta = {"stop_reason": stop, "stop_sequence": None}
    usage = {"output_tokens": 30}
    events.append(("message_delta", {"type": "message_delta", "delta": delta, "usage": usage}))
    events.append(("message_stop", {"type": "message_stop"}))
    return sse(events)


def _block(index: int, block: Json) -> list[tuple[str, Mapping[str, object]]]:
    kind = block["type"]
    deltas: list[Json] = []
    start = dict(block)
    if kind == "text":
        start["text"] = ""
        deltas = [{"type": "text_delta", "text": p} for p in pieces(str(block["text"]))]
    elif kind == "thinking":
        start |= {"thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": p} for p in pieces(str(block["thinking"]))]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind == "tool_use":
        start["input"] = {}
        text = json.dumps(block["input"])
        deltas = [{"type": "input_json_delta", "partial_json": p} for p in ["", *pieces(text)]]
    at = {"index": index}
    return [
        ("content_block_start", {"type": "content_block_start", **at, "content_block": start}),
        *(
            ("content_block_delta", {"type": "content_block_delta", **at, "delta": d})
            for d in deltas
        ),
        ("content_block_stop", {"type": "content_block_stop", **at}),
    ]


def anthropic_whole(blocks: Sequence[Json], stop: str = "end_turn", read: int = 0) -> bytes:
    reply = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
        "content": list(blocks), "stop_reason": stop, "stop_sequence": None,
        "usage": anthropic_usage(read, output=30),
    }  # fmt: skip
    return json.dumps(reply).encode()


def chat_usage(read: int = 0) -> Json:
    return {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "total_tokens": 120,
        "prompt_tokens_details": {"cached_tokens": read, "audio_tokens": 0},
    }


def chat_call(call_id: str, name: str = TOOL, **arguments: object) -> Json:
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"id": call_id, "type": "function", "function": function}


def chat_stream(
    text: str = "", calls: Sequence[Json] = (), finish: str = "stop", reply_id: str = "chatcmpl-1"
) -> bytes:
    """Return a stream of Chat Completions, with usage asked for."""
    head = {
        "id": reply_id, "object": "chat.completion.chunk", "created": 1, "model": "gpt",
        "system_fingerprint": "fp", "service_tier": "default",
    }  # fmt: skip
    deltas: list[Json] = [{"role": "assistant", "content": "" if text else None, "refusal": None}]
    deltas += [{"content": piece} for piece in pieces(text) if text]
    for index, each in enumerate(calls):
        function = dict(each["function"])  # type: ignore[call-overload]
        arguments = str(function.pop("arguments"))
        deltas.append(
            {"tool_calls": [{"index": index, **each, "function": function | {"arguments": ""}}]}
        )
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": p}}]}
            for p in pieces(arguments)
        ]
    choices: list[Json] = [
        {"index": 0, "delta": d, "logprobs": None, "finish_reason": None} for d in deltas
    ]
    choices.append({"index": 0, "delta": {}, "logprobs": None, "finish_reason": finish})
    chunks: list[Json] = [{**head, "choices": [choice], "usage": None} for choice in choices]
    chunks.append({**head, "choices": [], "usage": chat_usage()})
    lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
    return "".join([*lines, "data: [DONE]\n\n"]).encode()


def chat_whole(text: str | None = None, calls: Sequence[Json] = (), finish: str = "stop") -> bytes:
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    if calls:
        message["tool_calls"] = list(calls)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    reply = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt",
        "choices": [choice], "usage": chat_usage(),
    }  # fmt: skip
    return json.dumps(reply).encode()


def message(text: str, item_id: str = "msg_1") -> Json:
    content = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"id": item_id, "type": "message", "status": "completed", "role": "assistant",
            "content": content}  # fmt: skip


def function_call(call_id: str, name: str = TOOL, **arguments: object) -> Json:
    return {"id": f"fc_{call_id}", "type": "function_call", "status": "completed",
            "arguments": json.dumps(arguments), "call_id": call_id, "name": name}  # fmt: skip


def reasoning(text: str, sealed: str | None = "c2VhbGVk") -> Json:
    item: Json = {"id": f"rs_{text}", "type": "reasoning", "summary": []}
    return item | ({"encrypted_content": sealed} if sealed else {})


def response(
    output: Sequence[Json], response_id: str = "resp_1", status: str = "completed"
) -> Json:
    usage = {
        "input_tokens": 100, "input_tokens_details": {"cached_tokens": 64}, "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 120,
    }  # fmt: skip
    return {
        "id": response_id, "object": "response", "created_at": 1, "status": status, "error": None,
        "incomplete_details": None, "model": "gpt", "output": list(output),
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "store": True,
        "temperature": 1.0, "top_p": 1.0, "instructions": None, "metadata": {},
        "usage": usage if status != "in_progress" else None,
    }  # fmt: skip


def responses_whole(output: Sequence[Json], response_id: str = "resp_1") -> bytes:
    return json.dumps(response(output, response_id)).encode()


def responses_stream(output: Sequence[Json], response_id: str = "resp_1") -> bytes:
    """Return a stream of the Responses API with these items."""
    began = response([], response_id, "in_progress")
    events: list[Json] = [
        {"type": "response.created", "response": began},
        {"type": "response.in_progress", "response": began},
    ]
    for index, item in enumerate(output):
        at = {"output_index": index}
        on = {"item_id": item["id"], **at}
        empty = {**item, "status": "in_progress"} if "status" in item else dict(item)
        if item["type"] == "message":
            part = cast("list[Json]", item["content"])[0]
            text = str(part["text"])
            on_part = on | {"content_index": 0}
            events.append(
                {"type": "response.output_item.added", **at, "item": empty | {"content": []}}
            )
            events.append(
                {"type": "response.content_part.added", **on_part, "part": part | {"text": ""}}
            )
            events += [
                {"type": "response.output_text.delta", **on_part, "delta": p, "logprobs": []}
                for p in pieces(text)
            ]
            done = {"type": "response.output_text.done", **on_part, "text": text}
            events += [done | {"logprobs": []}]
            events += [{"type": "response.content_part.done", **on_part, "part": part}]
        elif item["type"] == "function_call":
            events.append(
                {"type": "response.output_item.added", **at, "item": empty | {"arguments": ""}}
            )
            given = str(item["arguments"])
            name = "response.function_call_arguments"
            events += [{"type": f"{name}.delta", **on, "delta": p} for p in pieces(given)]
            events += [{"type": f"{name}.done", **on, "arguments": given, "name": item["name"]}]
        else:
            events.append({"type": "response.output_item.added", **at, "item": empty})
        events.append({"type": "response.output_item.done", **at, "item": item})
    events.append({"type": "response.completed", "response": response(output, response_id)})
    return sse(
        (str(event["type"]), {"type": event["type"], "sequence_number": number, **event})
        for number, event in enumerate(events)
    )
