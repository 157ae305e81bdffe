"""A request of no conversation is folded once; its originals are looked for every time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.context import Context
from furler_compressor.app.conversation import Answer, ConversationRequest, compress_conversation
from furler_compressor.app.conversed import Beginning, ConversationJob, Conversed, Mode
from furler_compressor.app.memo import MAX_BODY, Memo, key_of
from furler_compressor.app.ports import Scope
from furler_engine.dialects.block import Dialect
from furler_engine.types import Fidelity, Policy
from support import talk
from support.fakes import DirectEngine, caller, context
from support.inputs import orders, service_log

pytestmark = pytest.mark.anyio

STEPS = [talk.bash("curl orders", orders(120)), talk.bash("journalctl", service_log(300))]
SCOPE = Scope("acme", "default")
PLAIN = ConversationRequest("", talk.body(STEPS), Dialect.OPENAI_CHAT, Policy())


@dataclass
class CountingEngine(DirectEngine):
    """Counts its jobs."""

    jobs: int = field(default=0, init=False)

    async def converse(self, job: ConversationJob, seconds: float) -> Conversed:
        self.jobs += 1
        return await super().converse(job, seconds)


@dataclass
class World:
    store: MemoryStore
    engine: CountingEngine
    service: Context

    async def ask(self, wanted: ConversationRequest = PLAIN) -> Answer:
        return await compress_conversation(self.service, caller(30.0), wanted)


@pytest.fixture
def world() -> World:
    store, engine = MemoryStore(), CountingEngine()
    return World(store, engine, replace(context(store, engine), memo=Memo(2**20)))


async def test_the_same_request_again_gives_the_same_bytes_without_an_engine(world: World) -> None:
    first, again = await world.ask(), await world.ask()
    assert world.engine.jobs == 1
    assert [s.replacement for s in again.splices] == [s.replacement for s in first.splices]
    assert (again.tokens_after, again.degraded) == (first.tokens_after, first.degraded)
    await world.service.drain()
    (json, log) = sorted(await world.store.totals(SCOPE), key=lambda tally: tally.name)
    assert [(each.views, each.cached) for each in (json, log)] == [(2, 1), (2, 1)]


async def test_an_original_that_is_gone_is_stored_again_before_its_reference_leaves(
    world: World,
) -> None:
    first = await world.ask()
    for splice in first.splices:
        await world.store.delete(SCOPE, splice.view.ref)
    again = await world.ask()
    assert world.engine.jobs == 1
    for splice in again.splices:
        assert await world.store.fetch(SCOPE, splice.view.ref) is not None


@pytest.mark.parametrize(
    "other",
    [
        replace(PLAIN, body=PLAIN.body + b" "),
        replace(PLAIN, policy=Policy(fidelity=Fidelity.LOSSLESS)),
        replace(PLAIN, query="refund"),
        replace(PLAIN, first_message=2),
        replace(PLAIN, begun=Beginning(Mode.AUDIT)),
        replace(PLAIN, space="another"),
        replace(PLAIN, relocate=True),
        replace(PLAIN, conversation="c1"),
    ],
)
async def test_whatever_a_result_depends_on_makes_it_another(
    other: ConversationRequest, world: World
) -> None:
    await world.ask()
    await world.ask(other)
    assert world.engine.jobs == 2


async def test_a_conversation_is_never_answered_from_memory(world: World) -> None:
    named = replace(PLAIN, conversation="c1")
    await world.ask(named)
    await world.ask(named)
    assert world.engine.jobs == 2


async def test_large_bodies_are_folded_every_time(world: World) -> None:
    large = replace(PLAIN, body=PLAIN.body + b" " * MAX_BODY)
    await world.ask(large)
    await world.ask(large)
    assert world.engine.jobs == 2


async def test_memory_is_bounded_and_those_used_last_stay(world: World) -> None:
    done = await world.engine.converse(
        ConversationJob(PLAIN.body, PLAIN.dialect, PLAIN.policy, b"k" * 32), 30.0
    )
    jobs = [
        ConversationJob(b"%d" % number, PLAIN.dialect, PLAIN.policy, b"k" * 32)
        for number in range(200)
    ]
    memo = Memo(2**17)
    for job in jobs:
        memo.put(key_of(SCOPE, job), done)
        assert memo.get(key_of(SCOPE, jobs[0])) is not None
    assert 0 < memo.held_bytes <= 2**17
    assert memo.get(key_of(SCOPE, jobs[1])) is None
    assert memo.get(key_of(SCOPE, jobs[-1])) is not None
    none = Memo(0)
    none.put(key_of(SCOPE, jobs[0]), done)
    assert none.get(key_of(SCOPE, jobs[0])) is None
