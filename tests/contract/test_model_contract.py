"""What every model promises that serves prose: run against each adapter."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from furler_compressor.adapters.onnx_model import OnnxModel
from furler_compressor.adapters.triton_model import TritonOptions, open_triton
from furler_compressor.adapters.triton_url import parse_triton_urls
from furler_compressor.app.model_port import (
    Judgement,
    Model,
    ModelUnavailableError,
    NoModel,
    Trouble,
    checked,
    word_count,
)
from support.fake_model import FakeModel
from triton_servers import TritonServer

pytestmark = pytest.mark.anyio

PATIENCE = 60.0
"""Seconds for one call: a busy machine is no broken model."""
PLAIN = "The worker was restarted on Tuesday because the disk of the host was really full."
AWKWARD = [
    "",
    " \n\t ",
    "word",
    "one  two\n\n\tthree\r\nfour ",
    "no-break\u00a0space, em\u2003space, line\u2028end",
    "naïve café – “quotes” … 12 %",
    "磁盘已满 这 台 机器",
    "x" * 5_000,
    "emoji 👩‍👩‍👧 and \u0301 marks",
    "null \x00 and \x1f controls",
]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """One event loop for all tests here: gRPC reports cancelled calls after their test's end."""
    yield  # noqa: PT022 - the loop lives as long as a fixture that waits


@pytest.fixture(params=["fake", "onnx", "triton"])
async def model(request: pytest.FixtureRequest) -> AsyncIterator[Model]:
    """Every adapter that can serve here. Add one by a name in the parameters."""
    made: Model
    match request.param:
        case "triton":
            server: TritonServer = request.getfixturevalue("triton_server")
            options = TritonOptions(timeout=PATIENCE)
            made = open_triton(parse_triton_urls(server.url), options)
        case "onnx":
            made = OnnxModel()
        case _:
            made = FakeModel()
    await made.start()
    yield made
    await made.close()


async def test_every_word_of_every_text_gets_a_score(model: Model) -> None:
    judgement = await model.judge([PLAIN, *AWKWARD], PATIENCE)
    assert [len(s) for s in judgement.scores] == [word_count(t) for t in [PLAIN, *AWKWARD]]
    assert checked([PLAIN, *AWKWARD], judgement) is judgement


async def test_no_text_is_no_score(model: Model) -> None:
    assert (await model.judge([], PATIENCE)).scores == ()


async def test_the_same_text_has_the_same_scores_whatever_is_asked_beside_it(model: Model) -> None:
    alone = await model.judge([PLAIN], PATIENCE)
    beside = await model.judge([AWKWARD[5], PLAIN, PLAIN * 40], PATIENCE)
    assert (beside.version, beside.scores[1]) == (alone.version, alone.scores[0])


async def test_a_long_text_is_judged_to_its_end(model: Model) -> None:
    text = " ".join(f"{PLAIN}\n" for _ in range(200))
    (scores,) = (await model.judge([text], PATIENCE)).scores
    assert len(scores) == word_count(text)


async def test_what_answers_says_which_version_it_is(model: Model) -> None:
    assert (await model.judge([PLAIN], PATIENCE)).version == model.version != ""
    assert model.version in await model.check()


async def test_a_closed_model_fails_as_any_unavailable_one(model: Model) -> None:
    await model.close()
    with pytest.raises(ModelUnavailableError):
        await model.judge([PLAIN], PATIENCE)


async def test_where_no_model_serves_every_call_says_so() -> None:
    model = NoModel()
    with pytest.raises(ModelUnavailableError) as caught:
        await model.judge([PLAIN], PATIENCE)
    assert (model.version, caught.value.trouble) == ("", Trouble.NONE_SERVES)


@pytest.mark.parametrize(
    "judgement",
    [
        Judgement("v", ()),
        Judgement("v", ((0.5,),)),
        Judgement("v", ((0.5, float("nan")),)),
        Judgement("v", ((0.5, float("inf")),)),
        Judgement("v", ((0.5, 1.1),)),
        Judgement("v", ((0.5, -0.1),)),
        Judgement("", ((0.5, 0.5),)),
    ],
)
async def test_what_is_no_judgement_of_the_texts_is_refused(judgement: Judgement) -> None:
    with pytest.raises(ModelUnavailableError) as caught:
        checked(["two words"], judgement)
    assert caught.value.trouble is Trouble.BAD_ANSWER
