"""The service's end of the connection to an engine process: a job out, its outcome in.

A protocol and no streams: what arrives is read where it arrives, and wakes nobody before it is whole.
"""

from __future__ import annotations

import asyncio
from typing import cast

from furler_compressor.adapters.engine_wire import LENGTHS, frame_of, value_of
from furler_compressor.app.engine import EngineFailedError


class EngineLink(asyncio.Protocol):
    """Frames (engine_wire) as values. ``lost`` is done when the connection is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._received = bytearray()
        self._wanted: asyncio.Future[object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take bytes, and give what is whole."""
        self._received += data
        self._deliver()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits that the process ended."""
        del exc
        self.lost.set_result(None)
        self._deliver()

    def send(self, value: object) -> None:
        """Send a value; whatever goes wrong with it, the next receive() says."""
        frame = frame_of(value)
        if not self._transport.is_closing():
            self._transport.writelines(frame)  # in one piece: the child wakes up once

    def receive(self) -> asyncio.Future[object]:
        """Return the next value to come, one at a time; EngineFailedError if the process ends before."""
        self._wanted = self._loop.create_future()
        self._deliver()
        return self._wanted

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _deliver(self) -> None:
        """Give a whole frame, or the end, to who waits for it."""
        wanted = self._wanted
        if wanted is None or wanted.done():
            return
        received = self._received
        if len(received) >= LENGTHS.size:
            end = LENGTHS.size + LENGTHS.unpack_from(received)[0]  # outcomes have no body
            if len(received) >= end:
                with memoryview(received) as held:
                    value = value_of(held[LENGTHS.size : end])
                del received[:end]
                wanted.set_result(value)
                return
        if self.lost.done():
            wanted.set_exception(EngineFailedError("the engine process ended"))
