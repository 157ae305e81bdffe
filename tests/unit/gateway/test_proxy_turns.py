"""Turns made of several rounds: what the client sees, and what the provider is sent next."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_gateway.proxy.sse import Splitter
from furler_gateway.proxy.tool import Answer
from furler_gateway.proxy.turns.anthropic import AnthropicTurn
from furler_gateway.proxy.turns.chat import ChatTurn
from furler_gateway.proxy.turns.responses import ResponsesTurn
from furler_gateway.proxy.turns.turn import Turn, TurnError
from support import recorded as r
from support.transcripts import anthropic_message, chat_message, events, responses_response

TURNS: dict[str, Callable[[], Turn]] = {
    "anthropic": AnthropicTurn,
    "chat": ChatTurn,
    "responses": ResponsesTurn,
}
REQUESTS: dict[str, bytes] = {
    "anthropic": b'{"messages": [ {"role":"user","content":"why \\u00e9?"} ] , "n":1.0e0}',
    "chat": b'{"messages": [ {"role":"user","content":"why \\u00e9?"} ] , "n":1}',
    "responses": b'{"input": [ {"role":"user","content":"why \\u00e9?"} ] , "top_p":1.0e0}',
}
PLAIN: dict[str, bytes] = {
    "anthropic": r.anthropic_stream(
        [r.thinking("hm"), r.said("It is \u00e9."), r.call("t", "bash", cmd="ls")], "tool_use"
    ),
    "chat": r.chat_stream("It is \u00e9.", [r.chat_call("c", "bash", cmd="ls")], "tool_calls"),
    "responses": r.responses_stream(
        [r.reasoning("a"), r.message("It is \u00e9."), r.function_call("c", "bash", cmd="ls")]
    ),
}
ASKS: dict[str, bytes] = {
    "anthropic": r.anthropic_stream(
        [r.thinking("hm"), r.said("Let me look."), r.call("t1", ref="a"), r.call("t2", ref="b")],
        "tool_use",
        read=100,
    ),
    "chat": r.chat_stream(
        "Let me look.", [r.chat_call("t1", ref="a"), r.chat_call("t2", ref="b")], "tool_calls"
    ),
    "responses": r.responses_stream(
        [r.reasoning("hm"), r.message("Let me look."), r.function_call("t1", ref="a"),
         r.function_call("t2", ref="b")]
    ),
}  # fmt: skip
GOES_ON: dict[str, bytes] = {
    "anthropic": r.anthropic_stream(
        [r.thinking("so"), r.said("It was the pool."), r.call("t3", "bash", cmd="ls")],
        "tool_use",
        read=110,
        reply_id="msg_2",
    ),
    "chat": r.chat_stream(
        "It was the pool.", [r.chat_call("t3", "bash", cmd="ls")], "tool_calls", "chatcmpl-2"
    ),
    "responses": r.responses_stream(
        [r.reasoning("so"), r.message("It was the pool.", "msg_2"),
         r.function_call("t3", "bash", cmd="ls")], "resp_2"
    ),
}  # fmt: skip
MIXED: dict[str, bytes] = {
    "anthropic": r.anthropic_stream(
        [r.call("t1", ref="a"), r.said("And this."), r.call("t3", "bash", cmd="ls")], "tool_use"
    ),
    "chat": r.chat_stream(
        "And this.", [r.chat_call("t1", ref="a"), r.chat_call("t3", "bash", cmd="ls")], "tool_calls"
    ),
    "responses": r.responses_stream(
        [r.function_call("t1", ref="a"), r.message("And this."), r.function_call("t3", "bash")]
    ),
}
EVERY = pytest.mark.parametrize("dialect", list(TURNS))


def _fed(turn: Turn, stream: bytes, size: int = 0) -> bytes:
    """Feed a round in pieces of a size; return what the client gets."""
    splitter = Splitter()
    step = size or len(stream)
    out = bytearray()
    for at in range(0, len(stream), step):
        for raw in splitter.feed(stream[at : at + step]):
            out += turn.event(raw)
    return bytes(out) + splitter.rest()


def _answered(turn: Turn) -> list[Answer]:
    return [Answer(call, f"lines for {call.id}") for call in turn.calls()]


def _turn(dialect: str, rounds: Sequence[bytes], size: int = 0) -> tuple[bytes, Turn, bytes]:
    """Play a turn; return what the client got, the turn, and the last request."""
    turn, body, out = TURNS[dialect](), REQUESTS[dialect], bytearray()
    for at, stream in enumerate(rounds):
        out += _fed(turn, stream, size)
        if at < len(rounds) - 1:
            body = turn.next_body(body, _answered(turn))
    return bytes(out + turn.end()), turn, body


@EVERY
def test_a_stream_without_our_calls_passes_as_it_is(dialect: str) -> None:
    stream = PLAIN[dialect]
    for size in (0, 1, 2, 7, 100):
        out, turn, _ = _turn(dialect, [stream], size)
        assert out == stream
        assert list(turn.calls()) == []


@EVERY
def test_a_turn_of_two_rounds_is_the_same_in_whatever_pieces_it_comes(dialect: str) -> None:
    whole, _, _ = _turn(dialect, [ASKS[dialect], GOES_ON[dialect]])
    for size in (1, 2, 3, 5, 17, 64, 1000):
        assert _turn(dialect, [ASKS[dialect], GOES_ON[dialect]], size)[0] == whole


@EVERY
def test_our_calls_are_given_with_what_the_model_wrote(dialect: str) -> None:
    turn = TURNS[dialect]()
    _fed(turn, ASKS[dialect])
    assert [(c.id, json.loads(c.arguments)) for c in turn.calls()] == [
        ("t1", {"ref": "a"}),
        ("t2", {"ref": "b"}),
    ]


@EVERY
def test_the_next_request_begins_with_the_bytes_of_the_one_before(dialect: str) -> None:
    _, _, body = _turn(dialect, [ASKS[dialect], GOES_ON[dialect]])
    before = REQUESTS[dialect]
    end = before.index(b"]")
    assert body.startswith(before[:end])
    assert body.endswith(before[end:])


def test_anthropic_the_client_sees_one_message() -> None:
    out, _, _ = _turn("anthropic", [ASKS["anthropic"], GOES_ON["anthropic"]])
    message = anthropic_message(out)
    assert message["content"] == [
        r.thinking("hm"), r.said("Let me look."), r.thinking("so"), r.said("It was the pool."),
        r.call("t3", "bash", cmd="ls"),
    ]  # fmt: skip
    assert message["stop_reason"] == "tool_use"
    assert message["id"] == "msg_1"
    assert out.count(b"event: message_start") == out.count(b"event: message_stop") == 1


def test_anthropic_usage_is_that_of_all_rounds() -> None:
    out, turn, _ = _turn("anthropic", [ASKS["anthropic"], GOES_ON["anthropic"]])
    usage = anthropic_message(out)["usage"]
    assert usage == r.anthropic_usage(210, 24, 60) | {
        "cache_creation_input_tokens": 10,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0},
    }
    assert [each["cache_read_input_tokens"] for each in turn.usages] == [100, 110]


def test_anthropic_the_provider_gets_its_blocks_back_and_the_answers() -> None:
    _, _, body = _turn("anthropic", [ASKS["anthropic"], GOES_ON["anthropic"]])
    assert json.loads(body)["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                r.thinking("hm"), r.said("Let me look."), r.call("t1", ref="a"),
                r.call("t2", ref="b"),
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": each, "content": f"lines for {each}"}
                for each in ("t1", "t2")
            ],
        },
    ]  # fmt: skip


def test_chat_the_client_sees_one_message() -> None:
    out, _, _ = _turn("chat", [ASKS["chat"], GOES_ON["chat"]])
    message, finish, ids, usage = chat_message(out)
    assert message == {
        "role": "assistant",
        "content": "Let me look.\n\nIt was the pool.",
        "tool_calls": [r.chat_call("t3", "bash", cmd="ls")],
    }
    assert (finish, ids) == ("tool_calls", {"chatcmpl-1"})
    assert usage == {
        "prompt_tokens": 200, "completion_tokens": 40, "total_tokens": 240,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    }  # fmt: skip
    assert out.count(b"[DONE]") == 1


def test_chat_the_provider_gets_its_calls_back_and_the_answers() -> None:
    _, _, body = _turn("chat", [ASKS["chat"], GOES_ON["chat"]])
    assert json.loads(body)["messages"][1:] == [
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [r.chat_call("t1", ref="a"), r.chat_call("t2", ref="b")],
        },
        {"role": "tool", "tool_call_id": "t1", "content": "lines for t1"},
        {"role": "tool", "tool_call_id": "t2", "content": "lines for t2"},
    ]


def test_responses_the_client_sees_one_response() -> None:
    out, turn, _ = _turn("responses", [ASKS["responses"], GOES_ON["responses"]])
    final, done, sequence = responses_response(out)
    output = [
        r.reasoning("hm"), r.message("Let me look."), r.reasoning("so"),
        r.message("It was the pool.", "msg_2"), r.function_call("t3", "bash", cmd="ls"),
    ]  # fmt: skip
    assert final["output"] == output
    assert done == dict(enumerate(output))
    assert sequence == list(range(len(sequence)))
    assert final["id"] == "resp_1"
    assert turn.renamed() == ("resp_1", "resp_2")
    assert final["usage"] == {
        "input_tokens": 200, "input_tokens_details": {"cached_tokens": 128}, "output_tokens": 40,
        "output_tokens_details": {"reasoning_tokens": 6}, "total_tokens": 240,
    }  # fmt: skip
    assert out.count(b"event: response.created") == 1


def test_responses_the_provider_gets_its_items_back_and_the_answers() -> None:
    _, _, body = _turn("responses", [ASKS["responses"], GOES_ON["responses"]])
    answers = [
        {"type": "function_call_output", "call_id": each, "output": f"lines for {each}"}
        for each in ("t1", "t2")
    ]
    assert json.loads(body)["input"][1:] == [
        r.reasoning("hm"), r.message("Let me look."), r.function_call("t1", ref="a"),
        r.function_call("t2", ref="b"), *answers,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("request_body", "expected"),
    [
        (b'{"store":false,"input":[]}', ["function_call", "function_call_output"]),
        (b'{"input":[]}', ["reasoning", "function_call", "function_call_output"]),
        (b'{"input":"hi"}', ["user", "reasoning", "function_call", "function_call_output"]),
        (b'{"conversation":"conv_1","input":[{"role":"user"}]}', ["function_call_output"]),
    ],
)
def test_responses_go_on_in_the_way_that_the_provider_keeps_them(
    request_body: bytes, expected: list[str]
) -> None:
    turn = ResponsesTurn()
    turn.whole(r.responses_whole([r.reasoning("x", None), r.function_call("t1", ref="a")]))
    body = json.loads(turn.next_body(request_body, _answered(turn)))
    assert [item.get("type", item.get("role")) for item in body["input"]] == expected


@EVERY
def test_beside_a_call_of_the_client_s_ours_is_left_out(dialect: str) -> None:
    out, turn, _ = _turn(dialect, [MIXED[dialect]])
    assert list(turn.calls()) == []
    assert turn.left_out == 1
    assert b"furler_retrieve" not in out
    if dialect == "anthropic":
        message = anthropic_message(out)
        assert message["content"] == [r.said("And this."), r.call("t3", "bash", cmd="ls")]
        assert message["stop_reason"] == "tool_use"
    elif dialect == "chat":
        said, finish, _, _ = chat_message(out)
        assert said["tool_calls"] == [r.chat_call("t3", "bash", cmd="ls")]
        assert finish == "tool_calls"
    else:
        final, done, _ = responses_response(out)
        assert final["output"] == [r.message("And this."), r.function_call("t3", "bash")]
        assert done == dict(enumerate(final["output"]))


@EVERY
def test_a_turn_whose_calls_are_not_answered_ends_as_if_cut_off(dialect: str) -> None:
    turn = TURNS[dialect]()
    out = _fed(turn, ASKS[dialect]) + turn.end()
    if dialect == "anthropic":
        message = anthropic_message(out)
        assert message["content"] == [r.thinking("hm"), r.said("Let me look.")]
        assert message["stop_reason"] == "max_tokens"
    elif dialect == "chat":
        said, finish, _, usage = chat_message(out)
        assert (said["content"], finish, usage) == ("Let me look.", "length", r.chat_usage())
        assert "tool_calls" not in said
    else:
        final, _, _ = responses_response(out)
        assert final["output"] == [r.reasoning("hm"), r.message("Let me look.")]
        assert final["status"] == "incomplete"
        assert final["incomplete_details"] == {"reason": "max_output_tokens"}
        assert b"event: response.incomplete" in out


def _whole(dialect: str, rounds: Sequence[bytes]) -> tuple[dict[str, object], Turn, bytes]:
    turn, body = TURNS[dialect](), REQUESTS[dialect]
    for at, reply in enumerate(rounds):
        turn.whole(reply)
        if at < len(rounds) - 1:
            body = turn.next_body(body, _answered(turn))
    return json.loads(turn.end()), turn, body


WHOLE: dict[str, tuple[bytes, bytes]] = {
    "anthropic": (
        r.anthropic_whole([r.thinking("hm"), r.call("t1", ref="a")], "tool_use", 100),
        r.anthropic_whole([r.said("It was the pool.")], read=110),
    ),
    "chat": (
        r.chat_whole("Let me look.", [r.chat_call("t1", ref="a")], "tool_calls"),
        r.chat_whole("It was the pool."),
    ),
    "responses": (
        r.responses_whole([r.reasoning("hm"), r.function_call("t1", ref="a")]),
        r.responses_whole([r.message("It was the pool.")], "resp_2"),
    ),
}


@EVERY
def test_a_whole_reply_without_our_calls_is_returned_as_it_came(dialect: str) -> None:
    said = WHOLE[dialect][1].replace(b": ", b" :  ")
    turn = TURNS[dialect]()
    turn.whole(said)
    assert list(turn.calls()) == []
    assert turn.end() == said


@EVERY
def test_whole_replies_become_one(dialect: str) -> None:
    reply, _, body = _whole(dialect, WHOLE[dialect])
    if dialect == "anthropic":
        assert reply["content"] == [r.thinking("hm"), r.said("It was the pool.")]
        assert reply["usage"] == r.anthropic_usage(210, 24, 60) | {
            "cache_creation_input_tokens": 10,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0},
        }
        assert reply["stop_reason"] == "end_turn"
    elif dialect == "chat":
        choice = cast("list[dict[str, object]]", reply["choices"])[0]
        assert choice["message"] == {
            "role": "assistant", "content": "Let me look.\n\nIt was the pool.", "refusal": None,
        }  # fmt: skip
        assert reply["usage"]["total_tokens"] == 240  # type: ignore[index]
    else:
        assert reply["output"] == [r.reasoning("hm"), r.message("It was the pool.")]
        assert reply["id"] == "resp_2"
    assert body.startswith(REQUESTS[dialect][: REQUESTS[dialect].index(b"]")])


@EVERY
def test_a_whole_reply_whose_calls_are_not_answered_ends_as_if_cut_off(dialect: str) -> None:
    reply, _, _ = _whole(dialect, WHOLE[dialect][:1])
    told = json.dumps(reply)
    assert "furler_retrieve" not in told
    assert any(end in told for end in ('"max_tokens"', '"length"', '"max_output_tokens"'))


def test_blank_text_does_not_go_back_to_anthropic() -> None:
    turn = AnthropicTurn()
    _fed(turn, r.anthropic_stream([r.said(" \n"), r.call("t1", ref="a")], "tool_use"))
    body = json.loads(turn.next_body(REQUESTS["anthropic"], _answered(turn)))
    assert body["messages"][1]["content"] == [r.call("t1", ref="a")]


@EVERY
def test_a_later_round_s_error_is_told_in_the_dialect_s_words(dialect: str) -> None:
    failed = {"type": "overloaded_error", "message": "Overloaded", "code": None}
    said = {"type": "error", "error": failed} if dialect == "anthropic" else {"error": failed}
    (event,) = events(TURNS[dialect]().error(json.dumps(said).encode()))
    if dialect == "responses":
        assert (event["type"], event["message"]) == ("error", "Overloaded")
    else:
        assert event == said
    (fallback,) = events(TURNS[dialect]().error(b"<html>"))
    assert "failed in the middle of a turn" in json.dumps(fallback)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "index",
                    "delta",
                    "content_block",
                    "choices",
                    "tool_calls",
                    "function",
                    "name",
                    "id",
                    "output_index",
                    "item",
                    "response",
                    "output",
                    "usage",
                    "message",
                    "content",
                    "finish_reason",
                    "stop_reason",
                    "sequence_number",
                ]
            ),
            inner | st.sampled_from(["furler_retrieve", "tool_use", "function_call", "tool_calls"]),
            max_size=5,
        )
    ),
    max_leaves=12,
)
_TYPES = st.sampled_from(
    [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "response.created",
        "response.output_item.added",
        "response.output_item.done",
        "response.completed",
        "response.output_text.delta",
    ]
)


@EVERY
@settings(max_examples=150, deadline=None)
@given(data=st.lists(st.tuples(_TYPES, _VALUES), max_size=6), asks=st.booleans())
def test_a_strange_event_is_refused_or_passed_and_nothing_else(
    dialect: str, data: list[tuple[str, object]], *, asks: bool
) -> None:
    turn = TURNS[dialect]()
    if asks:
        _fed(turn, ASKS[dialect])
        turn.next_body(REQUESTS[dialect], _answered(turn))
    for kind, value in data:
        said = {"type": kind, **value} if isinstance(value, dict) else value
        raw = f"data: {json.dumps(said)}\n\n".encode()
        with suppress(TurnError, ValueError, KeyError, IndexError, TypeError):
            assert isinstance(turn.event(raw), bytes)
    with suppress(TurnError, ValueError, KeyError, IndexError, TypeError):
        turn.whole(json.dumps(data).encode())
