"""Calls as an agent's client stub makes them, each ending in a word for how it went."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator
from typing import TypeVar, cast

import grpc
import grpc.aio
from google.protobuf import duration_pb2

from furler.channel import SERVICE_CONFIG
from furler.v1 import (
    compression_pb2,
    compressor_service_pb2,
    compressor_service_pb2_grpc,
    content_pb2,
    content_service_pb2,
    content_service_pb2_grpc,
    conversation_pb2,
)
from loadtests.measure import DEGRADED, LATE, OK, REFUSED

_MESSAGE_BYTES = 80 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_OPTIONS: list[tuple[str, str | int]] = [
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_send_message_length", _MESSAGE_BYTES),
    # A replica that comes back is found within a second; the default waits for up to two minutes.
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    # Each client has connections of its own, as agents in other processes have.
    ("grpc.use_local_subchannel_pool", 1),
]
_DETAILS = "grpc-status-details-bin"
_Answer = TypeVar("_Answer")
_BY_CODE = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: REFUSED,
    grpc.StatusCode.DEADLINE_EXCEEDED: LATE,
}


class Agents:
    """Some clients of a fleet, each with its own connections; calls go around among them.

    There are no retries but gRPC's own, which send again what no server has begun.
    """

    def __init__(
        self, target: str, clients: int = 4, *, token: str = "", deadline: float = 10.0
    ) -> None:
        self._channels = [
            grpc.aio.insecure_channel(target, options=_OPTIONS) for _ in range(clients)
        ]
        self._compressors = [
            compressor_service_pb2_grpc.CompressorServiceStub(c) for c in self._channels
        ]
        self._contents = [content_service_pb2_grpc.ContentServiceStub(c) for c in self._channels]
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._deadline = deadline

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close(None)

    async def compress(self, number: int, data: bytes, *, retention: float = 0) -> str:
        """Compress a content."""
        response = await self.view(number, data, retention=retention)
        return response if isinstance(response, str) else _outcome(response.degraded)

    async def view(
        self, number: int, data: bytes, *, retention: float = 0
    ) -> compression_pb2.View | str:
        """Compress a content; return its view, or how the call ended."""
        request = compressor_service_pb2.CompressRequest(
            content=content_pb2.Content(inline=data), policy=_kept_for(retention)
        )
        stub = self._compressors[number % len(self._compressors)]
        call = stub.Compress(request, timeout=self._deadline, metadata=self._metadata)
        answer = await _answered(call)
        return answer if isinstance(answer, str) else answer.view

    async def converse(
        self, number: int, body: bytes, conversation: str, *, retention: float = 0
    ) -> str:
        """Compress a turn of a conversation."""
        request = compressor_service_pb2.CompressConversationRequest(
            conversation=conversation,
            dialect=conversation_pb2.DIALECT_OPENAI_CHAT,
            body=body,
            policy=_kept_for(retention),
        )
        stub = self._compressors[number % len(self._compressors)]
        call = stub.CompressConversation(request, timeout=self._deadline, metadata=self._metadata)
        answer = await _answered(call)
        return answer if isinstance(answer, str) else _outcome(answer.degraded)

    async def retrieve(self, number: int, ref: str, pattern: str, wanted: bytes = b"") -> str:
        """Ask for the lines that match; ``wanted``, if given, is all that must come back."""
        request = content_service_pb2.RetrieveRequest(ref=ref)
        if pattern:
            request.selector.match.pattern = pattern
        stub = self._contents[number % len(self._contents)]
        call = stub.Retrieve(request, timeout=self._deadline, metadata=self._metadata)
        answer = await _answered(call)
        if isinstance(answer, str):
            return answer
        return OK if not wanted or answer.data == wanted else "wrong bytes"

    async def stream(self, number: int, data: bytes) -> str:
        """Compress a content that goes in chunks, and read the view that comes in chunks."""
        stub = self._compressors[number % len(self._compressors)]
        call = stub.StreamCompress(
            iter(_chunks(data)), timeout=self._deadline, metadata=self._metadata
        )
        degraded = 0
        try:
            async for message in call:
                if message.HasField("summary"):
                    degraded = message.summary.degraded
        except grpc.aio.AioRpcError as error:
            return _failure(error)
        return _outcome(degraded)


def _kept_for(seconds: float) -> compression_pb2.Policy:
    """Return a policy with a retention; 0 takes the service's own."""
    policy = compression_pb2.Policy()
    if seconds:
        policy.retention.CopyFrom(duration_pb2.Duration(seconds=int(seconds)))
    return policy


async def _answered(call: Awaitable[_Answer]) -> _Answer | str:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        return _failure(error)


def _failure(error: grpc.aio.AioRpcError) -> str:
    code = error.code()
    # The stubs have another type here than what grpc.aio gives.
    trailing = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    said = any(key == _DETAILS for key, _ in trailing)
    if code is grpc.StatusCode.UNAVAILABLE and said:
        # The service's own word, as gRPC's has no details: its store did not answer in time, which on
        # a machine that stands still for two seconds is nobody's fault. It says when to come back.
        return REFUSED
    return _BY_CODE.get(code, code.name)


def _outcome(degraded: int) -> str:
    return DEGRADED if degraded else OK


def _chunks(data: bytes) -> Iterator[compressor_service_pb2.StreamCompressRequest]:
    yield compressor_service_pb2.StreamCompressRequest(
        header=compressor_service_pb2.StreamCompressHeader()
    )
    for at in range(0, len(data), _CHUNK_BYTES):
        yield compressor_service_pb2.StreamCompressRequest(chunk=data[at : at + _CHUNK_BYTES])
