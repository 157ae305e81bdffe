"""How fast the gateway is on this machine: /v1/compress by size of body and number of clients.

Starts a compressor and a gateway on loopback, and the peer's proxy where there is one, sends to each
in turn for a bounded time, prints a table. `python loadtests/gateway.py --seconds 3 --peer .../headroom`.
Figures hold for one machine and one run: compare within a run only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import aiohttp
import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.gateway import running_gateway  # noqa: E402 - found through the line above
from support.ports import free_ports  # noqa: E402 - found through the line above
from support.service import running_service  # noqa: E402 - as above

SIZES: Final = {"0.4 KB": 400, "58 KB": 58_000, "230 KB": 230_000}
LARGE: Final = {"5 MB": 5_000_000, "20 MB": 20_000_000}
CLIENTS: Final = (1, 8, 32)
PROBE_SECONDS: Final = 0.02
SEEDS: Final = count(1000)
"""No body is made twice in a run."""
OURS: Final = "furler"
JSON: Final = {"Content-Type": "application/json"}


@dataclass
class Measured:
    """What one setting gave."""

    seconds: list[float] = field(default_factory=list)
    errors: int = 0
    took: float = 0.0

    def row(self, name: str, clients: int) -> str:
        """Return the table's row."""
        ranked = sorted(self.seconds) or [0.0]
        p50, p99 = (ranked[min(len(ranked) - 1, int(len(ranked) * q))] for q in (0.5, 0.99))
        rate = len(self.seconds) / self.took
        return (
            f"{name:8} {clients:7} {rate:9.1f} {p50 * 1000:9.1f} {p99 * 1000:9.1f} {self.errors:6}"
        )


def body_of(size: int, seed: int) -> bytes:
    """Return a chat whose one tool result is JSON of about so many bytes."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    rows: list[dict[str, object]] = []
    total = 0
    while total < size - 200:
        number = len(rows)
        row = {
            "id": number,
            "name": f"customer {chance.randrange(10**6)}",
            "status": chance.choice(["paid", "paid", "paid", "open", "failed"]),
            "total": round(chance.random() * 500, 2),
        }
        rows.append(row)
        total += len(json.dumps(row)) + 2
    call = {"id": "c", "type": "function", "function": {"name": "orders", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Which orders failed?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": json.dumps(rows)},
    ]
    return json.dumps({"model": "gpt-4o", "messages": messages, "config": {"mode": "ccr"}}).encode()


async def drive(
    session: aiohttp.ClientSession,
    url: str,
    bodies: Callable[[], bytes],
    clients: int,
    until: float,
) -> Measured:
    """Send until a time with so many clients, each waiting for its answer."""
    got = Measured()

    async def one() -> None:
        while time.perf_counter() < until:
            start = time.perf_counter()
            try:
                async with session.post(url, data=bodies(), headers=JSON) as answer:
                    reply = await answer.read()
                failed = answer.status != 200 or b"compression_skipped" in reply[-200:]
            except (aiohttp.ClientError, TimeoutError):
                failed = True
            got.seconds.append(time.perf_counter() - start)
            got.errors += failed

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    got.took = time.perf_counter() - start
    return got


async def probe(session: aiohttp.ClientSession, url: str, done: asyncio.Event) -> float:
    """Return the longest that a probe took while something else went on."""
    longest = 0.0
    while not done.is_set():
        start = time.perf_counter()
        async with session.get(url) as answer:
            await answer.read()
        longest = max(longest, time.perf_counter() - start)
        await asyncio.sleep(PROBE_SECONDS)
    return longest


def _fresh(size: int) -> Callable[[], bytes]:
    """Return a source of bodies that were not sent before: nothing comes from a cache.

    Each differs in one name, which takes no time to write: the sender runs on the same processors.
    """
    body = body_of(size, 0)
    return lambda: body.replace(b"customer ", b"customer %d-" % next(SEEDS), 1)


@dataclass
class Side:
    """One system under load: where it answers, and the processes that it is."""

    name: str
    url: str
    livez: str
    processes: Mapping[str, int]

    def cpu(self) -> dict[str, float]:
        """Return the processor seconds that each process and its children have used."""
        return {name: cpu_seconds(pid) for name, pid in self.processes.items()}

    def resident(self) -> str:
        """Return the resident memory of each process, children included."""
        sizes = {
            name: sum(p.memory_info().rss for p in _family(pid))
            for name, pid in self.processes.items()
        }
        return ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in sizes.items())


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds that a process and its children have used, to the microsecond.

    The kernel's scheduler counts them by thread (schedstat); other figures tick in hundredths of a second.
    """
    threads = (
        Path(f"/proc/{process.pid}/task/{thread.id}/schedstat")
        for process in _family(pid)
        for thread in process.threads()
    )
    return sum(int(path.read_text().split()[0]) for path in threads if path.exists()) / 1e9


async def measured(
    session: aiohttp.ClientSession,
    side: Side,
    bodies: Callable[[], bytes],
    load: tuple[str, int, float],
) -> None:
    """Measure one setting, and print its row: name, clients, seconds."""
    name, clients, seconds = load
    before = side.cpu()
    got = await drive(session, side.url, bodies, clients, time.perf_counter() + seconds)
    spent = {process: used - before[process] for process, used in side.cpu().items()}
    each = max(1, len(got.seconds))
    costs = "  ".join(f"{process} {1000 * used / each:.2f}" for process, used in spent.items())
    print(f"{side.name:7} {got.row(name, clients)}  {costs}", flush=True)


async def small(session: aiohttp.ClientSession, sides: list[Side], seconds: float) -> None:
    """Measure bodies that were not sent before, then one body again and again."""
    head = f"{'side':7} {'body':8} {'clients':>7} {'req/s':>9} {'p50 ms':>9} {'p99 ms':>9} {'errors':>6}"
    print(f"{head}  CPU ms per request")
    for name, size in SIZES.items():
        for clients in CLIENTS:
            for side in sides:
                await measured(session, side, _fresh(size), (name, clients, seconds))
    for name, size in SIZES.items():
        known = body_of(size, 0)
        for side in sides:
            await measured(session, side, _again(known), (f"{name} *", 32, seconds))
    print("* the same body again: its views are known")


def _again(body: bytes) -> Callable[[], bytes]:
    return lambda: body


async def large(session: aiohttp.ClientSession, side: Side) -> None:
    """Send bodies of many megabytes, and ask beside them whether it lives."""
    for name, size in LARGE.items():
        body = body_of(size, 1)
        done = asyncio.Event()
        watch = asyncio.create_task(probe(session, side.livez, done))
        start = time.perf_counter()
        try:
            async with session.post(side.url, data=body, headers=JSON) as answer:
                told = f"{answer.status}, {len(await answer.read()):,} of {len(body):,} bytes"
        except (aiohttp.ClientError, TimeoutError) as error:
            told = type(error).__name__
        took = time.perf_counter() - start
        done.set()
        print(
            f"{side.name}: {name}: {told} in {took:.2f} s; livez within {await watch * 1000:.0f} ms",
            flush=True,
        )


async def run(sides: list[Side], seconds: float) -> None:
    """Measure, and print."""
    for side in sides:
        print(f"{side.name}, idle: {side.resident()}")
    limit = aiohttp.TCPConnector(limit=0)
    patience = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(connector=limit, timeout=patience) as session:
        await small(session, sides, seconds)
        for side in sides:
            if side.name == OURS:  # 5 MB end the peer
                await large(session, side)
    for side in sides:
        print(f"{side.name}, at the end: {side.resident()}")


@contextmanager
def peer(command: str, **environment: str) -> Iterator[Side]:
    """Run the peer's proxy, by its command, for the time of the body. Its default limit of 60/min is off."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="furler-peer-") as home:
        process = subprocess.Popen(  # noqa: S603 - what the caller names
            [command, "proxy", "--port", str(port), "--no-rate-limit"],
            env={
                **os.environ,
                "HOME": home,
                "HEADROOM_OFFLINE": "1",
                "HEADROOM_TELEMETRY": "0",
                **environment,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        base = f"http://127.0.0.1:{port}"
        try:
            _wait(f"{base}/livez", process)
            yield Side("peer", f"{base}/v1/compress", f"{base}/livez", {"peer": process.pid})
        finally:
            process.terminate()
            process.wait(30)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - loopback
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise SystemExit("the peer does not answer")


def main() -> None:
    """Start both services, and the peer if there is one, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="per setting")
    parser.add_argument("--peer", help="the peer's command, in an environment of its own")
    arguments = parser.parse_args()
    seconds = min(60.0, arguments.seconds)
    with ExitStack() as stack:
        service = stack.enter_context(running_service())
        gateway = stack.enter_context(running_gateway(service.address, log_requests="false"))
        pids = {"gateway": gateway.process.pid, "compressor": service.process.pid}
        url, livez = f"http://{gateway.address}/v1/compress", f"http://{gateway.operate}/livez"
        sides = [Side(OURS, url, livez, pids)]
        if arguments.peer:
            sides.append(stack.enter_context(peer(arguments.peer)))
        asyncio.run(run(sides, seconds))


if __name__ == "__main__":
    main()
