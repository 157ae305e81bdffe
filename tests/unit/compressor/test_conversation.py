"""CompressConversation keeps its promises when the store, the engine or the clock do not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.compress import Degraded
from furler_compressor.app.context import Context
from furler_compressor.app.conversation import Answer, ConversationRequest, compress_conversation
from furler_compressor.app.conversed import Epoch
from furler_compressor.app.engine import EngineRunner
from furler_compressor.app.errors import (
    ContentTooLargeError,
    FieldInvalidError,
    StoreUnavailableError,
)
from furler_compressor.app.ports import Pin, Record, Scope, Store
from furler_compressor.app.retrieve import delete
from furler_engine.dialects.block import Dialect
from furler_engine.epochs import Prices, Wish
from furler_engine.types import Fidelity, Policy
from support import talk
from support.fakes import (
    LIMITS,
    CrashingEngine,
    FailingStore,
    FullStore,
    HangingEngine,
    HangingStore,
    caller,
    context,
)
from support.inputs import orders, service_log
from support.provider import PrefixCache, sent, spliced

pytestmark = pytest.mark.anyio

FILE = talk.source(120)
STEPS = [
    talk.bash("curl orders", orders(120)),
    talk.read("a.py", FILE),
    talk.bash("journalctl", service_log(300)),
    talk.read("a.py", FILE.replace("value_31 =", "renamed_31 =")),
    talk.bash("curl orders --all", orders(150)),
]
SCOPE = Scope("acme", "default")


def request(
    steps: Sequence[talk.Step] = STEPS, conversation: str = "c1", **policy: Fidelity | int
) -> ConversationRequest:
    return ConversationRequest(
        "",
        talk.body(steps),
        Dialect.OPENAI_CHAT,
        Policy(**policy),  # type: ignore[arg-type]
        conversation=conversation,
    )


async def ask(service: Context, wanted: ConversationRequest, seconds: float = 30.0) -> Answer:
    return await compress_conversation(service, caller(seconds), wanted)


async def test_every_reference_that_leaves_is_held() -> None:
    store = MemoryStore()
    answer = await ask(context(store), request())
    assert len(answer.splices) == 4
    originals = [step.result for step in STEPS]
    for splice in answer.splices:
        held = await store.fetch(SCOPE, splice.view.ref)
        assert held is not None
        assert held.record.data.decode() in originals


async def test_counts_are_those_of_the_spliced_body() -> None:
    wanted = request()
    answer = await ask(context(MemoryStore()), wanted)
    after = replace(wanted, body=spliced(wanted.body, answer.splices), conversation="")
    again = await ask(context(FailingStore()), replace(after, policy=Policy(min_tokens=10**6)))
    assert answer.tokens_after < answer.done.tokens_before / 3
    assert again.tokens_after == pytest.approx(answer.tokens_after, rel=0.1)


@pytest.mark.parametrize("store", [FailingStore(), HangingStore(), FullStore()])
@pytest.mark.parametrize("conversation", ["", "c1"])
async def test_nothing_is_edited_when_the_store_does_not_acknowledge(
    store: Store, conversation: str
) -> None:
    answer = await ask(context(store), request(conversation=conversation), 2.0)
    assert answer.degraded is Degraded.STORE_UNAVAILABLE
    assert answer.splices == ()
    assert answer.tokens_after == answer.done.tokens_before > 0


class Unasked(MemoryStore):
    """Takes every question for a mistake."""

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        raise AssertionError(refs)


async def test_where_nothing_is_elided_the_store_is_asked_nothing() -> None:
    answer = await ask(context(Unasked()), request(conversation="", min_tokens=10**6))
    assert (answer.splices, answer.degraded) == ((), Degraded.NO)


@pytest.mark.parametrize(
    ("engine", "reason"),
    [(CrashingEngine(), Degraded.COMPRESSOR_FAILED), (HangingEngine(), Degraded.DEADLINE)],
)
async def test_trouble_with_the_engine_costs_savings_only(
    engine: EngineRunner, reason: Degraded
) -> None:
    answer = await ask(context(MemoryStore(), engine), request(), 0.3)
    assert (answer.splices, answer.degraded) == ((), reason)


async def test_what_is_no_request_is_the_callers_mistake() -> None:
    service = context(MemoryStore())
    with pytest.raises(FieldInvalidError, match="body"):
        await ask(service, replace(request(), body=b'{"messages": 1}'))
    with pytest.raises(FieldInvalidError, match="tokenizer"):
        await ask(service, replace(request(), policy=Policy(tokenizer="x")))
    with pytest.raises(FieldInvalidError, match="conversation"):
        await ask(service, request(conversation="a\nb"))
    with pytest.raises(FieldInvalidError, match="compaction"):
        await ask(service, replace(request(conversation=""), epoch=Epoch(Wish(), apply=True)))
    small = replace(service, limits=replace(LIMITS, max_content_bytes=10))
    with pytest.raises(ContentTooLargeError):
        await ask(small, request())


class Dying(MemoryStore):
    """A memory store that can be switched off, as a whole or for writing."""

    down = full = False

    def _check_open(self) -> None:
        if self.down:
            raise StoreUnavailableError("down")
        super()._check_open()

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        if self.full:
            raise StoreUnavailableError("full")
        await super().commit_all(scope, records, retention)

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        if self.full:
            raise StoreUnavailableError("full")
        return await super().pin(scope, conversation, pins, retention)


async def test_a_block_sent_while_the_store_was_full_stays_as_it_was_sent() -> None:
    store, cache = Dying(), PrefixCache()
    service = context(store)
    edits = []
    for turns, full in ((1, False), (3, True), (4, False), (5, False)):
        store.full = full
        wanted = request(STEPS[:turns])
        answer = await ask(service, wanted)
        assert (answer.degraded is Degraded.STORE_UNAVAILABLE) == full
        cache.send(sent(wanted.body, answer))
        edits.append([splice.pointer for splice in answer.splices])
    assert cache.busts == 0
    assert [len(each) for each in edits] == [1, 1, 2, 3]


async def turn(service: Context, turns: int, cache: PrefixCache) -> Answer:
    wanted = request(STEPS[:turns])
    answer = await ask(service, wanted)
    cache.send(sent(wanted.body, answer))
    return answer


async def test_who_served_the_turn_before_keeps_the_prefix_while_the_store_is_down() -> None:
    store, cache = Dying(), PrefixCache()
    service, edits = context(store), []
    for turns in range(1, 6):
        store.down = turns in (3, 4)
        answer = await turn(service, turns, cache)
        assert (answer.degraded is Degraded.STORE_UNAVAILABLE) == store.down
        edits.append(len(answer.splices))
    assert cache.busts == 0
    # What came while the store was down stays as it was sent; what came before and after is edited.
    assert edits == [1, 1, 1, 1, 2]


async def test_who_served_no_turn_before_edits_nothing_while_the_store_is_down() -> None:
    store = Dying()
    await turn(context(store), 2, PrefixCache())
    store.down = True
    answer = await turn(context(store), 3, PrefixCache())
    assert (answer.degraded, answer.splices) == (Degraded.STORE_UNAVAILABLE, ())


async def test_after_an_erasure_nothing_of_the_space_is_remembered() -> None:
    store = Dying()
    service = context(store)
    first = await turn(service, 2, PrefixCache())
    await delete(service, caller(), "", first.splices[0].view.ref)
    store.down = True
    answer = await turn(service, 3, PrefixCache())
    assert answer.splices == ()


async def test_a_changed_policy_and_query_change_no_byte_already_sent() -> None:
    cache = PrefixCache()
    store = MemoryStore()
    for turns, policy, query in (
        (2, Policy(), ""),
        (3, Policy(fidelity=Fidelity.LOSSLESS), "refunds"),
        (4, Policy(target_tokens=100), "x"),
        (5, Policy(min_tokens=10**6), ""),
    ):
        wanted = replace(request(STEPS[:turns]), policy=policy, query=query)
        answer = await ask(context(store), wanted)
        cache.send(sent(wanted.body, answer))
    assert (cache.turns, cache.busts) == (4, 0)
    assert len(answer.splices) == 4


async def test_a_conversation_keeps_the_policy_it_began_with() -> None:
    store = MemoryStore()
    first = await ask(context(store), request(STEPS[:1]))
    for turns in range(2, len(STEPS) + 1):
        other = request(STEPS[:turns], fidelity=Fidelity.LOSSLESS, min_tokens=10**6)
        later = await ask(context(store), other)
    alone = await ask(context(MemoryStore()), request(STEPS))
    assert first.done.recipe == later.done.recipe
    assert [s.replacement for s in later.splices] == [s.replacement for s in alone.splices]


async def test_a_new_block_is_read_with_the_question_of_its_own_turn() -> None:
    found = []
    for query in ("", "customer 77"):
        store = MemoryStore()
        await ask(context(store), request(STEPS[:1]))
        wanted = replace(request([STEPS[0], STEPS[4]]), query=query)
        answer = await ask(context(store), wanted)
        found.append("customer 77|" in answer.splices[1].view.text)
    assert found == [False, True]


async def test_without_a_name_a_longer_conversation_starts_with_the_shorter_ones_edits() -> None:
    cache = PrefixCache()
    for turns in range(1, len(STEPS) + 1):
        wanted = request(STEPS[:turns], conversation="")
        cache.send(sent(wanted.body, await ask(context(MemoryStore()), wanted)))
    assert cache.busts == 0


async def test_replicas_that_see_a_turn_at_once_give_the_same_bytes() -> None:
    store = MemoryStore()
    policies = [Policy(), Policy(fidelity=Fidelity.LOSSLESS), Policy(target_tokens=200)] * 3
    answers = await asyncio.gather(
        *(ask(context(store), replace(request(), policy=policy)) for policy in policies)
    )
    bodies = {spliced(request().body, answer.splices) for answer in answers}
    assert len(bodies) == 1
    assert all(answer.degraded is Degraded.NO for answer in answers)


async def test_a_deleted_original_is_stored_again_before_its_reference_leaves_again() -> None:
    store = MemoryStore()
    first = await ask(context(store), request())
    await store.delete(SCOPE, first.splices[0].view.ref)
    again = await ask(context(store), request())
    assert again.splices[0].replacement == first.splices[0].replacement
    assert await store.fetch(SCOPE, first.splices[0].view.ref) is not None


async def test_conversations_and_tenants_share_no_pins() -> None:
    store = MemoryStore()
    await ask(context(store), request(STEPS[:1], min_tokens=10**6))
    other = await ask(context(store), request(STEPS[:1], "c2"))
    foreign = await compress_conversation(
        context(store), caller(tenant="other"), request(STEPS[:1])
    )
    assert len(other.splices) == len(foreign.splices) == 1
    assert other.splices[0].view.ref != foreign.splices[0].view.ref


# Volatile text


def timed(clock: str, steps: Sequence[talk.Step] = STEPS) -> ConversationRequest:
    system = f"Be good. Now is 2026-03-14T{clock}Z, user 7f3e9a52-1111-4222-8333-444455556666."
    return replace(request(steps), body=talk.body(steps, system=system))


async def test_what_is_volatile_in_the_prefix_is_told_with_its_cost() -> None:
    store = MemoryStore()
    first = await ask(context(store), timed("09:26:53", STEPS[:1]))
    second = await ask(context(store), timed("09:27:11", STEPS[:2]))
    assert [(v.form, v.changed) for v in first.done.volatile] == [
        ("timestamp", None),
        ("uuid", None),
    ]
    assert [(v.form, v.changed) for v in second.done.volatile] == [
        ("timestamp", True),
        ("uuid", False),
    ]
    assert 0.9 * second.tokens_after < second.done.volatile[0].tokens_after <= second.tokens_after


async def test_the_system_prompt_is_never_edited_unasked() -> None:
    answer = await ask(context(MemoryStore()), timed("09:26:53"))
    assert all(splice.pointer != "/messages/0/content" for splice in answer.splices)


async def test_asked_for_volatile_text_moves_to_the_tail_and_the_prefix_stands_still() -> None:
    store, cache = MemoryStore(), PrefixCache()
    for turns, clock in ((1, "09:26:53"), (2, "09:27:11"), (4, "09:30:00")):
        wanted = replace(timed(clock, STEPS[:turns]), relocate=True)
        answer = await ask(context(store), wanted)
        forwarded = sent(wanted.body, answer)
        cache.send(forwarded)
        messages = json.loads(forwarded)["messages"]
        assert "<timestamp 1>" in messages[0]["content"]
        assert f"<timestamp 1> is 2026-03-14T{clock}Z" in messages[-1]["content"]
    assert cache.busts == 0


# Epochs

STALE = [
    talk.bash("curl orders", orders(120)),
    talk.read("a.py", FILE),
    talk.Step("edit", {"path": "a.py", "old": "x", "new": "y"}, "edited"),
    *(talk.bash(f"step {n}", f"done {n}") for n in range(6)),
]


def replaced(answer: Answer) -> list[tuple[str, bytes]]:
    return [(splice.pointer, splice.replacement) for splice in answer.splices]


def compacting(*, apply: bool, reads: float) -> ConversationRequest:
    wish = Wish(keep_last=2, prices=Prices(expected_reads=reads))
    return replace(request(STALE), epoch=Epoch(wish, apply=apply))


async def test_a_plan_says_what_an_epoch_would_save_and_changes_nothing() -> None:
    store = MemoryStore()
    before = await ask(context(store), request(STALE))
    planned = await ask(context(store), compacting(apply=False, reads=50))
    plan = planned.done.plan
    assert plan is not None
    assert [each.reason for each in plan.retired] == ["a.py was edited in message 7"]
    assert plan.pays
    assert plan.benefit == pytest.approx(plan.saved_tokens * 50 * 0.1)
    assert not planned.done.applied
    assert replaced(planned) == replaced(before)


async def test_an_epoch_that_does_not_pay_is_not_begun() -> None:
    store = MemoryStore()
    before = await ask(context(store), request(STALE))
    asked = await ask(context(store), compacting(apply=True, reads=0.1))
    assert not asked.done.applied
    assert replaced(asked) == replaced(before)


async def test_an_epoch_that_pays_takes_back_and_is_kept() -> None:
    store = MemoryStore()
    before = await ask(context(store), request(STALE))
    begun = await ask(context(store), compacting(apply=True, reads=50))
    assert begun.done.applied
    assert begun.tokens_after < before.tokens_after - 500
    assert begun.splices[0].replacement == before.splices[0].replacement
    cache = PrefixCache()
    cache.send(sent(request(STALE).body, begun))
    more = [*STALE, talk.read("a.py", FILE)]
    later = await ask(context(store), request(more))
    cache.send(sent(request(more).body, later))
    assert cache.busts == 0
    assert later.splices[-1].pointer == begun.splices[-1].pointer  # nothing points at what is gone
    again = await ask(context(store), compacting(apply=True, reads=50))
    assert not again.done.applied
