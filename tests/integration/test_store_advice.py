"""A store that works and still needs a hand: the doctor says so."""

from __future__ import annotations

import asyncio

import pytest
from click.testing import CliRunner

from furler.cli import main as cli_main
from furler_compressor.embedded import CallError, store_advice

ADVICE = "the store has no maxmemory: it grows until the system ends it; set maxmemory"


def test_a_server_without_a_memory_limit_is_named(valkey_server: str) -> None:
    assert asyncio.run(store_advice(valkey_server)) == [ADVICE]


def test_other_stores_need_no_advice() -> None:
    assert asyncio.run(store_advice("memory:")) == []


def test_a_store_that_does_not_answer_is_an_error_of_the_call() -> None:
    with pytest.raises(CallError):
        asyncio.run(store_advice("unix:///nowhere/at/all"))


def test_the_doctor_passes_the_advice_on(valkey_server: str) -> None:
    told = CliRunner().invoke(cli_main, ["doctor", "--data", valkey_server])
    assert "maxmemory" in " ".join(told.output.split())
