"""OpenAI Chat Completions: messages by role; tool calls carry their arguments as a JSON string."""

from __future__ import annotations

from typing import Final

from furler_engine.dialects.block import Collector, Role
from furler_engine.dialects.json_scan import BodyError, Span

_MESSAGE: Final = (
    "role", "content", "tool_calls", "function_call", "tool_call_id", "name", "cache_control",
)  # fmt: skip
_TEXT_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}


def read(out: Collector) -> None:
    """Read a body. Raises BodyError."""
    top = out.json.members(out.root(), ("messages",))
    if "messages" not in top:
        raise BodyError("the body has no messages")
    for index, message in enumerate(out.json.elements(top["messages"])):
        fields = out.json.members(message, _MESSAGE)
        _message(out, fields, f"/messages/{index}", index)
        _breakpoint(out, fields)
        out.end = message.end


def _message(out: Collector, fields: dict[str, Span], pointer: str, message: int) -> None:
    role = out.string(fields.get("role"))
    if not role:
        raise BodyError(f"message {message} has no role")
    # Results of the older function calls are found by the function's name.
    answers = out.string(fields.get("tool_call_id" if role == "tool" else "name"))
    if "content" in fields:
        _content(out, fields["content"], f"{pointer}/content", (role, answers), message)
    if role != "assistant":
        return
    if "tool_calls" in fields and out.json.is_array(fields["tool_calls"]):
        for index, call in enumerate(out.json.elements(fields["tool_calls"])):
            parts = out.json.members(call, ("id", "function", "custom"))
            at, key = f"{pointer}/tool_calls/{index}", out.string(parts.get("id"))
            _call(out, parts, (at, key), message)
    if "function_call" in fields and out.json.is_object(fields["function_call"]):
        function = out.json.members(fields["function_call"], ("name", "arguments"))
        name = out.string(function.get("name"))
        if "arguments" in function:
            at = f"{pointer}/function_call/arguments"
            out.add_call(name, name, function["arguments"], at, message)


def _call(out: Collector, parts: dict[str, Span], place: tuple[str, str], message: int) -> None:
    pointer, key = place
    for form, arguments in (("function", "arguments"), ("custom", "input")):
        if form in parts and out.json.is_object(parts[form]):
            function = out.json.members(parts[form], ("name", arguments))
            if arguments in function:
                name, at = out.string(function.get("name")), f"{pointer}/{form}/{arguments}"
                out.add_call(name, key, function[arguments], at, message)


def _content(out: Collector, span: Span, pointer: str, who: tuple[str, str], message: int) -> None:
    role, answers = who
    if out.json.is_string(span):
        _text(out, role, answers, (pointer, span), message)
    elif out.json.is_array(span):
        for index, part in enumerate(out.json.elements(span)):
            fields = out.json.members(part, ("type", "text", "cache_control"))
            if out.string(fields.get("type")) == "text" and "text" in fields:
                _text(out, role, answers, (f"{pointer}/{index}/text", fields["text"]), message)
            _breakpoint(out, fields)
    elif not out.json.is_null(span):
        raise BodyError(f"want text or an array at byte {span.start}")


def _text(out: Collector, role: str, answers: str, place: tuple[str, Span], message: int) -> None:
    pointer, span = place
    if role in ("tool", "function"):
        out.add_result(answers, pointer, span, message)
    elif role in _TEXT_ROLES:
        out.add(_TEXT_ROLES[role], pointer, span, message)


def _breakpoint(out: Collector, fields: dict[str, Span]) -> None:
    """Take note of a breakpoint: routers pass cache_control on to providers that know it."""
    if "cache_control" in fields and not out.json.is_null(fields["cache_control"]):
        out.mark_breakpoint()
