"""Whose request it is is asked for shortly before it is needed, and remembered shortly; in doubt nothing is touched."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import cast

import pytest

from furler.backends.base import Method, Request, Response
from furler.conversations import Mode
from furler.errors import CredentialInvalidError, FurlerError, UnavailableError
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import info_service_pb2 as info
from furler_gateway import caller
from furler_gateway.figures import Figures
from furler_gateway.governed import GovernedBackend, Governor
from furler_gateway.identities import Identities
from furler_gateway.policy.document import Document
from furler_gateway.policy.keeper import PolicyKeeper

pytestmark = pytest.mark.anyio


@dataclass
class Compressor:
    """Says that everybody is acme, or fails; counts what it is asked."""

    error: FurlerError | None = None
    asked: list[str] = field(default_factory=list)
    stream_above: int | None = None

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        self.asked.append(method.path.rpartition("/")[2])
        if self.error is not None:
            raise self.error
        return cast("Response", info.GetIdentityResponse(tenant="acme"))

    async def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        raise NotImplementedError
        yield

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _served() -> None:
    caller.come_in("/v1/compress")
    caller.serve("Bearer one")


async def test_a_credential_is_asked_for_once_in_a_while() -> None:
    compressor_, clock = Compressor(), Clock()
    identities = Identities(compressor_, clock)
    for _ in range(3):
        assert await identities.tenant() == "acme"
    assert caller.place().tenant == "acme"
    assert len(compressor_.asked) == 1
    caller.serve("Bearer two")
    await identities.tenant()
    clock.now += 31
    await identities.tenant()
    assert len(compressor_.asked) == 3


async def test_a_credential_that_is_wrong_is_never_remembered() -> None:
    compressor_ = Compressor(CredentialInvalidError("no"))
    identities = Identities(compressor_, Clock())
    for _ in range(2):
        with pytest.raises(CredentialInvalidError):
            await identities.tenant()
    compressor_.error = None
    assert await identities.tenant() == "acme"


async def test_a_compressor_in_trouble_is_not_asked_by_every_request() -> None:
    compressor_, clock = Compressor(UnavailableError("away")), Clock()
    identities = Identities(compressor_, clock)
    for _ in range(5):
        assert await identities.tenant() == ""
    assert len(compressor_.asked) == 1
    compressor_.error = None
    clock.now += 1.1
    assert await identities.tenant() == "acme"
    compressor_.error = UnavailableError("away again")
    clock.now += 31
    assert await identities.tenant() == "acme"  # as it was known


@pytest.mark.parametrize(
    ("match", "mode"),
    [({"tenants": ["acme"]}, Mode.BYPASS), ({"routes": ["/mcp"]}, Mode.APPLY)],
)
async def test_where_rules_name_tenants_nobody_unknown_is_touched(
    match: dict[str, object], mode: Mode
) -> None:
    rules = [{"name": "r", "match": match, "set": {"mode": "audit"}}]
    document = Document.model_validate({"version": 1, "revision": "r1", "rules": rules})
    compressor_ = Compressor(UnavailableError("away"))
    governor = Governor(PolicyKeeper(document), Identities(compressor_, Clock()))
    treatment = await governor.treatment()
    assert (treatment.mode, treatment.killed) == (mode, mode is Mode.BYPASS)


async def test_what_is_not_to_be_touched_does_not_travel() -> None:
    document = Document(version=1, revision="r1", kill_switch=True)
    compressor_ = Compressor()
    governor = Governor(PolicyKeeper(document), Identities(compressor_, Clock()))
    backend = GovernedBackend(compressor_, governor, Figures())
    method = Method("/x/CompressConversation", compressor.CompressConversationRequest,
                    compressor.CompressConversationResponse)  # fmt: skip
    request = compressor.CompressConversationRequest(body=b"{}", conversation="c")
    answer = await backend.unary(method, request, 1.0)
    assert list(answer.edits) == []
    assert compressor_.asked == ["GetIdentity"]


async def test_of_a_space_that_is_made_up_to_be_long_nothing_more_is_remembered() -> None:
    governor = Governor(PolicyKeeper(), Identities(Compressor()))
    caller.come_in("/v1/compress")
    await governor.treatment("s" * 10_000)
    ((_, _, space, _),) = governor.decisions._known
    assert len(space) == 256


def test_of_a_model_name_that_is_made_up_to_be_long_the_beginning_is_remembered() -> None:
    assert caller.model_name("m" * 10_000) == "m" * caller.MAX_MODEL
    assert caller.model_name("claude-5") == "claude-5"
