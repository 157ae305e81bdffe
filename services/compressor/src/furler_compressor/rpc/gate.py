"""What every call passes before its handler: who is it, may it come in, what does it cost.

Health checks and reflection do not pass here: load balancers have no credentials, and the API is
public.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.message import Message

from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_service_pb2 as contents
from furler.v1 import info_service_pb2 as info
from furler_compressor.app.caller import Caller
from furler_compressor.app.crowd import Crowd, Lull
from furler_compressor.app.identity import Anyone, Authenticator, EdgeAuthenticator
from furler_compressor.app.quota import Excesses, LocalMeter, Meter, exceeded

AUTHORIZATION: Final = "authorization"
EDGE_IDENTITY: Final = "furler-identity"
"""Metadata in which a gateway passes on whom it knows by a client certificate (adapters/edge.py)."""
AGENT: Final = "furler-agent"
"""Metadata by which an agent names itself, for the audit trail."""
_SCHEME: Final = "bearer "
_FREE: Final = "/furler.v1.InfoService/GetIdentity"
"""Costs nothing: a gateway asks, whose caller did not."""
_MAX_AGENT = 128
MOST_CALLS: Final = 64
"""As the setting max_calls has it."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets calls in."""

    authenticator: Authenticator
    meter: Meter
    edge: EdgeAuthenticator | None = None
    """None: no gateway's word counts."""
    crowd: Crowd = field(default_factory=lambda: Crowd(MOST_CALLS))
    excesses: Excesses = field(default_factory=Excesses)
    lull: Lull = field(default_factory=Lull)

    async def enter(self, metadata: Mapping[str, str], deadline: float, rpc: str = "") -> Caller:
        """Return who calls. Raises CredentialInvalidError."""
        token = _token(metadata.get(AUTHORIZATION, ""))
        assertion = metadata.get(EDGE_IDENTITY, "")
        if self.edge is not None and assertion and not token:
            grant = await self.edge.grant_of(assertion, rpc)
        else:
            grant = await self.authenticator.grant_of(token)
        agent = metadata.get(AGENT, "")[:_MAX_AGENT]
        return Caller(grant.tenant, deadline, agent if agent.isprintable() else "", grant)

    def check(self, caller: Caller, rpc: str) -> None:
        """Raise what a call is refused for before its message is read; it is not counted yet.

        OverloadedError, and QuotaExceededError while a tenant has to wait that was told so.
        """
        if rpc != _FREE:
            self.excesses.check(caller.tenant, caller.grant.quota)
        self.crowd.check(caller.tenant)

    def admitted(self, caller: Caller) -> AbstractContextManager[None]:
        """Count a call as in flight for the time of the body. Raises OverloadedError."""
        return self.crowd.admitted(caller.tenant)

    async def charge(self, caller: Caller, request: Message) -> None:
        """Charge a message to its tenant. Raises QuotaExceededError."""
        if caller.grant.quota.counts_calls:  # the size of a message costs as much as writing it
            await self._take(caller, _items(request), request.ByteSize())

    async def charged(
        self, caller: Caller, requests: AsyncIterator[Message]
    ) -> AsyncIterator[Message]:
        """Charge the messages of a stream as they come: the first as a request, all by their bytes."""
        first = 1
        async for message in requests:
            if caller.grant.quota.counts_calls:
                await self._take(caller, first, message.ByteSize())
            first = 0
            yield message

    async def _take(self, caller: Caller, requests: int, size: int) -> None:
        quota = caller.grant.quota
        if not requests and not size:
            return
        excess = await self.meter.take(caller.tenant, quota, requests, size)
        if excess is not None:
            self.excesses.note(caller.tenant, quota, excess)
            raise exceeded(caller.tenant, excess)


def open_gate() -> Gate:
    """Return a gate that lets everybody in."""
    return Gate(Anyone(), LocalMeter())


def _token(header: str) -> str:
    """Return the bearer token of an authorization header, or nothing."""
    if header[: len(_SCHEME)].lower() != _SCHEME:
        return ""
    return header[len(_SCHEME) :].strip()


def _items(request: Message) -> int:
    """Return how many requests a message is: a batch is as many as it has items."""
    match request:
        case compressor.BatchCompressRequest():
            return max(1, len(request.contents))
        case contents.BatchRetrieveRequest():
            return max(1, len(request.requests))
        case info.GetIdentityRequest():
            return 0  # as _FREE
        case _:
            return 1
