"""OpenAI Responses: instructions, then input items; calls and their outputs are items of their own."""

from __future__ import annotations

from typing import Final

from furler_engine.dialects.block import Collector, Role
from furler_engine.dialects.json_scan import BodyError, Span

_ITEM: Final = (
    "type", "role", "content", "call_id", "name", "arguments", "input", "output", "action",
)  # fmt: skip
_TEXT_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
}
_TEXTS: Final = ("input_text", "output_text", "text")
_CALLS: Final = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "shell_call": "action",
}
"""Items that call a tool of the client's, and the member that says with what."""
_OUTPUTS: Final = ("function_call_output", "custom_tool_call_output", "local_shell_call_output")


def read(out: Collector) -> None:
    """Read a body. Raises BodyError."""
    top = out.json.members(out.root(), ("instructions", "input"))
    if "input" not in top:
        raise BodyError("the body has no input")
    if "instructions" in top:
        out.add(Role.SYSTEM, "/instructions", top["instructions"], -1)
    given = top["input"]
    if out.json.is_string(given):
        out.add(Role.USER, "/input", given, 0)
        out.end = given.end
        return
    for index, item in enumerate(out.json.elements(given)):
        _item(out, out.json.members(item, _ITEM), f"/input/{index}", index)
        out.end = item.end


def _item(out: Collector, fields: dict[str, Span], pointer: str, message: int) -> None:
    kind = out.string(fields.get("type")) or "message"
    key = out.string(fields.get("call_id"))
    if kind == "message":
        role = _TEXT_ROLES.get(out.string(fields.get("role")))
        if role is not None and "content" in fields:
            _message(out, fields["content"], f"{pointer}/content", role, message)
    elif kind in _CALLS and _CALLS[kind] in fields:
        name = out.string(fields.get("name")) or kind.removesuffix("_call")
        given = _CALLS[kind]
        out.add_call(name, key, fields[given], f"{pointer}/{given}", message)
    elif kind in _OUTPUTS and "output" in fields:
        _output(out, fields["output"], f"{pointer}/output", key, message)


def _message(out: Collector, span: Span, pointer: str, role: Role, message: int) -> None:
    if out.json.is_string(span):
        out.add(role, pointer, span, message)
    elif out.json.is_array(span):
        for at, text in _texts(out, span, pointer):
            out.add(role, at, text, message)
    elif not out.json.is_null(span):
        raise BodyError(f"want text or an array at byte {span.start}")


def _output(out: Collector, span: Span, pointer: str, key: str, message: int) -> None:
    if out.json.is_string(span):
        out.add_result(key, pointer, span, message)
    elif out.json.is_array(span):
        for at, text in _texts(out, span, pointer):
            out.add_result(key, at, text, message)


def _texts(out: Collector, span: Span, pointer: str) -> list[tuple[str, Span]]:
    found: list[tuple[str, Span]] = []
    for index, part in enumerate(out.json.elements(span)):
        fields = out.json.members(part, ("type", "text"))
        if out.string(fields.get("type")) in _TEXTS and "text" in fields:
            found.append((f"{pointer}/{index}/text", fields["text"]))
    return found
