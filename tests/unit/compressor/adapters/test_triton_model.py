"""What the service sees of a fleet of Tritons: one model, with another behind it."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from contract.places import Clock
from furler_compressor.adapters.triton_fleet import Fleet, Server
from furler_compressor.adapters.triton_model import MAX_ROWS, TritonModel
from furler_compressor.adapters.triton_replica import (
    Batch,
    FloatMatrix,
    ReplicaBrokenError,
    ReplicaBusyError,
    ReplicaError,
    ReplicaLostError,
    ReplicaSilentError,
    Served,
)
from furler_compressor.app.model_port import Model, ModelUnavailableError, Trouble
from support.fake_model import FakeModel

pytestmark = pytest.mark.anyio

TEXT = "The worker was restarted on Tuesday. "
LONG = 30.0
IDENTITY = "kompress-there"


class Echo:
    """A server that answers a token with its id's last digits; it notes what it was asked."""

    def __init__(self, rows: int = 32) -> None:
        self.error: ReplicaError | None = None
        self.down = False
        self.hangs = False
        self.shapes: list[tuple[int, ...]] = []
        self.now = self.most = 0
        self._rows = rows

    async def served(self, seconds: float) -> Served:
        if self.down:
            raise ReplicaLostError
        return Served("1", IDENTITY, self._rows)

    async def infer(self, batch: Batch, version: str, seconds: float) -> FloatMatrix:
        self.shapes.append(batch.input_ids.shape)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await (asyncio.Event().wait() if self.hangs else asyncio.sleep(0))
        finally:
            self.now -= 1
        if self.error is not None:
            raise self.error
        answer: FloatMatrix = (batch.input_ids % 1000 / 1000).astype(np.float32)
        return answer

    async def close(self) -> None:
        return


class One:
    """A directory of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def servers(self, seconds: float) -> dict[str, Server]:
        return {"triton": self._server}


async def started(
    server: Echo, fallback: Model | None = None, clock: Clock | None = None
) -> TritonModel:
    fleet = Fleet(One(server), timeout=LONG, clock=clock or Clock())
    model = TritonModel(fleet, fallback)
    await model.start()
    return model


async def test_a_document_goes_in_requests_of_one_length_each_and_few_at_a_time() -> None:
    server = Echo()
    model = await started(server)
    (scores,) = (await model.judge([TEXT * 4000], LONG)).scores
    await model.close()
    assert len(scores) == 6 * 4000
    assert {rows for rows, _ in server.shapes[:-2]} == {MAX_ROWS}
    assert {length for _, length in server.shapes} <= {64, 128, 256, 384}
    assert server.most == 4


async def test_a_server_that_takes_one_row_gets_one_without_padding() -> None:
    server = Echo(rows=1)
    model = await started(server)
    await model.judge([TEXT, TEXT * 3], LONG)
    await model.close()
    assert [rows for rows, _ in server.shapes] == [1, 1]
    assert [length for _, length in server.shapes] == [9, 23]


async def test_padding_and_company_change_no_score() -> None:
    alone, together = await started(Echo(rows=1)), await started(Echo())
    texts = [TEXT * count for count in (1, 2, 5, 17, 90)]
    assert await alone.judge(texts, LONG) == await together.judge(texts, LONG)
    await alone.close()
    await together.close()


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ReplicaBusyError(), Trouble.OVERLOADED),
        (ReplicaSilentError(), Trouble.TIMEOUT),
        (ReplicaBrokenError(), Trouble.BAD_ANSWER),
        (ReplicaLostError(), Trouble.NONE_SERVES),
    ],
)
async def test_what_goes_wrong_there_has_the_port_s_name_here(
    error: ReplicaError, trouble: Trouble
) -> None:
    server = Echo()
    model = await started(server)
    server.error = error
    with pytest.raises(ModelUnavailableError) as raised:
        await model.judge([TEXT], LONG)
    await model.close()
    assert raised.value.trouble is trouble


async def test_the_local_model_has_the_time_that_is_left() -> None:
    server, local = Echo(), FakeModel()
    model = await started(server, local)
    server.hangs = True
    judgement = await model.judge([TEXT], 1.0)
    await model.close()
    assert judgement.version == local.version
    assert 0 < local.seconds[0] <= 0.5


async def test_without_a_local_model_the_servers_have_all_of_the_time() -> None:
    server = Echo()
    model = await started(server)
    server.hangs = True
    with pytest.raises(ModelUnavailableError) as raised:
        await model.judge([TEXT], 0.5)
    await model.close()
    assert (raised.value.trouble, len(server.shapes)) == (Trouble.TIMEOUT, 1)


async def test_the_version_is_of_what_will_answer() -> None:
    server, local = Echo(), FakeModel()
    model = await started(server, local)
    seen = [model.version]
    server.error = ReplicaBrokenError()
    for _ in range(3):
        await model.judge([TEXT], LONG)
    seen.append(model.version)
    await model.close()
    assert seen == [IDENTITY, local.version]


async def test_servers_that_are_left_alone_keep_their_name_where_nobody_else_would_answer() -> None:
    server = Echo()
    model = await started(server)
    server.error = ReplicaBrokenError()
    for _ in range(3):
        with pytest.raises(ModelUnavailableError):
            await model.judge([TEXT], LONG)
    await model.close()
    assert model.version == IDENTITY


async def test_a_document_of_many_requests_finds_out_that_a_server_is_back() -> None:
    server, clock = Echo(), Clock()
    model = await started(server, clock=clock)
    server.error = ReplicaLostError()
    for _ in range(3):
        with pytest.raises(ModelUnavailableError):
            await model.judge([TEXT * 400], LONG)
    clock.now += 5.0
    server.error = None
    assert (await model.judge([TEXT * 400], LONG)).version == IDENTITY
    await model.close()


async def test_servers_that_come_up_later_are_found() -> None:
    server = Echo()
    server.down = True
    fleet = Fleet(One(server), timeout=LONG, clock=Clock())
    model = TritonModel(fleet)
    await model.start()
    assert model.version == ""
    server.down = False
    await fleet.learn(LONG)
    assert (await model.judge([TEXT], LONG)).version == model.version == IDENTITY
    await model.close()


async def test_who_was_never_started_finds_the_servers_at_the_first_call() -> None:
    server, local = Echo(), FakeModel()
    model = TritonModel(Fleet(One(server), timeout=LONG, clock=Clock()), local)
    answers = await asyncio.gather(*(model.judge([TEXT], LONG) for _ in range(3)))
    await model.close()
    assert {answer.version for answer in answers} == {IDENTITY}


async def test_a_closed_model_asks_nobody() -> None:
    server = Echo()
    model = await started(server)
    await model.close()
    with pytest.raises(ModelUnavailableError):
        await model.judge([TEXT], LONG)
    assert server.shapes == []


async def test_a_caller_that_goes_away_takes_its_requests_with_it() -> None:
    server = Echo()
    model = await started(server)
    server.hangs = True
    asking = asyncio.create_task(model.judge([TEXT * 4000], LONG))
    while server.now < 4:
        await asyncio.sleep(0.001)
    asking.cancel()
    await asyncio.wait([asking])
    assert (server.now, len(server.shapes)) == (0, 4)
    await model.close()


async def test_the_local_model_is_closed_too() -> None:
    local = FakeModel()
    model = await started(Echo(), local)
    await model.close()
    assert local.closed
