"""From a request's body to the one that goes to the provider: the tool added, results compressed.

Whatever goes wrong on the way, the body goes out as it came, or with the tool that
its conversation has had from the beginning: trouble costs savings, never the turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import orjson

from furler.conversations import Conversation, Dialect, Mode
from furler.errors import CredentialInvalidError, FieldInvalidError, FurlerError, SpaceDeniedError
from furler_gateway import caller
from furler_gateway.json_spans import Member, Span, appended, elements, members, replaced
from furler_gateway.limits import off_loop
from furler_gateway.proxy import tool
from furler_gateway.proxy.identity import conversation, is_signed, is_subscription
from furler_gateway.proxy.pins import Pins
from furler_gateway.proxy.providers import Route
from furler_gateway.proxy.treatment import (
    TENANT_UNKNOWN,
    Traffic,
    Treating,
    Treatment,
    confined,
    offers,
)
from furler_gateway.upstream import Upstream

_MARKS: Final[Mapping[Dialect, tuple[bytes, ...]]] = {
    Dialect.ANTHROPIC_MESSAGES: (b'"tool_result"', b'"document"', b'"search_result"'),
    Dialect.OPENAI_CHAT: (b'"tool"', b'"role":"function"', b'"role": "function"'),
    Dialect.OPENAI_RESPONSES: (b'call_output"',),
}
"""What a body has in it if there may be anything to compress. Within a JSON string every quote is
escaped, so these bytes are never content."""
_BY_MODEL: Final[Mapping[Dialect, tuple[bytes, ...]]] = {
    Dialect.ANTHROPIC_MESSAGES: (b'"assistant"',),
    Dialect.OPENAI_CHAT: (b'"assistant"',),
    Dialect.OPENAI_RESPONSES: (b'"assistant"', b'"function_call"', b'"custom_tool_call"'),
}
"""What a conversation has in it of a model that has answered."""
_CONVERSATIONS: Final[Mapping[Dialect, str]] = {
    Dialect.ANTHROPIC_MESSAGES: "messages",
    Dialect.OPENAI_CHAT: "messages",
    Dialect.OPENAI_RESPONSES: "input",
}
"""Under what name the conversation stands in a body."""
_SMALL: Final[tuple[str, ...]] = (
    "model",
    "metadata",
    "conversation",
    "prompt_cache_key",
    "previous_response_id",
)
"""Members that are read; the rest is only passed on."""
_CALLERS_FAULT: Final = (CredentialInvalidError, SpaceDeniedError)
"""What a caller must hear of: passed on unchanged, a wrong credential would go unnoticed."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A body that may go out.

    ``outcome`` says what became of it, in a word; ``is_offered`` whether the retrieve tool was
    added. ``is_changed`` is False if the body is the very one that came.
    """

    body: bytes
    outcome: str
    traffic: Traffic
    treatment: Treatment = field(default_factory=Treatment)
    is_offered: bool = False
    is_changed: bool = False
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Preparer:
    """Prepares bodies."""

    upstream: Upstream
    treating: Treating
    pins: Pins
    seconds: float

    async def prepare(
        self, route: Route, headers: Mapping[str, str], space: str, body: bytes
    ) -> Prepared:
        """Return what goes out for a body. Raises FurlerError for a caller's own credential."""
        dialect = route.dialect
        assert dialect is not None  # noqa: S101 - only dialects' bodies are prepared
        nothing = Traffic(dialect, route.upstream, "", "", space, is_subscription(headers), headers)
        if is_signed(headers):
            return Prepared(body, "signed", nothing)
        try:
            found = await off_loop(len(body), members, body)
            known = {name: found[name].exactly(body) for name in _SMALL if name in found}
        except ValueError:
            return Prepared(body, "no_dialect", nothing)
        if _CONVERSATIONS[dialect] not in found:
            return Prepared(body, "no_dialect", nothing)
        model = known.get("model")
        traffic = Traffic(
            dialect,
            route.upstream,
            caller.model_name(model) if isinstance(model, str) else "",
            conversation(dialect, headers, known),
            space,
            nothing.is_subscription,
            headers,
        )
        sent = body
        if previous := found.get("previous_response_id"):
            body = await self._linked(body, traffic, previous)
            if body is not sent:
                found = await off_loop(len(body), members, body)
        place = caller.place()
        place.model, place.conversation = traffic.model, traffic.conversation
        treatment = await self.treating.treatment(traffic)
        has_own, can_offer = await off_loop(len(body), _ways_to_ask, body, found, dialect)
        offered = can_offer and await self._offered(traffic, treatment)
        can_retrieve = has_own or offered
        if can_retrieve and not _is_allowed(body, found):
            can_retrieve = await off_loop(len(body), _could_ask, body, found, dialect)
        if offered:
            span, definitions = _span(found["tools"]), [tool.DEFINITIONS[dialect]]
            body = await off_loop(len(body), appended, body, span, definitions)
        made = Prepared(body, "unchanged", traffic, treatment, offered, body is not sent)
        return await self._compressed(made, can_retrieve=can_retrieve)

    async def _offered(self, traffic: Traffic, treatment: Treatment) -> bool:
        """Return whether the tool is offered: what the conversation began with counts."""
        wish = offers(treatment, traffic)
        if not treatment.is_pinned or traffic.is_subscription or not traffic.conversation:
            return wish
        return await self.pins.is_offered(traffic.conversation, traffic.space, wish=wish)

    async def _linked(self, body: bytes, traffic: Traffic, previous: Member) -> bytes:
        """Return a body that goes on from the reply its client means, by the id the provider has."""
        if traffic.is_subscription:
            return body
        shown = previous.exactly(body)
        if not isinstance(shown, str):
            return body
        real = await self.pins.linked(shown, traffic.space)
        if real == shown:
            return body
        parts = [((previous.start, previous.end), orjson.dumps(real))]
        return await off_loop(len(body), replaced, body, parts)

    async def _compressed(self, made: Prepared, *, can_retrieve: bool) -> Prepared:
        treatment, dialect = made.treatment, made.traffic.dialect
        is_unknown = treatment.rule == TENANT_UNKNOWN
        if treatment.mode is Mode.BYPASS and not treatment.is_pinned and not is_unknown:
            return replace(made, outcome="bypass")
        if not await off_loop(len(made.body), _has_mark, made.body, _MARKS[dialect]):
            return made
        if is_unknown:
            self.upstream.figures.degraded()
            return replace(made, outcome=TENANT_UNKNOWN)
        made = replace(made, treatment=confined(treatment, made.traffic, can_retrieve=can_retrieve))
        try:
            async with asyncio.timeout(self.seconds):
                done = await self._asked(made)
        except _CALLERS_FAULT:
            raise
        except FieldInvalidError:
            return replace(made, outcome="no_dialect")
        except FurlerError as error:
            self.upstream.figures.degraded()
            return replace(made, outcome=error.reason.lower())
        except TimeoutError:
            self.upstream.figures.degraded()
            return replace(made, outcome="deadline_exceeded")
        outcome = str(done.mode) if done.mode is not Mode.APPLY else "unchanged"
        if done.edits:
            outcome = "compressed"
        elif done.degraded is not None:
            outcome = str(done.degraded)
        return replace(
            made,
            body=done.body if done.edits else made.body,
            is_changed=made.is_changed or bool(done.edits),
            outcome=outcome,
            before=done.tokens_before,
            after=done.tokens_after if done.mode is Mode.APPLY else done.tokens_before,
        )

    async def _asked(self, made: Prepared) -> Conversation:
        treatment, traffic = made.treatment, made.traffic
        return await self.upstream.furler.compress_conversation(
            made.body,
            traffic.dialect,
            conversation=_name(traffic.conversation, treatment) or None,
            policy=treatment.policy,
            space=traffic.space,
            mode=treatment.mode,
        )


def _has_mark(body: bytes, marks: tuple[bytes, ...]) -> bool:
    return any(mark in body for mark in marks)


def _name(name: str, treatment: Treatment) -> str:
    """Return a conversation's name to the compressor, which keeps a policy for each.

    What a coding agent asks beside its work, without tools, has the same session; it is not to
    make the work lossless, nor the work it lossy. What a setting says by now changes no name.
    """
    return f"{name}+lossless" if name and treatment.is_confined else name


def _ways_to_ask(body: bytes, found: Mapping[str, Member], dialect: Dialect) -> tuple[bool, bool]:
    """Return whether a request has a retrieve tool of the client's, and whether it may get ours."""
    tools = found.get("tools")
    if tools is None or not isinstance(tools.value, list) or not tools.value:
        return False, False
    if tool.has_own(body[tools.start : tools.end]):
        return True, False
    most, count = tool.MOST_TOOLS.get(dialect), len(tools.value)
    if most is not None and tools.value == [None]:  # of a long value only the type is told
        count = len(elements(body, _span(tools)))
    return False, _can_continue(found) and (most is None or count < most)


def _is_allowed(body: bytes, found: Mapping[str, Member]) -> bool:
    """Return whether the model may call a retrieve tool: a request may forbid tools, or demand one.

    The tool is offered all the same: a conversation has it always or never.
    """
    choice = found.get("tool_choice")
    return choice is None or tool.is_allowed(choice.value, body[choice.start : choice.end])


def _could_ask(body: bytes, found: Mapping[str, Member], dialect: Dialect) -> bool:
    """Return whether the model has answered since it saw the first of what may have been shortened.

    Then it could have asked, and what it was shown stays: it is what the provider has cached, and
    the originals of a long conversation may be more than the model takes.
    """
    start, end = _span(found[_CONVERSATIONS[dialect]])
    seen = [at for mark in _MARKS[dialect] if (at := body.find(mark, start, end)) >= 0]
    said = max(body.rfind(mark, start, end) for mark in _BY_MODEL[dialect])
    return bool(seen) and min(seen) < said


def _span(member: Member) -> Span:
    return member.start, member.end


def _can_continue(found: Mapping[str, Member]) -> bool:
    """Return whether we could go on with the reply: one choice, and not in the background."""
    many = found["n"].value if "n" in found else None
    background = found["background"].value if "background" in found else None
    return many in (None, 1) and background in (None, False)
