"""Secrets as Kubernetes' typed clients send them: protobuf behind a magic number.

Field numbers as in k8s.io/api/core/v1 and apimachinery's meta/v1 and runtime, generated.proto.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Final

from google.protobuf.internal.decoder import _DecodeVarint  # type: ignore[attr-defined]

MAGIC: Final = b"k8s\x00"
_BYTES, _VARINT = 2, 0


def secret(data: bytes) -> dict[str, object]:
    """Return a Secret's JSON form. Raises ValueError for another kind."""
    envelope = dict(_fields(data.removeprefix(MAGIC)))
    kind = dict(_fields(envelope[1]))
    if kind[2] != b"Secret":
        raise ValueError(f"only Secrets are read: {kind[2]!r}")
    fields = list(_fields(envelope[2]))
    metadata = next(value for number, value in fields if number == 1)
    names = dict(_fields(metadata))
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": names[1].decode(),
            "labels": {k.decode(): v.decode() for k, v in _entries(metadata, 11)},
        },
        "data": {k.decode(): base64.b64encode(v).decode() for k, v in _entries(envelope[2], 2)},
        "type": next((value.decode() for number, value in fields if number == 3), "Opaque"),
    }


def _entries(message: bytes, number: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the pairs of a map field."""
    for found, value in _fields(message):
        if found == number:
            pair = dict(_fields(value))
            yield pair[1], pair.get(2, b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of each field that has bytes; numbers are passed over."""
    at = 0
    while at < len(message):
        tag, at = _DecodeVarint(message, at)
        if tag & 7 == _BYTES:
            length, at = _DecodeVarint(message, at)
            yield tag >> 3, message[at : at + length]
            at += length
        elif tag & 7 == _VARINT:
            _, at = _DecodeVarint(message, at)
        else:
            raise ValueError(f"a field of wire type {tag & 7} is in no Secret")
