"""A provider on loopback: it records what it is sent, and replies as it is told.

It runs in a thread, so that tests in plain code can talk through a gateway to it.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

SSE = (("Content-Type", "text/event-stream; charset=utf-8"), ("Cache-Control", "no-cache"))
JSON = (("Content-Type", "application/json"),)


@dataclass(frozen=True)
class Got:
    """A request as it arrived."""

    method: str
    path: str
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [v.decode() for n, v in self.headers if n.lower() == name.lower().encode()]
        return ", ".join(found) if found else None


@dataclass(frozen=True)
class Says:
    """A reply: pieces are written one by one, with pauses between them.

    ``hangs`` leaves it unfinished; ``breaks`` breaks off.
    """

    pieces: Sequence[bytes] = (b"{}",)
    status: int = 200
    headers: Sequence[tuple[str, str]] = JSON
    hangs: bool = False
    breaks: bool = False
    pause_seconds: float = 0.0


def stream(
    data: bytes,
    *,
    step: int = 0,
    hangs: bool = False,
    breaks: bool = False,
    pause_seconds: float = 0.0,
) -> Says:
    """Return a stream of events that comes in pieces of so many bytes; 0: as one."""
    size = step or max(1, len(data))
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return Says(pieces, 200, SSE, hangs, breaks, pause_seconds)


Brain = Callable[[Got], Says]


@dataclass
class FakeProvider:
    """What it got, and what it will say: scripted replies first, then what the brain says."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    script: deque[Says] = field(default_factory=deque)
    brain: Brain = field(default=lambda _: Says())
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when a client went away in the middle of a reply."""

    def says(self, *replies: Says) -> None:
        self.script.extend(replies)

    def take(self) -> Got:
        """Return the only request there was, and forget it."""
        (only,) = self.got
        self.got.clear()
        return only

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()  # read() has a limit
        got = Got(request.method, request.raw_path, tuple(request.raw_headers), body)
        self.got.append(got)
        says = self.script.popleft() if self.script else self.brain(got)
        reply = web.StreamResponse(status=says.status)
        for name, value in says.headers:
            reply.headers.add(name, value)
        await reply.prepare(request)
        try:
            for piece in says.pieces:
                await reply.write(piece)
                await asyncio.sleep(says.pause_seconds)
            if says.hangs:
                await asyncio.Event().wait()
        except (asyncio.CancelledError, ConnectionResetError):
            self.gone.set()
            raise
        if says.breaks and request.transport is not None:
            request.transport.abort()
            return reply
        await reply.write_eof()
        return reply


@contextmanager
def running_provider(tls: ssl.SSLContext | None = None) -> Iterator[FakeProvider]:
    """Run a provider on a free port."""
    provider = FakeProvider()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        # Bodies are recorded as they came.
        server = web.Server(provider.answer, handler_cancellation=True, auto_decompress=False)
        runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        provider.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
