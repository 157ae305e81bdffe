"""Turns of replies that do not stream, and of replies that no provider should send."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_gateway.proxy.turns.anthropic import AnthropicTurn
from furler_gateway.proxy.turns.turn import CUT_OFF, Turn, TurnError
from support import recorded as r
from support.transcripts import anthropic_message, chat_message, events
from support.turns import ASKS, EVERY, REQUESTS, TURNS, answered, fed, play


def _whole(dialect: str, rounds: Sequence[bytes]) -> tuple[dict[str, object], Turn, bytes]:
    turn, body = TURNS[dialect](), REQUESTS[dialect]
    for at, reply in enumerate(rounds):
        turn.whole(reply)
        if at < len(rounds) - 1:
            body = turn.next_body(body, answered(turn))
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
            "iterations": [r.sampling(100, 30), r.sampling(110, 30)],
        }
        assert reply["stop_reason"] == "end_turn"
    elif dialect == "chat":
        choice = cast("list[dict[str, object]]", reply["choices"])[0]
        assert choice["message"] == {
            "role": "assistant", "content": "Let me look.\n\nIt was the pool.", "refusal": None,
        }  # fmt: skip
        assert reply["usage"]["total_tokens"] == 240  # type: ignore[index]
    else:
        assert reply["output"] == [r.message("It was the pool.")]
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
    fed(turn, r.anthropic_stream([r.said(" \n"), r.call("t1", ref="a")], "tool_use"))
    body = json.loads(turn.next_body(REQUESTS["anthropic"], answered(turn)))
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
        fed(turn, ASKS[dialect])
        turn.next_body(REQUESTS[dialect], answered(turn))
    for kind, value in data:
        said = {"type": kind, **value} if isinstance(value, dict) else value
        raw = f"data: {json.dumps(said)}\n\n".encode()
        with suppress(TurnError, ValueError, KeyError, IndexError, TypeError):
            assert isinstance(turn.event(raw), bytes)
    with suppress(TurnError, ValueError, KeyError, IndexError, TypeError):
        turn.whole(json.dumps(data).encode())


CUT: dict[str, tuple[bytes, bytes]] = {
    "anthropic": (
        r.anthropic_stream([r.call("t1", ref="a")], "max_tokens"),
        r.anthropic_whole([r.call("t1", ref="a")], "max_tokens"),
    ),
    "chat": (
        r.chat_stream("", [r.chat_call("t1", ref="a")], "length"),
        r.chat_whole(None, [r.chat_call("t1", ref="a")], "length"),
    ),
}


@pytest.mark.parametrize("dialect", list(CUT))
@pytest.mark.parametrize("earlier", [0, 1])
def test_a_reply_that_ends_within_a_call_of_ours_is_no_message_of_nothing(
    dialect: str, earlier: int
) -> None:
    """Providers refuse such a message when it comes back in the next turn's transcript."""
    stream, whole = CUT[dialect]
    asks = {
        "anthropic": (
            r.anthropic_stream([r.call("t0", ref="a")], "tool_use"),
            r.anthropic_whole([r.call("t0", ref="a")], "tool_use"),
        ),
        "chat": (
            r.chat_stream("", [r.chat_call("t0", ref="a")], "tool_calls"),
            r.chat_whole(None, [r.chat_call("t0", ref="a")], "tool_calls"),
        ),
    }[dialect]
    out, turn, _ = play(dialect, [asks[0]] * earlier + [stream])
    reply, same, _ = _whole(dialect, [asks[1]] * earlier + [whole])
    assert turn.left_out == same.left_out == 1
    if dialect == "anthropic":
        for message in (anthropic_message(out), reply):
            assert message["content"] == [r.said(CUT_OFF)]
            assert message["stop_reason"] == "max_tokens"
    else:
        told, finish, _, _ = chat_message(out)
        choice = cast("list[dict[str, object]]", reply["choices"])[0]
        message = cast("dict[str, object]", choice["message"])
        assert (told["content"], finish) == (CUT_OFF, "length")
        assert (message["content"], choice["finish_reason"]) == (CUT_OFF, "length")
        assert "tool_calls" not in told | message


@EVERY
def test_a_reply_of_nothing_is_the_provider_s(dialect: str) -> None:
    nothing = {
        "anthropic": r.anthropic_stream([], "max_tokens"),
        "chat": r.chat_stream("", [], "length"),
        "responses": r.responses_stream([]),
    }[dialect]
    assert play(dialect, [nothing])[0] == nothing
    after = play(dialect, [ASKS[dialect], nothing])[0]
    assert CUT_OFF.encode() not in after
    if dialect == "anthropic":
        asks = r.anthropic_whole([r.call("t0", ref="a")], "tool_use")
        reply, _, _ = _whole(dialect, [asks, r.anthropic_whole([], "end_turn")])
        assert reply["content"] == []
