"""Which texts of a conversation may be compressed, and which never."""

from __future__ import annotations

import copy
import json

import pytest

from furler_gateway.contract import compress
from furler_gateway.contract.bodies import BodyError, input_slots, message_slots
from furler_gateway.contract.compress import Outcome, parse, write
from furler_gateway.errors import RequestError

CHAT: list[object] = [
    {"role": "system", "content": "never"},
    {"role": "developer", "content": "never"},
    {"role": "user", "content": [{"type": "text", "text": "never"}]},
    {
        "role": "assistant",
        "content": "never",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "grep", "arguments": "never"}}
        ],
    },
    {"role": "tool", "tool_call_id": "c1", "content": "hits"},
    {"role": "tool", "tool_call_id": "c9", "content": [{"type": "text", "text": "part"}]},
    {"role": "function", "name": "ls", "content": "listing"},
]
ANTHROPIC: list[object] = [
    {
        "role": "assistant",
        "content": [
            {"type": "thinking", "thinking": "never", "signature": "never"},
            {"type": "tool_use", "id": "t1", "name": "bash", "input": {"cmd": "never"}},
        ],
    },
    {
        "role": "user",
        "content": [
            {"type": "text", "text": "never"},
            {"type": "tool_result", "tool_use_id": "t1", "content": "whole"},
            {
                "type": "tool_result",
                "tool_use_id": "t2",
                "cache_control": {"type": "ephemeral"},
                "content": [
                    {"type": "text", "text": "part"},
                    {"type": "image", "source": {"type": "base64", "data": "never"}},
                ],
            },
            {"type": "document", "source": {"type": "text", "data": "document"}},
            {"type": "document", "source": {"type": "base64", "data": "never"}},
            {
                "type": "document",
                "source": {"type": "text", "data": "never"},
                "citations": {"enabled": True},
            },
        ],
    },
]
RESPONSES: list[object] = [
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "never"}]},
    {"type": "reasoning", "encrypted_content": "never", "summary": []},
    {"type": "function_call", "call_id": "f1", "name": "read", "arguments": "never"},
    {"type": "function_call_output", "call_id": "f1", "output": "file"},
    {"type": "custom_tool_call", "call_id": "f2", "name": "apply", "input": "never"},
    {
        "type": "custom_tool_call_output",
        "call_id": "f2",
        "output": [{"type": "input_text", "text": "part"}],
    },
    {"type": "shell_call_output", "call_id": "f3", "output": [{"stdout": "out", "stderr": ""}]},
]


def test_results_and_documents_are_found_and_nothing_else() -> None:
    found = [
        (slot.text, slot.tool)
        for slots in (
            message_slots(CHAT, 0),
            message_slots(ANTHROPIC, 0),
            input_slots(RESPONSES, 0),
        )
        for slot in slots
    ]
    assert found == [
        ("hits", "grep"),
        ("part", ""),
        ("listing", "ls"),
        ("whole", "bash"),
        ("part", ""),
        ("document", ""),
        ("file", "read"),
        ("part", "apply"),
        ("out", "shell"),
    ]


def test_what_is_put_changes_that_text_alone() -> None:
    body = copy.deepcopy(ANTHROPIC)
    for slot in message_slots(body, 0):
        slot.put("view")
    changed = json.dumps(body)
    for text in ('"whole"', '"part"', '"document"'):
        changed = changed.replace('"view"', text, 1)
    assert changed == json.dumps(ANTHROPIC)


@pytest.mark.parametrize(("frozen", "expected"), [(4, 3), (5, 2), (7, 0), (99, 0)])
def test_frozen_messages_are_left_alone_but_name_the_tools_of_later_ones(
    frozen: int, expected: int
) -> None:
    slots = message_slots(CHAT, frozen)
    assert len(slots) == expected
    assert not slots or frozen > 4 or slots[0].tool == "grep"


@pytest.mark.parametrize(
    "name", ["retrieve", "furler_retrieve", "headroom_retrieve", "mcp__furler__retrieve"]
)
def test_what_was_retrieved_is_never_compressed_again(name: str) -> None:
    call = {"id": "r", "function": {"name": name, "arguments": "{}"}}
    messages: list[object] = [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "r", "content": "original"},
    ]
    assert message_slots(messages, 0) == []


@pytest.mark.parametrize("odd", [None, 3, "x", [], {"role": "tool"}, {"role": ["tool"]}])
def test_odd_shapes_have_no_texts_or_are_named(odd: object) -> None:
    if isinstance(odd, dict):
        assert message_slots([odd], 0) == []
    else:
        with pytest.raises(BodyError, match=r"messages\[0\]"):
            message_slots([odd], 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{}",
        b'{"messages": 3}',
        b'{"messages": [3]}',
        b'{"messages": [], "config": []}',
        b'{"messages": [], "config": {"mode": "lossless"}}',
        b'{"messages": [], "config": {"mode": 3}}',
        b'{"messages": [], "config": {"frozen_message_count": -1}}',
        b'{"messages": [], "config": {"frozen_message_count": true}}',
        b'{"messages": [], "model": 3}',
        b'{"messages": [], "session_id": ""}',
        b'{"messages": [{"a": NaN}]}',
        b'{"messages": ' + b"[" * 60_000,
        b'{"messages": [' + b"9" * 60_000 + b"]}",
    ],
)
def test_a_body_that_is_not_the_contracts_is_refused(body: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        parse(body)
    assert caught.value.failure.http_status() == 400


@pytest.mark.parametrize(
    "messages",
    [
        '[{"role":"user","content":"na\\u00efve \\ud83d\\ude00","n":123456789012345678901234567890}]',
        '[{"role":"user","content":"half \\ud800 a pair"}]',
        "[]",
    ],
)
def test_what_is_not_compressed_comes_back_with_its_value(messages: str) -> None:
    reply = json.loads(write(parse(f'{{"messages": {messages}}}'.encode()), Outcome()))
    assert reply["messages"] == json.loads(messages)
    assert reply["tokens_saved"] == 0
    assert reply["compression_ratio"] == 1.0
    assert "compression_skipped" not in reply


def test_every_mode_but_ccr_is_free_of_markers() -> None:
    fidelities = {mode: str(policy.fidelity) for mode, policy in compress._POLICIES.items()}
    assert fidelities == {
        None: "lossless",
        "ccr": "reversible",
        "lossy_inline": "lossless",
        "lossless_then_lossy": "lossless",
    }
