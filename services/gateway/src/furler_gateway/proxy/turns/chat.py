"""OpenAI Chat Completions, and the many that speak it: one choice, its text and its tool calls.

The rounds' texts follow each other in the one message, with a blank line between
them; its id is the first round's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from furler_gateway.json_spans import BodyError, appended, members, replaced
from furler_gateway.proxy import sse
from furler_gateway.proxy.tool import NAME, Answer, Call
from furler_gateway.proxy.turns.turn import (
    CUT_OFF,
    STOPPED,
    Json,
    TurnError,
    having,
    items,
    number,
    part,
    read,
    text,
)  # fmt: skip
from furler_gateway.proxy.usage import Raw, merged, summed

_CUT: Final = "length"
"""Why a turn stopped whose calls were one too many."""
_NO_TOOL: Final = b'"none"'
_BETWEEN: Final = "\n\n"
_DONE: Final = b"[DONE]"
_TELLING: Final = re.compile(rb'"tool_calls"|"finish_reason"\s?:\s?"|"usage"\s?:\s?\{|\[DONE\]')
"""What an event has in it that is more than a piece of text."""
_EVENTS: Final = re.compile(rb"(?:(?:data: |:)[^\n]*\n\n)+")
_WINDOW_BYTES: Final = 4096
"""What is looked at together: some twenty events, and little to look at again if they do not pass."""
_NULLED: Final = (b'"finish_reason"', b'"usage"')
"""What tells nothing where it is null."""
_TEXTS: Final = ("content", "refusal", "reasoning_content", "reasoning")
"""Texts of a message. The last two are other providers', which want them back with the calls."""
_DETAILS: Final = "reasoning_details"
"""OpenRouter's reasoning in parts, some of them sealed."""
_CALL: Final = ("index", "id", "type", "function")
"""Of a call, as OpenAI has it."""
_ENDED_WITH_CALLS: Final = ("tool_calls", "stop")
"""Some servers say stop."""


@dataclass(slots=True)
class _Called:
    """A tool call of the round that is streaming, or is there.

    ``shown`` is the number that the client knows it by. ``more`` is what providers want back that
    is none of OpenAI's, such as the signature of Gemini's thoughts.
    """

    id: str
    name: str
    shown: int
    arguments: list[str] = field(default_factory=list)
    more: Json = field(default_factory=dict)

    @property
    def is_ours(self) -> bool:
        return self.name == NAME

    def as_json(self) -> Json:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        return {"id": self.id, "type": "function", "function": function, **self.more}


@dataclass(slots=True)
class ChatTurn:
    """One reply of Chat Completions. Its reasoning waits for nothing."""

    left_out: int = 0
    may_ask: bool = True
    _rounds: list[Json] = field(default_factory=list)
    _usage: list[Json] = field(default_factory=list)
    _id: bytes = b""
    _unread: list[bytes] = field(default_factory=list)
    _texts: dict[str, list[str]] = field(default_factory=dict)
    _details: list[Json] = field(default_factory=list)
    _called: list[_Called] = field(default_factory=list)
    _numbered: dict[int, _Called] = field(default_factory=dict)
    _finish: str = ""
    _held: list[bytes] = field(default_factory=list)
    _has_text: bool = False
    _reply: bytes = b""
    _contents: list[str] = field(default_factory=list)

    @property
    def usages(self) -> Sequence[Raw]:
        """What each round cost."""
        now = [merged(self._usage)] if self._usage else []
        return [*self._rounds, *now]

    def passes(self, held: bytes | bytearray, at: int) -> int:
        """Return where the events end that begin at a place and that the client gets as they are."""
        is_read = not self._id or self._rounds or self._called
        match = None if is_read else _EVENTS.match(held, at, at + _WINDOW_BYTES)
        if match is None or not _is_text(match.group()):
            return at
        self._unread.append(match.group())  # read only if the turn goes on
        return match.end()

    def event(self, raw: bytes) -> bytes:
        """Take an event of the stream; return what the client gets of it."""
        if self._id and not (self._rounds or self._called) and not _TELLING.search(raw):
            self._unread.append(raw)
            return raw
        event = sse.parse(raw)
        if not event.data:
            return raw
        if event.data.strip() == _DONE:
            return self._last(raw)
        said = read(event.data)
        self._usage += [part(said.get("usage"))] if said.get("usage") else []
        if not self._id and text(said.get("id")):
            self._id = orjson.dumps(said["id"])
        choices = items(said.get("choices"))
        if not choices:
            return self._last(raw) if self._held else self._renamed(raw, event)
        if number(choices[0].get("index", 0)) != 0:
            return raw
        return self._choice(raw, event, said, choices[0])

    def _choice(self, raw: bytes, event: sse.Event, said: Json, choice: Json) -> bytes:
        delta = part(choice.get("delta"))
        rewritten = self._delta(delta)
        self._finish = text(choice.get("finish_reason")) or self._finish
        if choice.get("finish_reason") and self._waiting():
            self._held = [raw]
            if not any(delta.get(name) for name in _TEXTS):
                return b""
            choice = {**choice, "finish_reason": None}
            rewritten = True
        elif choice.get("finish_reason"):
            self.left_out += sum(call.is_ours for call in self._called)
            if self._is_empty():
                delta["content"], rewritten = CUT_OFF, True
        if not rewritten:
            return self._renamed(raw, event)
        if not delta and not choice.get("finish_reason"):
            return b""
        made = orjson.dumps(said | {"choices": [choice | {"delta": delta}]})
        return self._renamed(sse.write(made, event.name), sse.Event(event.name, made))

    def _delta(self, delta: Json) -> bool:
        """Take a piece of the message; leave in it what the client gets. Return if it changed."""
        changed = False
        if self._rounds and "role" in delta:
            del delta["role"]
            changed = True
            if not any(delta.values()):
                delta.clear()
        for name in _TEXTS:
            if given := text(delta.get(name)):
                if (
                    name == "content"
                    and self._rounds
                    and self._has_text
                    and not self._texts.get(name)
                ):
                    delta[name] = _BETWEEN + given
                    changed = True
                self._texts.setdefault(name, []).append(given)
        for detail in items(delta.get(_DETAILS)):
            self._add_detail(detail)
        if not isinstance(delta.get("tool_calls"), list):
            return changed
        entries = items(delta["tool_calls"])
        called = [self._entry(entry) for entry in entries]
        kept = [entry for entry, call in zip(entries, called, strict=True) if not call.is_ours]
        if len(kept) < len(entries):
            changed = True
            del delta["tool_calls"]
            if kept:
                delta["tool_calls"] = kept
            elif not any(delta.values()) and "role" not in delta:
                delta.clear()
        for entry, call in zip(entries, called, strict=True):
            if not call.is_ours and call.shown != (entry.get("index") or 0):
                entry["index"] = call.shown
                changed = True
        return changed

    def _add_detail(self, detail: Json) -> None:
        """Take a piece of the reasoning: those of one part that follow each other are one."""
        last = self._details[-1] if self._details else {}
        at = detail.get("index")
        if at is None or (last.get("index"), last.get("type")) != (at, detail.get("type")):
            self._details.append(dict(detail))
            return
        for name, value in detail.items():
            if name in ("text", "summary"):
                last[name] = text(last.get(name)) + text(value)
            elif value is not None:
                last[name] = value

    def _read_on(self) -> None:
        """Read the pieces of text that have passed unread; they came before all calls."""
        after, self._texts = self._texts, {}
        details, self._details = self._details, []
        for raw in sse.cut(b"".join(self._unread)):
            data = sse.parse(raw).data
            for choice in items(read(data).get("choices")) if data else ():
                self._delta(part(choice.get("delta")))
        for name, pieces in after.items():
            self._texts.setdefault(name, []).extend(pieces)
        for detail in details:
            self._add_detail(detail)
        self._unread = []

    def _entry(self, entry: Json) -> _Called:
        """Take a piece of a call; return the call.

        Some servers give all calls of a message one number, or none: a piece with another id and a
        name begins another call.
        """
        index = number(entry.get("index") or 0)
        function = part(entry.get("function"))
        given, name = text(entry.get("id")), text(function.get("name"))
        call = self._numbered.get(index)
        if call is None or (given and name and call.id and given != call.id):
            theirs = sum(not each.is_ours for each in self._called)
            shown = theirs if theirs < len(self._called) else index
            call = self._numbered[index] = _Called(given, name, shown)
            self._called.append(call)
        call.arguments.append(text(function.get("arguments")))
        call.more |= {n: v for n, v in entry.items() if n not in _CALL and v is not None}
        return call

    def _last(self, raw: bytes) -> bytes:
        """Return an event after the last choice; hold it back if the turn may go on."""
        if self._held:
            self._held.append(raw)
            return b""
        return raw

    def _renamed(self, raw: bytes, event: sse.Event) -> bytes:
        """Return a later round's event under the first one's id, with the usage of all rounds."""
        if not self._rounds:
            return raw
        return sse.write(self._named(event.data), event.name)

    def _named(self, data: bytes) -> bytes:
        top = members(data)
        parts = []
        if "id" in top and self._id:
            parts.append(((top["id"].start, top["id"].end), self._id))
        if "usage" in top and isinstance(top["usage"].value, dict):
            usage = orjson.dumps(summed(self.usages))
            parts.append(((top["usage"].start, top["usage"].end), usage))
        return replaced(data, parts)

    def _waiting(self) -> bool:
        """Return whether the round ended with calls of ours alone."""
        ended = self._finish in _ENDED_WITH_CALLS
        return ended and bool(self._called) and all(call.is_ours for call in self._called)

    def _is_empty(self) -> bool:
        """Return whether nothing is left of a reply that ends without the calls of ours."""
        self._read_on()
        has_text = self._has_text or any(self._texts.values())
        return bool(self._called) and all(c.is_ours for c in self._called) and not has_text

    def whole(self, body: bytes) -> None:
        """Take a reply that does not stream."""
        said = read(body)
        choices = items(said.get("choices"))
        if len(choices) != 1:
            raise TurnError("want one choice")
        message = part(choices[0].get("message"))
        self._texts = {n: [text(message.get(n))] for n in _TEXTS if text(message.get(n))}
        self._contents += self._texts.get("content", [])
        self._details = items(message.get(_DETAILS))
        for index, entry in enumerate(items(message.get("tool_calls"))):
            self._entry(entry | {"index": index})
        self._finish = text(choices[0].get("finish_reason"))
        self._usage = [part(said.get("usage"))]
        self._id = self._id or orjson.dumps(said.get("id"))
        self._reply = body
        if not self._waiting():
            self.left_out += sum(call.is_ours for call in self._called)

    def calls(self) -> Sequence[Call]:
        """Return the calls to be answered after a round."""
        if not self._waiting():
            return ()
        return [Call(call.id, "".join(call.arguments).encode()) for call in self._called]

    def next_body(self, body: bytes, answers: Sequence[Answer], *, is_last: bool = False) -> bytes:
        """Return the next round's request."""
        self._read_on()
        said: Json = {"role": "assistant", "content": None}
        said |= {name: "".join(pieces) for name, pieces in self._texts.items()}
        said |= {_DETAILS: self._details} if self._details else {}
        said["tool_calls"] = [call.as_json() for call in self._called]
        results = [
            {"role": "tool", "tool_call_id": answer.call.id, "content": answer.text}
            for answer in answers
        ]
        try:
            held = members(body)["messages"]
            span = (held.start, held.end)
            made = appended(body, span, [orjson.dumps(each) for each in (said, *results)])
            made = having(made, "tool_choice", _NO_TOOL) if is_last else made
        except (BodyError, KeyError):
            raise TurnError("no messages") from None
        self._has_text = self._has_text or bool(self._texts.get("content"))
        self._rounds.append(merged(self._usage))
        self._usage, self._texts, self._details, self._held = [], {}, [], []
        self._called, self._numbered = [], {}
        self._finish = ""
        return made

    def end(self) -> bytes:
        """Return what ends the turn."""
        if self._reply:
            return self._ended(self._reply)
        if not self._held:
            return b""
        first, *rest = self._held
        event = sse.parse(first)
        said = read(event.data)
        has_text = self._has_text or self._unread or self._texts.get("content")
        between = _BETWEEN if has_text else ""
        delta = {"content": between + STOPPED}
        choice = items(said.get("choices"))[0] | {"delta": delta, "finish_reason": _CUT}
        made = orjson.dumps(said | {"choices": [choice]})
        out = [self._renamed(sse.write(made, event.name), sse.Event(event.name, made))]
        for raw in rest:
            event = sse.parse(raw)
            out.append(raw if event.data.strip() == _DONE else self._renamed(raw, event))
        return b"".join(out)

    def _ended(self, body: bytes) -> bytes:
        ours = any(call.is_ours for call in self._called)
        if not self._rounds and not ours:
            return body
        said = read(body)
        choice = items(said.get("choices"))[0]
        message = part(choice.get("message"))
        contents = [*self._contents, *([STOPPED] if self._waiting() else [])]
        if not contents and self._is_empty():
            contents = [CUT_OFF]
        if contents or self._rounds:
            message["content"] = _BETWEEN.join(contents) or None
        theirs = [c for c, o in zip(items(message.get("tool_calls")), self._called, strict=True) if not o.is_ours]  # fmt: skip
        message.pop("tool_calls", None)
        if theirs:
            message["tool_calls"] = theirs
        if self._waiting():
            choice["finish_reason"] = _CUT
        made = orjson.dumps(said | {"choices": [choice]})
        return self._named(made) if self._rounds else made

    def renamed(self) -> None:
        """Return None: nobody goes on from a reply by its id."""

    def error(self, body: bytes) -> bytes:
        """Return the event that says that a later round failed."""
        try:
            said = read(body)
        except TurnError:
            said = {}
        if "error" not in said:
            failed = {"type": "api_error", "message": "the provider failed in the middle of a turn"}
            said = {"error": failed}
        return sse.write(orjson.dumps(said))


def _is_text(run: bytes) -> bool:
    """Return whether events are pieces of text; within a JSON string every quote is escaped."""
    if b'"tool_calls"' in run or _DONE in run:
        return False
    return all(
        run.count(name) == run.count(name + b":null") + run.count(name + b": null")
        for name in _NULLED
    )
