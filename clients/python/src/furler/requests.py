"""Requests that take some putting together: streams, batches, retrievals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from furler.errors import FieldInvalidError
from furler.selectors import Wanted
from furler.v1 import (
    compression_pb2,
    compressor_service_pb2,
    content_pb2,
    content_service_pb2,
)

CHUNK_BYTES: Final = 256 * 1024
"""Large enough to amortise a message, small enough for any server's max_chunk_bytes."""


@dataclass(frozen=True, slots=True)
class Upload:
    """The messages of one StreamCompress call; may be iterated again, for a retry."""

    header: compressor_service_pb2.StreamCompressHeader
    data: bytes

    def __iter__(self) -> Iterator[compressor_service_pb2.StreamCompressRequest]:
        """Yield the header, then the chunks."""
        yield compressor_service_pb2.StreamCompressRequest(header=self.header)
        for at in range(0, len(self.data), CHUNK_BYTES):
            chunk = self.data[at : at + CHUNK_BYTES]
            yield compressor_service_pb2.StreamCompressRequest(chunk=chunk)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One content that was checked, with its hints."""

    data: bytes
    hints: content_pb2.Hints

    def content(self) -> content_pb2.Content:
        """Return the message."""
        return content_pb2.Content(inline=self.data, hints=self.hints)


def batches(
    items: Sequence[Prepared], max_items: int, max_bytes: int | None
) -> Iterator[list[int]]:
    """Yield the positions of the items of each batch, in order.

    No batch has more than ``max_items`` items, or more than ``max_bytes`` of
    content unless it is one item alone.
    """
    batch: list[int] = []
    size = 0
    for position, item in enumerate(items):
        too_big = max_bytes is not None and size + len(item.data) > max_bytes
        if batch and (too_big or len(batch) == max_items):
            yield batch
            batch, size = [], 0
        batch.append(position)
        size += len(item.data)
    if batch:
        yield batch


def header(
    space: str, item: Prepared, policy: compression_pb2.Policy | None, digest: content_pb2.Digest
) -> compressor_service_pb2.StreamCompressHeader:
    """Return what opens a StreamCompress call."""
    return compressor_service_pb2.StreamCompressHeader(
        space=space, hints=item.hints, policy=policy, expected=digest
    )


def retrieve(
    ref: str, wanted: Wanted, max_tokens: int | None, page: str | None, space: str
) -> content_service_pb2.RetrieveRequest:
    """Return the request for a part of an original. Raises FieldInvalidError, SelectorInvalidError."""
    check_ref(ref)
    if max_tokens is not None and max_tokens < 1:
        raise FieldInvalidError(
            f"max_tokens: want 1 or more, got {max_tokens}", metadata={"field": "max_tokens"}
        )
    return content_service_pb2.RetrieveRequest(
        space=space,
        ref=ref,
        selector=wanted.selector(),
        max_tokens=max_tokens or 0,
        page_token=page or "",
    )


def check_ref(ref: str) -> None:
    """Raise FieldInvalidError for the empty reference of a view that stored nothing."""
    if not ref:
        raise FieldInvalidError(
            "ref: is empty; a view without a reference is the content itself, or was not stored",
            metadata={"field": "ref"},
        )
