"""Furler: AsyncFurler for threads."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import furler
from furler import AsyncFurler, ClosedError, Digest, Furler, UnavailableError, loop
from furler.v1.content_pb2 import Digest as DigestMessage
from furler.v1.content_service_pb2 import ReadContentResponse
from furler.v1.info_service_pb2 import GetStatsResponse
from support.fake_backend import FakeBackend, Outcome, in_turn

REF = "mfzwi3lborqxg5bo"


def _furler(fake: FakeBackend) -> Furler:
    return Furler(AsyncFurler(fake))


def test_both_faces_take_the_same_arguments() -> None:
    names = [name for name in vars(AsyncFurler) if not name.startswith("_") and name != "open"]
    assert [name for name in names if not hasattr(Furler, name)] == []
    for name in names:
        expected = inspect.signature(getattr(AsyncFurler, name)).parameters
        assert inspect.signature(getattr(Furler, name)).parameters == expected, name


def test_calls_come_back_with_their_values_and_errors() -> None:
    with _furler(FakeBackend({"GetStats": in_turn(GetStatsResponse(originals=3))})) as client:
        assert client.stats().originals == 3
    with _furler(FakeBackend({"GetStats": in_turn(UnavailableError("no"))})) as client:  # noqa: SIM117
        with pytest.raises(UnavailableError):
            client.stats()


def test_a_call_that_is_given_up_is_cancelled_in_the_loop() -> None:
    cancelled = threading.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(TimeoutError):
        loop.run(work(), seconds=0.05)
    assert cancelled.wait(10)


def test_threads_share_a_client() -> None:
    with _furler(FakeBackend()) as client, ThreadPoolExecutor(8) as pool:
        views = list(pool.map(client.compress, [str(n) for n in range(64)]))
    assert len(views) == 64


def test_a_closed_client_says_so() -> None:
    fake = FakeBackend()
    client = _furler(fake)
    client.close()
    client.close()
    assert fake.closed == 1
    with pytest.raises(ClosedError):
        client.stats()


def test_a_download_is_an_iterator() -> None:
    whole = b"abcdef"
    digest = DigestMessage(sha256=bytes.fromhex(Digest.of(whole).sha256))
    chunks: list[Outcome] = [
        ReadContentResponse(chunk=b"abc", original=digest),
        ReadContentResponse(chunk=b"def"),
    ]
    with _furler(FakeBackend({"ReadContent": in_turn(chunks)})) as client:
        assert list(client.read(REF)) == [b"abc", b"def"]
        first = client.read(REF)
        assert next(first) == b"abc"


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )


def test_a_client_that_nobody_closed_keeps_no_program_from_ending() -> None:
    done = _python(
        "from furler import Furler, UnavailableError\n"
        "client = Furler.connect('127.0.0.1:1', timeout=0.2)\n"
        "try:\n    client.stats()\nexcept UnavailableError:\n    print('unreachable')\n"
    )
    assert (done.stdout, done.stderr, done.returncode) == ("unreachable\n", "", 0)


def test_importing_the_client_imports_neither_grpc_nor_the_engine() -> None:
    done = _python(
        "import sys\n"
        "from furler import Furler, Policy, View\n"
        "print([m for m in ('grpc', 'furler_compressor', 'furler_engine') if m in sys.modules])\n"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_every_public_name_is_there() -> None:
    assert [name for name in furler.__all__ if not hasattr(furler, name)] == []
    with pytest.raises(AttributeError):
        furler.nothing  # type: ignore[attr-defined] # noqa: B018 - the access is the test
