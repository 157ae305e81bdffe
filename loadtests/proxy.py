"""What the provider proxy adds: delay and processor time, beside a direct call and a plain relay.

Starts a provider, a relay that only passes bytes on, a compressor and a gateway, each a process of
its own, and sends to all in turn, so that what else the machine does falls on all alike.
`python loadtests/proxy.py`. Figures hold for one machine and one run: compare within a run only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil
import uvloop
from aiohttp import web

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.gateway import running_gateway  # noqa: E402 - found through the line above
from support.inputs import orders, service_log  # noqa: E402 - as above
from support.recorded import anthropic_stream, anthropic_whole, said  # noqa: E402 - as above
from support.service import running_service  # noqa: E402 - as above

WHOLE: Final = anthropic_whole([said("It was the pool. " * 20)])
STREAM: Final = anthropic_stream([said("It was the pool, and nothing else. " * 400)])
PIECE: Final = 512
"""Bytes written at once: a few events, as providers do."""
LARGE: Final = (5, 20, 25)
PROBE_SECONDS: Final = 0.005
PACED: Final = b'"user": "paced"'
"""In a body that asks for a stream at a model's pace, which leaves the processors time."""
PACED_PIECES: Final = 60
PAUSE_SECONDS: Final = 0.002
"""Four events in 2 ms: still many times faster than a model writes."""
PATH: Final = "/v1/messages"
TOOLS: Final = [{"name": "bash", "input_schema": {"type": "object"}}]


async def _provide(request: web.Request) -> web.StreamResponse:
    body = await request.read()
    if b'"stream": true' not in body:
        return web.Response(body=WHOLE, content_type="application/json")
    reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await reply.prepare(request)
    is_paced = PACED in body
    stream = STREAM[: PACED_PIECES * PIECE] if is_paced else STREAM
    for at in range(0, len(stream), PIECE):
        await reply.write(stream[at : at + PIECE])
        await asyncio.sleep(PAUSE_SECONDS if is_paced else 0)
    return reply


def _relay(target: str) -> web.Application:
    """Return a relay that passes bodies on and does nothing else."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(auto_decompress=False) as made:
            app[_SESSION] = made
            yield

    async def relay(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        async with request.app[_SESSION].post(target + PATH, data=body) as answer:
            reply = web.StreamResponse(headers={"Content-Type": answer.headers["Content-Type"]})
            await reply.prepare(request)
            async for chunk in answer.content.iter_any():
                await reply.write(chunk)
            return reply

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.cleanup_ctx.append(session)
    app.router.add_post(PATH, relay)
    return app


_SESSION: Final = web.AppKey("session", aiohttp.ClientSession)


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


@dataclass
class Side:
    """One way to the provider, and what it took."""

    name: str
    url: str
    process: psutil.Process | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    cpu: float = 0.0

    def clock(self) -> float:
        """Return processor seconds of the process so far."""
        if self.process is None:
            return 0.0
        times = self.process.cpu_times()
        return times.user + times.system


@asynccontextmanager
async def _started(*arguments: str) -> AsyncIterator[tuple[str, psutil.Process]]:
    """Run this file as a server; give its address and process."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own program, at the start only
        [sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


async def _send(session: aiohttp.ClientSession, side: Side, body: bytes) -> None:
    start = time.perf_counter()
    headers = {"Content-Type": "application/json", "x-api-key": "k", **side.headers}
    async with session.post(side.url + PATH, data=body, headers=headers) as answer:
        first = None
        async for _ in answer.content.iter_any():
            first = first or time.perf_counter() - start
    side.seconds.append(time.perf_counter() - start)
    side.first.append(first or side.seconds[-1])


async def _probe(url: str) -> None:
    """Ask again and again whether it lives, until told to end; print the milliseconds it took."""
    took: list[float] = []
    end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    print("1", flush=True)
    async with aiohttp.ClientSession() as session:
        while not end.done():
            start = time.perf_counter()
            async with session.get(url) as answer:
                await answer.read()
            took.append((time.perf_counter() - start) * 1e3)
            await asyncio.sleep(PROBE_SECONDS)
    print(json.dumps(sorted(took)), flush=True)


@asynccontextmanager
async def _probed(url: str, name: str) -> AsyncIterator[None]:
    """Probe for the time of the body, from a process of its own, and print the row."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - as in _started
        [sys.executable, __file__, "probe", url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - asked for above
    process.stdout.readline()
    start = time.perf_counter()
    yield
    seconds = time.perf_counter() - start
    told, _ = await asyncio.to_thread(process.communicate, "\n", 60)
    took: list[float] = json.loads(told)
    late = took[int(len(took) * 0.99)]
    print(
        f"{name:22} {seconds:8.2f} {len(took):7} {statistics.median(took):8.1f} {late:8.1f} {took[-1]:8.1f}"
    )


async def _large(gateway: str, livez: str, rounds: int) -> None:
    """Send bodies of many megabytes, each one new to all caches, and ask beside them whether it lives."""
    print(f"\n{'livez, ms':22} {'seconds':>8} {'probes':>7} {'p50':>8} {'p99':>8} {'most':>8}")
    async with _probed(livez, "idle"):
        await asyncio.sleep(5)
    patience = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=patience) as session:
        for megabytes in LARGE:
            for turn in range(rounds):
                content = orders(10_200 * megabytes).replace("[", f"[{turn},", 1)
                body = _body(content, stream=False, tools=True)
                named = {"x-furler-conversation": f"large {megabytes} {turn}"}
                async with _probed(livez, f"{len(body) / 1e6:.1f} MB, {turn + 1}"):
                    await _send(session, Side("gateway", gateway, None, named), body)


async def _measure(sides: list[Side], name: str, body: bytes, rounds: int) -> None:
    async with aiohttp.ClientSession() as session:
        for side in sides:
            for _ in range(20):  # connections, caches
                await _send(session, side, body)
            side.seconds, side.first, side.cpu = [], [], 0.0
        for _ in range(rounds):
            for side in sides:
                before = side.clock()
                for _ in range(10):  # the processor's clock ticks in hundredths
                    await _send(session, side, body)
                side.cpu += side.clock() - before
    direct = statistics.median(sides[0].seconds)
    direct_first = statistics.median(sides[0].first)
    plain = sides[1].cpu / len(sides[1].seconds)
    print(
        f"\n{name}\n{'':26} {'p50 ms':>8} {'added':>7} {'first byte added':>17} {'cpu ms':>7} {'of plain':>9}"
    )
    for side in sides:
        p50, first = statistics.median(side.seconds), statistics.median(side.first)
        cpu = side.cpu / len(side.seconds)
        print(
            f"{side.name:26} {p50 * 1e3:8.2f} {(p50 - direct) * 1e3:7.2f}"
            f" {(first - direct_first) * 1e3:17.2f} {cpu * 1e3:7.2f} {cpu / plain if plain else 0:9.2f}"
        )


def _body(content: str, *, stream: bool, tools: bool) -> bytes:
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
    return json.dumps({**body, "stream": stream}).encode()


async def _all(rounds: int, large: int) -> None:
    async with _started("provider") as (provider, _), _started("relay", provider) as (relay, plain):
        with (
            running_service() as service,
            running_gateway(
                service.address, upstreams=f"anthropic={provider}", log_requests="false"
            ) as gateway,
        ):
            process = psutil.Process(gateway.process.pid)
            url = f"http://{gateway.address}"
            sides = [
                Side("direct", provider),
                Side("plain relay", relay, plain),
                Side("gateway", url, process),
                Side("gateway, bypassed", url, process, {"x-furler-bypass": "true"}),
            ]
            settings = {
                "0.4 KB, no tools": _body("", stream=False, tools=False),
                "0.4 KB, retrieve tool": _body("", stream=False, tools=True),
                "18 KB log, retrieve tool": _body(service_log(330), stream=False, tools=True),
                "58 KB JSON, retrieve tool": _body(orders(600), stream=False, tools=True),
                f"stream of {len(STREAM) // 1000} KB, no tools": _body(
                    "", stream=True, tools=False
                ),
                f"stream of {len(STREAM) // 1000} KB, retrieve tool": _body(
                    "", stream=True, tools=True
                ),
            }
            for tools, name in ((False, "no tools"), (True, "retrieve tool")):
                paced = _body("", stream=True, tools=tools)[:-1] + b", " + PACED + b"}"
                settings[f"paced stream of {PACED_PIECES * PIECE // 1000} KB, {name}"] = paced
            for name, body in settings.items() if rounds else ():
                await _measure(sides, name, body, rounds)
            if large:
                await _large(url, f"http://{gateway.operate}/livez", large)


def main() -> None:
    """Measure, or serve as one of the processes of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "role", nargs="?", default="measure", choices=["measure", "provider", "relay", "probe"]
    )
    parser.add_argument("target", nargs="?", default="")
    parser.add_argument("--rounds", type=int, default=20, help="of ten requests a side")
    parser.add_argument("--large", type=int, default=0, help="bodies of each size beside probes")
    given = parser.parse_args()
    if given.role == "measure":
        uvloop.run(_all(given.rounds, given.large))
        return
    if given.role == "probe":
        uvloop.run(_probe(given.target))
        return
    app = _relay(given.target)
    if given.role == "provider":
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post(PATH, _provide)
    uvloop.run(_serve(app))


if __name__ == "__main__":
    main()
