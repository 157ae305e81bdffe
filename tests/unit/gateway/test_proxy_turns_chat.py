"""Chat Completions as servers speak it that are not OpenAI's: calls of one number, signatures to be given back."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from furler_gateway.proxy.turns.chat import ChatTurn
from support import recorded as r
from support.transcripts import chat_message, events
from support.turns import REQUESTS, answered, fed

Json = dict[str, object]
SIGNED: Json = {"extra_content": {"google": {"thought_signature": "c2lnbmVk"}}}


def _chunk(delta: Json, finish: str | None = None) -> Json:
    choice = {"index": 0, "delta": {"role": "assistant"} | delta, "finish_reason": finish}
    return {"id": "g1", "object": "chat.completion.chunk", "created": 1, "model": "gemini", "choices": [choice]}  # fmt: skip


def _entry(number: int | None, call: Json, extra: Json) -> Json:
    """Return a call that comes in one piece, under a number of which others may have the same."""
    return {"index": number} | call | extra


def _stream(deltas: Sequence[Json], finish: str = "tool_calls") -> bytes:
    chunks = [_chunk(delta) for delta in deltas] + [_chunk({}, finish)]
    return b"".join(b"data: %b\n\n" % json.dumps(chunk).encode() for chunk in chunks)


def _called(*calls: Json, number: int | None = 0, extra: Json | None = None) -> list[Json]:
    return [{"tool_calls": [_entry(number, call, extra or {})]} for call in calls]


@pytest.mark.parametrize("number", [0, None])
@pytest.mark.parametrize("size", [0, 7, 100])
def test_calls_of_one_number_are_told_by_their_ids(number: int | None, size: int) -> None:
    turn = ChatTurn()
    calls = [r.chat_call("a", ref="x"), r.chat_call("b", ref="y")]
    out = fed(turn, _stream(_called(*calls, number=number)), size)
    assert b"furler_retrieve" not in out
    assert [(call.id, json.loads(call.arguments)) for call in turn.calls()] == [
        ("a", {"ref": "x"}),
        ("b", {"ref": "y"}),
    ]


@pytest.mark.parametrize("first", [True, False])
def test_a_call_of_the_client_s_is_not_lost_behind_one_of_ours(*, first: bool) -> None:
    ours, theirs = r.chat_call("a", ref="x"), r.chat_call("b", "bash", cmd="ls")
    turn = ChatTurn()
    out = fed(turn, _stream(_called(*((ours, theirs) if first else (theirs, ours)))))
    assert list(turn.calls()) == []
    assert turn.left_out == 1
    calls = [c for e in events(out) for c in e["choices"][0]["delta"].get("tool_calls", [])]
    assert calls == [{"index": 0} | theirs]
    assert events(out)[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_reply_with_calls_of_one_number_and_none_of_ours_passes_as_it_is() -> None:
    stream = _stream(_called(*(r.chat_call(str(n), "bash", n=n) for n in range(3))))
    turn = ChatTurn()
    assert fed(turn, stream) + turn.end() == stream
    assert turn.left_out == 0


def test_an_id_that_is_new_with_every_piece_makes_no_new_call() -> None:
    head = r.chat_call("a0", ref="x")
    pieces: list[Json] = [
        {"index": 0, "id": f"a{n}", "function": {"arguments": piece}}
        for n, piece in enumerate(r.pieces('{"ref": "x"}'))
    ]
    function: Json = {"name": "furler_retrieve", "arguments": ""}
    first: Json = {"index": 0} | head | {"function": function}
    deltas: list[Json] = [{"tool_calls": [entry]} for entry in [first, *pieces]]
    turn = ChatTurn()
    fed(turn, _stream(deltas))
    (call,) = turn.calls()
    assert (call.id, json.loads(call.arguments)) == ("a0", {"ref": "x"})


def _given_back(turn: ChatTurn) -> Json:
    body = json.loads(turn.next_body(REQUESTS["chat"], answered(turn)))
    message: Json = body["messages"][1]
    return message


def test_what_a_provider_signed_its_call_with_is_given_back() -> None:
    """Gemini refuses a call that comes back without it."""
    ours = r.chat_call("a", ref="x")
    turn = ChatTurn()
    fed(turn, _stream(_called(ours, extra=SIGNED)))
    assert _given_back(turn)["tool_calls"] == [ours | SIGNED]
    whole = ChatTurn()
    whole.whole(r.chat_whole(None, [ours | SIGNED], "tool_calls"))
    assert _given_back(whole)["tool_calls"] == [ours | SIGNED]


def test_sealed_reasoning_is_given_back_as_one() -> None:
    """As OpenRouter has it: pieces of one text, then its signature."""
    at: Json = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1"}
    sealed: Json = {"type": "reasoning.encrypted", "index": 1, "data": "c2VhbGVk", "id": "a"}
    pieces: list[Json] = [at | {"text": "The "}, at | {"text": "pool."}, at | {"signature": "c2ln"}]
    expected = [at | {"text": "The pool.", "signature": "c2ln"}, sealed]
    ours = r.chat_call("a", ref="x")
    turn = ChatTurn()
    reasoned: list[Json] = [{"content": "", "reasoning_details": [piece]} for piece in pieces]
    last: Json = {"reasoning_details": [sealed], "tool_calls": [{"index": 0} | ours]}
    out = fed(turn, _stream([{"content": ""}, *reasoned, last]))
    assert out.count(b"reasoning_details") == 4
    assert _given_back(turn)["reasoning_details"] == expected
    whole = ChatTurn()
    reply = json.loads(r.chat_whole(None, [ours], "tool_calls"))
    reply["choices"][0]["message"]["reasoning_details"] = expected
    whole.whole(json.dumps(reply).encode())
    assert _given_back(whole)["reasoning_details"] == expected


def test_the_message_has_the_first_id_that_is_one() -> None:
    """Azure begins with an event about the prompt, without an id."""
    about = {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    azure = b"data: %b\n\n" % json.dumps(about).encode()
    turn = ChatTurn()
    out = fed(turn, azure + r.chat_stream("", [r.chat_call("a", ref="x")], "tool_calls"))
    turn.next_body(REQUESTS["chat"], answered(turn))
    out += fed(turn, azure + r.chat_stream("It was.", reply_id="chatcmpl-2")) + turn.end()
    first, *rest = events(out)
    assert first == about
    assert {chunk["id"] for chunk in rest} == {"chatcmpl-1"}


def test_openai_s_own_message_is_given_back_with_nothing_more() -> None:
    turn = ChatTurn()
    fed(turn, r.chat_stream("Hm.", [r.chat_call("a", ref="x")], "tool_calls"))
    assert set(_given_back(turn)) == {"role", "content", "tool_calls"}
    said, _, _, _ = chat_message(r.chat_stream("Hm."))
    assert said["content"] == "Hm."
