"""What goes to an engine process and comes from it arrives as it was, whole or in pieces."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar, cast

import pytest

from furler_compressor.adapters.engine_child import serve
from furler_compressor.adapters.engine_link import EngineLink
from furler_compressor.adapters.engine_wire import LENGTHS, Done, frame_of, value_of
from furler_compressor.app.conversed import (
    Beginning,
    ConversationJob,
    Conversed,
    Epoch,
    Mode,
    Splice,
)
from furler_compressor.app.engine import CompressJob, EngineFailedError, Job, SelectJob
from furler_compressor.app.ports import Pin
from furler_compressor.app.work import COMPRESSORS, perform
from furler_engine.dialects.block import Dialect
from furler_engine.epochs import Wish
from furler_engine.types import Hints, Lines, Policy
from support import talk
from support.inputs import orders

pytestmark = pytest.mark.anyio

T = TypeVar("T")

JOB = ConversationJob(
    body=talk.body([talk.bash("curl orders", orders(120))]),
    dialect=Dialect.OPENAI_CHAT,
    policy=Policy(min_tokens=7),
    tenant_key=b"k" * 32,
    query="which failed?",
    pins={"prefix": b"{}"},
    first_message=1,
    epoch=Epoch(Wish()),
    relocate=True,
    begun=Beginning(Mode.AUDIT, "tag"),
    answers={"words": (0.5,)},
    owner="acme",
)
LONG = replace(JOB, body=talk.body([talk.bash("curl orders", orders(2000))]))
SPLICE = Splice(1, 2, b'"x"', "/a", Policy(), b"\x01", 3, "b/0/k", "bash")  # type: ignore[arg-type]
DONE = Conversed((SPLICE,), {"a": Pin("r", b"1")}, 4, 5, (), None, True, "recipe", True, ("asks",))


def arrived(value: T) -> T:
    """Return what comes of a value at the other end."""
    header, data, *bodies = frame_of(value)
    assert LENGTHS.unpack(header) == (len(data), sum(map(len, bodies)))
    return cast("T", value_of(data, *map(bytes, bodies)))


def frame(value: object) -> bytes:
    return b"".join(frame_of(value))


@pytest.mark.parametrize(
    "value", [JOB, LONG, JOB.begun, SPLICE, DONE, Done(DONE, "mistake", "crash", 9)]
)
def test_every_field_arrives(value: object) -> None:
    assert arrived(value) == value


@pytest.mark.parametrize(
    "job",
    [
        JOB,
        replace(JOB, begun=Beginning(), epoch=None, first_message=0),
        CompressJob(orders(120), Hints(query="failed"), Policy(target_tokens=500), "r" * 16),
        SelectJob(orders(3), Lines(1, 1), 100, "o200k_base", 0, "acme"),
    ],
)
def test_a_job_that_arrived_gives_the_same_result_and_that_arrives_too(job: Job) -> None:
    done = perform(job)
    assert perform(arrived(job)) == done
    assert arrived(done) == done


def test_a_long_body_goes_as_it_is_and_is_copied_into_no_pickle() -> None:
    _, data, *bodies = frame_of(LONG)
    assert [memoryview(body).obj for body in bodies] == [LONG.body]
    assert len(data) < 1000
    _, data, *bodies = frame_of(JOB)
    assert (len(data) > len(JOB.body), bodies) == (True, [])


class Halting:
    """A service's end that gives a child no more than a few bytes at once, then closes."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.outcomes = b""

    def __enter__(self) -> None:
        """Be open."""

    def __exit__(self, *_: object) -> None:
        """Be closed."""

    def recv(self, size: int, _flags: int) -> bytes:
        given, self._data = self._data[: min(size, 1000)], self._data[min(size, 1000) :]
        return bytes(given)

    def sendall(self, data: bytes) -> None:
        self.outcomes += data


@pytest.mark.parametrize("missing", [0, 1, len(LONG.body)])
def test_a_child_that_is_stopped_while_it_reads_reads_on_and_ends_with_its_service(
    missing: int,
) -> None:
    data = frame(LONG)
    service = Halting(data[: len(data) - missing])
    serve(cast("socket.socket", service))
    told = [COMPRESSORS] if missing else [COMPRESSORS, Done(perform(LONG), None, "", 0)]
    assert [without_peak(value) for value in values(service.outcomes)] == told


def values(data: bytes) -> Iterator[object]:
    while data:
        end = LENGTHS.size + LENGTHS.unpack_from(data)[0]
        yield value_of(data[LENGTHS.size : end])
        data = data[end:]


def without_peak(value: object) -> object:
    return replace(value, peak_bytes=0) if isinstance(value, Done) else value


async def test_a_value_in_pieces_arrives_once_it_is_whole_and_the_next_one_after_it() -> None:
    link = EngineLink()
    first = link.receive()
    data = frame("one") + frame("two")
    for at in range(len(data)):
        assert first.done() == (at >= len(frame("one")))
        link.data_received(data[at : at + 1])
    assert (await first, await link.receive()) == ("one", "two")


async def test_who_waits_for_a_process_that_ends_hears_of_it_and_who_asks_later_too() -> None:
    link = EngineLink()
    waiting = link.receive()
    link.data_received(frame("half")[:-1])
    link.connection_lost(None)
    for outcome in (waiting, link.receive()):
        with pytest.raises(EngineFailedError):
            await outcome
    assert link.lost.done()
