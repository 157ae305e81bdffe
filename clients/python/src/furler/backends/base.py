"""What every backend does, and the methods there are to call."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from google.protobuf.message import Message

from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_service_pb2 as content
from furler.v1 import info_service_pb2 as info
from furler.v1 import shared_context_service_pb2 as shared

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class Method(Generic[Request, Response]):
    """One RPC: its path on the wire, and its message types."""

    path: str
    request: type[Request]
    response: type[Response]


COMPRESS: Final = Method(
    "/furler.v1.CompressorService/Compress", compressor.CompressRequest, compressor.CompressResponse
)
BATCH_COMPRESS: Final = Method(
    "/furler.v1.CompressorService/BatchCompress",
    compressor.BatchCompressRequest,
    compressor.BatchCompressResponse,
)
STREAM_COMPRESS: Final = Method(
    "/furler.v1.CompressorService/StreamCompress",
    compressor.StreamCompressRequest,
    compressor.StreamCompressResponse,
)
COMPRESS_CONVERSATION: Final = Method(
    "/furler.v1.CompressorService/CompressConversation",
    compressor.CompressConversationRequest,
    compressor.CompressConversationResponse,
)
EXPLAIN: Final = Method(
    "/furler.v1.CompressorService/Explain", compressor.ExplainRequest, compressor.ExplainResponse
)
RETRIEVE: Final = Method(
    "/furler.v1.ContentService/Retrieve", content.RetrieveRequest, content.RetrieveResponse
)
READ_CONTENT: Final = Method(
    "/furler.v1.ContentService/ReadContent", content.ReadContentRequest, content.ReadContentResponse
)
FIND_MISSING: Final = Method(
    "/furler.v1.ContentService/FindMissing", content.FindMissingRequest, content.FindMissingResponse
)
DELETE_CONTENT: Final = Method(
    "/furler.v1.ContentService/DeleteContent",
    content.DeleteContentRequest,
    content.DeleteContentResponse,
)
GET_CAPABILITIES: Final = Method(
    "/furler.v1.InfoService/GetCapabilities",
    info.GetCapabilitiesRequest,
    info.GetCapabilitiesResponse,
)
GET_STATS: Final = Method(
    "/furler.v1.InfoService/GetStats", info.GetStatsRequest, info.GetStatsResponse
)
GET_IDENTITY: Final = Method(
    "/furler.v1.InfoService/GetIdentity", info.GetIdentityRequest, info.GetIdentityResponse
)
PUT_ENTRY: Final = Method(
    "/furler.v1.SharedContextService/PutEntry", shared.PutEntryRequest, shared.PutEntryResponse
)
GET_ENTRY: Final = Method(
    "/furler.v1.SharedContextService/GetEntry", shared.GetEntryRequest, shared.GetEntryResponse
)
LIST_ENTRIES: Final = Method(
    "/furler.v1.SharedContextService/ListEntries",
    shared.ListEntriesRequest,
    shared.ListEntriesResponse,
)
DELETE_ENTRY: Final = Method(
    "/furler.v1.SharedContextService/DeleteEntry",
    shared.DeleteEntryRequest,
    shared.DeleteEntryResponse,
)
WATCH_ENTRIES: Final = Method(
    "/furler.v1.SharedContextService/WatchEntries",
    shared.WatchEntriesRequest,
    shared.WatchEntriesResponse,
)


class Backend(Protocol):
    """Answers calls. Every method raises FurlerError, and only that."""

    @property
    def stream_above(self) -> int | None:
        """Bytes of content above which it goes as a stream; None: never."""
        ...

    async def open(self) -> None:
        """Get ready, so that what cannot work fails now. Calls do it by themselves."""
        ...

    async def unary(
        self, method: Method[Request, Response], request: Request, seconds: float
    ) -> Response:
        """Return the answer to one request, within so many seconds."""
        ...

    def stream(
        self, method: Method[Request, Response], requests: Iterable[Request], seconds: float
    ) -> AsyncGenerator[Response]:
        """Yield the answers to a stream of requests, all within so many seconds.

        ``requests`` may be iterated more than once.
        """
        ...

    async def close(self) -> None:
        """Release what is held. Calls fail with ClosedError afterwards."""
        ...
