"""The other processes of proxy.py: a provider, a relay that only passes bytes on, a probe.

`python loadtests/proxy_servers.py provider`, `relay TARGET` (both print their port) or `probe URL`.
"""

from __future__ import annotations

import asyncio
import functools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import psutil
import uvloop
from aiohttp import web

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.recorded import anthropic_stream, anthropic_whole, said  # noqa: E402 - the line above

PATH: Final = "/v1/messages"
_WHOLE: Final = anthropic_whole([said("It was the pool. " * 20)])
_WORD: Final = "the po "
"""A delta's text, as long as support/recorded.py cuts them: a token or two, as of real providers."""
_PROBE_SECONDS: Final = 0.005
_READ_BYTES: Final = 256 * 1024
"""What the gateway lets each of its connections hold, too."""
_SESSION: Final = web.AppKey("session", aiohttp.ClientSession)


@functools.cache
def _events(count: int) -> list[bytes]:
    """Return a stream of so many pieces of text, event by event."""
    stream = anthropic_stream([said(_WORD * count)])
    return [event + b"\n\n" for event in stream.split(b"\n\n") if event]


async def _provide(request: web.Request) -> web.StreamResponse:
    """Reply as the request's ``user`` says: whole, or so many events with so many seconds between them."""
    asked = json.loads(await request.read())
    if not asked["stream"]:
        return web.Response(body=_WHOLE, content_type="application/json")
    count, pause = asked["user"].split()
    reply = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await reply.prepare(request)
    for event in _events(int(count)):  # each written by itself, as providers do
        await reply.write(event)
        await asyncio.sleep(float(pause))
    return reply


def _relay(target: str) -> web.Application:
    """Return a relay that passes bodies on and does nothing else, on the gateway's own libraries."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        async with aiohttp.ClientSession(auto_decompress=False, read_bufsize=_READ_BYTES) as made:
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


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None, read_bufsize=_READ_BYTES)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


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
            await asyncio.sleep(_PROBE_SECONDS)
    print(json.dumps(sorted(took)), flush=True)


@asynccontextmanager
async def started(*arguments: str) -> AsyncIterator[tuple[str, psutil.Process]]:
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


@asynccontextmanager
async def probed(url: str) -> AsyncIterator[list[float]]:
    """Probe for the time of the body, from a process of its own; give what it took, sorted, in the end."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - as in started
        [sys.executable, __file__, "probe", url],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - asked for above
    process.stdout.readline()
    took: list[float] = []
    yield took
    told, _ = await asyncio.to_thread(process.communicate, "\n", 60)
    took += json.loads(told)


def main(role: str, target: str = "") -> None:
    """Serve as one of the processes of a measurement."""
    if role == "probe":
        uvloop.run(_probe(target))
        return
    app = _relay(target)
    if role == "provider":
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_post(PATH, _provide)
    uvloop.run(_serve(app))


if __name__ == "__main__":
    main(*sys.argv[1:3])
