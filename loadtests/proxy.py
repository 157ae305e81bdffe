"""What the provider proxy adds: delay and processor time, beside a direct call, a plain relay and the peer.

Starts a provider, a relay that only passes bytes on, a compressor and a gateway, and the peer's proxy where
there is one, each a process of its own, and sends to all in turn, so that what else the machine does falls on all alike.
`python loadtests/proxy.py --peer .../headroom`. Figures hold for one machine and one run: compare within a run only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import uvloop

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from loadtests.gateway import cpu_seconds, peer  # noqa: E402 - as above
from loadtests.proxy_servers import PATH, probed, started  # noqa: E402 - as above
from support.gateway import running_gateway  # noqa: E402 - found through the line above
from support.inputs import orders, service_log  # noqa: E402 - as above
from support.service import running_service  # noqa: E402 - as above

LARGE: Final = (5, 20, 25)
STREAMS: Final = {
    "300 events, 4 ms apart": (300, 0.004, 8),
    "2,000 events, 2 ms apart": (2000, 0.002, 8),
    "300 events at once": (300, 0.0, 1),
    "2,000 events at once": (2000, 0.0, 1),
}
"""Events, seconds between them, clients. Models write an event every 5 to 30 ms."""
TOOLS: Final = [{"name": "bash", "input_schema": {"type": "object"}}]
PEER: Final = "peer"


@dataclass
class Side:
    """One way to the provider, and what it took: seconds by request, processor seconds by request."""

    name: str
    url: str
    pid: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Return processor seconds of the process so far."""
        return cpu_seconds(self.pid) if self.pid else 0.0

    def forget(self) -> None:
        """Forget what it took."""
        self.seconds, self.first, self.cpu = [], [], []


@dataclass(frozen=True)
class Setting:
    """What is sent, by how many clients at once, how often in a row."""

    name: str
    body: bytes
    clients: int = 1
    times: int = 10


async def _send(session: aiohttp.ClientSession, side: Side, body: bytes) -> None:
    start = time.perf_counter()
    headers = {"Content-Type": "application/json", "x-api-key": "k", **side.headers}
    async with session.post(side.url + PATH, data=body, headers=headers) as answer:
        first = None
        async for _ in answer.content.iter_any():
            first = first or time.perf_counter() - start
        if answer.status != 200:
            raise SystemExit(f"{side.name}: {answer.status}")
    side.seconds.append(time.perf_counter() - start)
    side.first.append(first or side.seconds[-1])


async def _batch(session: aiohttp.ClientSession, side: Side, setting: Setting) -> None:
    before = side.clock()
    for _ in range(setting.times):
        await asyncio.gather(*(_send(session, side, setting.body) for _ in range(setting.clients)))
    side.cpu.append((side.clock() - before) / setting.times / setting.clients)


async def _measure(sides: list[Side], setting: Setting, rounds: int) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        for side in sides:
            await _batch(session, side, setting)  # connections, caches
            side.forget()
        for _ in range(rounds):
            for side in sides:
                await _batch(session, side, setting)
    direct = statistics.median(sides[0].seconds)
    direct_first = statistics.median(sides[0].first)
    plain = statistics.median(sides[1].cpu)
    print(
        f"\n{setting.name}\n{'':20} {'p50 ms':>8} {'added':>7} {'first byte added':>17} {'cpu ms':>8} {'of plain':>9}"
    )
    for side in sides:
        p50, first = statistics.median(side.seconds), statistics.median(side.first)
        cpu = statistics.median(side.cpu)
        print(
            f"{side.name:20} {p50 * 1e3:8.2f} {(p50 - direct) * 1e3:7.2f}"
            f" {(first - direct_first) * 1e3:17.2f} {cpu * 1e3:8.3f} {cpu / plain:9.2f}",
            flush=True,
        )


async def _large(gateway: str, livez: str, rounds: int) -> None:
    """Send bodies of many megabytes, each one new to all caches, and ask beside them whether it lives."""
    print(f"\n{'livez, ms':22} {'seconds':>8} {'probes':>7} {'p50':>8} {'p99':>8} {'most':>8}")
    async with probed(livez) as took:
        await asyncio.sleep(5)
    _row("idle", 5.0, took)
    patience = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=patience) as session:
        for megabytes in LARGE:
            for turn in range(rounds):
                content = orders(10_200 * megabytes).replace("[", f"[{turn},", 1)
                body = _body(content, tools=True)
                side = Side("", gateway, 0, {"x-furler-conversation": f"large {megabytes} {turn}"})
                async with probed(livez) as took:
                    await _send(session, side, body)
                _row(f"{len(body) / 1e6:.1f} MB, {turn + 1}", side.seconds[0], took)


def _row(name: str, seconds: float, took: list[float]) -> None:
    late = took[int(len(took) * 0.99)]
    p50 = statistics.median(took)
    print(f"{name:22} {seconds:8.2f} {len(took):7} {p50:8.1f} {late:8.1f} {took[-1]:8.1f}")


def _body(content: str, *, tools: bool, stream: str = "") -> bytes:
    """Return a request; a stream is said as the provider here takes it."""
    messages: list[dict[str, object]] = [{"role": "user", "content": "why? " * 40}]
    if content:
        call = {"type": "tool_use", "id": "t1", "name": "bash", "input": {}}
        result = {"type": "tool_result", "tool_use_id": "t1", "content": content}
        messages += [
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ]
    body: dict[str, object] = {"model": "claude", "max_tokens": 100, "messages": messages}
    body |= {"tools": TOOLS} if tools else {}
    return json.dumps({**body, "user": stream, "stream": bool(stream)}).encode()


def _settings() -> list[Setting]:
    made = [
        Setting("0.4 KB, no tools", _body("", tools=False)),
        Setting("0.4 KB, retrieve tool", _body("", tools=True)),
        Setting("18 KB log, retrieve tool", _body(service_log(330), tools=True)),
        Setting("58 KB JSON, retrieve tool", _body(orders(600), tools=True)),
    ]
    for name, (events, pause, clients) in STREAMS.items():
        for tools in (False, True):
            body = _body("", tools=tools, stream=f"{events} {pause}")
            named = f"{name}, {'retrieve tool' if tools else 'no tools'}"
            made.append(Setting(named, body, clients, 1 if pause else 10))
    return made


async def _all(rounds: int, large: int, command: str, only: str) -> None:
    async with AsyncExitStack() as stack:
        provider, _ = await stack.enter_async_context(started("provider"))
        relay, plain = await stack.enter_async_context(started("relay", provider))
        service = stack.enter_context(running_service())
        gateway = stack.enter_context(
            running_gateway(
                service.address, upstreams=f"anthropic={provider}", log_requests="false"
            )
        )
        pid, url = gateway.process.pid, f"http://{gateway.address}"
        sides = [
            Side("direct", provider),
            Side("plain relay", relay, plain.pid),
            Side("gateway", url, pid),
            Side("gateway, bypassed", url, pid, {"x-furler-bypass": "true"}),
        ]
        if command:
            side = stack.enter_context(peer(command, ANTHROPIC_TARGET_API_URL=provider))
            base = side.livez.removesuffix("/livez")
            sides.append(Side(PEER, base, side.processes[PEER]))
        chosen = [setting for setting in _settings() if rounds and only in setting.name]
        for setting in chosen:
            await _measure(sides, setting, max(3, rounds // 2) if setting.clients > 1 else rounds)
        if large:
            await _large(url, f"http://{gateway.operate}/livez", large)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="of each setting on each side")
    parser.add_argument("--large", type=int, default=0, help="bodies of each size beside probes")
    parser.add_argument(
        "--peer", default="", help="the peer's command, in an environment of its own"
    )
    parser.add_argument("--only", default="", help="settings whose name has this in it")
    given = parser.parse_args()
    uvloop.run(_all(given.rounds, given.large, given.peer, given.only))


if __name__ == "__main__":
    main()
