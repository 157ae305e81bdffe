"""A model that looks at what it was shown: it asks for what a view left out, then answers.

It speaks the three dialects, streaming and not, as its request asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

from support import recorded as r
from support.fake_provider import Got, Says, stream

_REF = re.compile(rb'retrieve\(ref=\\+"([a-z2-7]{16})')
FATAL = "FATAL db pool exhausted"
ANSWER = "The pool was exhausted."


@dataclass
class Model:
    """Calls our tool ``rounds`` times, with the arguments given, then answers."""

    rounds: int = 1
    at_once: int = 1
    arguments: dict[str, object] = field(default_factory=lambda: {"match": "FATAL"})
    error: Says | None = None
    """Said instead of the answer."""
    obeys: bool = True
    """Whether it calls no tool where a request forbids it."""

    def __call__(self, got: Got) -> Says:
        asked = json.loads(got.body)
        body = got.body
        if refused := _refused(asked.get("input")) or _modified(asked.get("messages", [])):
            return refused
        done = body.count(b"furler_retrieve") - 1
        ref = _REF.search(body)
        may_call = not self.obeys or asked.get("tool_choice") not in ("none", {"type": "none"})
        if ref is None or done >= self.rounds * self.at_once or not may_call:
            return self.error if self.error is not None else _answer(got, asked)
        calls = [
            (f"call_{done + at}", {"ref": ref[1].decode(), **self.arguments})
            for at in range(self.at_once)
        ]
        return _calls(got, asked, calls, f"hm{done}")


def _refused(items: object) -> Says | None:
    """Return OpenAI's refusal of reasoning without what it led to: here always a call."""
    if not isinstance(items, list):
        return None
    for item, following in pairwise([*items, {}]):
        if item.get("type") == "reasoning" and following.get("type") != "function_call":
            why = f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
            error = {
                "message": why,
                "type": "invalid_request_error",
                "param": "input",
                "code": None,
            }
            return Says([json.dumps({"error": error}).encode()], 400)
    return None


def _modified(messages: list[dict[str, Any]]) -> Says | None:
    """Return Anthropic's refusal of thinking that did not follow each other: here each is followed by something."""
    for at, message in enumerate(messages):
        content = message["content"] if isinstance(message.get("content"), list) else []
        kinds = [block.get("type") for block in content]
        if ("thinking", "thinking") in pairwise(kinds):
            why = f"messages.{at}.content: `thinking` blocks in the latest assistant message cannot be modified."
            error = {"type": "invalid_request_error", "message": why}
            return Says([json.dumps({"type": "error", "error": error}).encode()], 400)
    return None


def _kind(got: Got) -> str:
    return got.path.partition("?")[0].rpartition("/")[2]


def _answer(got: Got, asked: dict[str, object]) -> Says:
    own = f"msg_{len(got.body)}"  # clients put together what has one id
    makers: dict[str, tuple[Callable[[], bytes], Callable[[], bytes]]] = {
        "messages": (
            lambda: r.anthropic_stream([r.thinking("so"), r.said(ANSWER)], read=150, reply_id=own),
            lambda: r.anthropic_whole([r.thinking("so"), r.said(ANSWER)], read=150),
        ),
        "completions": (
            lambda: r.chat_stream(ANSWER, reply_id="chatcmpl-2"),
            lambda: r.chat_whole(ANSWER),
        ),
        "responses": (
            lambda: r.responses_stream([r.message(ANSWER, "msg_2")], "resp_2"),
            lambda: r.responses_whole([r.message(ANSWER, "msg_2")], "resp_2"),
        ),
    }
    return _said(makers[_kind(got)], asked)


def _calls(
    got: Got, asked: dict[str, object], calls: list[tuple[str, dict[str, object]]], thought: str
) -> Says:
    anthropic = [
        r.thinking(thought),
        *(r.call(name, **cast("Any", given)) for name, given in calls),
    ]
    chat = [r.chat_call(name, **cast("Any", given)) for name, given in calls]
    items = [
        r.reasoning(thought),
        *(r.function_call(name, **cast("Any", given)) for name, given in calls),
    ]
    own = f"msg_{len(got.body)}"  # clients put together what has one id
    makers: dict[str, tuple[Callable[[], bytes], Callable[[], bytes]]] = {
        "messages": (
            lambda: r.anthropic_stream(anthropic, "tool_use", 100, own),
            lambda: r.anthropic_whole(anthropic, "tool_use", 100),
        ),
        "completions": (
            lambda: r.chat_stream("", chat, "tool_calls"),
            lambda: r.chat_whole(None, chat, "tool_calls"),
        ),
        "responses": (lambda: r.responses_stream(items), lambda: r.responses_whole(items)),
    }
    return _said(makers[_kind(got)], asked)


def _said(
    makers: tuple[Callable[[], bytes], Callable[[], bytes]], asked: dict[str, object]
) -> Says:
    if asked.get("stream"):
        return stream(makers[0](), step=97)
    return Says([makers[1]()])
