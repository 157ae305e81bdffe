"""A conversation keeps the mode it began with; auditing measures and changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.context import Context
from furler_compressor.app.conversation import Answer, ConversationRequest, compress_conversation
from furler_compressor.app.conversed import Beginning, Mode
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.app.outcome import Degraded
from furler_compressor.app.ports import Scope
from furler_engine.dialects.block import Dialect
from furler_engine.types import Fidelity, Level, Policy
from support import talk
from support.fakes import FailingStore, caller, context
from support.inputs import orders, service_log

pytestmark = pytest.mark.anyio

STEPS = [talk.bash("curl orders", orders(120)), talk.bash("journalctl", service_log(300))]
SCOPE = Scope("acme", "default")


def request(
    wish: Mode, conversation: str = "c1", *, policy: Policy | None = None
) -> ConversationRequest:
    return ConversationRequest(
        "", talk.body(STEPS), Dialect.OPENAI_CHAT, policy or Policy(),
        conversation=conversation, begun=Beginning(wish, "r1"),
    )  # fmt: skip


def without_body(conversation: str = "c1") -> ConversationRequest:
    return replace(request(Mode.BYPASS, conversation), body=b"")


async def ask(service: Context, wanted: ConversationRequest) -> Answer:
    return await compress_conversation(service, caller(30.0), wanted)


def mode(answer: Answer) -> Mode | None:
    return answer.begun.mode if answer.begun else None


async def test_an_audit_tells_what_compressing_would_save_and_changes_nothing() -> None:
    store = MemoryStore()
    service = context(store)
    audit = await ask(service, request(Mode.AUDIT, "audited"))
    await service.drain()
    assert (audit.splices, mode(audit)) == ((), Mode.AUDIT)
    assert (await store.usage(SCOPE)).originals == 0
    assert await store.totals(SCOPE) == []
    applied = await ask(service, request(Mode.APPLY, "applied"))
    assert audit.tokens_after == applied.tokens_after
    assert [s.pointer for s in audit.audited] == [s.pointer for s in applied.splices]


@pytest.mark.parametrize("conversation", ["", "c1"])
async def test_an_audit_of_a_later_turn_counts_all_of_it(conversation: str) -> None:
    service = context(MemoryStore())
    first = await ask(service, request(Mode.AUDIT, conversation))
    again = await ask(service, request(Mode.AUDIT, conversation))
    assert again.tokens_after == first.tokens_after < first.done.tokens_before


@pytest.mark.parametrize("later", list(Mode))
@pytest.mark.parametrize("first", list(Mode))
async def test_a_conversation_keeps_the_mode_it_began_with(first: Mode, later: Mode) -> None:
    service = context(MemoryStore())
    began = await ask(service, request(first))
    then = await ask(service, request(later))
    assert (mode(began), mode(then)) == (first, first)
    assert [s.replacement for s in then.splices] == [s.replacement for s in began.splices]


async def test_without_a_name_every_request_has_the_mode_it_asks_for() -> None:
    service = context(MemoryStore())
    for wish in Mode:
        answer = await ask(service, request(wish, ""))
        assert mode(answer) is wish
        assert bool(answer.splices) is (wish is Mode.APPLY)


async def test_a_bypass_without_a_body_sets_the_mode_and_asks_for_it() -> None:
    service = context(MemoryStore())
    assert mode(await ask(service, without_body("new"))) is Mode.BYPASS
    assert (await ask(service, request(Mode.APPLY, "new"))).splices == ()
    await ask(service, request(Mode.APPLY, "old"))
    asked = await ask(service, without_body("old"))
    assert (mode(asked), asked.splices) == (Mode.APPLY, ())
    assert len((await ask(service, request(Mode.BYPASS, "old"))).splices) == 2


async def test_of_two_modes_at_once_one_is_kept_by_both() -> None:
    service = context(MemoryStore())
    wanted = [request(Mode.APPLY), without_body()] * 4
    answers = await asyncio.gather(*(ask(service, each) for each in wanted))
    (kept,) = {mode(answer) for answer in answers}
    assert mode(await ask(service, request(Mode.AUDIT))) is kept


async def test_a_bypass_waits_for_no_store() -> None:
    answer = await ask(context(FailingStore()), without_body())
    assert (answer.begun, answer.degraded) == (None, Degraded.STORE_UNAVAILABLE)


async def test_a_new_release_reads_the_policy_of_one_that_knew_no_modes() -> None:
    service = context(MemoryStore())
    policy = Policy(fidelity=Fidelity.LOSSLESS)
    plain = replace(request(Mode.APPLY, policy=policy), begun=Beginning())
    began = await ask(service, plain)
    pins = await service.store.pins(SCOPE, "c1", 60.0)
    assert b"mode" not in pins["policy/0"]
    assert b"tools" not in pins["policy/0"]
    then = await ask(service, request(Mode.BYPASS))
    assert [s.replacement for s in then.splices] == [s.replacement for s in began.splices]


async def test_a_level_by_tool_is_kept_with_the_policy() -> None:
    service = context(MemoryStore())
    off = Policy(tools=(("bash", Level.OFF),))
    assert (await ask(service, request(Mode.APPLY, policy=off))).splices == ()
    assert (await ask(service, request(Mode.APPLY))).splices == ()
    answer = await ask(service, request(Mode.APPLY, "other"))
    assert [splice.tool for splice in answer.splices] == ["bash", "bash"]


async def test_an_audit_without_a_body_only_asks() -> None:
    service = context(MemoryStore())
    only = replace(request(Mode.AUDIT), body=b"")
    assert (await ask(service, only)).begun is None
    await ask(service, request(Mode.APPLY))
    later = replace(only, begun=Beginning(Mode.AUDIT, "r2"))
    assert (await ask(service, later)).begun == Beginning(Mode.APPLY, "r1")


async def test_a_tag_is_bounded() -> None:
    long = replace(request(Mode.APPLY), begun=Beginning(Mode.APPLY, "é" * 129))
    with pytest.raises(FieldInvalidError, match="tag: want at most 256 bytes"):
        await ask(context(MemoryStore()), long)
