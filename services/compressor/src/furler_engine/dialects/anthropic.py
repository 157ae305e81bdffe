"""Anthropic Messages: system, then messages of content blocks; cache_control marks breakpoints."""

from __future__ import annotations

from typing import Final

from furler_engine.dialects.block import Collector, Role
from furler_engine.dialects.json_scan import BodyError, Span

_PART: Final = (
    "type", "text", "cache_control", "id", "name", "input", "tool_use_id", "content", "source",
    "citations",
)  # fmt: skip
_TEXT_ROLES: Final = {
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "system": Role.SYSTEM,
}


def read(out: Collector) -> None:
    """Read a body. Raises BodyError."""
    json = out.json
    top = json.members(out.root(), ("system", "messages", "cache_control"))
    if "messages" not in top:
        raise BodyError("the body has no messages")
    if "system" in top:
        _content(out, top["system"], "/system", "system", -1)
    for index, message in enumerate(json.elements(top["messages"])):
        fields = json.members(message, ("role", "content"))
        if "content" not in fields:
            raise BodyError(f"message {index} has no content")
        role = out.string(fields.get("role"))
        _content(out, fields["content"], f"/messages/{index}/content", role, index)
        out.end = message.end
    if "cache_control" in top and not json.is_null(top["cache_control"]):
        out.mark_breakpoint()  # automatic caching: up to the last block


def _content(out: Collector, span: Span, pointer: str, role: str, message: int) -> None:
    json = out.json
    if json.is_string(span):
        text_role = _TEXT_ROLES.get(role)
        if text_role is not None:
            out.add(text_role, pointer, span, message)
        return
    if not json.is_array(span):
        raise BodyError(f"want text or an array at byte {span.start}")
    for index, part in enumerate(json.elements(span)):
        fields = json.members(part, _PART)
        _part(out, fields, f"{pointer}/{index}", role, message)
        if "cache_control" in fields and not json.is_null(fields["cache_control"]):
            out.mark_breakpoint()


def _part(out: Collector, fields: dict[str, Span], pointer: str, role: str, message: int) -> None:
    match role, out.string(fields.get("type")):
        case _, "text" if role in _TEXT_ROLES and "text" in fields:
            out.add(_TEXT_ROLES[role], f"{pointer}/text", fields["text"], message)
        case "assistant", "tool_use" if "input" in fields:
            name, call_id = out.string(fields.get("name")), out.string(fields.get("id"))
            out.add_call(name, call_id, fields["input"], f"{pointer}/input", message)
        case "user", "tool_result" if "content" in fields:
            call_id = out.string(fields.get("tool_use_id"))
            _result(out, fields["content"], f"{pointer}/content", call_id, message)
        case "user", "document" | "search_result":
            _document(out, fields, pointer, message)


def _result(out: Collector, span: Span, pointer: str, call_id: str, message: int) -> None:
    json = out.json
    if json.is_string(span):
        out.add_result(call_id, pointer, span, message)
    if not json.is_array(span):
        return
    for index, part in enumerate(json.elements(span)):
        fields = json.members(part, _PART)
        at = f"{pointer}/{index}"
        match out.string(fields.get("type")):
            case "text" if "text" in fields:
                out.add_result(call_id, f"{at}/text", fields["text"], message)
            case "document" | "search_result":
                _document(out, fields, at, message)
        if "cache_control" in fields and not json.is_null(fields["cache_control"]):
            out.mark_breakpoint()


def _document(out: Collector, fields: dict[str, Span], pointer: str, message: int) -> None:
    """Read the text of a document or a search result; what is cited must stay as it is."""
    json = out.json
    role = Role.CITED if _is_cited(out, fields) else Role.DOCUMENT
    if "source" in fields and json.is_object(fields["source"]):
        source = json.members(fields["source"], ("type", "data", "content"))
        kind = out.string(source.get("type"))
        if kind == "text" and "data" in source:
            out.add(role, f"{pointer}/source/data", source["data"], message)
        elif kind == "content" and "content" in source:
            _texts(out, source["content"], f"{pointer}/source/content", role, message)
    elif "content" in fields:
        _texts(out, fields["content"], f"{pointer}/content", role, message)


def _texts(out: Collector, span: Span, pointer: str, role: Role, message: int) -> None:
    if out.json.is_string(span):
        out.add(role, pointer, span, message)
    elif out.json.is_array(span):
        for index, part in enumerate(out.json.elements(span)):
            fields = out.json.members(part, ("type", "text"))
            if out.string(fields.get("type")) == "text" and "text" in fields:
                out.add(role, f"{pointer}/{index}/text", fields["text"], message)


def _is_cited(out: Collector, fields: dict[str, Span]) -> bool:
    citations = fields.get("citations")
    if citations is None or not out.json.is_object(citations):
        return False
    enabled = out.json.members(citations, ("enabled",)).get("enabled")
    return enabled is not None and out.json.is_true(enabled)
