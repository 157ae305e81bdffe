"""Turns of each dialect to play: recorded rounds, and the request that they answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from furler_gateway.proxy.sse import Splitter
from furler_gateway.proxy.tool import Answer
from furler_gateway.proxy.turns.anthropic import AnthropicTurn
from furler_gateway.proxy.turns.chat import ChatTurn
from furler_gateway.proxy.turns.responses import ResponsesTurn
from furler_gateway.proxy.turns.turn import Turn
from support import recorded as r

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


def fed(turn: Turn, stream: bytes, size: int = 0) -> bytes:
    """Feed a round in pieces of a size, as the gateway does; return what the client gets."""
    splitter = Splitter()
    step = size or len(stream)
    out = bytearray()
    for at in range(0, len(stream), step):
        chunk = stream[at : at + step]
        begin = splitter.skipped(chunk, turn.passes)
        out += chunk[:begin]
        for raw, passes in splitter.pieces(chunk[begin:], turn.passes):
            out += raw if passes else turn.event(raw)
    return bytes(out) + splitter.rest()


def answered(turn: Turn) -> list[Answer]:
    return [Answer(call, f"lines for {call.id}") for call in turn.calls()]


def play(dialect: str, rounds: Sequence[bytes], size: int = 0) -> tuple[bytes, Turn, bytes]:
    """Play a turn; return what the client got, the turn, and the last request."""
    turn, body, out = TURNS[dialect](), REQUESTS[dialect], bytearray()
    for at, stream in enumerate(rounds):
        out += fed(turn, stream, size)
        if at < len(rounds) - 1:
            body = turn.next_body(body, answered(turn))
    return bytes(out + turn.end()), turn, body
