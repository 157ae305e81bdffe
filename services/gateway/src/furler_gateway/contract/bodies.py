"""Where in a conversation's body the texts are that may be compressed. Pure.

Tool results and documents, nothing else: never system or user instructions,
assistant text, reasoning, or the arguments of calls. Three shapes are known:
OpenAI chat and Anthropic messages under ``messages``, OpenAI Responses under
``input``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

_RETRIEVE_TOOL: Final = re.compile(r"(?:.*__)?(?:furler_|headroom_)?retrieve")
"""Names, also through MCP (``mcp__server__retrieve``), of tools whose results are originals:
what was asked for in full is not compressed again."""
_RESPONSES_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_RESPONSES_OUTPUTS: Final = frozenset(
    {"function_call_output", "custom_tool_call_output", "local_shell_call_output"}
)
_TEXT_PARTS: Final = frozenset({"text", "input_text", "output_text"})

Object = dict[str, object]


class BodyError(ValueError):
    """The body is no conversation; the message names the place and holds no content."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One text that may be compressed: what it is, and where a view of it goes."""

    text: str
    tool: str
    holder: Object
    key: str

    def put(self, view: str) -> None:
        """Replace the text in the body."""
        self.holder[self.key] = view


@dataclass(slots=True)
class _Walk:
    """The names of the tools called so far, by id of the call."""

    tools: dict[str, str] = field(default_factory=dict)

    def tool_of(self, call_id: object, own: object = None) -> str:
        if isinstance(own, str) and own:
            return own
        return self.tools.get(call_id, "") if isinstance(call_id, str) else ""

    def called(self, call_id: object, name: object) -> None:
        if isinstance(call_id, str) and isinstance(name, str):
            self.tools[call_id] = name


def message_slots(messages: list[object], frozen: int) -> list[Slot]:
    """Return the slots of chat messages, but for the first so many. Raises BodyError."""
    walk = _Walk()
    slots: list[Slot] = []
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            raise BodyError(f"messages[{index}]: want an object")
        found = list(_of_message(walk, message))
        if index >= frozen:
            slots += found
    return slots


def input_slots(items: list[object], frozen: int) -> list[Slot]:
    """Return the slots of Responses items, but for the first so many. Raises BodyError."""
    walk = _Walk()
    slots: list[Slot] = []
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            raise BodyError(f"input[{index}]: want an object")
        found = list(_of_item(walk, item))
        if index >= frozen:
            slots += found
    return slots


def _of_message(walk: _Walk, message: Object) -> Iterator[Slot]:
    content = message.get("content")
    match message.get("role"):
        case "assistant":
            for call in _objects(message.get("tool_calls")):
                function = call.get("function")
                name = function.get("name") if isinstance(function, dict) else None
                walk.called(call.get("id"), name)
            for block in _objects(content):
                if block.get("type") == "tool_use":
                    walk.called(block.get("id"), block.get("name"))
        case "tool" | "function":
            tool = walk.tool_of(message.get("tool_call_id"), message.get("name"))
            yield from _result(message, "content", tool)
        case "user":
            for block in _objects(content):
                if block.get("type") == "tool_result":
                    yield from _result(block, "content", walk.tool_of(block.get("tool_use_id")))
                elif block.get("type") == "document":
                    yield from _document(block)


def _of_item(walk: _Walk, item: Object) -> Iterator[Slot]:
    kind = item.get("type")
    if kind in _RESPONSES_CALLS:
        walk.called(item.get("call_id"), item.get("name"))
    elif kind in _RESPONSES_OUTPUTS:
        yield from _result(item, "output", walk.tool_of(item.get("call_id")))
    elif kind == "shell_call_output":
        for part in _objects(item.get("output")):
            for stream in ("stdout", "stderr"):
                yield from _text(part, stream, "shell")


def _result(holder: Object, key: str, tool: str) -> Iterator[Slot]:
    """Yield the texts of a tool's result: text itself, or parts of which some are text."""
    if _RETRIEVE_TOOL.fullmatch(tool):
        return
    yield from _text(holder, key, tool)
    for part in _objects(holder.get(key)):
        if part.get("type") in _TEXT_PARTS:
            yield from _text(part, "text", tool)
        elif part.get("type") == "document":
            yield from _document(part)


def _document(block: Object) -> Iterator[Slot]:
    citations = block.get("citations")
    if isinstance(citations, dict) and citations.get("enabled"):
        return  # the provider cites it by character offsets
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "text":
        yield from _text(source, "data", "")


def _text(holder: Object, key: str, tool: str) -> Iterator[Slot]:
    text = holder.get(key)
    if isinstance(text, str) and text:
        yield Slot(text, tool, holder, key)


def _objects(value: object) -> Iterator[Object]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))
