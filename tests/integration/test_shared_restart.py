"""Watches and writes across the death of the server they were talking to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import pytest

from furler import AsyncFurler, Change
from support.one_loop import in_clients_loop
from support.ports import free_port
from support.service import running_service
from support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

WRITES = 40


@contextmanager
def service_on(port: int, store: str) -> Iterator[subprocess.Popen[str]]:
    """Run a compressor on a port that clients know, whoever had it before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "furler_compressor.main", "--store", store],
        env={**os.environ, "FURLER_LISTEN": f"127.0.0.1:{port}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert "is ready on" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


async def collect(furler: AsyncFurler, space: str, after: int, count: int) -> list[Change]:
    seen: list[Change] = []
    async with aclosing(furler.shared(space).watch(after=after)) as changes:
        async for change in changes:
            seen.append(change)
            if len(seen) == count:
                break
    return seen


@pytest.mark.parametrize("backend", ["sqlite", "redis"])
@in_clients_loop
async def test_a_watch_and_a_writer_outlive_a_killed_server_without_gap_or_repeat(
    backend: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    redis = backend == "redis"
    store = str(request.getfixturevalue("valkey_server")) if redis else str(tmp_path / "store")
    space, port = f"space-{uuid.uuid4().hex}", free_port()

    async def write(furler: AsyncFurler, first: int) -> list[int]:
        shared = furler.shared(space)
        return [
            (await shared.put(f"k{n % 7}", f"content {n}")).entry.revision
            for n in range(first, first + WRITES // 2)
        ]

    async with (
        asyncio.timeout(4 * PATIENCE_SECONDS),
        AsyncFurler.connect(f"127.0.0.1:{port}") as watcher,
        AsyncFurler.connect(f"127.0.0.1:{port}") as writer,
    ):
        with service_on(port, store) as first:
            watching = asyncio.create_task(collect(watcher, space, 0, WRITES))
            written = await write(writer, 0)
            os.kill(first.pid, signal.SIGKILL)
        with service_on(port, store):
            # The channel may still be backing off from the first server's death.
            while True:
                try:
                    await writer.stats()
                    break
                except Exception:  # noqa: BLE001 - whatever it is, it passes or the time is over
                    await asyncio.sleep(0.1)
            written += await write(writer, WRITES // 2)
            seen = await watching
    assert [change.revision for change in seen] == written


@in_clients_loop
async def test_two_replicas_show_each_others_writes_in_one_order(valkey_server: str) -> None:
    space = f"space-{uuid.uuid4().hex}"
    with running_service(valkey_server) as one, running_service(valkey_server) as other:
        async with (
            asyncio.timeout(4 * PATIENCE_SECONDS),
            AsyncFurler.connect(one.address) as ana,
            AsyncFurler.connect(other.address) as ben,
        ):
            watches = [
                asyncio.create_task(collect(furler, space, 0, WRITES)) for furler in (ana, ben)
            ]
            await asyncio.gather(
                *(
                    (ana if n % 2 else ben).shared(space).put(f"k{n % 5}", f"content {n}")
                    for n in range(WRITES)
                )
            )
            seen = await asyncio.gather(*watches)
    assert seen[0] == seen[1]
    revisions = [change.revision for change in seen[0]]
    assert revisions == sorted(set(revisions))


@in_clients_loop
async def test_a_server_with_watches_stops_at_once(tmp_path: Path) -> None:
    with running_service(str(tmp_path), drain_seconds="25") as service:
        async with AsyncFurler.connect(service.address, timeout=1.0) as furler:
            watch = furler.shared().watch(after=0)
            following = asyncio.ensure_future(anext(watch))
            await furler.shared().put("k", "text")
            await following
            following = asyncio.ensure_future(anext(watch))
            await asyncio.wait([following], timeout=0.1)
            async with asyncio.timeout(15.0):
                assert await asyncio.to_thread(service.stop) == 0
            following.cancel()
            await asyncio.wait([following])
