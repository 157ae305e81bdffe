"""A content block of Anthropic Messages, put together from its pieces. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import orjson

from furler_gateway.proxy.tool import NAME
from furler_gateway.proxy.turns.turn import Json, items, text

_THINKING: Final = ("thinking", "redacted_thinking")
_DELTAS: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}
"""What pieces of a block add up to, by type: the member that has the piece, and that it adds to."""


@dataclass(slots=True)
class Block:
    """A content block of the round that is streaming, or is there."""

    start: Json
    pieces: dict[str, list[str]] = field(default_factory=dict)
    citations: list[object] = field(default_factory=list)
    raw: bytes = b""
    is_whole: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is a call of the retrieve tool."""
        return self.start.get("type") == "tool_use" and self.start.get("name") == NAME

    @property
    def is_thinking(self) -> bool:
        """Whether it is thinking, sealed or not."""
        return self.start.get("type") in _THINKING

    @property
    def is_theirs(self) -> bool:
        """Whether it is a call of another tool of the client's."""
        return self.start.get("type") == "tool_use" and self.start.get("name") != NAME

    def add(self, delta: Json) -> None:
        """Take a piece."""
        kind = text(delta.get("type"))
        if kind == "citations_delta":
            self.citations.append(delta.get("citation"))
        elif kind in _DELTAS:
            name = _DELTAS[kind]
            self.pieces.setdefault(name, []).append(text(delta.get(name)))
        else:
            self.is_whole = False

    def arguments(self) -> bytes:
        """Return a call's arguments."""
        if "partial_json" in self.pieces:
            return "".join(self.pieces["partial_json"]).encode() or b"{}"
        return orjson.dumps(self.start.get("input", {}))

    def block(self) -> bytes:
        """Return the block as a request has it; nothing for one that no request may have."""
        if self.raw:
            return self.raw
        made = dict(self.start)
        for name, pieces in self.pieces.items():
            if name != "partial_json":
                made[name] = text(made.get(name)) + "".join(pieces)
        if self.citations:
            made["citations"] = [*items(made.get("citations")), *self.citations]
        if "partial_json" in self.pieces:
            try:
                made["input"] = orjson.Fragment(self.arguments())
                orjson.loads(self.arguments())
            except ValueError:
                made["input"] = {}
        return orjson.dumps(made)

    def may_return(self) -> bool:
        """Return whether a request may have the block: text must not be blank."""
        if not self.is_whole:
            return False
        if self.start.get("type") != "text":
            return True
        if self.raw:
            return bool(text(self.start.get("text")).strip())
        return bool("".join([text(self.start.get("text")), *self.pieces.get("text", [])]).strip())
