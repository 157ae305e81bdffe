"""A turn with the retrieve tool: round after round with the provider, one reply to the client.

Bounded in rounds and in tokens. A round that fails after the client has seen part of
the reply ends it with the dialect's error event; before that its error is the reply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import aiohttp
import orjson
from aiohttp import web

from furler.client import AsyncFurler
from furler.conversations import Dialect
from furler_gateway import telemetry
from furler_gateway.config import Settings
from furler_gateway.errors import Failure, RequestError
from furler_gateway.json_spans import members, replaced
from furler_gateway.limits import off_loop
from furler_gateway.proxy import tool
from furler_gateway.proxy.carry import BrokenError, Carrier, Outlet, Reply
from furler_gateway.proxy.headers import returned
from furler_gateway.proxy.pins import Pins
from furler_gateway.proxy.relay import broken, chunks
from furler_gateway.proxy.sse import EventTooLongError, Splitter
from furler_gateway.proxy.tool import Answer, Call
from furler_gateway.proxy.turns.anthropic import AnthropicTurn
from furler_gateway.proxy.turns.chat import ChatTurn
from furler_gateway.proxy.turns.responses import ResponsesTurn
from furler_gateway.proxy.turns.turn import Turn, TurnError

Send = Callable[[bytes], Awaitable[aiohttp.ClientResponse]]
"""Sends a later round's body to where the first one went."""
_TURNS: Final[Mapping[Dialect, Callable[[], Turn]]] = {
    Dialect.ANTHROPIC_MESSAGES: AnthropicTurn,
    Dialect.OPENAI_CHAT: ChatTurn,
    Dialect.OPENAI_RESPONSES: ResponsesTurn,
}
_MOST_CALLS: Final = 8
"""Calls answered in one round; the rest are told so."""
_MOST_REFUSALS: Final = 2
"""Rounds that are refused what they ask for: the first in words, the second with all tools forbidden."""
_REFUSALS: Final = {
    False: "no more retrievals in this turn: go on with what you have",
    True: "no more retrievals in this turn: answer now, with what you have and without tools",
}
_LAST: Final = "\n[furler: that was the last retrieval of this turn: go on with what you have]"
_NOT_TAKEN: Final = (400, 413)
"""How providers refuse a request that is longer than the model's context, or than a request may be."""
_NO_ROOM: Final = b'"[furler: the provider has no room for it: go on with what you have]"'
_MOST_REPLY_BYTES: Final = 64 * 1024 * 1024
"""What is held of a reply to go on from it; a longer one is an upstream's mistake."""
_ASKABLE: Final = (b"retrieve(ref=", b'"previous_response_id"', b'"conversation"')
"""The end of a view; and what stands for a conversation that the provider keeps."""
_REWRITTEN: Final = frozenset({b"content-length"})


@dataclass(slots=True)
class Converse:
    """One client's turn."""

    dialect: Dialect
    space: str
    furler: AsyncFurler
    settings: Settings
    send: Send
    pins: Pins
    turn: Turn = field(init=False)
    answered: int = 0
    _rounds: int = 0
    _refused: int = 0
    _tokens: int = 0
    _gave: Sequence[Answer] = ()

    def __post_init__(self) -> None:
        self.turn = _TURNS[self.dialect]()

    async def answer(
        self, request: web.Request, body: bytes, response: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        """Answer with the reply that begins with a response to a body."""
        try:
            if "text/event-stream" in response.headers.get("Content-Type", ""):
                return await self._stream(request, body, response)
            return await self._whole(body, response)
        finally:
            if self.turn.left_out:
                count = telemetry.PROXY_RETRIEVALS.labels(str(self.dialect), "left_out")
                count.inc(self.turn.left_out)

    async def _stream(
        self, request: web.Request, body: bytes, first: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        headers = returned(first.raw_headers, drop=_REWRITTEN)
        reply = Reply(status=first.status, reason=first.reason, headers=headers)
        await reply.prepare(request)
        self.turn.may_ask = await off_loop(len(body), _may_ask, body)
        try:
            last = await self._turned(Outlet(request, reply), body, first)
        except BrokenError:
            return broken(request, reply)
        await reply.write_eof(last)
        return reply

    async def _turned(self, outlet: Outlet, body: bytes, first: aiohttp.ClientResponse) -> bytes:
        """Send round after round; return the last piece of all. Raises BrokenError."""
        last = await self._round(outlet, first)
        while calls := self._calls():
            await outlet.begin(last)
            last = b""
            body = await self._next(body, calls)
            if not body:
                break
            try:
                body, sent = await self._sent(body)
                async with sent as response:
                    if response.status != 200:
                        said = b"".join([piece async for piece in chunks(response)])
                        return self.turn.error(said)
                    last = await self._round(outlet, response)
            except RequestError:
                return self.turn.error(b"")
        return last + self.turn.end()

    async def _round(self, outlet: Outlet, response: aiohttp.ClientResponse) -> bytes:
        """Send what the client gets of one round, but for its last piece. Raises BrokenError."""
        events = _Events(self)
        last = await Carrier(response, outlet, events.take, self.settings).run()
        rest = events.rest()
        return last + (rest if isinstance(rest, bytes) else await rest)

    async def linked(self, shown: str, real: str, out: bytes) -> bytes:
        """Return what the client gets, once what it needs to go on from it is kept."""
        await self.pins.link(shown, real, self.space)
        return out

    def event(self, raw: bytes) -> bytes:
        """Return what the client gets of an event."""
        try:
            return self.turn.event(raw)
        except (TurnError, ValueError, KeyError, IndexError, TypeError):
            # What we do not understand is the client's to understand.
            telemetry.PROXY_TROUBLE.labels("unread_event").inc()
            return raw

    async def _whole(self, body: bytes, first: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = returned(first.raw_headers, drop=_REWRITTEN)
        reply = await self._body(first)
        status, reason = first.status, first.reason
        if not await self._read(reply):
            return _response(reply, status, reason, headers)
        while calls := self._calls():
            body = await self._next(body, calls)
            if not body:
                break
            body, sent = await self._sent(body)
            async with sent as response:
                reply = await self._body(response)
                headers = returned(response.raw_headers, drop=_REWRITTEN)
                if response.status != 200 or not await self._read(reply):
                    return _response(reply, response.status, response.reason, headers)
        return _response(self.turn.end(), status, reason, headers)

    async def _read(self, reply: bytes) -> bool:
        """Have the turn read a reply; return whether it could."""
        try:
            await off_loop(len(reply), self.turn.whole, reply)
        except (TurnError, ValueError, KeyError, IndexError, TypeError):
            telemetry.PROXY_TROUBLE.labels("unread_reply").inc()
            return False
        return True

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """Return a reply that does not stream. Raises RequestError."""
        held = bytearray()
        failed = RequestError(Failure("unavailable", "the provider's reply broke off", status=502))
        try:
            async for chunk in chunks(response):
                held += chunk
                if len(held) > _MOST_REPLY_BYTES:
                    raise failed
        except BrokenError:
            raise failed from None
        return bytes(held)

    async def _sent(self, body: bytes) -> tuple[bytes, aiohttp.ClientResponse]:
        """Send a later round's request; return what went out, and its response.

        It is ours, not the client's: where the provider does not take it, it goes out once more
        without the originals. Raises RequestError.
        """
        response = await self.send(body)
        if response.status not in _NOT_TAKEN or not self._gave:
            return body, response
        response.close()
        self._tokens = self.settings.proxy_retrieve_tokens
        self._count("taken_back", len(self._gave))
        body = await off_loop(len(body), _taken_back, self.dialect, body, self._gave)
        return body, await self.send(body)

    async def _next(self, body: bytes, calls: Sequence[Call]) -> bytes:
        """Return the next round's request; nothing if there can be none."""
        answers = await self._answers(calls)
        self._gave = [answer for answer in answers if not answer.is_error]
        try:
            is_last = self._refused >= _MOST_REFUSALS
            return await off_loop(len(body), self.turn.next_body, body, answers, is_last=is_last)
        except (TurnError, ValueError, KeyError, IndexError, TypeError):
            telemetry.PROXY_TROUBLE.labels("unread_reply").inc()
            return b""

    def _calls(self) -> Sequence[Call]:
        """Return the calls to answer; none if the model goes on with what it may not."""
        calls = self.turn.calls()
        if calls and self._refused >= _MOST_REFUSALS:
            self._count("cut", len(calls))
            return ()
        return calls

    async def _answers(self, calls: Sequence[Call]) -> list[Answer]:
        if self._is_spent():
            self._refused += 1
            self._count("refused", len(calls))
            why = _REFUSALS[self._refused >= _MOST_REFUSALS]
            return [tool.refused(call, why) for call in calls]
        self._rounds += 1
        answers = [await self._answer(at, call) for at, call in enumerate(calls)]
        if self._is_spent():
            answers[-1] = replace(answers[-1], text=answers[-1].text + _LAST)
        return answers

    async def _answer(self, at: int, call: Call) -> Answer:
        left = self.settings.proxy_retrieve_tokens - self._tokens
        if at >= _MOST_CALLS or left <= 0:
            self._count("refused")
            why = f"at most {_MOST_CALLS} retrievals at once: call again"
            return tool.refused(call, why if left > 0 else _REFUSALS[False])
        answer = await tool.answer(self.furler, call, self.space, left)
        self._tokens += answer.tokens
        self.answered += 1
        self._count("failed" if answer.is_error else "answered")
        return answer

    def _is_spent(self) -> bool:
        """Return whether the turn has had its share of rounds or tokens."""
        return (
            self._rounds >= self.settings.proxy_retrieve_rounds
            or self._tokens >= self.settings.proxy_retrieve_tokens
        )

    def _count(self, outcome: str, calls: int = 1) -> None:
        telemetry.PROXY_RETRIEVALS.labels(str(self.dialect), outcome).inc(calls)


@dataclass(slots=True)
class _Events:
    """The events of one round, as their pieces come."""

    converse: Converse
    splitter: Splitter = field(default_factory=Splitter)
    size: int = 0
    is_read: bool = True
    is_linked: bool = False

    def take(self, chunk: bytes) -> bytes | Awaitable[bytes]:
        """Take a piece; return what the client gets of it."""
        if not self.is_read:
            return chunk
        self.size += len(chunk)
        if self.size > _MOST_REPLY_BYTES:  # no model's: what is kept of it to go on is bounded
            self.is_read = False
            return self.splitter.rest() + chunk
        turn = self.converse.turn
        begin = self.splitter.skipped(chunk, turn.passes)
        if begin == len(chunk):
            return chunk
        out = bytearray(chunk[:begin])
        try:
            for raw, passes in self.splitter.pieces(chunk[begin:], turn.passes):
                out += raw if passes else self.converse.event(raw)
        except EventTooLongError:
            out += self.splitter.rest()
            self.is_read = False
        return self._given(bytes(out))

    def rest(self) -> bytes | Awaitable[bytes]:
        """Return what the client gets of what has no end."""
        rest = self.splitter.rest()
        return self._given(self.converse.event(rest)) if rest else b""

    def _given(self, out: bytes) -> bytes | Awaitable[bytes]:
        renamed = self.converse.turn.renamed()
        if renamed is None or self.is_linked:
            return out
        self.is_linked = True  # before the client can go on from it
        return self.converse.linked(*renamed, out)


def _taken_back(dialect: Dialect, body: bytes, answers: Sequence[Answer]) -> bytes:
    """Return a request that says, in the place of answers, that there is no room for them."""
    conversation = members(body)["input" if dialect is Dialect.OPENAI_RESPONSES else "messages"]
    parts = []
    end = conversation.end
    for answer in reversed(answers):  # they stand last in the conversation, in their order
        written = orjson.dumps(answer.text)
        at = body.rindex(written, conversation.start, end)
        parts.append(((at, at + len(written)), _NO_ROOM))
        end = at
    return replaced(body, parts)


def _may_ask(body: bytes) -> bool:
    """Return whether a conversation has a view to ask for, as far as it is known here."""
    return any(mark in body for mark in _ASKABLE)


def _response(
    body: bytes, status: int, reason: str | None, headers: Sequence[tuple[str, str]]
) -> web.Response:
    made = web.Response(status=status, reason=reason, body=body)
    made.headers.clear()
    for name, value in headers:
        made.headers.add(name, value)
    return made
