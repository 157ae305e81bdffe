"""OpenAI Responses: output items by index; a round's items follow those of the round before.

The whole reply is known to the provider by the last round's id: who goes on from it by
``previous_response_id`` must go on from there. A stream has begun under the first round's
id, which its client goes on from; the link between the two is kept (pins.py).

Reasoning belongs to what comes after it: the provider refuses an input that has one without the
other. So reasoning that led to calls of ours alone goes no further, and in a stream all of it waits
for what comes after.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from furler_gateway.json_spans import BodyError, appended, elements, members, replaced
from furler_gateway.proxy import sse
from furler_gateway.proxy.tool import NAME, Answer, Call
from furler_gateway.proxy.turns.turn import Json, TurnError, having, number, part, read, text
from furler_gateway.proxy.usage import Raw, summed

_STARTS: Final = ("response.created", "response.queued", "response.in_progress")
_ENDS: Final = ("response.completed", "response.incomplete", "response.failed")
_CALLS: Final = ("function_call", "custom_tool_call", "local_shell_call", "shell_call",
                 "apply_patch_call", "computer_call", "mcp_approval_request")  # fmt: skip
"""Items that the client has to answer, but for those that the provider has answered beside them."""
_DELTA: Final = re.compile(rb"event: response\.[a-z_.]+\.delta\n")
_DELTAS_ALONE: Final = re.compile(rb"(event: response\.[a-z_.]+\.delta\n).*+\n\n(?:\1.*+\n\n)*")
"""Of one type in a row: to compare with the first is quicker than to read each by the pattern."""
_NO_TOOL: Final = b'"none"'
_CUT: Final[Json] = {"reason": "max_output_tokens"}


@dataclass(slots=True)
class ResponsesTurn:
    """One reply of the Responses API."""

    left_out: int = 0
    may_ask: bool = True
    """Whether the conversation has anything to ask for; else reasoning does not wait."""
    _rounds: list[Raw] = field(default_factory=list)
    _usage: Raw = field(default_factory=dict)
    _hidden: set[int] = field(default_factory=set)
    _thoughts: set[int] = field(default_factory=set)
    _waits: list[tuple[bytes, sse.Event, int]] = field(default_factory=list)
    _has_asked: bool = False
    _base: int = 0
    _base_next: int = 0
    _sequence: int = 0
    _items: list[bytes] = field(default_factory=list)
    _visible: list[bytes] = field(default_factory=list)
    _status: str = ""
    _held: bytes = b""
    _shown_id: str = ""
    _last_id: str = ""
    _reply: bytes = b""

    @property
    def usages(self) -> Sequence[Raw]:
        """What each round cost."""
        return [*self._rounds, *([self._usage] if self._usage else [])]

    @property
    def _is_touched(self) -> bool:
        return bool(self._rounds or self._hidden)

    def passes(self, held: bytes | bytearray, at: int) -> int:
        """Return where the events end that begin at a place and that the client gets as they are."""
        is_read = self._is_touched or self._thoughts
        match = None if is_read else _DELTAS_ALONE.match(held, at)
        return at if match is None else match.end()  # what they add up to comes with the item's end

    def event(self, raw: bytes) -> bytes:
        """Take an event of the stream; return what the client gets of it."""
        if not (self._is_touched or self._thoughts) and _DELTA.match(raw):
            return raw  # most events; what they add up to comes with the item's end
        event = sse.parse(raw)
        if not event.data or event.data.strip() == b"[DONE]":
            return b"" if self._held else raw
        said = read(event.data)
        kind = text(said.get("type"))
        if kind in _STARTS:
            if self._rounds:
                return b""
            self._shown_id = text(part(said.get("response")).get("id"))
        if kind in _ENDS:
            return self._after_reasoning() + self._last(raw, event)
        if "output_index" not in said:
            return self._counted(event, None) if self._is_touched else raw
        index = number(said["output_index"])
        out = self._begun(index, said) if kind == "response.output_item.added" else b""
        if index in self._hidden:
            return out
        if index in self._thoughts:
            self._waits.append((raw, event, index))
            return out
        return out + (self._counted(event, index) if self._is_touched else raw)

    def _begun(self, index: int, said: Json) -> bytes:
        """Take an item that begins; return what has waited for it."""
        item = part(said.get("item"))
        if item.get("type") == "reasoning":
            out = self._after_reasoning() if self._has_asked else b""
            self._thoughts |= {index} if self.may_ask else set()
            return out
        if not _is_ours(item):
            self._has_asked = False
            return self._after_reasoning()
        if (
            not self._is_touched
        ):  # the number of what is hidden is the next one that the client sees
            first = read(self._waits[0][1].data) if self._waits else said
            self._sequence = number(first.get("sequence_number", 0))
        self._hidden |= {index}
        self._has_asked = True
        return b""

    def _after_reasoning(self) -> bytes:
        """Return the reasoning that has waited; nothing if it led to calls of ours alone."""
        waits, thoughts = self._waits, self._thoughts
        self._waits, self._thoughts = [], set()
        if self._has_asked:
            self._hidden |= thoughts
            self._has_asked = False
            return b""
        if not self._is_touched:
            return b"".join(raw for raw, _, _ in waits)
        return b"".join(self._counted(event, index) for _, event, index in waits)

    def _counted(self, event: sse.Event, index: int | None) -> bytes:
        """Return an event with the numbers it has in the client's stream."""
        top = members(event.data)
        parts = []
        if "sequence_number" in top:
            place = top["sequence_number"]
            parts.append(((place.start, place.end), str(self._sequence).encode()))
        if index is not None:
            place = top["output_index"]
            shown = self._base + index - sum(hidden < index for hidden in self._hidden)
            parts.append(((place.start, place.end), str(shown).encode()))
        self._sequence += 1
        return sse.write(replaced(event.data, parts), event.name)

    def _last(self, raw: bytes, event: sse.Event) -> bytes:
        top = members(event.data)
        response = top["response"]
        self._take(event.data[response.start : response.end])
        if self._waiting():
            self._held = raw
            return b""
        if not self._is_touched:
            return raw
        self._last_id = text(response_id(event.data[response.start : response.end]))
        made = self._ended(event.data[response.start : response.end])
        return self._numbered(event, made)

    def _numbered(self, event: sse.Event, response: bytes) -> bytes:
        top = members(event.data)
        parts = [((top["response"].start, top["response"].end), response)]
        name = event.name
        if self._waiting():
            name = "response.incomplete"
            parts.append(((top["type"].start, top["type"].end), orjson.dumps(name)))
        if "sequence_number" in top:
            place = top["sequence_number"]
            parts.append(((place.start, place.end), str(self._sequence).encode()))
        return sse.write(replaced(event.data, parts), name)

    def _take(self, body: bytes) -> None:
        """Take a round's response object."""
        try:
            top = members(body)
            output = top["output"]
            spans = elements(body, (output.start, output.end))
        except (BodyError, KeyError):
            raise TurnError("no response") from None
        self._items = [body[start:end] for start, end in spans]
        self._status = text(top["status"].value) if "status" in top else ""
        self._usage = part(top["usage"].value) if "usage" in top else {}
        parsed = [read(item) for item in self._items]
        shown = _shown(parsed, keeps_reasoning=not self.may_ask)
        self._visible += [i for i, is_shown in zip(self._items, shown, strict=True) if is_shown]
        self._base_next = self._base + sum(shown)
        if not self._waiting():
            self.left_out += sum(_is_ours(item) for item in parsed)

    def _waiting(self) -> bool:
        """Return whether the round ended with calls of ours alone."""
        calls = _to_answer([read(item) for item in self._items])
        return self._status == "completed" and bool(calls) and all(_is_ours(item) for item in calls)

    def whole(self, body: bytes) -> None:
        """Take a reply that does not stream."""
        self._take(body)
        self._reply = body

    def calls(self) -> Sequence[Call]:
        """Return the calls to be answered after a round."""
        if not self._waiting():
            return ()
        parsed = [read(item) for item in self._items]
        return [
            Call(text(item.get("call_id")), text(item.get("arguments")).encode())
            for item in parsed
            if _is_ours(item)
        ]

    def next_body(self, body: bytes, answers: Sequence[Answer], *, is_last: bool = False) -> bytes:
        """Return the next round's request."""
        results = [
            orjson.dumps({"type": "function_call_output", "call_id": a.call.id, "output": a.text})
            for a in answers
        ]
        try:
            top = members(body)
            given = top["input"]
            span = (given.start, given.end)
            if isinstance(given.value, str):
                asked = b'[{"role":"user","content":' + body[slice(*span)] + b"}]"
                body, span = replaced(body, [(span, asked)]), (span[0], span[0] + len(asked))
            if top.get("conversation") is not None and top["conversation"].value is not None:
                # The provider keeps it, and has what came so far.
                made = replaced(body, [(span, b"[" + b",".join(results) + b"]")])
            else:
                returned = [item for item in self._items if _may_return(read(item), top)]
                made = appended(body, span, [*returned, *results])
            made = having(made, "tool_choice", _NO_TOOL) if is_last else made
        except (BodyError, KeyError):
            raise TurnError("no input") from None
        self._base = self._base_next
        self._rounds.append(self._usage)
        self._usage, self._items, self._hidden = {}, [], set()
        self._status, self._held = "", b""
        return made

    def end(self) -> bytes:
        """Return what ends the turn."""
        if self._reply:
            touched = self._rounds or any(_is_ours(read(item)) for item in self._items)
            return self._ended(self._reply) if touched else self._reply
        if not self._held:
            return self._after_reasoning()  # of a stream that has broken off
        event = sse.parse(self._held)
        response = members(event.data)["response"]
        made = self._ended(event.data[response.start : response.end])
        return self._numbered(event, made)

    def _ended(self, body: bytes) -> bytes:
        """Return the response object with the items of all rounds, and their usage."""
        top = members(body)
        parts = [((top["output"].start, top["output"].end), b"[" + b",".join(self._visible) + b"]")]
        if self._shown_id and "id" in top:
            parts.append(((top["id"].start, top["id"].end), orjson.dumps(self._shown_id)))
        if self._rounds and "usage" in top:
            usage = orjson.dumps(summed(self.usages))
            parts.append(((top["usage"].start, top["usage"].end), usage))
        if self._waiting():
            parts.append(((top["status"].start, top["status"].end), b'"incomplete"'))
            if "incomplete_details" in top:
                place = top["incomplete_details"]
                parts.append(((place.start, place.end), orjson.dumps(_CUT)))
        return replaced(body, parts)

    def renamed(self) -> tuple[str, str] | None:
        """Return the id that the client knows a stream's reply by, and the last round's."""
        if not self._last_id or self._last_id == self._shown_id:
            return None
        return self._shown_id, self._last_id

    def error(self, body: bytes) -> bytes:
        """Return the event that says that a later round failed."""
        try:
            failed = part(read(body).get("error"))
        except TurnError:
            failed = {}
        said = {
            "type": "error",
            "code": failed.get("code") or failed.get("type") or "server_error",
            "message": failed.get("message") or "the provider failed in the middle of a turn",
            "param": failed.get("param"),
            "sequence_number": self._sequence,
        }
        return sse.write(orjson.dumps(said), "error")


def response_id(body: bytes) -> object:
    """Return the id of a response object."""
    top = members(body)
    return top["id"].exactly(body) if "id" in top else None


def _shown(items: Sequence[Json], *, keeps_reasoning: bool) -> list[bool]:
    """Return which items the client gets: none of ours, nor reasoning that led to ours alone."""
    shown = [not _is_ours(item) for item in items]
    thoughts: list[int] = []
    has_asked = False
    end: Json = {"type": "reasoning"}
    for at, item in enumerate([*items, end]):
        if _is_ours(item):
            has_asked = True
        elif item.get("type") != "reasoning":
            thoughts, has_asked = [], False
        else:
            for thought in thoughts if has_asked and not keeps_reasoning else ():
                shown[thought] = False
            thoughts = [at] if has_asked else [*thoughts, at]
            has_asked = False
    return shown


def _to_answer(items: Sequence[Json]) -> list[Json]:
    """Return the calls that have no answer yet; the provider's own tools have run in its containers."""
    outputs = (item for item in items if text(item.get("type")).endswith("_output"))
    answered = {text(item.get("call_id")) for item in outputs} - {""}
    return [
        item
        for item in items
        if item.get("type") in _CALLS
        or (item.get("type") == "tool_search_call" and item.get("execution") == "client")
        if text(item.get("call_id")) not in answered
    ]


def _is_ours(item: Json) -> bool:
    return item.get("type") == "function_call" and item.get("name") == NAME


def _may_return(item: Json, request: object) -> bool:
    """Return whether a request may have an item of the reply.

    Reasoning that the provider does not keep, and that is not there in sealed form, has no way back.
    """
    store = request.get("store") if isinstance(request, dict) else None
    kept = getattr(store, "value", None) is not False
    return item.get("type") != "reasoning" or kept or bool(item.get("encrypted_content"))
