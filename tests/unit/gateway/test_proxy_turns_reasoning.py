"""Reasoning stays with what it led to, or a client's next turn is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from furler_gateway.proxy.turns.anthropic import AnthropicTurn
from furler_gateway.proxy.turns.responses import ResponsesTurn
from support import recorded as r
from support.transcripts import anthropic_message, events, responses_response
from support.turns import REQUESTS, answered, fed

Json = dict[str, object]
ROUNDS = st.tuples(
    st.lists(st.from_regex(r"\A[RM]{0,2}R?O[RMO]{0,3}\Z"), max_size=2),
    st.from_regex(r"\A[RMOT]{0,5}\Z"),
).map(lambda rounds: [*rounds[0], rounds[1] if "T" in rounds[1] else rounds[1].replace("O", "")])
"""Rounds by the kinds of their items: reasoning, messages, our calls, and in the last one the client's."""


def _items(kinds: str, numbers: count[int]) -> list[Json]:
    made: list[Json] = []
    for kind in kinds:
        n = next(numbers)
        made.append(
            {
                "R": r.reasoning(f"x{n}"),
                "M": r.message(f"said {n}", f"msg_{n}"),
                "O": r.function_call(f"o{n}", ref="a"),
                "T": r.function_call(f"t{n}", "bash", n=n),
            }[kind]
        )
    return made


def _expected(rounds: Sequence[Sequence[Json]], kinds: Sequence[str]) -> list[Json]:
    """Return what the client gets: each round without our calls, and what led to those alone."""
    kept: list[Json] = []
    for items, kind in zip(rounds, kinds, strict=True):
        marked = re.sub(r"R+O+(?=R|\Z)", lambda match: "-" * len(match[0]), kind)
        kept += [i for i, k in zip(items, marked, strict=True) if k not in "-O"]
    return kept


@settings(max_examples=300, deadline=None)
@given(ROUNDS, st.sampled_from([0, 1, 13, 200]))
def test_reasoning_goes_no_further_than_what_it_led_to(kinds: list[str], size: int) -> None:
    numbers = count()
    rounds = [_items(kind, numbers) for kind in kinds]
    turn, whole = ResponsesTurn(), ResponsesTurn()
    body, same, out = REQUESTS["responses"], REQUESTS["responses"], b""
    for at, items in enumerate(rounds):
        out += fed(turn, r.responses_stream(items, f"resp_{at}"), size)
        whole.whole(r.responses_whole(items, f"resp_{at}"))
        if at < len(rounds) - 1:
            body = turn.next_body(body, answered(turn))
            same = whole.next_body(same, answered(whole))
            # The provider gets all of it back.
            assert [i for i in json.loads(body)["input"] if i in items] == items
    assert body == same
    final, done, sequence = responses_response(out + turn.end())
    assert final["output"] == _expected(rounds, kinds)
    assert done == dict(enumerate(_expected(rounds, kinds)))
    assert sequence == list(range(len(sequence)))
    assert json.loads(whole.end())["output"] == final["output"]


@pytest.mark.parametrize("size", [0, 1, 50])
def test_reasoning_that_led_to_no_call_of_ours_passes_as_it_is(size: int) -> None:
    stream = r.responses_stream(_items("RRMRTR", count()))
    turn = ResponsesTurn()
    assert fed(turn, stream, size) + turn.end() == stream


def test_reasoning_waits_for_what_comes_after_and_nothing_else_does() -> None:
    stream = r.responses_stream(_items("RM", count()))
    first = stream[: stream.index(b"event: response.content_part.added")]
    shown = first.index(b"event: response.output_item.added")
    waiting = first.index(b"event: response.output_item.added", shown + 1)
    turn = ResponsesTurn()
    assert fed(turn, first[:waiting]) == first[:shown]
    keepalive = b'event: keepalive\ndata: {"type": "keepalive", "sequence_number": 9}\n\n'
    assert fed(turn, keepalive) == keepalive
    assert fed(turn, first[waiting:]) == first[shown:]


def test_where_there_is_nothing_to_ask_for_reasoning_does_not_wait() -> None:
    stream = r.responses_stream(_items("RM", count()))
    turn = ResponsesTurn(may_ask=False)
    assert all(turn.event(event + b"\n\n") for event in stream.split(b"\n\n") if event)
    turn = ResponsesTurn(may_ask=False)
    out = fed(turn, r.responses_stream(_items("RO", count())))
    turn.next_body(REQUESTS["responses"], answered(turn))
    out += fed(turn, r.responses_stream(_items("M", count(5)), "resp_2")) + turn.end()
    final, done, _ = responses_response(out)
    assert (
        final["output"] == list(done.values()) == [r.reasoning("x0"), r.message("said 5", "msg_5")]
    )


def test_reasoning_of_a_stream_that_breaks_off_is_not_lost() -> None:
    stream = r.responses_stream(_items("R", count()))
    cut = stream.index(b"event: response.completed")
    turn = ResponsesTurn()
    assert fed(turn, stream[:cut]) + turn.end() == stream[:cut]
    assert events(stream[:cut])[-1]["type"] == "response.output_item.done"


def _blocks(kinds: str, numbers: count[int]) -> list[Json]:
    made: list[Json] = []
    for kind in kinds:
        n = next(numbers)
        made.append(
            {
                "R": r.thinking(f"x{n}"),
                "M": r.said(f"said {n}"),
                "O": r.call(f"o{n}", ref="a"),
                "T": r.call(f"t{n}", "bash", n=n),
            }[kind]
        )
    return made


def _message(rounds: Sequence[Sequence[Json]], kinds: Sequence[str]) -> list[Json]:
    """Return what the client gets: thinking follows no thinking that had a call of ours behind it."""
    marked = re.sub(r"R+[O|]+(?=R)", lambda match: "-" * len(match[0]), "|".join(kinds))
    blocks: list[Json | None] = []
    for each in rounds:
        blocks += [*each, None]  # stands where one round ends
    return [b for b, kind in zip(blocks, marked + "|", strict=True) if b and kind in "RMT"]


@settings(max_examples=300, deadline=None)
@given(ROUNDS, st.sampled_from([0, 1, 13, 200]))
def test_thinking_follows_none_of_another_reply(kinds: list[str], size: int) -> None:
    numbers = count()
    rounds = [_blocks(kind, numbers) for kind in kinds]
    turn, whole = AnthropicTurn(), AnthropicTurn()
    body, same, out = REQUESTS["anthropic"], REQUESTS["anthropic"], b""
    for at, blocks in enumerate(rounds):
        stop = "tool_use" if set(kinds[at]) & {"O", "T"} else "end_turn"
        out += fed(turn, r.anthropic_stream(blocks, stop), size)
        whole.whole(r.anthropic_whole(blocks, stop))
        if at < len(rounds) - 1:
            body = turn.next_body(body, answered(turn))
            same = whole.next_body(same, answered(whole))
            assert json.loads(body)["messages"][-2]["content"] == blocks
    assert json.loads(body) == json.loads(same)
    message = anthropic_message(out + turn.end())
    assert message["content"] == _message(rounds, kinds)
    assert json.loads(whole.end())["content"] == message["content"]


@pytest.mark.parametrize("size", [0, 1, 50])
def test_thinking_that_led_to_no_call_of_ours_passes_as_it_is(size: int) -> None:
    stream = r.anthropic_stream(_blocks("RRMRTR", count()), "tool_use")
    turn = AnthropicTurn()
    assert fed(turn, stream, size) + turn.end() == stream


def test_thinking_begins_the_message_where_the_next_round_has_none() -> None:
    """Before a call the provider wants the message to begin with it."""
    turn = AnthropicTurn()
    first, second = _blocks("RO", numbers := count()), _blocks("T", numbers)
    out = fed(turn, r.anthropic_stream(first, "tool_use"))
    turn.next_body(REQUESTS["anthropic"], answered(turn))
    out += fed(turn, r.anthropic_stream(second, "tool_use")) + turn.end()
    assert anthropic_message(out)["content"] == [first[0], second[0]]


def test_thinking_waits_for_what_comes_after_and_nothing_else_does() -> None:
    stream = r.anthropic_stream(_blocks("RM", count()))
    begin = stream.index(b"event: content_block_start")
    text = stream.index(b"event: content_block_start", begin + 1)
    turn = AnthropicTurn()
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    assert fed(turn, stream[:text]) == stream[:begin]
    assert fed(turn, ping) == ping
    assert fed(turn, stream[text:]) == stream[begin:]
    free = AnthropicTurn(may_ask=False)
    assert fed(free, stream[:text]) == stream[:text]
