"""What each RPC does, as plain functions of a caller and a message.

They know nothing of gRPC's server, so that the library mode calls the very
same ones. Names are the RPCs' own, in snake case.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version

from google.protobuf import timestamp_pb2

from furler.v1 import compression_pb2 as compression_messages
from furler.v1 import compressor_service_pb2 as compressor
from furler.v1 import content_pb2 as content
from furler.v1 import content_service_pb2 as contents
from furler.v1 import info_service_pb2 as info
from furler_compressor.app import compress as compression
from furler_compressor.app import conversation
from furler_compressor.app import retrieve as retrieval
from furler_compressor.app.context import Caller
from furler_compressor.app.errors import (
    DigestMismatchError,
    FieldInvalidError,
    FurlerError,
)
from furler_compressor.app.refs import digest_of
from furler_compressor.rpc import convert, convert_conversation
from furler_compressor.rpc.contents import compress_request
from furler_compressor.rpc.errors import status_of
from furler_compressor.rpc.shared_handlers import SharedHandlers
from furler_engine.recipe import ENGINE_VERSION
from furler_engine.types import DEFAULT_MIN_TOKENS, DEFAULT_TOKENIZER, TOKENIZERS

_BATCH_AT_ONCE = 8
"""Items of one batch worked on at a time: enough to keep the engines busy, no flood."""
_CHUNK_BYTES = 256 * 1024


class Handlers(SharedHandlers):
    """The RPCs of all services."""

    # CompressorService

    async def compress(
        self, caller: Caller, request: compressor.CompressRequest
    ) -> compressor.CompressResponse:
        """Compress one content."""
        wanted = await self._request(caller, request.space, request.content, request.policy)
        done = await compression.compress(self._context, caller, wanted)
        return compressor.CompressResponse(view=convert.view_to(done))

    async def batch_compress(
        self, caller: Caller, request: compressor.BatchCompressRequest
    ) -> compressor.BatchCompressResponse:
        """Compress many contents; items succeed or fail alone."""
        self._check_items("contents", len(request.contents))
        gate = asyncio.Semaphore(_BATCH_AT_ONCE)

        async def one(item: content.Content) -> compressor.BatchCompressResult:
            async with gate:
                try:
                    wanted = await self._request(caller, request.space, item, request.policy)
                    done = await compression.compress(self._context, caller, wanted)
                except (FurlerError, TimeoutError) as error:
                    return compressor.BatchCompressResult(error=status_of(error).item())
                return compressor.BatchCompressResult(view=convert.view_to(done))

        results = await asyncio.gather(*map(one, request.contents))
        return compressor.BatchCompressResponse(results=results)

    async def stream_compress(
        self, caller: Caller, requests: AsyncIterator[compressor.StreamCompressRequest]
    ) -> AsyncIterator[compressor.StreamCompressResponse]:
        """Compress one content that comes in chunks; the text goes in chunks, the summary last."""
        header: compressor.StreamCompressHeader | None = None
        data = bytearray()
        async for message in requests:
            part = message.WhichOneof("part")
            if header is None:
                if part != "header":
                    raise FieldInvalidError("header: the first message carries it", field="header")
                header = message.header
                continue
            if part != "chunk":
                raise FieldInvalidError("chunk: every later message carries one", field="chunk")
            data += message.chunk
            self._context.check_size(len(data))
        if header is None:
            raise FieldInvalidError("header: the first message carries it", field="header")
        wanted = compression.CompressRequest(
            header.space,
            bytes(data),
            convert.hints_from(header.hints),
            convert.policy_from(header.policy),
            header.policy.recipe,
        )
        _check_digest(header.expected, wanted.data)
        done = await compression.compress(self._context, caller, wanted)
        text = done.outcome.view.text.encode()
        for at in range(0, len(text), _CHUNK_BYTES):
            yield compressor.StreamCompressResponse(chunk=text[at : at + _CHUNK_BYTES])
        yield compressor.StreamCompressResponse(summary=convert.view_to(done, text=False))

    async def compress_conversation(
        self, caller: Caller, request: compressor.CompressConversationRequest
    ) -> compressor.CompressConversationResponse:
        """Return the edits of a provider request."""
        wanted = convert_conversation.request_from(request)
        answer = await conversation.compress_conversation(self._context, caller, wanted)
        return convert_conversation.response_to(answer, wanted.policy)

    async def explain(
        self, caller: Caller, request: compressor.ExplainRequest
    ) -> compressor.ExplainResponse:
        """Say what Compress would do; store nothing."""
        wanted = await self._request(caller, request.space, request.content, request.policy)
        done = await compression.explain(self._context, caller, wanted)
        return compressor.ExplainResponse(
            view=convert.view_to(done),
            decisions=[convert.decision_to(d) for d in done.outcome.view.decisions],
        )

    # ContentService

    async def retrieve(
        self, caller: Caller, request: contents.RetrieveRequest
    ) -> contents.RetrieveResponse:
        """Return the part of an original that a selector picks."""
        wanted = retrieval.RetrieveRequest(
            request.space,
            request.ref,
            convert.selector_from(request.selector),
            request.max_tokens,
            convert.page_from(request.page_token),
        )
        got = await retrieval.retrieve(self._context, caller, wanted)
        expires = timestamp_pb2.Timestamp()
        expires.FromDatetime(datetime.fromtimestamp(got.held.expires_at, UTC))
        return contents.RetrieveResponse(
            data=got.data,
            ranges=[content.ByteRange(start=start, end=end) for start, end in got.ranges],
            original=convert.digest_to(got),
            picked=content.TokenCount(
                tokens=got.tokens, tokenizer=DEFAULT_TOKENIZER, estimated=got.is_estimate
            ),
            next_page_token=convert.page_to(got.next_start),
            expire_time=expires,
        )

    async def batch_retrieve(
        self, caller: Caller, request: contents.BatchRetrieveRequest
    ) -> contents.BatchRetrieveResponse:
        """Retrieve many parts; items succeed or fail alone."""
        self._check_items("requests", len(request.requests))
        gate = asyncio.Semaphore(_BATCH_AT_ONCE)

        async def one(item: contents.RetrieveRequest) -> contents.BatchRetrieveResult:
            async with gate:
                try:
                    response = await self.retrieve(caller, item)
                except (FurlerError, TimeoutError) as error:
                    return contents.BatchRetrieveResult(error=status_of(error).item())
                return contents.BatchRetrieveResult(response=response)

        results = await asyncio.gather(*map(one, request.requests))
        return contents.BatchRetrieveResponse(results=results)

    async def read_content(
        self, caller: Caller, request: contents.ReadContentRequest
    ) -> AsyncIterator[contents.ReadContentResponse]:
        """Stream a whole original from an offset on."""
        record = (await retrieval.read(self._context, caller, request.space, request.ref)).record
        if request.offset > record.size:
            raise FieldInvalidError(
                f"offset: {request.offset} lies beyond the content's {record.size} bytes",
                field="offset",
            )
        original = content.Digest(sha256=record.sha256, size_bytes=record.size)
        for at in range(request.offset, max(record.size, request.offset + 1), _CHUNK_BYTES):
            chunk = record.data[at : at + _CHUNK_BYTES]
            first = original if at == request.offset else None
            yield contents.ReadContentResponse(chunk=chunk, original=first)

    async def find_missing(
        self, caller: Caller, request: contents.FindMissingRequest
    ) -> contents.FindMissingResponse:
        """Return the digests that the space does not hold."""
        missing = await retrieval.find_missing(
            self._context,
            caller,
            request.space,
            [digest.sha256 for digest in request.digests],
            request.retention.ToTimedelta().total_seconds(),
        )
        gone = set(missing)
        return contents.FindMissingResponse(
            missing=[digest for digest in request.digests if digest.sha256 in gone]
        )

    async def delete_content(
        self, caller: Caller, request: contents.DeleteContentRequest
    ) -> contents.DeleteContentResponse:
        """Forget an original and every view of it."""
        await retrieval.delete(self._context, caller, request.space, request.ref)
        return contents.DeleteContentResponse()

    # InfoService

    async def get_capabilities(
        self, caller: Caller, request: info.GetCapabilitiesRequest
    ) -> info.GetCapabilitiesResponse:
        """Return limits and features."""
        caller.scope(request.space)
        limits = self._context.limits
        response = info.GetCapabilitiesResponse(
            engine_version=f"{version('furler-compressor')}+engine.{ENGINE_VERSION}",
            compressors=self._context.engine.compressors,
            tokenizers=TOKENIZERS,
            model=self._context.judging.model.version,
            max_message_bytes=limits.max_content_bytes + limits.MESSAGE_HEADROOM,
            max_content_bytes=limits.max_content_bytes,
            max_chunk_bytes=limits.max_chunk_bytes,
            max_batch_items=limits.max_batch_items,
            default_min_tokens=DEFAULT_MIN_TOKENS,
            max_pattern_bytes=convert.MAX_PATTERN_BYTES,
            max_context_lines=convert.MAX_CONTEXT_LINES,
            max_search_limit=convert.MAX_SEARCH_LIMIT,
        )
        response.default_retention.FromSeconds(int(limits.default_retention))
        response.max_retention.FromSeconds(int(limits.max_retention))
        return response

    async def get_stats(
        self, caller: Caller, request: info.GetStatsRequest
    ) -> info.GetStatsResponse:
        """Return what the space has saved."""
        scope = caller.scope(request.space)
        totals = await caller.within(self._context.store.totals(scope))
        usage = await caller.within(self._context.store.usage(scope))
        by_name = {tally.name: tally for tally in totals}
        return info.GetStatsResponse(
            kinds=[
                info.KindStats(
                    kind=convert.kind_to(tally.name),
                    views=tally.views,
                    cached=tally.cached,
                    degraded=tally.degraded,
                    tokens_before=tally.tokens_before,
                    tokens_after=tally.tokens_after,
                )
                for tally in totals
                if convert.is_kind(tally)
            ],
            retrievals=by_name["retrieval"].views if "retrieval" in by_name else 0,
            retrieval_misses=by_name["retrieval_miss"].views if "retrieval_miss" in by_name else 0,
            originals=usage.originals,
            stored_bytes=usage.stored_bytes,
        )

    async def get_identity(
        self, caller: Caller, request: info.GetIdentityRequest
    ) -> info.GetIdentityResponse:
        """Return who the caller is."""
        del request
        grant = caller.grant
        return info.GetIdentityResponse(
            tenant=caller.tenant,
            credential=grant.credential,
            spaces=grant.spaces,
            roles=sorted(grant.roles),
        )

    async def _request(
        self,
        caller: Caller,
        space: str,
        item: content.Content,
        policy: compression_messages.Policy,
    ) -> compression.CompressRequest:
        return await compress_request(self._context, caller, space, item, policy)

    def _check_items(self, field: str, items: int) -> None:
        limit = self._context.limits.max_batch_items
        if items > limit:
            raise FieldInvalidError(f"{field}: at most {limit} items, got {items}", field=field)


def _check_digest(expected: content.Digest, data: bytes) -> None:
    if not expected.sha256:
        return
    actual = digest_of(data)
    if expected.sha256 != actual:
        raise DigestMismatchError(
            "header.expected: the chunks have another digest",
            expected=expected.sha256.hex(),
            actual=actual.hex(),
        )
