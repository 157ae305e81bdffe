"""Requests to providers, in each dialect, about the output of one tool."""

from __future__ import annotations

import json


def odd_messages(text: str, tools: bytes = b"[]") -> bytes:
    """Return a Messages body as no encoder of ours would write it."""
    return (
        b'{ "model":"claude-x" ,"max_tokens":1.0e2,\t"temperature":0.10000000000000000555,'
        b'"metadata":{"user_id":"\\u0061nna","n":12345678901234567890123,"n":-0.0},'
        b'"tools":' + tools + b',"messages":[{"role":"user","content":"caf\\u00e9 \xc3\xa9 \\/"},\n'
        b'{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"c2ln"},'
        b'{"input":{"a":1.50,"a":2},"type":"tool_use","id":"t1","name":"bash"}]},'
        b'{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":'
        + json.dumps(text).encode()
        + b"}]}]}  "
    )


def chat(text: str, **fields: object) -> bytes:
    call = {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "why?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": text},
    ]
    return json.dumps({"model": "gpt", "messages": messages, **fields}).encode()


def responses(text: str, **fields: object) -> bytes:
    items = [
        {"role": "user", "content": "why?"},
        {"type": "function_call", "call_id": "c1", "name": "bash", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": text},
    ]
    return json.dumps({"model": "gpt", "input": items, **fields}).encode()
