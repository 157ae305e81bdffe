"""Shared context: named entries that agents hand to each other, for asyncio."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import timedelta
from typing import Final

from furler import messages, shared_messages
from furler.backends import base
from furler.content import encode
from furler.errors import (
    DeadlineExceededError,
    FurlerError,
    OverloadedError,
    StoreUnavailableError,
    UnavailableError,
)
from furler.sharing import Change, Entry, Listing, Written
from furler.v1 import content_pb2
from furler.v1 import shared_context_service_pb2 as shared
from furler.values import Kind, Policy

STREAM_SECONDS: Final = 300.0
"""How long one stream of a watch lasts; the next goes on where it ended."""
_LONGEST_PAUSE: Final = 1.0
_PAGE: Final = 1000
_PASSING: Final = (
    UnavailableError,
    DeadlineExceededError,
    StoreUnavailableError,
    OverloadedError,
)


class AsyncSharedSpace:
    """One space's entries. Made by ``AsyncFurler.shared``; raises FurlerError, as that does."""

    def __init__(self, backend: base.Backend, space: str, timeout: float, agent: str) -> None:
        """Take what the client has."""
        self._backend = backend
        self._space = space
        self._timeout = timeout
        self._agent = agent

    async def put(  # noqa: PLR0913 - hints and conditions are optional and by name
        self,
        key: str,
        content: str | bytes,
        *,
        kind: Kind | str | None = None,
        query: str | None = None,
        tool: str | None = None,
        filename: str | None = None,
        policy: Policy | Mapping[str, object] | None = None,
        retention: timedelta | float | None = None,
        if_revision: int | None = None,
        author: str | None = None,
        request_id: str | None = None,
    ) -> Written:
        """Compress a content and keep it under a key, for everybody who reads the space.

        Args:
            key: 1 to 512 bytes, printable, such as ``findings/checkout``.
            content: UTF-8 text.
            kind: What it is, if known; else it is detected.
            query: What readers will look for: it stays visible.
            tool: Name of the tool whose output it is; kept with the entry.
            filename: Where it comes from.
            policy: How to compress: a Policy, or a dict of its fields.
            retention: How long to keep it; a number is in seconds.
            if_revision: Write only if the entry is at this revision; 0: only if there is none.
                Else RevisionMismatchError, whose ``revision`` is the one to look at.
            author: Name of the writing agent; None takes the client's agent.
            request_id: Makes a retry the same write; None: made anew, for this call's own retries.
        """
        request = shared.PutEntryRequest(
            space=self._space,
            key=key,
            content=content_pb2.Content(
                inline=encode(content),
                hints=messages.hints(kind, query, tool, filename, self._agent),
            ),
            policy=messages.policy(policy),
            retention=None if retention is None else messages.retention(retention, "retention"),
            request_id=request_id or str(uuid.uuid4()),
            if_revision=if_revision,
            author=self._agent if author is None else author,
        )
        response = await self._backend.unary(base.PUT_ENTRY, request, self._timeout)
        return shared_messages.written_from(response)

    async def get(self, key: str, *, original: bool = False, min_revision: int = 0) -> Entry:
        """Return an entry with its view, and with its content if asked for.

        Raises EntryNotFoundError. With ``min_revision`` the answer is no older than that revision.
        """
        request = shared.GetEntryRequest(
            space=self._space, key=key, include_original=original, min_revision=min_revision
        )
        response = await self._backend.unary(base.GET_ENTRY, request, self._timeout)
        return shared_messages.entry_from(response.entry, response.original if original else None)

    async def list(self, prefix: str = "") -> Listing:
        """Return the entries whose keys have a prefix, without their views' text."""
        entries: list[Entry] = []
        token = ""
        while True:
            request = shared.ListEntriesRequest(
                space=self._space, prefix=prefix, page_size=_PAGE, page_token=token
            )
            response = await self._backend.unary(base.LIST_ENTRIES, request, self._timeout)
            entries += map(shared_messages.entry_from, response.entries)
            token = response.next_page_token
            if not token:
                return Listing(tuple(entries), response.revision)

    async def delete(
        self, key: str, *, if_revision: int | None = None, request_id: str | None = None
    ) -> int:
        """Remove an entry; return the removal's revision. Raises EntryNotFoundError."""
        request = shared.DeleteEntryRequest(
            space=self._space,
            key=key,
            if_revision=if_revision,
            request_id=request_id or str(uuid.uuid4()),
        )
        response = await self._backend.unary(base.DELETE_ENTRY, request, self._timeout)
        return response.revision

    async def watch(
        self, prefix: str = "", *, after: int | None = None, seconds: float | None = None
    ) -> AsyncGenerator[Change]:
        """Yield every change in order, each once; go on by itself when the connection breaks.

        Args:
            prefix: Only keys with this prefix.
            after: Revision after which to start, of a change or of ``list``; None: now.
            seconds: End after so long; None: never.

        Raises:
            CursorExpiredError: ``after`` is too far back; list again, and watch from there.
            FurlerError: The server could not be reached for the client's timeout, or what else
                went wrong for good.
        """
        clock = asyncio.get_running_loop().time
        end = None if seconds is None else clock() + seconds
        at, heard, pause = after, clock(), 0.05
        while end is None or clock() < end:
            request = shared.WatchEntriesRequest(
                space=self._space, prefix=prefix, after_revision=at
            )
            left = STREAM_SECONDS if end is None else min(STREAM_SECONDS, end - clock())
            try:
                stream = self._backend.stream(base.WATCH_ENTRIES, [request], left)
                async with aclosing(stream) as responses:
                    async for response in responses:
                        heard, pause = clock(), 0.05
                        for each in response.changes:
                            yield shared_messages.change_from(each)
                        at = response.through_revision
            except _PASSING as error:
                self._check_patience(error, clock() - heard)
            # Also after a stream that ended well: a server that ends at once is not asked in a loop.
            # Jitter keeps a fleet of watches from coming back all at once.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause = min(_LONGEST_PAUSE, pause * 2)

    def _check_patience(self, error: FurlerError, silence: float) -> None:
        """Raise an error that has lasted too long, or that a repetition would not help against."""
        if silence > self._timeout:
            raise error
