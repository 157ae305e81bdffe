"""The use case WatchEntries: changes of a space in order, each once, until the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from furler_compressor.app.context import Caller, Context
from furler_compressor.app.entries_port import Change, Changes
from furler_compressor.app.errors import StoreUnavailableError
from furler_compressor.app.ports import Scope
from furler_compressor.app.shared import check_key, sharing_of
from furler_compressor.app.sharing import Sharing

_BATCH = 100
"""Changes read and sent at a time: about 100 KB."""
_END_SECONDS = 0.2
"""A watch ends this long before its deadline, so that it ends well."""
_STORE_SECONDS = 2.0
_LATE_SECONDS = 0.005
"""Clocks here and at the store differ: look for an expiry a little after it."""


@dataclass(frozen=True, slots=True)
class WatchRequest:
    """What to watch: keys with a prefix, after a revision; None: from now."""

    space: str
    prefix: str
    after: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes in ascending revision, none in a checkpoint; all up to ``through`` have been sent."""

    changes: tuple[Change, ...]
    through: int


async def watch(context: Context, caller: Caller, request: WatchRequest) -> AsyncIterator[Batch]:
    """Yield changes as they come, and a checkpoint when there were none for a while.

    The first batch comes at once. Ends a moment before the caller's deadline, or when the process
    is about to end.

    Raises CursorExpiredError, FieldInvalidError, OverloadedError, StoreUnavailableError.
    """
    sharing = sharing_of(context)
    scope = caller.scope(request.space)
    if request.prefix:
        check_key("prefix", request.prefix)
    clock = asyncio.get_running_loop().time
    after = request.after
    with sharing.watch():
        send_at = clock()
        while True:
            got = await _changes(sharing, scope, after)
            changes = tuple(c for c in got.changes if c.key.startswith(request.prefix))
            if changes or clock() >= send_at:
                yield Batch(changes, got.through)
                send_at = clock() + sharing.limits.checkpoint
            after = got.through
            if len(got.changes) == _BATCH:
                continue
            left = caller.time_left() - _END_SECONDS
            if sharing.stopping.is_set() or left <= 0:
                return
            due = left if got.due_in is None else got.due_in + _LATE_SECONDS
            await _pause(sharing, scope, after, min(left, due, max(0.0, send_at - clock())))


async def _changes(sharing: Sharing, scope: Scope, after: int | None) -> Changes:
    try:
        async with asyncio.timeout(_STORE_SECONDS):
            return await sharing.entries.changes(scope, after, _BATCH)
    except TimeoutError:
        raise StoreUnavailableError("the store did not answer in time") from None


async def _pause(sharing: Sharing, scope: Scope, after: int, seconds: float) -> None:
    """Return when there may be a change after a revision, when the time is over, or at the end."""
    waiting = asyncio.ensure_future(
        sharing.waits.run((scope, after), lambda: sharing.entries.wait(scope, after, seconds))
    )
    stopping = asyncio.ensure_future(sharing.stopping.wait())
    try:
        done, _ = await asyncio.wait(
            {waiting, stopping}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if waiting in done:
            waiting.result()
    finally:
        waiting.cancel()
        stopping.cancel()
