"""Every RPC as a row of one table, read from the API's own descriptors.

The server registers the rows, the library mode looks them up; neither repeats
what the proto files say.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from google.protobuf import message_factory
from google.protobuf.message import Message

from furler.v1 import (
    compressor_service_pb2,
    content_service_pb2,
    info_service_pb2,
    shared_context_service_pb2,
)
from furler_compressor.app.context import Caller
from furler_compressor.rpc.handlers import Handlers

_FILES = (
    compressor_service_pb2,
    content_service_pb2,
    info_service_pb2,
    shared_context_service_pb2,
)
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

Unary: TypeAlias = Callable[[Caller, Message], Awaitable[Message]]
ServerStream: TypeAlias = Callable[[Caller, Message], AsyncIterator[Message]]
BothStreams: TypeAlias = Callable[[Caller, AsyncIterator[Message]], AsyncIterator[Message]]


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC: its names, its message types, its shape, and its handler's name."""

    service: str
    name: str
    request: type[Message]
    response: type[Message]
    client_streams: bool
    server_streams: bool

    @property
    def handler(self) -> str:
        """Name of the Handlers method that serves it: the RPC's in snake case."""
        return _CAPITAL.sub("_", self.name).lower()

    def unary(self, handlers: Handlers) -> Unary:
        """Return the handler of a method without streams."""
        return cast("Unary", getattr(handlers, self.handler))

    def server_stream(self, handlers: Handlers) -> ServerStream:
        """Return the handler of a method that streams its answer only."""
        return cast("ServerStream", getattr(handlers, self.handler))

    def both_streams(self, handlers: Handlers) -> BothStreams:
        """Return the handler of a method that streams both ways."""
        return cast("BothStreams", getattr(handlers, self.handler))


def _methods() -> Iterator[Method]:
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                yield Method(
                    service.full_name,
                    method.name,
                    message_factory.GetMessageClass(method.input_type),
                    message_factory.GetMessageClass(method.output_type),
                    method.client_streaming,
                    method.server_streaming,
                )


METHODS: dict[str, Method] = {f"/{m.service}/{m.name}": m for m in _methods()}
"""Rows by full name, such as ``/furler.v1.InfoService/GetStats``."""
SERVICES: tuple[str, ...] = tuple(dict.fromkeys(m.service for m in METHODS.values()))
