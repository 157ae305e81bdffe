"""Requests of the contract: where the conversation stands, what is refused, what goes back."""

from __future__ import annotations

import base64
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from furler.conversations import Conversation, Dialect, Edit
from furler.values import Degraded, Digest, Kind, View
from furler_compressor.app.refs import canonical
from furler_gateway.contract.compress import (
    POLICIES,
    Outcome,
    hash_of,
    outcome_of,
    parse,
    unchanged,
    write,
)
from furler_gateway.contract.dialect import dialect_of
from furler_gateway.errors import RequestError
from furler_gateway.json_spans import BodyError, members

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), VALUES), st.sampled_from([None, 1]))
def test_every_member_is_found_where_it_stands(body: dict[str, object], indent: int | None) -> None:
    for data in (
        json.dumps(body, indent=indent).encode(),
        json.dumps(body, indent=indent, ensure_ascii=False).encode("utf-8", "replace"),
    ):
        found = members(data)
        got = {name: json.loads(data[each.start : each.end]) for name, each in found.items()}
        assert got == {name: each.exactly(data) for name, each in found.items()} == json.loads(data)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON",
        b"[]",
        b"{",
        b'{"a"}',
        b'{"a":1,}',
        b'{"a":1} more',
        b'{"a":1 "b":2}',
        b'{"a":1,"a":2}',
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 60_000,
        b'{"a":' + b"9" * 60_000 + b"}",
    ],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BodyError):
        members(body)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"messages": None},
        {"messages": 3},
        {"messages": "text"},
        {"input": 3},
        {"messages": [], "config": []},
        {"messages": [], "config": {"mode": "lossless"}},
        {"messages": [], "config": {"mode": 3}},
        {"messages": [], "config": {"frozen_message_count": -1}},
        {"messages": [], "config": {"frozen_message_count": 2**32}},
        {"messages": [], "config": {"frozen_message_count": True}},
        {"messages": [], "model": 3},
        {"messages": [], "session_id": ""},
        {"messages": [], "session_id": "x" * 257},
    ],
)
def test_a_body_that_is_not_the_contracts_is_refused(body: dict[str, object]) -> None:
    with pytest.raises(RequestError) as caught:
        parse(json.dumps(body).encode())
    assert caught.value.failure.http_status() == 400


@pytest.mark.parametrize("model", ["", None])
def test_a_caller_may_know_of_no_model(model: str | None) -> None:
    assert parse(json.dumps({"messages": [], "model": model}).encode()).model == ""


def test_what_is_asked_for_is_read() -> None:
    asked = parse(
        '{"config": {"mode": "ccr", "frozen_message_count": 2}, "session_id": "né",'
        ' "messages" : [ {"role": "user"} ] , "model": "m"}'.encode()
    )
    assert unchanged(asked) == b'[ {"role": "user"} ]'
    assert (asked.policy, asked.frozen_messages) == (POLICIES["ccr"], 2)
    assert (asked.session_id, asked.dialect) == ("né", Dialect.OPENAI_CHAT)


@pytest.mark.parametrize(
    ("name", "conversation", "expected"),
    [
        ("input", [{"type": "function_call_output"}], Dialect.OPENAI_RESPONSES),
        ("messages", [{"role": "tool", "content": '{"type": "tool_result"}'}], Dialect.OPENAI_CHAT),
        ("messages", [{"content": [{"type": "tool_result"}]}], Dialect.ANTHROPIC_MESSAGES),
        ("messages", [{"content": [{"type": "document"}]}], Dialect.ANTHROPIC_MESSAGES),
    ],
)
def test_the_dialect_is_told_by_structure_never_by_content(
    name: str, conversation: object, expected: Dialect
) -> None:
    assert dialect_of(name, json.dumps(conversation).encode()) is expected


def test_every_mode_but_ccr_is_free_of_markers() -> None:
    assert {mode: str(policy.fidelity) for mode, policy in POLICIES.items()} == {
        None: "lossless",
        "ccr": "reversible",
        "lossy_inline": "lossless",
        "lossless_then_lossy": "lossless",
    }


BODY = b'{"model": "m", "messages" : [1.10, 1e5, "\\ud800", "old", 123456789012345678901]}'


def _done(*edits: Edit, degraded: Degraded | None = None) -> Conversation:
    return Conversation(b"", edits, 0, 10, 4, (), None, "r", degraded)


def _edit(offset: int, ref: str = "") -> Edit:
    digest = Digest.of(b"")
    text = f"new {ref}".strip()
    view = View(text, ref, Kind.LOG, ("log",), (), 10, 4, "t", False, "r", digest)
    return Edit(offset, 5, json.dumps(text).encode(), "/messages/3", view)


def test_bytes_outside_the_edits_go_back_as_they_came() -> None:
    asked = parse(BODY)
    outcome = outcome_of(asked, _done(_edit(BODY.index(b'"old"'), "aaaa")))
    reply = write(asked, outcome)
    assert b'{"messages":[1.10, 1e5, "\\ud800", "new aaaa", 123456789012345678901],' in reply
    figures = json.loads(reply)
    del figures["messages"]
    assert figures == {
        "tokens_before": 10,
        "tokens_after": 4,
        "tokens_saved": 6,
        "compression_ratio": 0.4,
        "transforms_applied": ["log"],
        "transforms_summary": {"log": 1},
        "ccr_hashes": ["aaaa"],
    }


def test_a_reference_that_no_view_shows_is_not_listed() -> None:
    asked = parse(BODY)
    edit = _edit(BODY.index(b'"old"'))
    hidden = View("new", "aaaa", Kind.LOG, ("log",), (), 10, 4, "t", False, "r", Digest.of(b""))
    shown = Edit(edit.offset, edit.length, edit.replacement, edit.pointer, hidden)
    assert outcome_of(asked, _done(shown)).refs == ()


@pytest.mark.parametrize(
    ("done", "reason"),
    [
        (_done(_edit(2)), "unexpected_edit"),
        (_done(degraded=Degraded.STORE_UNAVAILABLE), "store_unavailable"),
    ],
)
def test_what_went_wrong_is_said_and_the_messages_go_back(done: Conversation, reason: str) -> None:
    asked = parse(BODY)
    reply = json.loads(write(asked, outcome_of(asked, done)))
    assert reply["messages"] == json.loads(BODY)["messages"]
    assert (reply["compression_skipped"], reply["skip_reason"]) == (True, reason)


def test_input_goes_back_under_both_names() -> None:
    asked = parse(b'{"input": "a question"}')
    assert asked.dialect is None
    reply = json.loads(write(asked, Outcome(unchanged(asked))))
    assert (reply["input"], reply["messages"]) == ("a question", "a question")
    assert (reply["tokens_saved"], reply["compression_ratio"]) == (0, 1.0)


@given(st.binary(min_size=10, max_size=10))
def test_a_hash_is_the_reference_that_every_surface_takes(secret: bytes) -> None:
    ref = base64.b32encode(secret).decode().lower()
    assert re.fullmatch(r"[a-f0-9]{12,24}", hash_of(ref)), "what LiteLLM takes for a hash"
    assert canonical(hash_of(ref)) == canonical(ref) == ref


@pytest.mark.parametrize("other", ["", "a", "not a reference", "0" * 19, "G" * 20, "é" * 20])
def test_what_is_no_hash_stays_as_it_is(other: str) -> None:
    assert canonical(other) == other


def test_who_names_no_mode_has_the_default_one() -> None:
    body = b'{"messages": [{"role": "tool", "content": "x"}]%s}'
    assert parse(body % b"").policy == POLICIES[None]
    assert parse(body % b"", "ccr").policy == POLICIES["ccr"]
    named = body % b', "config": {"mode": "lossy_inline"}'
    assert parse(named, "ccr").policy == POLICIES["lossy_inline"]
