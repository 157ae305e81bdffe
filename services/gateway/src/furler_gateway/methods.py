"""Every RPC as a row of one table, read from the API's own descriptors.

A service that the stubs gain is served without a line here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf import message_factory
from google.protobuf.message import Message

import furler.v1
from furler.backends.base import Method


@dataclass(frozen=True, slots=True)
class Row:
    """One RPC: how to call it, and which sides stream."""

    method: Method[Message, Message]
    client_streams: bool
    server_streams: bool

    @property
    def path(self) -> str:
        """Its path, on gRPC and on HTTP: ``/furler.v1.InfoService/GetStats``."""
        return self.method.path


def _rows() -> Iterator[Row]:
    for module in pkgutil.iter_modules(furler.v1.__path__, "furler.v1."):
        if not module.name.endswith("_service_pb2"):
            continue
        file = importlib.import_module(module.name).DESCRIPTOR
        for service in file.services_by_name.values():
            for method in service.methods:
                yield Row(
                    Method(
                        f"/{service.full_name}/{method.name}",
                        message_factory.GetMessageClass(method.input_type),
                        message_factory.GetMessageClass(method.output_type),
                    ),
                    method.client_streaming,
                    method.server_streaming,
                )


ROWS: Final[dict[str, Row]] = {row.path: row for row in _rows()}
