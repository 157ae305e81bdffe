"""A gRPC server that answers every call with an empty message, and keeps the metadata of each.

It answers when its gate is open, as it is at first.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    Handler = grpc.GenericRpcHandler[bytes, bytes]
else:  # generic in the stubs only
    Handler = grpc.GenericRpcHandler


@dataclass
class Recorder(Handler):
    """What came: the path and the metadata of each call, in order; which calls were cancelled."""

    address: str = ""
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        metadata = {
            key: value
            for key, value in handler_call_details.invocation_metadata
            if isinstance(value, str)
        }
        self.calls.append((handler_call_details.method, metadata))
        method = handler_call_details.method

        def answer(_request: bytes, context: grpc.ServicerContext) -> bytes:
            context.add_callback(lambda: self._ended(method))
            self.gate.wait(60)
            return b""

        return grpc.unary_unary_rpc_method_handler(answer)

    def _ended(self, method: str) -> None:
        if not self.gate.is_set():
            self.cancelled.append(method)


@contextmanager
def recording_server() -> Iterator[Recorder]:
    """Run the server for the time of the body."""
    recorder = Recorder()
    recorder.gate.set()
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[recorder])
    recorder.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield recorder
    finally:
        recorder.gate.set()
        server.stop(None).wait()
