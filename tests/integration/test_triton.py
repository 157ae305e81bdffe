"""The Triton adapter against a real Triton: answers, trouble of each kind, and servers that go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from tritonclient.grpc.aio import InferenceServerClient

from furler.cli import main
from furler_compressor.adapters.onnx_model import OnnxModel
from furler_compressor.adapters.triton_model import TritonModel, TritonOptions, open_triton
from furler_compressor.adapters.triton_url import parse_triton_urls
from furler_compressor.app.model_port import Judgement, Model, ModelUnavailableError, Trouble
from furler_kompress import artefact
from support.fake_model import FakeModel
from support.ports import free_port
from triton_servers import TritonServer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

PATIENCE = 60.0
"""Seconds for one call: a busy machine is no broken server."""
SENTENCES = (
    "The worker was restarted on Tuesday because the disk of the host was really full. ",
    "Nothing may be deleted before the retention of seven days has ended. ",
    "It is very important to note that the cache was, as expected, quite cold. ",
)
# Of one token to several chunks, so that every padded length is there.
RAGGED = [
    "Disk.",
    *("".join(SENTENCES[n % 3] for n in range(count)) for count in (1, 4, 9, 21, 60)),
]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
async def one_loop(anyio_backend: str) -> AsyncIterator[None]:
    """One event loop for all tests here: gRPC reports cancelled calls after their test's end."""
    yield  # noqa: PT022 - the loop lives as long as a fixture that waits


@asynccontextmanager
async def model_at(
    *urls: str, model: str = "kompress", fallback: Model | None = None
) -> AsyncIterator[TritonModel]:
    """Give a started adapter."""
    options = TritonOptions(model=model, timeout=PATIENCE)
    opened = open_triton(parse_triton_urls(",".join(urls)), options, fallback)
    await opened.start()
    try:
        yield opened
    finally:
        await opened.close()


async def trouble_of(asking: Awaitable[Judgement | str]) -> Trouble | None:
    """Return why there is no answer; None if there is one."""
    try:
        await asking
    except ModelUnavailableError as error:
        return error.trouble
    return None


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.1)


async def counts(server: TritonServer, model: str = "kompress") -> tuple[int, int]:
    """Return how many rows were scored, and in how many executions."""
    async with InferenceServerClient(f"127.0.0.1:{server.port}") as client:
        (stats,) = (await client.get_inference_statistics(model)).model_stats
        return int(stats.inference_count), int(stats.execution_count)


# Answers


async def test_triton_gives_the_scores_of_the_model_in_this_process(
    triton_server: TritonServer,
) -> None:
    local = OnnxModel()
    async with model_at(triton_server.url) as model:
        assert await model.judge(RAGGED, PATIENCE) == await local.judge(RAGGED, PATIENCE)
    await local.close()


async def test_callers_that_come_together_are_answered_together(
    triton_server: TritonServer,
) -> None:
    async with model_at(triton_server.url) as model:
        rows, executions = await counts(triton_server)
        answers = await asyncio.gather(*(model.judge([RAGGED[1]], PATIENCE) for _ in range(24)))
        after_rows, after_executions = await counts(triton_server)
    assert len({answer.scores for answer in answers}) == 1
    assert after_rows - rows == 24
    assert after_executions - executions < 24


async def test_texts_of_any_lengths_pass_each_other_by(triton_server: TritonServer) -> None:
    async with model_at(triton_server.url) as model:
        alone = [(await model.judge([text], PATIENCE)).scores[0] for text in RAGGED]
        for _ in range(5):
            together = await asyncio.gather(*(model.judge([text], PATIENCE) for text in RAGGED))
            assert [judgement.scores[0] for judgement in together] == alone


async def test_the_model_says_where_it_is_and_what_serves_there(
    triton_server: TritonServer,
) -> None:
    gone = f"127.0.0.1:{free_port()}"
    async with model_at(triton_server.url, gone) as model:
        here = f"127.0.0.1:{triton_server.port}: {model.version} (version 1)"
        assert await model.check() == f"{here}; {gone}: it cannot be reached"


def test_the_doctor_says_which_servers_answer_and_with_which_weights(
    triton_server: TritonServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def told(urls: str) -> tuple[object, str]:
        monkeypatch.setenv("FURLER_TRITON_URLS", urls)
        output = CliRunner().invoke(main, ["doctor", "--json", "--data", str(tmp_path)]).output
        (check,) = [one for one in json.loads(output)["checks"] if one["name"] == "triton"]
        return check["state"], check["found"]

    gone = f"127.0.0.1:{free_port()}"
    there = f"127.0.0.1:{triton_server.port}: {artefact.version()} (version 1)"
    assert told(triton_server.url) == ("ok", there)
    assert told(gone) == ("failed", f"{gone}: it cannot be reached")
    assert told("http://triton:8000")[0] == "failed"


# Trouble


@pytest.mark.parametrize("fault", ["nan", "short", "beyond", "error"])
async def test_what_is_no_answer_becomes_none(triton_server: TritonServer, fault: str) -> None:
    async with model_at(triton_server.url, model="faulty") as model:
        assert await trouble_of(model.judge(["good words"], PATIENCE)) is None
        assert await trouble_of(model.judge([f"{fault} words"], PATIENCE)) is Trouble.BAD_ANSWER


@pytest.mark.parametrize("fault", ["nan", "short", "beyond", "error"])
async def test_the_local_model_answers_instead(triton_server: TritonServer, fault: str) -> None:
    local = FakeModel()
    async with model_at(triton_server.url, model="faulty", fallback=local) as model:
        judgement = await model.judge([f"{fault} words"], PATIENCE)
    assert judgement == await FakeModel().judge([f"{fault} words"], PATIENCE)


async def test_a_slow_answer_is_not_waited_for(triton_server: TritonServer) -> None:
    local = FakeModel()
    async with model_at(triton_server.url, model="faulty") as model:
        assert await trouble_of(model.judge(["slow words"], 0.2)) is Trouble.TIMEOUT
    async with model_at(triton_server.url, model="faulty", fallback=local) as model:
        # The servers have half of it, less than a slow answer takes.
        assert (await model.judge(["slow words"], 3.0)).version == local.version
    assert 0 < local.seconds[0] <= 1.5


async def test_what_a_full_queue_turns_away_is_told_from_what_is_lost(
    triton_server: TritonServer,
) -> None:
    async with model_at(triton_server.url, model="faulty") as model:

        async def answers() -> bool:
            return await trouble_of(model.judge(["good words"], PATIENCE)) is None

        await eventually(answers)
        calls = [trouble_of(model.judge(["slow words"], PATIENCE)) for _ in range(20)]
        assert set(await asyncio.gather(*calls)) == {None, Trouble.OVERLOADED}
        await eventually(answers)


async def test_a_model_that_nobody_serves_is_none(triton_server: TritonServer) -> None:
    async with model_at(triton_server.url, model="unheard-of") as model:
        assert model.version == ""
        assert await trouble_of(model.judge(["words"], PATIENCE)) is Trouble.NONE_SERVES
        assert await trouble_of(model.check()) is Trouble.NONE_SERVES


async def test_a_server_that_is_gone_costs_one_try(triton_server: TritonServer) -> None:
    gone = f"127.0.0.1:{free_port()}"
    async with model_at(gone, triton_server.url) as model:
        assert [await trouble_of(model.judge(["words"], PATIENCE)) for _ in range(8)] == [None] * 8


async def test_calls_in_flight_end_when_the_model_is_closed(triton_server: TritonServer) -> None:
    async with model_at(triton_server.url, model="faulty") as model:
        calls = [asyncio.create_task(trouble_of(model.judge(["slow words"], PATIENCE)))]
        await asyncio.sleep(0.1)
    assert await asyncio.gather(*calls) == [Trouble.NONE_SERVES]
