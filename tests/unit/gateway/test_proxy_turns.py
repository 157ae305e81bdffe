"""Turns made of several rounds: what the client sees, and what the provider is sent next."""

from __future__ import annotations

import json
from typing import cast

import pytest

from furler_gateway.proxy.sse import Splitter, cut
from furler_gateway.proxy.turns.responses import ResponsesTurn
from furler_gateway.proxy.turns.turn import STOPPED
from support import recorded as r
from support.transcripts import anthropic_message, chat_message, responses_response
from support.turns import (
    ASKS,
    EVERY,
    GOES_ON,
    MIXED,
    PLAIN,
    REQUESTS,
    TURNS,
    answered,
    fed,
    play,
)  # fmt: skip


@EVERY
def test_a_stream_without_our_calls_passes_as_it_is(dialect: str) -> None:
    stream = PLAIN[dialect]
    for size in (0, 1, 2, 7, 100):
        out, turn, _ = play(dialect, [stream], size)
        assert out == stream
        assert list(turn.calls()) == []


@EVERY
def test_a_turn_of_two_rounds_is_the_same_in_whatever_pieces_it_comes(dialect: str) -> None:
    rounds = [ASKS[dialect], GOES_ON[dialect]]
    whole, turn, body = play(dialect, rounds)  # at once, so event by event
    for size in (1, 2, 3, 5, 17, 64, 300, 1000):
        out, same, sent = play(dialect, rounds, size)
        assert (out, sent, same.usages) == (whole, body, turn.usages)


@EVERY
def test_pieces_of_text_pass_in_one_and_nothing_else_does(dialect: str) -> None:
    said = "It is \u00e9. " * 100
    stream = {
        "anthropic": r.anthropic_stream([r.said(said), r.call("t", "bash", n=1)], "tool_use"),
        "chat": r.chat_stream(said, [r.chat_call("c", "bash", n=1)], "tool_calls"),
        "responses": r.responses_stream([r.message(said), r.function_call("c", "bash", n=1)]),
    }[dialect]
    turn, passed = TURNS[dialect](), []
    for raw, passes in Splitter().pieces(stream, turn.passes):
        if passes:
            passed += cut(raw)
        else:
            turn.event(raw)
    plain = {
        "anthropic": (b"content_block_delta", b"content_block_stop", b"ping"),
        "chat": (b'"content"',),
        "responses": (b".delta",),
    }[dialect]
    assert len(passed) > 50
    assert all(any(sign in event for sign in plain) for event in passed)
    telling = (b"_start", b"message_", b"done", b'"tool_calls"', b'_reason": "')
    assert not any(sign in event for event in passed for sign in telling)


@EVERY
def test_our_calls_are_given_with_what_the_model_wrote(dialect: str) -> None:
    turn = TURNS[dialect]()
    fed(turn, ASKS[dialect])
    assert [(c.id, json.loads(c.arguments)) for c in turn.calls()] == [
        ("t1", {"ref": "a"}),
        ("t2", {"ref": "b"}),
    ]


@EVERY
def test_the_next_request_begins_with_the_bytes_of_the_one_before(dialect: str) -> None:
    _, _, body = play(dialect, [ASKS[dialect], GOES_ON[dialect]])
    before = REQUESTS[dialect]
    end = before.index(b"]")
    assert body.startswith(before[:end])
    assert body.endswith(before[end:])


def test_anthropic_the_client_sees_one_message() -> None:
    out, _, _ = play("anthropic", [ASKS["anthropic"], GOES_ON["anthropic"]])
    message = anthropic_message(out)
    assert message["content"] == [
        r.thinking("hm"), r.said("Let me look."), r.thinking("so"), r.said("It was the pool."),
        r.call("t3", "bash", cmd="ls"),
    ]  # fmt: skip
    assert message["stop_reason"] == "tool_use"
    assert message["id"] == "msg_1"
    assert out.count(b"event: message_start") == out.count(b"event: message_stop") == 1


def test_anthropic_usage_is_that_of_all_rounds() -> None:
    out, turn, _ = play("anthropic", [ASKS["anthropic"], GOES_ON["anthropic"]])
    usage = anthropic_message(out)["usage"]
    assert usage == r.anthropic_usage(210, 24, 60) | {
        "cache_creation_input_tokens": 10,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 0},
        "iterations": [r.sampling(100, 30), r.sampling(110, 30)],
    }
    assert [each["cache_read_input_tokens"] for each in turn.usages] == [100, 110]


def test_anthropic_s_own_samplings_stand_among_those_of_the_rounds() -> None:
    own = [{"type": "compaction", "input_tokens": 900, "output_tokens": 9}, r.sampling(7, 30)]
    told = json.dumps({"output_tokens": 30, "iterations": own})
    asks = ASKS["anthropic"].replace(b'{"output_tokens": 30}', told.encode())
    out, _, _ = play("anthropic", [asks, GOES_ON["anthropic"]])
    usage = cast("dict[str, object]", anthropic_message(out)["usage"])
    assert usage["iterations"] == [*own, r.sampling(110, 30)]


_AT = {"id": "container_1", "expires_at": "2026-11-20T22:00:00Z"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (b"", "container_1"),
        (b',"container": null', "container_1"),
        (b',"container":"container_0"', "container_0"),
        (b',"container":{"id":"container_0"}', {"id": "container_0"}),
        (b',"container":{"skills":[{"skill_id":"x"}]}', {"skills": [{"skill_id": "x"}], "id": "container_1"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [True, False])
def test_anthropic_goes_on_in_the_container_where_the_model_s_files_are(
    given: bytes, expected: object, *, stream: bool
) -> None:
    turn = TURNS["anthropic"]()
    if stream:
        stop = b'"stop_reason": "tool_use",'
        fed(turn, ASKS["anthropic"].replace(stop, stop + b'"container":%b,' % json.dumps(_AT).encode()))  # fmt: skip
    else:
        reply = json.loads(r.anthropic_whole([r.call("t1", ref="a")], "tool_use"))
        turn.whole(json.dumps(reply | {"container": _AT}).encode())
    request = REQUESTS["anthropic"].removesuffix(b"}") + given + b"}"
    made = json.loads(turn.next_body(request, answered(turn)))
    assert made["container"] == expected
    assert {name: made[name] for name in made if name not in ("messages", "container")} == {
        "n": 1.0
    }


def test_anthropic_the_provider_gets_its_blocks_back_and_the_answers() -> None:
    _, _, body = play("anthropic", [ASKS["anthropic"], GOES_ON["anthropic"]])
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
    out, _, _ = play("chat", [ASKS["chat"], GOES_ON["chat"]])
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
    _, _, body = play("chat", [ASKS["chat"], GOES_ON["chat"]])
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
    out, turn, _ = play("responses", [ASKS["responses"], GOES_ON["responses"]])
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
    _, _, body = play("responses", [ASKS["responses"], GOES_ON["responses"]])
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
    body = json.loads(turn.next_body(request_body, answered(turn)))
    assert [item.get("type", item.get("role")) for item in body["input"]] == expected


_RAN = {
    "type": "shell_call",
    "id": "sh_1",
    "call_id": "s1",
    "status": "completed",
    "action": {"commands": ["ls"]},
}
_FOUND = {
    "type": "tool_search_call",
    "id": "ts_1",
    "call_id": "f1",
    "status": "completed",
    "arguments": {},
}


@pytest.mark.parametrize(
    ("beside", "goes_on"),
    [
        ([_RAN, {"type": "shell_call_output", "id": "so_1", "call_id": "s1", "output": []}], True),
        ([_RAN], False),
        ([_FOUND | {"execution": "server"}], True),
        ([_FOUND | {"execution": "client"}], False),
        ([{"type": "web_search_call", "id": "ws_1", "status": "completed"}], True),
        ([r.function_call("t3", "bash")], False),
    ],
)  # fmt: skip
def test_responses_go_on_beside_calls_that_the_provider_has_run(
    beside: list[dict[str, object]], *, goes_on: bool
) -> None:
    """Left out there, our call would end the turn with nothing for the client to do."""
    items = [*beside, r.function_call("t1", ref="a")]
    turn = ResponsesTurn()
    fed(turn, r.responses_stream(items))
    assert [call.id for call in turn.calls()] == (["t1"] if goes_on else [])
    assert turn.left_out == (0 if goes_on else 1)
    if goes_on:
        body = json.loads(turn.next_body(REQUESTS["responses"], answered(turn)))
        assert body["input"][1:-1] == items


@EVERY
def test_beside_a_call_of_the_client_s_ours_is_left_out(dialect: str) -> None:
    out, turn, _ = play(dialect, [MIXED[dialect]])
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
@pytest.mark.parametrize("given", [b"", b',"tool_choice" : "auto"', b',"tool_choice":{"a":["b"]} '])
def test_the_last_round_s_request_forbids_tools_and_is_else_the_same(
    dialect: str, given: bytes
) -> None:
    request = REQUESTS[dialect].removesuffix(b"}") + given + b"}"
    turn, same = TURNS[dialect](), TURNS[dialect]()
    fed(turn, ASKS[dialect])
    fed(same, ASKS[dialect])
    free = same.next_body(request, answered(same))
    last = turn.next_body(request, answered(turn), is_last=True)
    none = b'{"type":"none"}' if dialect == "anthropic" else b'"none"'
    assert json.loads(last) == json.loads(free) | {"tool_choice": json.loads(none)}
    end = free.index(given) if given else len(free) - 1
    assert last.startswith(free[:end])


@EVERY
def test_a_turn_whose_calls_are_not_answered_ends_as_if_cut_off(dialect: str) -> None:
    turn = TURNS[dialect]()
    out = fed(turn, ASKS[dialect]) + turn.end()
    if dialect == "anthropic":
        message = anthropic_message(out)
        said = [r.thinking("hm"), r.said("Let me look."), r.said(STOPPED)]
        assert message["content"] == said
        assert message["stop_reason"] == "max_tokens"
    elif dialect == "chat":
        told, finish, _, usage = chat_message(out)
        content = f"Let me look.\n\n{STOPPED}"
        assert (told["content"], finish, usage) == (content, "length", r.chat_usage())
        assert "tool_calls" not in told
    else:
        final, _, _ = responses_response(out)
        assert final["output"] == [r.reasoning("hm"), r.message("Let me look.")]
        assert final["status"] == "incomplete"
        assert final["incomplete_details"] == {"reason": "max_output_tokens"}
        assert b"event: response.incomplete" in out
