"""The policy, applied where every surface passes: at the calls to the compressor.

A decorator of the client's Backend. What compresses is held to the policy's terms and given its
mode; all other calls pass. Surfaces need no line of their own for that.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final, Generic, cast

from furler.backends.around import BackendAround
from furler.backends.base import EXPLAIN, Method, Request, Response
from furler.conversations import Mode
from furler.errors import FurlerError
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import conversation_pb2 as conversation
from furler_gateway import caller, telemetry
from furler_gateway.figures import Figures
from furler_gateway.identities import Identities
from furler_gateway.policy import ceiling
from furler_gateway.policy.decide import Decisions, Situation, Treatment
from furler_gateway.policy.keeper import PolicyKeeper

_MODES: Final = {
    mode: conversation.ConversationMode.Value(f"CONVERSATION_MODE_{mode.name}") for mode in Mode
}
_BYPASS: Final = conversation.CONVERSATION_MODE_BYPASS
_MAX_SPACE: Final = 256
_AUDITED_ITEMS: Final = 16
"""Items of a batch that are measured in audit: each is worked on twice."""


@dataclass(frozen=True, slots=True)
class Governor:
    """Says what holds for the request that is served."""

    keeper: PolicyKeeper
    identities: Identities
    decisions: Decisions = field(default_factory=Decisions)

    async def treatment(self, space: str = "", conversation_id: str = "") -> Treatment:
        """Return what holds. Raises CredentialInvalidError."""
        tenant = await self.identities.tenant()
        place = caller.place()
        space = space[:_MAX_SPACE] or "default"  # a longer one is no space, and would be remembered
        situation = Situation(tenant, place.route, space, place.model, conversation_id)
        treatment = self.decisions.decide(self.keeper.document, situation)
        is_unknown = not tenant and any(r.match.tenants for r in self.keeper.document.rules)
        if is_unknown and not treatment.killed:
            # Whose rules hold cannot be told: nothing is touched, and nothing kept of it.
            why = "whose request it is cannot be told now, and rules name tenants"
            return replace(treatment, mode=Mode.BYPASS, why=why, killed=True, is_unknown=True)
        return treatment


@dataclass(slots=True)
class GovernedBackend(BackendAround):
    """Holds the calls of another backend to the policy."""

    governor: Governor
    figures: Figures

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Call the inner backend, as the policy has it."""
        start = time.monotonic()
        match request:
            case compressor.CompressConversationRequest():
                name = caller.place().conversation or request.conversation
                treatment = await self.governor.treatment(request.space, name)
                answer = await self._conversation(method, request, treatment, seconds)
                return cast("Response", answer)
            case compressor.CompressRequest():
                await self._contents(request, [request.content], seconds)
            case compressor.BatchCompressRequest():
                await self._contents(request, list(request.contents), seconds)
            case compressor.ExplainRequest():
                treatment = await self.governor.treatment(request.space)
                ceiling.hold(request.policy, treatment.terms)
        left = max(0.0, seconds - (time.monotonic() - start))
        return await self.inner.unary(method, request, left)

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Call the inner backend, as the policy has it."""
        first = next(iter(requests), None)
        if isinstance(first, compressor.StreamCompressRequest):
            treatment = await self.governor.treatment(first.header.space)
            self._count(treatment)
            requests = _Held(requests, treatment)
        async with aclosing(self.inner.stream(method, requests, seconds)) as responses:
            async for response in responses:
                yield response

    def _count(self, treatment: Treatment) -> None:
        telemetry.TREATED.labels(treatment.mode).inc()
        self.figures.treated(treatment.mode)

    async def _contents(
        self,
        request: compressor.CompressRequest | compressor.BatchCompressRequest,
        contents: list[content.Content],
        seconds: float,
    ) -> None:
        """Have contents pass through if they are not to be compressed; measure them if wanted."""
        treatment = await self.governor.treatment(request.space)
        policy = request.policy
        ceiling.hold(policy, treatment.terms)
        self._count(treatment)
        if treatment.mode is Mode.APPLY:
            return
        if treatment.mode is Mode.AUDIT:
            await self._measure(request, contents[:_AUDITED_ITEMS], seconds / 2)
        ceiling.nothing(policy)

    async def _measure(
        self,
        request: compressor.CompressRequest | compressor.BatchCompressRequest,
        contents: list[content.Content],
        seconds: float,
    ) -> None:
        place = caller.place()
        place.audits = True
        try:
            for each in contents:
                asked = compressor.ExplainRequest(
                    space=request.space, content=each, policy=request.policy
                )
                await self.inner.unary(EXPLAIN, asked, seconds)
        except FurlerError:
            pass  # what is only measured may fail
        finally:
            place.audits = False

    async def _conversation(
        self,
        method: Method[Request, Response],
        request: compressor.CompressConversationRequest,
        treatment: Treatment,
        seconds: float,
    ) -> Response | compressor.CompressConversationResponse:
        ceiling.hold(request.policy, treatment.terms)
        mode = max(_MODES[treatment.mode], request.mode)  # numbered from apply on: the stricter
        request.mode, request.tag = mode, request.tag or treatment.tag()
        self._count(treatment)
        if treatment.is_unknown:
            self.figures.degraded()
        if treatment.killed or (mode == _BYPASS and not request.conversation):
            return compressor.CompressConversationResponse(mode=_BYPASS)
        if mode == _BYPASS and request.body:
            # Most often the conversation began so, and its body need not travel.
            asked = compressor.CompressConversationRequest(
                space=request.space, dialect=request.dialect, policy=request.policy,
                conversation=request.conversation, mode=mode, tag=request.tag,
            )  # fmt: skip
            start = time.monotonic()
            answer = await self._call(method, asked, seconds)
            if answer.mode in (conversation.CONVERSATION_MODE_UNSPECIFIED, _BYPASS):
                return answer
            seconds = max(0.0, seconds - (time.monotonic() - start))
        return await self._call(method, request, seconds)

    async def _call(
        self,
        method: Method[Request, Response],
        request: compressor.CompressConversationRequest,
        seconds: float,
    ) -> compressor.CompressConversationResponse:
        answer = await self.inner.unary(method, cast("Request", request), seconds)
        return cast("compressor.CompressConversationResponse", answer)


class _Held(Generic[Request]):
    """Requests of StreamCompress, whose header is held to a treatment."""

    def __init__(self, requests: Iterable[Request], treatment: Treatment) -> None:
        self._requests = requests
        self._treatment = treatment

    def __iter__(self) -> Iterator[Request]:
        for request in self._requests:
            if isinstance(request, compressor.StreamCompressRequest) and request.HasField("header"):
                ceiling.hold(request.header.policy, self._treatment.terms)
                if self._treatment.mode is not Mode.APPLY:
                    ceiling.nothing(request.header.policy)
            yield request
