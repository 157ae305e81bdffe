"""What each dialect's reader finds in a body, and where."""

from __future__ import annotations

import json

import pytest

from furler_engine.dialects import read
from furler_engine.dialects.block import Body, Dialect, Role
from furler_engine.dialects.json_scan import BodyError
from unit.engine.dialects import bodies

TEXT = bodies.text(5)


def listed(body: Body) -> list[tuple[Role, str]]:
    return [(block.role, block.pointer) for block in body.blocks]


def test_an_anthropic_request_is_read_in_the_models_order() -> None:
    body = read(bodies.anthropic(TEXT), Dialect.ANTHROPIC_MESSAGES)
    assert listed(body) == [
        (Role.SYSTEM, "/system/0/text"),
        (Role.USER, "/messages/0/content"),
        (Role.ASSISTANT, "/messages/1/content/1/text"),
        (Role.CALL, "/messages/1/content/2/input"),
        (Role.RESULT, "/messages/2/content/0/content"),
        (Role.DOCUMENT, "/messages/2/content/1/source/data"),
        (Role.USER, "/messages/2/content/2/text"),
        (Role.CALL, "/messages/3/content/0/input"),
        (Role.RESULT, "/messages/4/content/0/content/0/text"),
    ]


def test_a_chat_request_is_read_in_the_models_order() -> None:
    body = read(bodies.openai_chat(TEXT), Dialect.OPENAI_CHAT)
    assert listed(body) == [
        (Role.SYSTEM, "/messages/0/content"),
        (Role.USER, "/messages/1/content/0/text"),
        (Role.CALL, "/messages/2/tool_calls/0/function/arguments"),
        (Role.RESULT, "/messages/3/content"),
        (Role.ASSISTANT, "/messages/4/content"),
        (Role.CALL, "/messages/4/tool_calls/0/function/arguments"),
        (Role.RETRIEVED, "/messages/5/content/0/text"),
    ]


def test_a_responses_request_is_read_in_the_models_order() -> None:
    body = read(bodies.openai_responses(TEXT), Dialect.OPENAI_RESPONSES)
    assert listed(body) == [
        (Role.SYSTEM, "/instructions"),
        (Role.USER, "/input/0/content"),
        (Role.ASSISTANT, "/input/2/content/0/text"),
        (Role.CALL, "/input/3/arguments"),
        (Role.RESULT, "/input/4/output"),
        (Role.CALL, "/input/5/input"),
        (Role.RESULT, "/input/6/output/0/text"),
    ]


@pytest.mark.parametrize(
    ("dialect", "data"),
    [
        (Dialect.ANTHROPIC_MESSAGES, bodies.anthropic(TEXT)),
        (Dialect.OPENAI_CHAT, bodies.openai_chat(TEXT)),
        (Dialect.OPENAI_RESPONSES, bodies.openai_responses(TEXT)),
    ],
)
def test_a_span_holds_the_value_its_pointer_names(dialect: Dialect, data: bytes) -> None:
    body = read(data, dialect)
    document = json.loads(data)
    for block in body.blocks:
        value = document
        for step in block.pointer.split("/")[1:]:
            value = value[int(step)] if isinstance(value, list) else value[step]
        assert json.loads(data[block.span.start : block.span.end]) == value


def test_a_result_knows_the_call_it_answers() -> None:
    body = read(bodies.openai_chat(TEXT), Dialect.OPENAI_CHAT)
    call = body.blocks[3].call
    assert call.name == "grep"
    assert call.argument(("path", "file")) == "src"


def test_an_id_used_again_means_the_latest_call() -> None:
    calls = [
        {"role": "assistant", "tool_calls": [{"id": "x", "function": {"name": name, "arguments": "{}"}}]}
        for name in ("first", "second")
    ]  # fmt: skip
    result = {"role": "tool", "tool_call_id": "x", "content": "r"}
    data = json.dumps({"messages": [calls[0], result, calls[1], result]}).encode()
    results = [b for b in read(data, Dialect.OPENAI_CHAT).blocks if b.role is Role.RESULT]
    assert [block.call.name for block in results] == ["first", "second"]


@pytest.mark.parametrize(
    "tool", ["retrieve", "furler_retrieve", "mcp__furler__retrieve", "headroom_retrieve", "mcp_furler_retrieve", "Furler.Retrieve"],
)  # fmt: skip
def test_what_our_own_tool_gave_back_is_not_editable(tool: str) -> None:
    body = read(bodies.anthropic(TEXT, tool=tool), Dialect.ANTHROPIC_MESSAGES)
    assert body.blocks[4].role is Role.RETRIEVED
    assert not body.blocks[4].is_editable


def test_another_tool_that_retrieves_is_not_ours() -> None:
    body = read(bodies.anthropic(TEXT, tool="retrieve_orders"), Dialect.ANTHROPIC_MESSAGES)
    assert body.blocks[4].role is Role.RESULT


def test_only_results_and_documents_are_editable() -> None:
    body = read(bodies.anthropic(TEXT), Dialect.ANTHROPIC_MESSAGES)
    assert {b.role for b in body.blocks if b.is_editable} == {Role.RESULT, Role.DOCUMENT}


def test_everything_up_to_a_breakpoint_is_cached_and_nothing_after_it() -> None:
    part = {"type": "tool_result", "tool_use_id": "t", "content": "one"}
    marked = {**part, "cache_control": {"type": "ephemeral"}}
    messages = [{"role": "user", "content": [part, marked, {**part, "cache_control": None}]}]
    body = read(json.dumps({"messages": messages}).encode(), Dialect.ANTHROPIC_MESSAGES)
    assert [block.cached for block in body.blocks] == [True, True, False]


def test_a_cited_document_is_not_editable() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "x"}
    cited = {"type": "document", "source": source, "citations": {"enabled": True}}
    data = json.dumps({"messages": [{"role": "user", "content": [cited]}]}).encode()
    assert [b.role for b in read(data, Dialect.ANTHROPIC_MESSAGES).blocks] == [Role.CITED]


def test_half_a_surrogate_pair_is_no_text() -> None:
    data = b'{"messages":[{"role":"tool","content":"\\ud83d"},{"role":"tool","content":"ok"}]}'
    body = read(data, Dialect.OPENAI_CHAT)
    assert [body.text(block) for block in body.blocks] == [None, "ok"]


def test_the_end_is_where_the_last_message_ends() -> None:
    data = bodies.openai_chat(TEXT)
    body = read(data, Dialect.OPENAI_CHAT)
    assert data[body.end :] == b'],"tools":[]}'


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize(
    "data",
    [
        b"", b" ", b"null", b"[]", b"{}", b'"x"', b"{", b'{"messages":[}', b'{"messages":{}}', b"\xff\xfe{",
        b'{"messages":[1],"input":[1]}', b'{"messages":["a"],"input":["a"]}', b'{"messages":[{}], "input":1}',
        b'{"messages":[{"role":"user","content":7}],"input":[{"role":"user","content":7}]}',
        b'{"messages":[{"role":"user","content":"a}],"input":[{"role":"user","content":"a}]}',
        b'{"messages":[],"messages":[],"input":[],"input":[]}',
        b'{"messages":[{"role":"user","role":"tool","content":"a"}],"input":[{"role":"user","role":"a","content":""}]}',
        b'{"messages":[] "x":1,"input":[]}', b'{"messages":[],"input":[]} x', b'\xef\xbb\xbf{"messages":[],"input":[]}',
        b"[" * 100_000, b'{"messages":' + b"[" * 100_000, b'{"a":"' + b"\\" * 99_999, b'{"messages":[' + b'{"a":' * 50_000,
    ],
)  # fmt: skip
def test_what_is_no_such_body_is_a_body_error(dialect: Dialect, data: bytes) -> None:
    with pytest.raises(BodyError):
        read(data, dialect)
