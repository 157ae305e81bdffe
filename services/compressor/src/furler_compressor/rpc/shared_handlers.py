"""What each RPC of SharedContextService does; mixed into Handlers, which the method table asks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator

from furler.v1 import shared_context_service_pb2 as shared
from furler_compressor.app import shared as sharing
from furler_compressor.app import watching
from furler_compressor.app.context import Caller, Context
from furler_compressor.app.entries_port import Removal
from furler_compressor.app.errors import FieldInvalidError
from furler_compressor.rpc import shared_convert as convert
from furler_compressor.rpc.contents import compress_request


class SharedHandlers:
    """The RPCs of SharedContextService."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def end_watches(self) -> None:
        """End every watch soon: the process is about to, and clients go on elsewhere."""
        if self._context.sharing is not None:
            self._context.sharing.stopping.set()

    async def put_entry(
        self, caller: Caller, request: shared.PutEntryRequest
    ) -> shared.PutEntryResponse:
        """Compress content and keep it under a key."""
        content = await compress_request(
            self._context, caller, request.space, request.content, request.policy
        )
        wanted = sharing.PutRequest(
            key=request.key,
            content=content,
            author=request.author or request.content.hints.agent,
            source_tool=request.content.hints.tool_name,
            retention=request.retention.ToTimedelta().total_seconds(),
            if_revision=request.if_revision if request.HasField("if_revision") else None,
            request_id=request.request_id,
        )
        done = await sharing.put(self._context, caller, wanted)
        return shared.PutEntryResponse(
            entry=convert.entry_to(done.shared),
            resembles=convert.resemblance_to(done.resembles) if done.resembles else None,
            repeated_request=done.repeated,
        )

    async def get_entry(
        self, caller: Caller, request: shared.GetEntryRequest
    ) -> shared.GetEntryResponse:
        """Return an entry's view, and its original if asked for."""
        found = await sharing.get(
            self._context, caller, request.space, request.key, request.min_revision
        )
        original = b""
        if request.include_original:
            original = await sharing.original(self._context, caller, request.space, found)
        return shared.GetEntryResponse(entry=convert.entry_to(found, text=True), original=original)

    async def list_entries(
        self, caller: Caller, request: shared.ListEntriesRequest
    ) -> shared.ListEntriesResponse:
        """List entries by key."""
        first, after = _page_from(request.page_token)
        page = await sharing.page(
            self._context, caller, request.space, request.prefix, after, request.page_size
        )
        # The first page's revision: what changed while the others were read is seen by a watch.
        revision = page.revision if first is None else first
        entries = [convert.entry_to(sharing.shared_of(entry)) for entry in page.entries]
        token = _page_to(revision, page.entries[-1].key) if page.more else ""
        return shared.ListEntriesResponse(entries=entries, next_page_token=token, revision=revision)

    async def delete_entry(
        self, caller: Caller, request: shared.DeleteEntryRequest
    ) -> shared.DeleteEntryResponse:
        """Remove an entry."""
        removal = Removal(
            request.key,
            request.if_revision if request.HasField("if_revision") else None,
            request.request_id,
        )
        revision = await sharing.delete(self._context, caller, request.space, removal)
        return shared.DeleteEntryResponse(revision=revision)

    async def watch_entries(
        self, caller: Caller, request: shared.WatchEntriesRequest
    ) -> AsyncIterator[shared.WatchEntriesResponse]:
        """Stream changes in order."""
        after = request.after_revision if request.HasField("after_revision") else None
        wanted = watching.WatchRequest(request.space, request.prefix, after)
        async for batch in watching.watch(self._context, caller, wanted):
            yield shared.WatchEntriesResponse(
                changes=[convert.change_to(change) for change in batch.changes],
                through_revision=batch.through,
            )


def _page_to(revision: int, key: str) -> str:
    return base64.urlsafe_b64encode(b"%d:%s" % (revision, key.encode())).decode()


def _page_from(token: str) -> tuple[int | None, str]:
    """Return a token's (first page's revision, key to go on after). Raises FieldInvalidError."""
    if not token:
        return None, ""
    try:
        revision, _, key = base64.urlsafe_b64decode(token.encode()).partition(b":")
        first, after = int(revision), key.decode()
        sharing.check_key("page_token", after)
    except (ValueError, binascii.Error, FieldInvalidError):
        raise FieldInvalidError(
            "page_token: not one this server gave", field="page_token"
        ) from None
    return first, after
