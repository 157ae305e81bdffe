"""The model in this process: bounded, safe to share, the same in every process."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from furler_compressor.adapters.onnx_model import OnnxModel
from furler_compressor.adapters.open_model import open_model
from furler_compressor.app.model_port import ModelUnavailableError, NoModel, Trouble
from furler_kompress import artefact
from support.prose import report

pytestmark = pytest.mark.anyio

PATIENCE = 120.0
TEXTS = [report(n) for n in (1, 2, 5)]


async def trouble_of(model: OnnxModel, texts: list[str], seconds: float) -> Trouble:
    with pytest.raises(ModelUnavailableError) as caught:
        await model.judge(texts, seconds)
    return caught.value.trouble


async def test_many_callers_at_once_get_what_each_would_get_alone() -> None:
    model = OnnxModel()
    alone = [(await model.judge([text], PATIENCE)).scores[0] for text in TEXTS]
    asked = await asyncio.gather(*(model.judge([t], PATIENCE) for _ in range(8) for t in TEXTS))
    assert [judgement.scores[0] for judgement in asked] == alone * 8
    await model.close()


def test_another_process_and_hash_seed_give_the_same_scores() -> None:
    code = (
        "import asyncio, hashlib; from furler_compressor.adapters.onnx_model import OnnxModel\n"
        "from support.prose import report\n"
        "said = asyncio.run(OnnxModel(threads=1).judge([report(5)], 120))\n"
        "print(said.version, hashlib.sha256(repr(said.scores).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed, "PYTHONPATH": "tests"},
            check=True, capture_output=True, text=True,
        ).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(seen) == 1


async def test_what_cannot_be_done_in_time_is_refused_at_once() -> None:
    model = OnnxModel()
    await model.judge([TEXTS[0]], PATIENCE)
    asked = [model.judge([report(400)], 0.05) for _ in range(3)]
    ended = await asyncio.gather(*asked, return_exceptions=True)
    assert {e.trouble for e in ended if isinstance(e, ModelUnavailableError)} == {Trouble.TIMEOUT}
    await model.close()


async def test_a_full_queue_refuses_and_serves_again_when_it_is_empty() -> None:
    model = OnnxModel()
    await model.judge([TEXTS[0]], PATIENCE)
    # Each would fit into three seconds alone; together they do not.
    text = report(60)
    ended = await asyncio.gather(
        *(model.judge([text], 3) for _ in range(40)), return_exceptions=True
    )
    troubles = {e.trouble for e in ended if isinstance(e, ModelUnavailableError)}
    assert Trouble.OVERLOADED in troubles
    assert troubles <= {Trouble.OVERLOADED, Trouble.TIMEOUT}
    assert (await model.judge([TEXTS[0]], PATIENCE)).scores[0]
    await model.close()


async def test_a_caller_who_gives_up_leaves_the_thread_to_others() -> None:
    model = OnnxModel()
    await model.judge([TEXTS[0]], PATIENCE)
    task = asyncio.create_task(model.judge([report(300)], PATIENCE))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await model.judge([TEXTS[0]], PATIENCE)).scores[0]
    await model.close()


async def test_files_that_are_not_the_ones_named_are_never_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> bytes:
        raise artefact.ArtefactError(f"{name}: sha256 is another")

    monkeypatch.setattr(artefact, "read", broken)
    model = OnnxModel()
    assert await trouble_of(model, TEXTS, PATIENCE) is Trouble.NONE_SERVES
    with pytest.raises(ModelUnavailableError, match="ArtefactError"):
        await model.check()
    await model.close()


async def test_closing_ends_what_waits() -> None:
    model = OnnxModel()
    await model.judge([TEXTS[0]], PATIENCE)
    tasks = [asyncio.create_task(model.judge([report(60)], PATIENCE)) for _ in range(4)]
    await asyncio.sleep(0)
    await model.close()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(each) for each in ended} == {ModelUnavailableError}


async def test_the_setting_names_the_model() -> None:
    assert isinstance(open_model("none", 1), NoModel)
    assert isinstance(open_model("auto", 1), OnnxModel)
    assert isinstance(open_model("onnx", 1), OnnxModel)


async def test_a_model_that_is_not_installed_is_none_unless_it_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("furler_compressor.adapters.open_model.find_spec", lambda _: None)
    assert isinstance(open_model("auto", 1), NoModel)
    with pytest.raises(ValueError, match="FURLER_MODEL: onnx needs furler_kompress"):
        open_model("onnx", 1)
