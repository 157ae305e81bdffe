"""From the content of a request to what the use cases take."""

from __future__ import annotations

from furler.v1 import compression_pb2, content_pb2
from furler_compressor.app import retrieve as retrieval
from furler_compressor.app.audit import Operation
from furler_compressor.app.compress import CompressRequest
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.rpc import convert


async def compress_request(
    context: Context,
    caller: Caller,
    space: str,
    item: content_pb2.Content,
    policy: compression_pb2.Policy,
) -> CompressRequest:
    """Return a content with its bytes, which may be stored already. Raises FurlerError."""
    source = item.WhichOneof("source")
    if source is None:
        raise FieldInvalidError("content.source: want inline or stored", field="content.source")
    data = item.inline
    if source == "stored":
        ref = context.reference(caller.scope(space), item.stored.sha256)
        held = await retrieval.read(context, caller, space, ref, Operation.COMPRESS_STORED)
        data = held.record.data
    return CompressRequest(
        space, data, convert.hints_from(item.hints), convert.policy_from(policy), policy.recipe
    )
