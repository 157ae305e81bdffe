"""A fault of the engine costs savings, never a turn: in a child process and in the library alike."""

from __future__ import annotations

import pytest

from furler_compressor.adapters.engine_inline import InlineEngine
from furler_compressor.adapters.memory_store import MemoryStore
from furler_compressor.app import work
from furler_compressor.app.compress import CompressRequest, Degraded, compress
from furler_compressor.app.engine import CompressJob, EngineFailedError, SelectJob
from furler_engine.types import Hints, Lines, Policy
from support.fakes import caller, context
from support.inputs import service_log

LOG = service_log(300)
FAULTS = [ValueError("zip() argument 2 is longer"), RecursionError(), KeyError("gone")]


def broken(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def fail(*_: object) -> None:
        raise fault

    monkeypatch.setattr(work, "compress", fail)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_any_error_of_a_compressor_is_the_engines_fault(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    broken(monkeypatch, fault)
    with pytest.raises(EngineFailedError) as raised:
        work.perform(CompressJob(LOG, Hints(), Policy(), "a" * 16))
    assert str(raised.value) == type(fault).__name__


def test_a_selector_that_does_not_fit_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="300 lines"):
        work.perform(SelectJob(LOG, Lines(900, 901), 0, "o200k_base", 0))


@pytest.mark.anyio
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_the_library_passes_the_content_through_when_a_compressor_fails(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    broken(monkeypatch, fault)
    engine = InlineEngine()
    request = CompressRequest("", LOG.encode(), Hints(), Policy())
    done = await compress(context(MemoryStore(), engine), caller(), request)
    await engine.close()
    assert (done.outcome.degraded, done.outcome.view.text) == (Degraded.COMPRESSOR_FAILED, LOG)
