"""Anthropic Messages: content blocks by index; a round's blocks follow those of the round before.

Thinking blocks go to the client and back to the provider as they came, with their
signatures; a block of ours never reaches the client, and those after it move up.

The provider wants thinking back as it followed each other in one of its replies. So thinking that
led to calls of ours alone is left out where the next round begins with thinking of its own; and
in a stream it waits for what comes after. Where the next round has none, it begins the message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from furler_gateway.json_spans import BodyError, appended, elements, members, replaced
from furler_gateway.proxy import sse
from furler_gateway.proxy.tool import Answer, Call
from furler_gateway.proxy.turns.blocks import Block
from furler_gateway.proxy.turns.turn import (
    CUT_OFF,
    STOPPED,
    Json,
    TurnError,
    having,
    number,
    part,
    read,
    text,
)  # fmt: skip
from furler_gateway.proxy.usage import Raw, iterations, merged, summed

_CUT: Final = "max_tokens"
"""Why a turn stopped whose calls were one too many: agents know that such a reply is not whole."""
_NO_TOOL: Final = b'{"type":"none"}'
_PLAIN: Final = re.compile(rb"event: (?:content_block_(?:delta|stop)|ping)\n")
_PLAIN_ALONE: Final = re.compile(
    rb"(event: (?:content_block_(?:delta|stop)|ping)\n).*+\n\n(?:\1.*+\n\n)*"
)
"""Events that go on as they are within a block that does."""
_STOP: Final = b"event: message_stop\n"
"""Ends a reply; that alone is said by it."""


@dataclass(slots=True)
class AnthropicTurn:
    """One reply of Anthropic Messages."""

    left_out: int = 0
    may_ask: bool = True
    """Whether the conversation has anything to ask for; else thinking does not wait."""
    _rounds: list[Json] = field(default_factory=list)
    _usage: list[Json] = field(default_factory=list)
    _blocks: dict[int, Block] = field(default_factory=dict)
    _unread: list[bytes] = field(default_factory=list)
    _is_plain: bool = True
    _thoughts: set[int] = field(default_factory=set)
    _waits: list[tuple[tuple[int, int], bytes, sse.Event]] = field(default_factory=list)
    _has_asked: bool = False
    _has_said: bool = False
    _shown: dict[int, int] = field(default_factory=dict)
    _next: int = 0
    _stop: str = ""
    _held: list[bytes] = field(default_factory=list)
    _reply: bytes = b""
    _visible: list[bytes] = field(default_factory=list)
    _thought: list[bytes] = field(default_factory=list)
    _container: str = ""

    @property
    def usages(self) -> Sequence[Raw]:
        """What each round cost."""
        now = [merged(self._usage)] if self._usage else []
        return [*self._rounds, *now]

    def passes(self, held: bytes | bytearray, at: int) -> int:
        """Return where the events end that begin at a place and that the client gets as they are."""
        match = _PLAIN_ALONE.match(held, at) if self._is_plain else None
        if match is None:
            return at
        self._unread.append(match.group())  # read only if the turn goes on
        return match.end()

    def event(self, raw: bytes) -> bytes:
        """Take an event of the stream; return what the client gets of it."""
        if self._is_plain and _PLAIN.match(raw):
            self._unread.append(raw)
            return raw
        if not self._held and raw.startswith(_STOP):
            return raw
        event = sse.parse(raw)
        if not event.data:
            return raw
        said = read(event.data)
        match text(said.get("type")):
            case "message_start":
                message = part(said.get("message"))
                self._usage.append(part(message.get("usage")))
                self._enter(message)
                return b"" if self._rounds else raw
            case "content_block_start":
                index = number(said.get("index"))
                return self._begun(raw, event, Block(part(said.get("content_block"))), index)
            case "content_block_delta":
                index = number(said.get("index"))
                self._add(said)
                return self._placed(raw, event, index)
            case "content_block_stop":
                return self._placed(raw, event, number(said.get("index")))
            case "message_delta":
                return self._message_delta(raw, event, said)
            case "message_stop":
                if self._held:
                    self._held.append(raw)
                    return b""
        return raw

    def _add(self, said: Json) -> None:
        if said.get("type") != "content_block_delta":
            return
        index = number(said.get("index"))
        if index in self._blocks:
            self._blocks[index].add(part(said.get("delta")))

    def _begun(self, raw: bytes, event: sse.Event, block: Block, index: int) -> bytes:
        """Take the beginning of a block; return it, and what has waited for it."""
        self._blocks[index] = block
        out = b""
        if block.is_ours:
            self._has_asked = True
        elif not block.is_thinking:
            self._has_asked, self._has_said = False, True
            out = self._released()
        else:
            if self._has_asked:
                self._waits, self._thoughts, self._has_asked = [], set(), False
            self._thoughts |= {index} if self.may_ask else set()
        is_shown = not block.is_ours and index not in self._thoughts
        self._is_plain = is_shown and index == self._next
        return out + self._placed(raw, event, index)

    def _placed(self, raw: bytes, event: sse.Event, index: int) -> bytes:
        """Return an event of a block with the index that the client knows the block by."""
        block = self._blocks.get(index)
        if block is None:
            return raw
        if block.is_ours:
            return b""
        if index in self._thoughts:
            self._waits.append(((len(self._rounds), index), raw, event))
            return b""
        if index not in self._shown:
            self._shown[index] = self._next
            self._next += 1
        return _numbered(raw, event, index, self._shown[index])

    def _released(self) -> bytes:
        """Return the thinking that has waited."""
        waits, self._waits, self._thoughts = self._waits, [], set()
        shown: dict[tuple[int, int], int] = {}
        for at, _, _ in waits:
            shown.setdefault(at, self._next + len(shown))
        self._next += len(shown)
        return b"".join(_numbered(raw, event, at[1], shown[at]) for at, raw, event in waits)

    def _message_delta(self, raw: bytes, event: sse.Event, said: Json) -> bytes:
        self._usage.append(part(said.get("usage")))
        delta = part(said.get("delta"))
        self._stop = text(delta.get("stop_reason")) or self._stop
        self._enter(delta)
        if self._waiting():
            self._held = [raw]
            return b""
        self._count_left_out()
        told = self._released()
        if not self._has_said and any(block.is_ours for block in self._blocks.values()):
            told += b"".join(self._told(CUT_OFF))
        if not self._rounds:
            return told + raw
        return told + sse.write(self._with_usage(event.data), event.name)

    def _enter(self, told: Json) -> None:
        """Take note of the container that the provider's own tools have run in."""
        self._container = text(part(told.get("container")).get("id")) or self._container

    def _with_usage(self, data: bytes) -> bytes:
        """Return a reply, or its last event, with the usage of all rounds, and of each."""
        total = summed(self.usages) | {"iterations": iterations(self.usages)}
        usage = orjson.dumps(total)
        top = members(data)
        if "usage" not in top:
            return data
        return replaced(data, [((top["usage"].start, top["usage"].end), usage)])

    def _waiting(self) -> bool:
        """Return whether the round ended with calls of ours alone."""
        blocks = self._blocks.values()
        return (
            self._stop == "tool_use"
            and any(block.is_ours for block in blocks)
            and not any(block.is_theirs for block in blocks)
        )

    def _count_left_out(self) -> None:
        self.left_out += sum(block.is_ours for block in self._blocks.values())

    def whole(self, body: bytes) -> None:
        """Take a reply that does not stream."""
        try:
            top = members(body)
            content = top["content"]
            spans = elements(body, (content.start, content.end))
        except (BodyError, KeyError):
            raise TurnError("no message") from None
        parts = [body[start:end] for start, end in spans]
        self._blocks = {at: Block(read(raw), raw=raw) for at, raw in enumerate(parts)}
        for block in self._blocks.values():
            self._see(block)
        self._stop = text(top["stop_reason"].value) if "stop_reason" in top else ""
        self._enter({"container": top["container"].value} if "container" in top else {})
        usage = top["usage"].value if "usage" in top else None
        self._usage = [part(usage)]
        self._reply = body
        if not self._waiting():
            self._count_left_out()

    def _see(self, block: Block) -> None:
        """Take a block of a whole reply: what the client gets of it."""
        if block.is_ours:
            self._has_asked = True
        elif block.is_thinking:
            self._thought = [*([] if self._has_asked else self._thought), block.raw]
            self._has_asked = False
        else:
            self._visible += [*self._thought, block.raw]
            self._thought, self._has_asked, self._has_said = [], False, True

    def calls(self) -> Sequence[Call]:
        """Return the calls to be answered after a round."""
        if not self._waiting():
            return ()
        return [
            Call(text(block.start.get("id")), block.arguments())
            for block in self._blocks.values()
            if block.is_ours
        ]

    def next_body(self, body: bytes, answers: Sequence[Answer], *, is_last: bool = False) -> bytes:
        """Return the next round's request."""
        for raw in sse.cut(b"".join(self._unread)):
            data = sse.parse(raw).data
            self._add(read(data) if data else {})
        content = [block.block() for _, block in sorted(self._blocks.items()) if block.may_return()]
        results = [
            {
                "type": "tool_result",
                "tool_use_id": answer.call.id,
                "content": answer.text,
                **({"is_error": True} if answer.is_error else {}),
            }
            for answer in answers
        ]
        messages = [
            b'{"role":"assistant","content":[' + b",".join(content) + b"]}",
            orjson.dumps({"role": "user", "content": results}),
        ]
        try:
            held = members(body)["messages"]
            made = appended(body, (held.start, held.end), messages)
            made = having(made, "tool_choice", _NO_TOOL) if is_last else made
            made = _within(made, self._container) if self._container else made
        except (BodyError, KeyError):
            raise TurnError("no messages") from None
        self._rounds.append(merged(self._usage))
        self._usage, self._blocks, self._shown, self._held = [], {}, {}, []
        self._unread, self._is_plain, self._thoughts = [], False, set()
        self._stop, self._has_asked = "", True
        return made

    def end(self) -> bytes:
        """Return what ends the turn."""
        if self._reply:
            return self._ended(self._reply)
        if not self._held:
            return self._released()  # of a stream that has broken off
        first, *rest = self._held
        event = sse.parse(first)
        delta = members(event.data)["delta"]
        cut = orjson.dumps(part(read(event.data).get("delta")) | {"stop_reason": _CUT})
        data = replaced(event.data, [((delta.start, delta.end), cut)])
        data = self._with_usage(data) if self._rounds else data
        return b"".join(
            [self._released(), *self._told(STOPPED), sse.write(data, event.name), *rest]
        )

    def _told(self, why: str) -> list[bytes]:
        """Return the events of a block that says why the turn ends."""
        at: Json = {"index": self._next}
        block = {"content_block": {"type": "text", "text": ""}}
        delta = {"delta": {"type": "text_delta", "text": why}}
        parts: dict[str, Json] = {"start": at | block, "delta": at | delta, "stop": at}
        return [
            sse.write(orjson.dumps({"type": name, **said}), name)
            for name, said in ((f"content_block_{kind}", said) for kind, said in parts.items())
        ]

    def _ended(self, body: bytes) -> bytes:
        has_ours = any(block.is_ours for block in self._blocks.values())
        if not self._rounds and not has_ours:
            return body
        top = members(body)
        why = STOPPED if self._waiting() else CUT_OFF if has_ours and not self._has_said else ""
        said = [orjson.dumps({"type": "text", "text": why})] if why else []
        visible = [*self._visible, *self._thought, *said]
        parts = [((top["content"].start, top["content"].end), b"[" + b",".join(visible) + b"]")]
        if self._waiting():
            stop = top["stop_reason"]
            parts.append(((stop.start, stop.end), orjson.dumps(_CUT)))
        made = replaced(body, parts)
        return self._with_usage(made) if self._rounds else made

    def renamed(self) -> None:
        """Return None: nobody goes on from a reply by its id."""

    def error(self, body: bytes) -> bytes:
        """Return the event that says that a later round failed."""
        try:
            said = read(body)
        except TurnError:
            said = {}
        if said.get("type") != "error":
            failed = {"type": "api_error", "message": "the provider failed in the middle of a turn"}
            said = {"type": "error", "error": failed}
        return sse.write(orjson.dumps(said), "error")


def _numbered(raw: bytes, event: sse.Event, index: int, shown: int) -> bytes:
    """Return an event of a block under another index."""
    if shown == index:
        return raw
    place = members(event.data)["index"]
    made = replaced(event.data, [((place.start, place.end), str(shown).encode())])
    return sse.write(made, event.name)


def _within(body: bytes, container: str) -> bytes:
    """Return a request that goes on in a container, where the files of the rounds before are."""
    held = members(body).get("container")
    named = orjson.dumps(container)
    if held is None or held.value is None:
        return having(body, "container", named)
    if not isinstance(held.value, dict) or held.value.get("id") is not None:
        return body
    own = read(body[held.start : held.end]) | {"id": container}
    return having(body, "container", orjson.dumps(own))
