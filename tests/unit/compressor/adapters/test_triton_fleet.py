"""Several Tritons as one: who is asked, who is left alone, and what a caller's time is spent on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from contract.places import Clock
from furler_compressor.adapters.triton_fleet import Fleet, Server
from furler_compressor.adapters.triton_replica import (
    Batch,
    FloatMatrix,
    ReplicaBrokenError,
    ReplicaBusyError,
    ReplicaError,
    ReplicaLostError,
    ReplicaSilentError,
    ReplicaStaleError,
    Served,
)

pytestmark = pytest.mark.anyio

OLD, NEW = Served("1", "kompress-old"), Served("2", "kompress-new")
BATCH = Batch(*(np.ones((2, 64), dtype=np.int64) for _ in range(3)))
LONG = 30.0


class Scripted:
    """A server that does what it is told: answers, or fails with ``error``."""

    def __init__(self, served: Served = OLD, error: ReplicaError | None = None) -> None:
        self.serves = served
        self.error = error
        self.asked: list[tuple[str, float]] = []
        self.hold: asyncio.Event | None = None
        self.closed = False

    async def served(self, seconds: float) -> Served:
        if isinstance(self.error, ReplicaLostError):
            raise self.error
        return self.serves

    async def infer(self, batch: Batch, version: str, seconds: float) -> FloatMatrix:
        self.asked.append((version, seconds))
        if self.hold is not None:
            await self.hold.wait()
        if self.error is not None:
            raise self.error
        return np.full(batch.input_ids.shape, 0.5, dtype=np.float32)

    async def close(self) -> None:
        self.closed = True


class Listed:
    """A directory of these servers, by their place in the list."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.listed = servers

    async def servers(self, seconds: float) -> dict[str, Server]:
        return {f"triton-{number}": server for number, server in enumerate(self.listed)}


async def fleet_of(servers: Sequence[Scripted], clock: Callable[[], float] | None = None) -> Fleet:
    """Return a fleet that has learnt what its servers serve."""
    fleet = Fleet(Listed(servers), timeout=5.0, clock=clock or Clock())
    await fleet.learn(1.0)
    return fleet


async def ask(fleet: Fleet, seconds: float = LONG, identity: str = OLD.identity) -> str:
    """Return "ok", or the name of the error."""
    try:
        await fleet.infer(BATCH, identity, asyncio.get_running_loop().time() + seconds)
    except ReplicaError as error:
        return type(error).__name__
    return "ok"


@pytest.mark.parametrize(
    "error",
    [ReplicaBusyError(), ReplicaSilentError(), ReplicaLostError(), ReplicaBrokenError()],
    ids=lambda error: type(error).__name__,
)
async def test_a_request_that_fails_is_made_once_more_on_another_server(
    error: ReplicaError,
) -> None:
    servers = [Scripted() for _ in range(3)]
    fleet = await fleet_of(servers)
    servers[0].error = servers[1].error = error
    assert await ask(fleet) == type(error).__name__
    assert [len(server.asked) for server in servers] == [1, 1, 0]
    servers[1].error = None
    assert await ask(fleet) == "ok"


async def test_only_a_lost_server_without_others_is_asked_twice() -> None:
    asked: dict[str, int] = {}
    for error in (ReplicaBusyError(), ReplicaSilentError(), ReplicaLostError()):
        server = Scripted()
        fleet = await fleet_of([server])
        server.error = error
        await ask(fleet)
        asked[type(error).__name__] = len(server.asked)
    assert asked == {"ReplicaBusyError": 1, "ReplicaSilentError": 1, "ReplicaLostError": 2}


async def test_half_of_the_time_is_left_for_the_second_try() -> None:
    servers = [Scripted(), Scripted()]
    fleet = await fleet_of(servers)
    servers[0].error = ReplicaSilentError()
    assert await ask(fleet, seconds=2.0) == "ok"
    first, second = servers[0].asked[0][1], servers[1].asked[0][1]
    assert 0.9 < first <= 1.0
    assert first < second <= 2.0


async def test_no_try_takes_longer_than_its_limit() -> None:
    servers = [Scripted(), Scripted()]
    fleet = await fleet_of(servers)
    servers[0].error = ReplicaBusyError()
    await ask(fleet, seconds=100.0)
    assert [server.asked[0][1] for server in servers] == [5.0, 5.0]


async def test_whose_time_is_over_is_not_asked_for() -> None:
    server = Scripted()
    fleet = await fleet_of([server])
    assert await ask(fleet, seconds=-1.0) == "ReplicaSilentError"
    assert server.asked == []


@pytest.mark.parametrize("error", [ReplicaSilentError(), ReplicaLostError(), ReplicaBrokenError()])
async def test_a_server_that_fails_is_left_alone_until_its_pause_is_over(
    error: ReplicaError,
) -> None:
    clock = Clock()
    server = Scripted()
    fleet = await fleet_of([server], clock)
    server.error = error
    for _ in range(5):
        await ask(fleet)
    before = len(server.asked)
    assert before == 3
    assert await ask(fleet) == "ReplicaLostError"
    assert len(server.asked) == before
    clock.now += 5.0
    server.error = None
    assert await ask(fleet) == "ok"


async def test_a_lost_server_is_asked_again_as_soon_as_it_says_what_it_serves() -> None:
    server = Scripted()
    fleet = await fleet_of([server])
    server.error = ReplicaLostError("it cannot be reached")
    for _ in range(3):
        await ask(fleet)
    await fleet.learn(1.0)
    server.error = None
    before = await ask(fleet)
    await fleet.learn(1.0)
    assert (before, await ask(fleet)) == ("ReplicaLostError", "ok")


async def test_a_server_that_only_says_what_it_serves_is_left_alone_all_the_same() -> None:
    server = Scripted()
    fleet = await fleet_of([server])
    server.error = ReplicaBrokenError()
    for _ in range(3):
        await ask(fleet)
    server.error = None
    await fleet.learn(1.0)
    assert await ask(fleet) == "ReplicaLostError"


async def test_a_fleet_answers_until_every_server_of_its_weights_is_left_alone() -> None:
    clock = Clock()
    servers = [Scripted(OLD), Scripted(OLD), Scripted(NEW)]
    fleet = await fleet_of(servers, clock)
    seen = [fleet.answers]
    servers[0].error = ReplicaBrokenError()
    for _ in range(6):
        await ask(fleet)
    seen.append(fleet.answers)
    servers[1].error = ReplicaBrokenError()
    for _ in range(6):
        await ask(fleet)
    seen.append(fleet.answers)
    clock.now += 5.0
    servers[1].error = None
    await ask(fleet)
    seen.append(fleet.answers)
    assert seen == [True, True, False, True]


async def test_a_full_queue_is_an_answer_and_cuts_nobody_off() -> None:
    server = Scripted()
    fleet = await fleet_of([server])
    server.error = ReplicaBusyError()
    for _ in range(20):
        await ask(fleet)
    assert len(server.asked) == 20


async def test_callers_in_a_hurry_cut_nobody_off() -> None:
    server = Scripted()
    fleet = await fleet_of([server])
    server.error = ReplicaSilentError()
    for _ in range(20):
        await ask(fleet, seconds=0.2)
    assert len(server.asked) == 20


async def test_a_caller_that_goes_away_says_nothing_about_the_server() -> None:
    clock = Clock()
    server = Scripted()
    fleet = await fleet_of([server], clock)
    server.error = ReplicaBrokenError()
    for _ in range(3):
        await ask(fleet)
    clock.now += 5.0
    server.error, server.hold = None, asyncio.Event()
    probe = asyncio.create_task(ask(fleet))
    while len(server.asked) < 4:
        await asyncio.sleep(0)
    probe.cancel()
    await asyncio.wait([probe])
    server.hold = None
    assert await ask(fleet) == "ok"


async def test_the_least_busy_server_is_asked_and_idle_ones_in_turn() -> None:
    servers = [Scripted() for _ in range(3)]
    fleet = await fleet_of(servers)
    for _ in range(6):
        await ask(fleet)
    assert [len(server.asked) for server in servers] == [2, 2, 2]
    servers[0].hold = hold = asyncio.Event()
    held = asyncio.create_task(ask(fleet))
    while len(servers[0].asked) < 3:
        await asyncio.sleep(0)
    for _ in range(4):
        await ask(fleet)
    assert [len(server.asked) for server in servers] == [3, 4, 4]
    hold.set()
    assert await held == "ok"


async def test_only_servers_of_the_weights_asked_for_are_asked_and_by_their_version() -> None:
    servers = [Scripted(OLD), Scripted(NEW), Scripted(OLD)]
    fleet = await fleet_of(servers)
    for _ in range(4):
        assert await ask(fleet) == "ok"
    assert await ask(fleet, identity=NEW.identity) == "ok"
    assert [len(server.asked) for server in servers] == [2, 1, 2]
    assert {version for version, _ in servers[1].asked} == {"2"}
    assert await ask(fleet, identity="kompress-other") == "ReplicaLostError"


async def test_the_weights_stay_what_they_were_while_one_server_answers_with_them() -> None:
    servers = [Scripted(OLD), Scripted(OLD)]
    fleet = await fleet_of(servers)
    seen: list[str] = []
    for changed in (0, 1):
        servers[changed].serves = NEW
        await fleet.learn(1.0)
        seen.append(fleet.identity)
    assert seen == [OLD.identity, NEW.identity]


async def test_weights_of_servers_that_are_gone_give_way_to_those_that_answer() -> None:
    servers = [Scripted(OLD), Scripted(NEW)]
    fleet = await fleet_of(servers)
    servers[0].error = ReplicaLostError("it cannot be reached")
    await fleet.learn(1.0)
    assert fleet.identity == NEW.identity
    assert [member.trouble for member in fleet.members] == ["it cannot be reached", ""]


async def test_a_fleet_that_cannot_be_reached_stays_what_it_was() -> None:
    server = Scripted(OLD)
    fleet = await fleet_of([server])
    server.error = ReplicaLostError("it cannot be reached")
    await fleet.learn(1.0)
    server.error = None
    assert (fleet.identity, await ask(fleet)) == (OLD.identity, "ok")


async def test_a_server_with_another_version_is_asked_again_what_it_serves() -> None:
    server = Scripted(OLD)
    fleet = await fleet_of([server])
    server.serves, server.error = NEW, ReplicaStaleError("it does not serve that version")
    assert await ask(fleet) == "ReplicaStaleError"
    watching = asyncio.create_task(fleet.watch(every=3600.0, seconds=1.0))
    while fleet.identity != NEW.identity:
        await asyncio.sleep(0)
    watching.cancel()
    server.error = None
    assert await ask(fleet, identity=NEW.identity) == "ok"


async def test_servers_that_are_new_are_asked_and_those_that_are_gone_are_let_go() -> None:
    first, second = Scripted(), Scripted()
    directory = Listed([first])
    fleet = Fleet(directory, timeout=5.0, clock=Clock())
    await fleet.learn(1.0)
    directory.listed = [first, second]
    await fleet.learn(1.0)
    assert [await ask(fleet) for _ in range(2)] == ["ok", "ok"]
    assert (len(first.asked), len(second.asked)) == (1, 1)
    second.hold = asyncio.Event()
    held = asyncio.create_task(ask(fleet))
    asked = asyncio.create_task(ask(fleet))
    while len(second.asked) < 2:
        await asyncio.sleep(0)
    directory.listed = [first]
    await fleet.learn(1.0)
    assert not second.closed
    second.hold.set()
    assert [await held, await asked] == ["ok", "ok"]
    await fleet.learn(1.0)
    assert (first.closed, second.closed) == (False, True)
    assert [member.name for member in fleet.members] == ["triton-0"]
