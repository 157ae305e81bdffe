"""A gRPC server that answers every call with an empty message, and keeps the metadata of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
    """What came: the path and the metadata of each call, in order."""

    address: str = ""
    calls: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        metadata = {
            key: value
            for key, value in handler_call_details.invocation_metadata
            if isinstance(value, str)
        }
        self.calls.append((handler_call_details.method, metadata))
        answer: Callable[[bytes, grpc.ServicerContext], bytes] = lambda _request, _context: b""  # noqa: E731
        return grpc.unary_unary_rpc_method_handler(answer)


@contextmanager
def recording_server() -> Iterator[Recorder]:
    """Run the server for the time of the body."""
    recorder = Recorder()
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[recorder])
    recorder.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield recorder
    finally:
        server.stop(None).wait()
