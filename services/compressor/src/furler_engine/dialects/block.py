"""What every dialect's reader yields: the blocks of a conversation, in the order a model sees them.

What lives here: the values, and the collector that readers fill. What does not: any dialect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from furler_engine.dialects.json_scan import BodyError, Json, Span, decode
from furler_engine.tools import RETRIEVE_TOOLS, normal

MAX_BLOCKS: Final = 200_000
"""A body with more is an attack, not a conversation: a block takes about a kilobyte to hold."""
MAX_ARGUMENTS: Final = 64
"""Arguments of one call that are looked at."""


def is_retrieve(tool: str) -> bool:
    """Whether a tool is our own, alone or behind any server's prefix (mcp_furler_retrieve)."""
    name = normal(tool)
    return name in RETRIEVE_TOOLS or name.endswith(("furlerretrieve", "headroomretrieve"))


class Dialect(StrEnum):
    """The provider format of a body."""

    ANTHROPIC_MESSAGES = "anthropic_messages"
    OPENAI_CHAT = "openai_chat"
    OPENAI_RESPONSES = "openai_responses"


class Role(StrEnum):
    """Who wrote a block, as far as editing it goes."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    CALL = "tool call"
    RESULT = "tool result"
    DOCUMENT = "document"
    RETRIEVED = "retrieve result"
    """What our own tool gave back; never compressed again."""
    CITED = "cited document"
    """Text whose character positions the provider quotes."""


EDITABLE: Final = (Role.RESULT, Role.DOCUMENT)
"""All that may ever be edited; everything else is forwarded byte for byte."""


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call: the tool's name and those arguments that are strings, by name."""

    name: str = ""
    arguments: tuple[tuple[str, str], ...] = ()
    names: tuple[str, ...] = ()
    """Names of all arguments."""

    def argument(self, wanted: tuple[str, ...]) -> str:
        """Return the first argument of one of these names; empty if there is none."""
        given = dict(self.arguments)
        return next((given[name] for name in wanted if name in given), "")


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of text in a body.

    ``span`` is the JSON string with its quotes (of a call: its arguments), ``message`` the
    index of the message or item it stands in, ``call`` what it is or answers, ``cached``
    whether a cache breakpoint of the client's stands on it or after it.
    """

    role: Role
    pointer: str
    span: Span
    message: int
    call: Call = field(default_factory=Call)
    cached: bool = False

    @property
    def is_editable(self) -> bool:
        """Whether a view may stand in its place."""
        return self.role in EDITABLE


@dataclass(frozen=True, slots=True)
class Body:
    """A provider request and its blocks. ``end`` is where the last message ends."""

    data: bytes
    blocks: tuple[Block, ...]
    end: int
    _texts: dict[str, str | None] = field(default_factory=dict, repr=False, compare=False)

    def text(self, block: Block) -> str | None:
        """Return a block's text; of a call its string arguments; None if it is no text."""
        if block.role is Role.CALL:
            return "\n".join(text for _, text in block.call.arguments)
        if block.pointer not in self._texts:
            self._texts[block.pointer] = decode(self.data[block.span.start : block.span.end])
        return self._texts[block.pointer]


class Collector:
    """What a reader fills, in the order a model sees it."""

    def __init__(self, data: bytes) -> None:
        self.json = Json(data)
        self.end = 0
        self._blocks: list[Block] = []
        self._calls: dict[str, Call] = {}
        self._breakpoint = -1

    def root(self) -> Span:
        """Return the body's object. Raises BodyError."""
        return self.json.root()

    def add(
        self, role: Role, pointer: str, span: Span, message: int, call: Call | None = None
    ) -> None:
        """Add a string; a value that is no string is nothing to read. Raises BodyError."""
        if len(self._blocks) >= MAX_BLOCKS:
            raise BodyError(f"more than {MAX_BLOCKS:,} blocks")
        if self.json.is_string(span) or role is Role.CALL:
            self._blocks.append(Block(role, pointer, span, message, call or Call()))

    def add_call(self, name: str, call_id: str, span: Span, pointer: str, message: int) -> None:
        """Add a tool call and remember it for its result.

        ``span`` is of the arguments: an object, or a string with an object in it.
        """
        call = self._call(name, span)
        self._calls[call_id] = call
        self.add(Role.CALL, pointer, span, message, call)

    def add_result(self, call_id: str, pointer: str, span: Span, message: int) -> None:
        """Add a tool result: it takes part of its nature from the call it answers."""
        call = self._calls.get(call_id, Call())
        role = Role.RETRIEVED if is_retrieve(call.name) else Role.RESULT
        self.add(role, pointer, span, message, call)

    def mark_breakpoint(self) -> None:
        """Note that everything so far is at or before a cache breakpoint of the client's."""
        self._breakpoint = len(self._blocks) - 1

    def string(self, span: Span | None) -> str:
        """Return a short string such as a role or an id; empty for anything else."""
        if span is None or not self.json.is_string(span):
            return ""
        return self.json.text(span) or ""

    def body(self) -> Body:
        """Return the body read."""
        blocks = [
            replace(block, cached=True) if at <= self._breakpoint else block
            for at, block in enumerate(self._blocks)
        ]
        return Body(self.json.data, tuple(blocks), self.end)

    def _call(self, name: str, span: Span) -> Call:
        arguments, given = self.json, span
        if arguments.is_string(span):
            inner = arguments.text(span)
            if inner is None:
                return Call(name)
            arguments = Json(inner.encode())
            try:
                given = arguments.root()
            except BodyError:
                return Call(name, (("", inner),), ("",))
        found: list[tuple[str, str]] = []
        names: list[str] = []
        try:
            for argument, value in arguments.all_members(given):
                names.append(argument)
                if arguments.is_string(value):
                    text = arguments.text(value)
                    if text is not None:
                        found.append((argument, text))
                if len(names) == MAX_ARGUMENTS:
                    break
        except BodyError:  # the model wrote no JSON: the call has no arguments to read
            return Call(name)
        return Call(name, tuple(found), tuple(names))


Reader = Callable[[Collector], None]
"""Reads a body into a collector. Raises BodyError."""
