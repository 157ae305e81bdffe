"""The load tests' own arithmetic: what a queue costs is seen, limits judge, settings name real facts."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import grpc
import grpc.aio
import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from loadtests.apart import Cores, on  # noqa: E402 - found through the line above
from loadtests.arrivals import closed_loop, open_loop  # noqa: E402
from loadtests.calls import Agents  # noqa: E402
from loadtests.measure import DEGRADED, OK, REFUSED, Call, Phase, merged, percentile  # noqa: E402
from loadtests.report import judge, table  # noqa: E402
from loadtests.scenario import Limit, Result, Settings, load_settings  # noqa: E402
from loadtests.scenarios import SCENARIOS  # noqa: E402
from loadtests.scenarios.crowd import recovery  # noqa: E402
from loadtests.scenarios.soak import growth  # noqa: E402

pytestmark = pytest.mark.anyio


def calls(*outcomes: str, due: float = 0.0, seconds: float = 0.01) -> list[Call]:
    return [Call(due, seconds, outcome) for outcome in outcomes]


def test_every_scenario_has_settings_and_all_settings_a_scenario() -> None:
    assert list(load_settings()) == list(SCENARIOS)


def test_a_table_says_how_calls_failed() -> None:
    phase = Phase("changing", 1.0, calls=calls(OK, "CANCELLED", REFUSED, "CANCELLED", "INTERNAL"))
    assert table([phase]).splitlines()[2:] == [
        "  failed in changing: 2 CANCELLED",
        "  failed in changing: 1 INTERNAL",
    ]


@pytest.mark.parametrize(
    ("trailing", "outcome"),
    [
        ((), "UNAVAILABLE"),
        ((("grpc-status-details-bin", b"the store did not answer"),), REFUSED),
    ],
    ids=["the connection broke", "the service said so"],
)
async def test_only_what_the_service_itself_says_is_a_refusal(
    trailing: tuple[tuple[str, bytes], ...], outcome: str
) -> None:
    async def aborts(_request: bytes, call: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await call.abort(grpc.StatusCode.UNAVAILABLE, "no", trailing)
        raise AssertionError

    server = grpc.aio.server()
    handlers = {"Retrieve": grpc.unary_unary_rpc_method_handler(aborts)}
    service = grpc.method_handlers_generic_handler("furler.v1.ContentService", handlers)
    server.add_generic_rpc_handlers((service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    agents = Agents(f"ipv4:127.0.0.1:{port}", 1, deadline=30)
    assert await agents.retrieve(0, "ref", "") == outcome
    await agents.close()
    await server.stop(None)


async def test_an_open_loop_does_not_wait_for_answers() -> None:
    waiting, most = 0, 0
    answered = asyncio.Event()

    async def traffic(number: int) -> str:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        if waiting == 5:
            answered.set()
        await answered.wait()
        return OK

    phase = await open_loop("open", traffic, rate=2000.0, seconds=0.05)
    assert most >= 5
    assert phase.count(OK) == len(phase.calls)


async def test_a_late_generator_is_charged_to_the_call() -> None:
    async def traffic(number: int) -> str:
        if number == 0:
            # Holds the loop, as a generator that cannot keep up does.
            end = asyncio.get_running_loop().time() + 0.05
            while asyncio.get_running_loop().time() < end:
                pass
        return OK

    phase = await open_loop("open", traffic, rate=1000.0, seconds=0.04)
    assert phase.lag > 0.01
    assert phase.ms(0.5) > 10


async def test_a_closed_loop_has_as_many_calls_at_a_time_as_clients() -> None:
    most = 0
    running = 0

    async def traffic(number: int) -> str:
        nonlocal most, running
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return OK

    await closed_loop("closed", traffic, clients=3, seconds=0.02)
    assert most == 3


def test_what_is_neither_answered_nor_refused_nor_late_has_failed() -> None:
    phase = Phase("p", 1.0, calls=calls(OK, DEGRADED, REFUSED, "UNAVAILABLE", "wrong bytes"))
    assert (phase.failed, phase.goodput) == (2, 1.0)


def test_processor_time_is_shared_by_what_was_answered() -> None:
    phase = Phase("p", 1.0, calls=calls(OK, DEGRADED, REFUSED), cpu={"a": 0.5, "b": 0.5})
    assert phase.cpu_ms == 500


def test_a_percentile_is_a_sample() -> None:
    samples = [float(n) for n in range(1, 101)]
    assert [percentile(samples, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 51, 100, 100]
    assert percentile([], 0.5) == 0


def test_a_limit_is_judged_and_one_for_a_quiet_machine_only_in_full() -> None:
    limits = (Limit("a", at_most=1), Limit("b", at_least=1, full=True))
    settings = Settings("s", "", {}, {}, limits)
    result = Result(facts={"a": 1.5, "b": 0.5})
    assert [j.kept for j in judge(settings, result, short=True)] == [False, None]
    assert [j.kept for j in judge(settings, result, short=False)] == [False, False]


def test_a_limit_of_what_was_not_measured_is_an_error() -> None:
    settings = Settings("s", "", {}, {}, (Limit("a", at_most=1),))
    with pytest.raises(KeyError):
        judge(settings, Result(), short=True)


def test_parameters_that_do_not_exist_are_refused() -> None:
    settings = load_settings()["hits"]
    with pytest.raises(ValueError, match="no parameter secnods"):
        settings.parameters(short=True, given={"secnods": 1})
    assert settings.parameters(short=True, given={"seconds": 1})["seconds"] == 1


def test_recovery_is_the_last_second_that_was_not_calm() -> None:
    before = Phase("before", 2.0, calls=calls(OK, OK))
    after = Phase(
        "after",
        4.0,
        calls=[
            *calls(OK, REFUSED, due=0.5),
            *calls(OK, due=1.5, seconds=0.1),
            *calls(OK, OK, due=2.5),
            *calls(OK, due=3.5),
        ],
    )
    assert recovery(after, before) == 2.0
    assert recovery(Phase("after", 4.0, calls=calls(OK, due=0.5)), before) == 0.0


def test_growth_compares_the_last_quarter_with_the_second() -> None:
    assert growth([1, 1, 10, 10, 10, 10, 10, 10]) == 1.0
    assert growth([1, 1, 10, 10, 10, 10, 20, 20]) == 2.0


def test_rounds_together_are_one_phase_that_was_as_long_as_all() -> None:
    rounds = [
        Phase("q 0", 2.0, offered=3.0, calls=calls(OK, due=1.0), cpu={"a": 1.0}, lag=0.2),
        Phase("q 1", 2.0, offered=3.0, calls=calls(REFUSED, due=1.5), cpu={"a": 2.0}, lag=0.1),
    ]
    whole = merged("quiet", rounds)
    assert [(call.due, call.outcome) for call in whole.calls] == [(1.0, OK), (3.5, REFUSED)]
    assert (whole.name, whole.seconds, whole.offered) == ("quiet", 4.0, 3.0)
    assert (whole.cpu, whole.lag) == ({"a": 3.0}, 0.2)


def test_service_and_generator_have_cores_of_their_own_where_there_are_two() -> None:
    mine = os.sched_getaffinity(0)
    cores = Cores.split()
    assert cores.service | cores.generator == mine
    assert len(cores.generator) == 1
    assert len(cores.service & cores.generator) == (len(mine) == 1)


def test_what_starts_meanwhile_stays_on_its_cores_and_the_generator_goes_back() -> None:
    mine = os.sched_getaffinity(0)
    one = frozenset([min(mine)])
    with on(one):
        child = subprocess.run(
            [sys.executable, "-c", "import os; print(os.sched_getaffinity(0))"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert child.stdout.strip() == str(set(one))
    assert os.sched_getaffinity(0) == mine
