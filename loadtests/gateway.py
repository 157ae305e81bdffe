"""How fast the gateway is on this machine: /v1/compress by size of body and number of clients.

Starts a compressor and a gateway on loopback, sends for a bounded time, prints
a table. `python loadtests/gateway.py --seconds 3`. Figures hold for one machine
and one run: compare within a run only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.gateway import Gateway, running_gateway  # noqa: E402 - found through the line above
from support.service import running_service  # noqa: E402 - as above

SIZES: Final = {"0.4 KB": 400, "58 KB": 58_000, "230 KB": 230_000}
LARGE: Final = {"5 MB": 5_000_000, "20 MB": 20_000_000}
CLIENTS: Final = (1, 8, 32)
PROBE_SECONDS: Final = 0.02


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
    return json.dumps({"messages": messages, "config": {"mode": "ccr"}}).encode()


async def drive(
    session: aiohttp.ClientSession,
    url: str,
    bodies: Callable[[], bytes],
    clients: int,
    until: float,
) -> Measured:
    """Send until a time with so many clients, each waiting for its answer."""
    measured = Measured()

    async def one() -> None:
        while time.perf_counter() < until:
            start = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            async with session.post(url, data=bodies(), headers=headers) as answer:
                reply = await answer.read()
            measured.seconds.append(time.perf_counter() - start)
            if answer.status != 200 or b"compression_skipped" in reply[-200:]:
                measured.errors += 1

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(clients)))
    measured.took = time.perf_counter() - start
    return measured


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
    """Return a source of bodies that were not sent before: nothing comes from a cache."""
    made: Iterator[bytes] = (body_of(size, seed) for seed in range(10**9))
    ready = [next(made) for _ in range(64)]
    return lambda: ready.pop() if ready else next(made)


async def run(gateway: Gateway, seconds: float) -> None:
    """Measure, and print."""
    url, livez = f"http://{gateway.address}/v1/compress", f"http://{gateway.operate}/livez"
    limit = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=limit) as session:
        print(f"{'body':8} {'clients':>7} {'req/s':>9} {'p50 ms':>9} {'p99 ms':>9} {'errors':>6}")
        for name, size in SIZES.items():
            for clients in CLIENTS:
                until = time.perf_counter() + seconds
                measured = await drive(session, url, _fresh(size), clients, until)
                print(measured.row(name, clients))
        known = body_of(58_000, 0)
        until = time.perf_counter() + seconds
        print((await drive(session, url, lambda: known, 32, until)).row("58 KB *", 32))
        print("* the same body again: the view comes from the cache")
        for name, size in LARGE.items():
            body = body_of(size, 1)
            done = asyncio.Event()
            watch = asyncio.create_task(probe(session, livez, done))
            start = time.perf_counter()
            headers = {"Content-Type": "application/json"}
            async with session.post(url, data=body, headers=headers) as answer:
                reply = await answer.read()
            took = time.perf_counter() - start
            done.set()
            print(
                f"{name}: {answer.status} in {took:.2f} s, {len(body):,} -> {len(reply):,} bytes;"
                f" /livez within {await watch * 1000:.0f} ms"
            )


def main() -> None:
    """Start both services and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="per setting")
    seconds = min(60.0, parser.parse_args().seconds)
    with (
        running_service() as service,
        running_gateway(service.address, log_requests="false") as gateway,
    ):
        asyncio.run(run(gateway, seconds))


if __name__ == "__main__":
    main()
