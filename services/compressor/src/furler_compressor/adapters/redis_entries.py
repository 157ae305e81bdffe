"""Shared entries in Redis or Valkey, shared by every replica of the service.

The data model and the atomic parts are redis_entry_scripts'. Whoever waits for a change blocks on
the scope's stream, on a connection of a pool of its own: waiting keeps no one else waiting.
"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, cast

from furler_compressor.adapters import redis_entry_scripts as scripts
from furler_compressor.adapters.redis_keys import scope_prefix
from furler_compressor.adapters.redis_link import DEFAULT_TIMEOUT, RedisLink
from furler_compressor.adapters.redis_url import RedisAccess
from furler_compressor.app.entries_port import (
    LOG_LENGTH,
    SWEEP_ENTRIES,
    Change,
    Changes,
    Entry,
    Found,
    Page,
    Removal,
    Write,
    Written,
)
from furler_compressor.app.errors import (
    CursorExpiredError,
    EntryNotFoundError,
    RevisionMismatchError,
    SpaceFullError,
    request_reused,
)
from furler_compressor.app.ports import Scope

if TYPE_CHECKING:
    from redis.commands.core import AsyncScript

T = TypeVar("T")
_Fields: TypeAlias = list[bytes]

DEFAULT_GRACE: Final = 86_400.0
"""Seconds that a scope's log outlives its last entry: a watch that was away for a night goes on."""
_WAITERS: Final = 64
"""Connections that may block, one per scope that is watched here; more scopes are polled."""
_BLOCK_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.1
_NAMES: Final = ("eh", "e", "ek", "et", "ew", "es", "eq", "log")


class RedisEntries:
    """Implements app.entries_port.Entries. Connects at first use; a lost connection is made anew.

    Args:
        url: Any form that redis_url knows.
        log_length: Changes kept per scope.
        grace: Seconds that a scope's log outlives its last entry.
        timeout: Seconds for one command's answer.
        access: Credentials and certificates from settings.
    """

    def __init__(
        self,
        url: str,
        log_length: int = LOG_LENGTH,
        grace: float = DEFAULT_GRACE,
        timeout: float = DEFAULT_TIMEOUT,
        access: RedisAccess | None = None,
    ) -> None:
        self._link = RedisLink(url, access, timeout)
        self._blocking = RedisLink(url, access, timeout + _BLOCK_SECONDS, max_connections=_WAITERS)
        self._waiters = 0
        self._fixed: list[int | str | bytes] = [math.ceil(grace * 1000), log_length, SWEEP_ENTRIES]
        self._put = self._link.script(scripts.PUT)
        self._delete = self._link.script(scripts.DELETE)
        self._get = self._link.script(scripts.GET)
        self._page = self._link.script(scripts.LIST)
        self._changes = self._link.script(scripts.CHANGES)
        self._sketches = self._link.script(scripts.SKETCHES)

    async def put(self, scope: Scope, write: Write) -> Written:
        outcome, *rest = await self._run(
            self._put,
            scope,
            write.key,
            write.sha256,
            write.size,
            write.author,
            write.body,
            write.sketch,
            max(1, math.ceil(write.retention * 1000)),
            -1 if write.if_revision is None else write.if_revision,
            write.request_id,
            write.fingerprint(),
            write.bounds.entries,
            write.bounds.size,
        )
        match outcome:
            case b"written" | b"repeated":
                return Written(_entry(cast("_Fields", rest[0])), repeated=outcome == b"repeated")
            case b"entries":
                raise SpaceFullError.over("shared_entries", write.bounds.entries)
            case b"bytes":
                raise SpaceFullError.over("shared_bytes", write.bounds.size)
        raise _refusal(write.key, outcome, rest)

    async def get(self, scope: Scope, key: str) -> Found:
        revision, fields = await self._run(self._get, scope, key)
        return Found(None if fields is None else _entry(cast("_Fields", fields)), _number(revision))

    async def page(self, scope: Scope, prefix: str, after: str, limit: int) -> Page:
        revision, rows = await self._run(self._page, scope, prefix, after, limit + 1)
        entries = [_entry(fields) for fields in cast("list[_Fields]", rows)]
        return Page(tuple(entries[:limit]), len(entries) > limit, _number(revision))

    async def delete(self, scope: Scope, removal: Removal) -> int:
        outcome, *rest = await self._run(
            self._delete,
            scope,
            removal.key,
            -1 if removal.if_revision is None else removal.if_revision,
            removal.request_id,
            removal.fingerprint(),
        )
        if outcome in (b"deleted", b"repeated"):
            return _number(rest[0])
        if outcome == b"missing":
            raise EntryNotFoundError.of(removal.key)
        raise _refusal(removal.key, outcome, rest)

    async def changes(self, scope: Scope, after: int | None, limit: int) -> Changes:
        start = -1 if after is None else after
        outcome, at, *rest = await self._run(self._changes, scope, start, limit)
        if outcome == b"expired":
            raise CursorExpiredError.before(_number(at))
        due_ms, rows = _number(rest[0]), cast("list[list[bytes | _Fields | None]]", rest[1])
        changes = tuple(
            Change(
                _number(revision),
                cast("bytes", key).decode(),
                None if fields is None else _entry(cast("_Fields", fields)),
                expired=kind == b"x",
            )
            for kind, key, revision, fields in rows
        )
        return Changes(changes, _number(at), None if due_ms < 0 else due_ms / 1000)

    async def wait(self, scope: Scope, after: int, seconds: float) -> None:
        if self._waiters >= _WAITERS:
            # The caller looks for changes whenever this returns: so it is a poll.
            await asyncio.sleep(min(seconds, _POLL_SECONDS))
            return
        stream = _keys(scope)[-1]
        block_ms = max(1, int(1000 * min(seconds, _BLOCK_SECONDS)))
        self._waiters += 1
        try:
            await self._blocking.ask(
                lambda: self._blocking.client.xread({stream: f"{after}-0"}, count=1, block=block_ms)
            )
        finally:
            self._waiters -= 1

    async def sketches(self, scope: Scope, limit: int) -> list[tuple[str, bytes]]:
        rows = cast("list[_Fields]", await self._run(self._sketches, scope, limit))
        return [(key.decode(), sketch) for key, sketch in rows]

    async def close(self) -> None:
        await self._link.close()
        await self._blocking.close()

    async def _run(
        self, script: AsyncScript, scope: Scope, *args: int | str | bytes
    ) -> list[bytes | _Fields | list[_Fields] | None]:
        return cast(
            "list[bytes | _Fields | list[_Fields] | None]",
            await self._link.ask(lambda: script(keys=_keys(scope), args=[*self._fixed, *args])),
        )


def _keys(scope: Scope) -> list[str]:
    prefix = scope_prefix(scope)
    return [prefix + name for name in _NAMES]


def _refusal(
    key: str, outcome: object, rest: list[bytes | _Fields | list[_Fields] | None]
) -> Exception:
    if outcome == b"mismatch":
        return RevisionMismatchError.at(key, _number(rest[0]))
    return request_reused()


def _number(field: object) -> int:
    return int(cast("bytes", field))


def _entry(fields: _Fields) -> Entry:
    key, revision, sha256, size, creator, created_us, written_us, expires_ms, body = fields
    return Entry(
        key.decode(),
        int(revision),
        sha256,
        int(size),
        creator.decode(),
        int(created_us) / 1e6,
        int(written_us) / 1e6,
        int(expires_ms) / 1000,
        body,
    )
