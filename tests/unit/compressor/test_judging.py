"""A model makes views shorter, and whatever goes wrong with it costs nothing but that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from contract.places import Clock
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app.caller import Caller
from furler_compressor.app.compress import Compressed, CompressRequest, Degraded, compress, explain
from furler_compressor.app.context import Context
from furler_compressor.app.conversation import Answer, ConversationRequest, compress_conversation
from furler_compressor.app.engine import CompressJob, EngineFailedError
from furler_compressor.app.identity import Grant
from furler_compressor.app.judging import Judging
from furler_compressor.app.model_port import Judgement, Model, Trouble
from furler_compressor.app.ports import Store
from furler_compressor.app.quota import BURST_SECONDS, LocalMeter, Quota
from furler_engine.dialects.block import Dialect
from furler_engine.recipe import recipe
from furler_engine.types import Fidelity, Hints, Kind, Policy, View
from support import talk
from support.fake_model import FakeModel
from support.fakes import LIMITS, DirectEngine, FailingStore, caller
from support.prose import report

pytestmark = pytest.mark.anyio

REPORT = report(20)
PROSE = Hints(kind=Kind.PROSE)


def service(
    model: Model, store: Store | None = None, engine: DirectEngine | None = None, **more: float
) -> Context:
    """Return a service with a model."""
    judging = Judging(model, LocalMeter(Clock()), **more)
    return Context(
        engine or DirectEngine(), store or MemoryStore(), LIMITS, b"a key", judging=judging
    )


async def view_of(
    context: Context, policy: Policy | None = None, who: Caller | None = None, text: str = REPORT
) -> Compressed:
    wanted = CompressRequest("", text.encode(), PROSE, policy or Policy())
    done = await compress(context, who or caller(), wanted)
    await context.drain()
    return done


PLAIN = recipe(Policy(), PROSE)


async def test_a_view_is_made_with_the_models_answers_and_named_after_it() -> None:
    model = FakeModel()
    done = await view_of(service(model))
    view = done.outcome.view
    assert (view.compressors, done.outcome.degraded) == (("words",), Degraded.NO)
    assert view.tokens_after < 0.85 * view.tokens_before
    assert view.recipe == recipe(Policy(model="fake/1"), PROSE)
    assert view.asks == ()
    assert model.asked == [(REPORT.rstrip("\n"),)]


async def test_the_fleet_pays_once() -> None:
    store, first, second = MemoryStore(), FakeModel(), FakeModel()
    made = await view_of(service(first, store))
    found = await view_of(service(second, store))
    assert found.outcome.cached
    assert found.outcome.view.text == made.outcome.view.text
    assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_callers_at_the_same_time_ask_once() -> None:
    gate = asyncio.Event()
    model = FakeModel(gate=gate)
    context = service(model)
    calls = [asyncio.create_task(view_of(context)) for _ in range(5)]
    while not model.asked:
        await asyncio.sleep(0)
    gate.set()
    texts = {(await call).outcome.view.text for call in calls}
    assert (len(texts), len(model.asked)) == (1, 1)


@pytest.mark.parametrize("trouble", [t for t in Trouble if t is not Trouble.NONE])
async def test_without_an_answer_the_text_stays_and_the_view_says_so(trouble: Trouble) -> None:
    done = await view_of(service(FakeModel(trouble=trouble)))
    view = done.outcome.view
    assert (view.text, view.recipe) == (REPORT, PLAIN)
    assert done.outcome.degraded is Degraded.MODEL_UNAVAILABLE


async def test_what_a_model_could_not_shorten_is_not_taken_for_the_real_view_later() -> None:
    model, store = FakeModel(trouble=Trouble.TIMEOUT), MemoryStore()
    context = service(model, store)
    hints = Hints(kind=Kind.PROSE, query="who was told about the limit of connections?")
    wanted = CompressRequest("", report(60).encode(), hints, Policy())
    before = await compress(context, caller(), wanted)
    assert before.outcome.view.ref
    model.trouble = None
    after = await compress(context, caller(), wanted)
    assert (after.outcome.cached, after.outcome.degraded) == (False, Degraded.NO)
    assert after.outcome.view.tokens_after < before.outcome.view.tokens_after
    held = await store.fetch(caller().scope(""), before.outcome.view.ref)
    assert held is not None


async def test_a_model_that_hangs_is_not_waited_for_beyond_the_deadline() -> None:
    model = FakeModel(gate=asyncio.Event())
    done = await view_of(service(model), who=caller(seconds=1.0))
    assert done.outcome.degraded is Degraded.MODEL_UNAVAILABLE
    assert model.seconds[0] < 0.6


class DeafModel(FakeModel):
    """Hangs whatever time it is given."""

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        await asyncio.Event().wait()
        return Judgement("", ())


async def test_a_model_that_keeps_no_time_is_cut_off() -> None:
    done = await view_of(service(DeafModel(), seconds=0.1))
    assert done.outcome.degraded is Degraded.MODEL_UNAVAILABLE


class OddModel(FakeModel):
    """Answers with what it is told to."""

    answer: Judgement = Judgement("", ())

    async def judge(self, texts: Sequence[str], seconds: float) -> Judgement:
        return self.answer


@pytest.mark.parametrize("scores", [(), ((0.5,),), ((float("nan"),) * 1088,)])
async def test_an_answer_that_does_not_fit_is_none(scores: tuple[tuple[float, ...], ...]) -> None:
    model = OddModel()
    model.answer = Judgement("odd/1", scores)
    done = await view_of(service(model))
    assert done.outcome.degraded is Degraded.MODEL_UNAVAILABLE
    assert done.outcome.view.text == REPORT


async def test_a_view_is_of_the_version_that_answered() -> None:
    model, other = OddModel(version="big/1"), FakeModel()
    model.answer = await other.judge([REPORT.rstrip("\n")], 1)
    done = await view_of(service(model))
    assert done.outcome.view.recipe == recipe(Policy(model="fake/1"), PROSE)
    assert done.outcome.degraded is Degraded.NO


@pytest.mark.parametrize("policy", [Policy(allow_model=False), Policy(fidelity=Fidelity.LOSSLESS)])
async def test_a_policy_that_forbids_it_asks_nobody(policy: Policy) -> None:
    model = FakeModel()
    done = await view_of(service(model), policy)
    assert (model.asked, done.outcome.degraded) == ([], Degraded.NO)
    assert done.outcome.view.recipe == recipe(policy, PROSE)


async def test_a_model_that_the_caller_names_is_not_believed() -> None:
    model = FakeModel()
    done = await view_of(service(model), Policy(model="mine/9", allow_model=False))
    assert (model.asked, done.outcome.view.recipe) == ([], PLAIN)


class TiringEngine(DirectEngine):
    """Fails the run that has the answers."""

    async def compress(self, job: CompressJob, seconds: float) -> View:
        if job.answers is not None:
            raise EngineFailedError("MemoryError")
        return await super().compress(job, seconds)


async def test_an_engine_that_fails_with_the_answers_leaves_the_view_without() -> None:
    done = await view_of(service(FakeModel(), engine=TiringEngine()))
    assert (done.outcome.view.text, done.outcome.view.recipe) == (REPORT, PLAIN)
    assert done.outcome.degraded is Degraded.COMPRESSOR_FAILED


async def test_nothing_is_left_out_that_the_store_did_not_take() -> None:
    done = await view_of(service(FakeModel(), FailingStore()))
    assert (done.outcome.view.text, done.outcome.view.ref) == (REPORT, "")
    assert done.outcome.degraded is Degraded.STORE_UNAVAILABLE


async def test_explain_asks_as_compress_does() -> None:
    context = service(FakeModel())
    wanted = CompressRequest("", REPORT.encode(), PROSE, Policy())
    explained = await explain(context, caller(), wanted)
    assert explained.outcome.view.compressors == ("words",)
    assert any(d.compressor == "words" and d.applied for d in explained.outcome.view.decisions)


async def test_a_tenant_over_its_quota_does_without_the_model_and_is_not_refused() -> None:
    model = FakeModel()
    context = service(model)
    rate = len(REPORT) / 4 / BURST_SECONDS / 2
    rich = Caller("rich", caller().deadline, grant=Grant("rich", "key"))
    poor = Caller(
        "poor", rich.deadline, grant=Grant("poor", "key", quota=Quota(model_tokens_per_second=rate))
    )
    other = report(21)
    seen = [
        (await view_of(context, who=who, text=text)).outcome.degraded
        for who, text in ((poor, REPORT), (poor, other), (rich, other))
    ]
    # The first call finds a full bucket and takes more than is in it.
    assert seen == [Degraded.NO, Degraded.MODEL_UNAVAILABLE, Degraded.NO]
    assert len(model.asked) == 2


# Conversations.

STEPS = [
    talk.bash("cat report-1", report(20)),
    talk.bash("cat report-2", report(34).replace("Tuesday", "Friday")),
]


async def turn(context: Context, steps: int, conversation: str = "c1") -> Answer:
    wanted = ConversationRequest(
        "", talk.body(STEPS[:steps]), Dialect.OPENAI_CHAT, Policy(), conversation=conversation
    )
    return await compress_conversation(context, caller(), wanted)


async def test_prose_in_a_conversation_is_judged_once_and_pinned() -> None:
    model = FakeModel()
    context = service(model)
    first, second, third = [await turn(context, n) for n in (1, 2, 2)]
    assert [s.view.compressors for s in third.splices] == [("words",), ("words",)]
    assert first.splices[0].replacement == second.splices[0].replacement
    assert [s.replacement for s in second.splices] == [s.replacement for s in third.splices]
    assert (len(model.asked), third.degraded) == (2, Degraded.NO)


async def test_a_rollout_of_the_model_does_not_change_what_was_sent() -> None:
    store = MemoryStore()
    before = await turn(service(FakeModel(), store), 1)
    newer = FakeModel(version="fake/2")
    after = await turn(service(newer, store), 2)
    assert after.splices[0].replacement == before.splices[0].replacement
    # The new block is the newer model's.
    assert len(newer.asked) == 1


async def test_a_block_that_the_model_missed_stays_as_it_was_sent() -> None:
    store, model = MemoryStore(), FakeModel(trouble=Trouble.OVERLOADED)
    context = service(model, store)
    missed = await turn(context, 1)
    model.trouble = None
    later = await turn(context, 2)
    assert (missed.splices, missed.degraded) == ((), Degraded.MODEL_UNAVAILABLE)
    assert [s.pointer for s in later.splices] == ["/messages/5/content"]
    assert later.degraded is Degraded.NO


async def test_a_conversation_without_a_name_asks_nobody() -> None:
    model = FakeModel()
    answer = await turn(service(model), 2, conversation="")
    assert (model.asked, answer.degraded) == ([], Degraded.NO)


async def test_a_conversation_keeps_the_wish_it_began_with() -> None:
    model = FakeModel()
    context = service(model)
    wanted = ConversationRequest(
        "", talk.body(STEPS[:1]), Dialect.OPENAI_CHAT, Policy(allow_model=False), conversation="c2"
    )
    await compress_conversation(context, caller(), wanted)
    wanted = replace(wanted, body=talk.body(STEPS), policy=Policy())
    await compress_conversation(context, caller(), wanted)
    assert model.asked == []
