"""Identical computations at the same time run once, and nobody's leaving hurts the others."""

from __future__ import annotations

import asyncio

import pytest

from furler_compressor.app.singleflight import SingleFlight

pytestmark = pytest.mark.anyio


class Work:
    """A computation that ends when told, and counts how often it was begun and cancelled."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return self.begun


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_concurrent_calls_of_a_key_share_one_computation() -> None:
    flights, work = SingleFlight[str, int](), Work()
    calls = [asyncio.create_task(flights.run("a", work)) for _ in range(10)]
    await settle()
    work.go.set()
    assert await asyncio.gather(*calls) == [1] * 10
    assert work.begun == 1


async def test_different_keys_are_computed_apart() -> None:
    flights, work = SingleFlight[str, int](), Work()
    calls = [asyncio.create_task(flights.run(key, work)) for key in "ab"]
    await settle()
    assert work.begun == 2
    work.go.set()
    await asyncio.gather(*calls)


async def test_nothing_is_remembered_after_the_end() -> None:
    flights, work = SingleFlight[str, int](), Work()
    work.go.set()
    assert [await flights.run("a", work), await flights.run("a", work)] == [1, 2]


async def test_every_waiter_gets_the_error_and_the_next_call_tries_again() -> None:
    flights, work = SingleFlight[str, int](), Work()
    work.error = ValueError("no")
    calls = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    await settle()
    work.go.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ValueError] * 3
    work.error = None
    assert await flights.run("a", work) == 2


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_a_waiter_that_leaves_does_not_cancel_the_others(leaver: int) -> None:
    flights, work = SingleFlight[str, int](), Work()
    calls = [asyncio.create_task(flights.run("a", work)) for _ in range(3)]
    await settle()
    calls[leaver].cancel()
    await settle()
    work.go.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(outcomes.pop(leaver), asyncio.CancelledError)
    assert outcomes == [1, 1]
    assert work.cancelled == 0


async def test_the_computation_is_cancelled_when_its_last_waiter_leaves() -> None:
    flights, work = SingleFlight[str, int](), Work()
    calls = [asyncio.create_task(flights.run("a", work)) for _ in range(2)]
    await settle()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await settle()
    assert work.cancelled == 1
    work.go.set()
    assert await flights.run("a", work) == 2
