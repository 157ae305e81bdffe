"""A provider's prompt cache survives a fleet: replicas, restarts, a rollout, a changed query."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.adapters.open_store import StoreOptions, decorate, open_store
from furler_compressor.app.compress import Degraded
from furler_compressor.app.context import Context
from furler_compressor.app.conversation import ConversationRequest, compress_conversation
from furler_compressor.app.ports import Pin, Scope, Store
from furler_engine.dialects.block import Dialect
from furler_engine.types import Fidelity, Kind, Level, Policy
from support import talk, traces
from support.fakes import caller, context
from support.provider import PrefixCache, sent

pytestmark = pytest.mark.anyio

TURNS = 200
RESTART = 20
REPLICAS = 3
BEFORE = Policy()
AFTER = Policy(fidelity=Fidelity.LOSSLESS, levels=((Kind.LOG, Level.TIGHT),), min_tokens=500)
SESSIONS = traces.recorded() or {"made here": traces.MADE}


@dataclass
class Result:
    cache: PrefixCache = field(default_factory=PrefixCache)
    before: int = 0
    after: int = 0
    bodies: list[int] = field(default_factory=list)


class Fleet:
    """Replicas around one store that outlives them: each has a connection of its own."""

    def __init__(self, url: str, replicas: int) -> None:
        self._url = url
        self._replicas = [self._start() for _ in range(replicas)]
        self._random = random.Random(7)  # noqa: S311 - which replica, not a secret

    def _start(self) -> Context:
        return context(open_store(self._url))

    async def restart(self) -> None:
        """Replace one replica: whatever it knew is gone."""
        at = self._random.randrange(len(self._replicas))
        await self._replicas[at].drain()
        await self._replicas[at].store.close()
        self._replicas[at] = self._start()

    def any(self) -> Context:
        return self._random.choice(self._replicas)

    async def close(self) -> None:
        for replica in self._replicas:
            await replica.drain()
            await replica.store.close()


@asynccontextmanager
async def running(url: str, replicas: int) -> AsyncIterator[Fleet]:
    fleet = Fleet(url, replicas)
    try:
        yield fleet
    finally:
        await fleet.close()


async def converse(
    fleet: Fleet, session: Sequence[talk.Step], dialect: Dialect, *, restarts: bool
) -> Result:
    """Send every turn of a session; the policy is rolled out and the query changed half way."""
    result = Result()
    for turn in range(1, len(session) + 1):
        if restarts and turn % RESTART == 0:
            await fleet.restart()
        late = turn > len(session) // 2
        request = ConversationRequest(
            "",
            talk.body(session[:turn], dialect),
            dialect,
            AFTER if late else BEFORE,
            query="refunds that failed" if late else "",
            conversation="session",
        )
        answer = await compress_conversation(fleet.any(), caller(60), request)
        assert answer.degraded is Degraded.NO
        result.cache.send(sent(request.body, answer))
        result.before += answer.done.tokens_before
        result.after += answer.tokens_after
        result.bodies.append(answer.tokens_after)
    return result


@pytest.mark.slow
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_two_hundred_turns_through_a_fleet_bust_no_prefix(
    dialect: Dialect, tmp_path: Path
) -> None:
    name = sorted(SESSIONS)[list(Dialect).index(dialect) % len(SESSIONS)]
    session = traces.long_session(SESSIONS[name], TURNS)
    async with running(str(tmp_path / "fleet"), REPLICAS) as fleet:
        together = await converse(fleet, session, dialect, restarts=True)
    async with running(str(tmp_path / "alone"), 1) as one:
        alone = await converse(one, session, dialect, restarts=False)
    assert (together.cache.turns, together.cache.busts) == (TURNS, 0)
    assert together.bodies == alone.bodies
    assert together.after < together.before


async def test_replicas_on_one_redis_bust_no_prefix(valkey_server: str) -> None:
    session = traces.long_session(traces.MADE, 40)
    async with running(valkey_server, REPLICAS) as fleet:
        result = await converse(fleet, session, Dialect.OPENAI_CHAT, restarts=True)
    assert result.cache.busts == 0
    assert result.after < 0.5 * result.before


class Forgetful(MemoryStore):
    """A store that pins nothing: what happens without pins."""

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        return {}

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        return {key: pin.data for key, pin in pins.items()}


async def test_without_pins_the_rollout_busts_the_prefix() -> None:
    """The simulation can fail: this is what the pins are for."""
    store: Store = decorate(Forgetful(), StoreOptions())
    service = context(store)
    cache = PrefixCache()
    for turns, policy in ((3, BEFORE), (5, BEFORE), (7, AFTER)):
        request = ConversationRequest(
            "", talk.body(traces.MADE[:turns]), Dialect.OPENAI_CHAT, policy, conversation="c"
        )
        answer = await compress_conversation(service, caller(), request)
        cache.send(sent(request.body, answer))
    assert cache.busts == 1
