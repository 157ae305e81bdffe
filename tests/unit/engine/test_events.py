"""Server-sent events: all of a stream in a tenth of its tokens, errors and usage as printed."""

import json

import pytest

from furler_engine.compressors import events
from furler_engine.coverage import check
from furler_engine.detect import detect
from furler_engine.pipeline import compress
from furler_engine.shared.event_stream import is_stream, read
from furler_engine.types import Draft, Hints, Kind, Policy, Source

WORDS = [
    f" {word}" for word in ("the test failed | because the “ledger” was closed\n" * 9).split(" ")
]


def chunk(delta: dict[str, object], **more: object) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    data = {"id": "chatcmpl-B9MBs8Cjcv", "created": 1741569952, "choices": [choice], **more}
    return f"data: {json.dumps(data, separators=(',', ':'), ensure_ascii=False)}\n\n"


USAGE = chunk({}, usage={"prompt_tokens": 1117, "completion_tokens": 99})
ERROR = 'event: error\ndata: {"type":"error","error":{"message":"Overloaded"}}\n\n'
CHAT = "".join(chunk({"content": word}) for word in WORDS) + USAGE + ERROR + "data: [DONE]\n\n"
NUMBERED = "".join(
    f'id: {n}\nevent: step\ndata: {{"n": {n * 3}, "ok": {"false" if n == 7 else "true"}}}\n\n'
    for n in range(20)
)


HEADERS = (
    "HTTP/1.1 200 OK\ndate: Fri, 20 Nov 2026 20:30:00 GMT\ncontent-type: text/event-stream; charset=utf-8\n"
    "x-request-id: req_0123\ntransfer-encoding: chunked\n\n"
)


def proven(text: str) -> Draft | None:
    source = Source(text)
    draft = events.plan(source, Policy())
    if draft is not None:
        check(source, draft)
        assert draft.total == draft.shown == len(source.lines)
    return draft


@pytest.mark.parametrize(
    "text",
    [
        CHAT,
        CHAT.rstrip("\n"),
        CHAT + "\n\n\n",
        ": keep-alive\n\n" + CHAT.replace(ERROR, f"{ERROR}: keep-alive\n\n\n"),
        CHAT.replace("\n", "\r\n"),
        CHAT.replace("\n\n", "\n"),
        HEADERS + CHAT,
        NUMBERED,
        NUMBERED.replace("id: 9\n", "id: 9\ndata: more\n"),
        CHAT.replace("the", "e" * 30_000, 1),
        "retry\ndata\n\n" + "data: step 5 of 9\n\n" * 9 + "".join(f"data: step {n} of 9\n\n" for n in range(9)),
    ],
)  # fmt: skip
def test_a_stream_is_read_back_line_for_line(text: str) -> None:
    assert proven(text) is not None


def test_pieces_of_a_text_stand_on_one_line_and_what_ends_it_as_printed() -> None:
    draft = proven(CHAT)
    assert draft is not None
    assert '"content":"‹1›"' in draft.text
    assert (
        "‹1› texts split by ¦:  the¦ test¦ failed¦ |¦ because¦ the¦ “ledger”¦ was¦ closed\\nthe¦"
        in draft.text
    )
    assert USAGE.rstrip() in draft.text
    assert ERROR.rstrip() in draft.text
    assert len(draft.text) < len(CHAT) / 7


def test_numbers_that_rise_by_a_step_are_told_by_it() -> None:
    draft = proven(NUMBERED)
    assert draft is not None
    assert draft.text.split("\n")[1:8] == [
        "[×20 events of 3 lines, each:]",
        "id: ‹1›",
        "event: step",
        'data: {"n": ‹2›, "ok": ‹3›}',
        "‹1› from 0 by 1",
        "‹2› from 0 by 3",
        "‹3› values split by |: " + "|".join("false" if n == 7 else "true" for n in range(20)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        CHAT.replace("failed", "‹1›", 1),
        "[×2 events of 1 line, each:]\n" + CHAT,
        CHAT.replace("\n", "\r\n", 5),
        "".join(f"data: {'|¦│‖⁞'[n % 5]} {n % 3}\n\n" for n in range(5)),
        "key: value\nother: value\n" * 40,
        "data: 1\n",
        "",
    ],
)
def test_what_is_no_stream_or_would_be_misread_is_left_alone(text: str) -> None:
    assert proven(text) is None


@pytest.mark.parametrize(
    "text", [CHAT, NUMBERED, HEADERS + CHAT, CHAT.replace("\n\n", "\n"), CHAT.replace("\n", "\r\n")]
)
def test_a_stream_is_known_and_nothing_of_it_left_out(text: str) -> None:
    view = compress(text, Hints(), Policy(), "a" * 16)
    assert (view.kind, view.compressors, view.elisions) == (Kind.LOG, ("events",), ())


def test_settings_are_no_stream() -> None:
    text = "event:\n  data: 3\n  id: 4\nother:\n  data: 5\n" * 9
    assert not is_stream(Source(text).lines)
    assert detect(Source(text)) is Kind.CONFIG


def test_an_event_with_quotes_that_are_not_closed_has_its_numbers_for_values() -> None:
    (event,) = read(['data: {"a": "b\\" 12'])
    assert (event.fixed, event.values) == (('data: {"a": "b\\" ', ""), ("12",))
