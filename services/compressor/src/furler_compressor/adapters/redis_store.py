"""A Store in one Redis or Valkey server, shared by every replica of the service.

The data model and the atomic parts are redis_scripts'. The server must not evict
(maxmemory-policy noeviction): a full server refuses, and then nothing is elided.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote, unquote

from furler_compressor.adapters import redis_scripts
from furler_compressor.adapters.redis_keys import scope_prefix
from furler_compressor.adapters.redis_link import (
    DEFAULT_CONNECT_TIMEOUT,
    DEFAULT_MAX_CONNECTIONS,
    DEFAULT_TIMEOUT,
    RedisLink,
)
from furler_compressor.adapters.redis_memory import DEFAULT_WATERMARK, MemoryGauge
from furler_compressor.adapters.redis_spaces import RedisSpaces
from furler_compressor.adapters.retention import with_slack
from furler_compressor.app.errors import StoreRefusedError
from furler_compressor.app.ports import (
    Held,
    Lease,
    LeaseHeldError,
    Pin,
    Record,
    Scope,
    StoredView,
    Tally,
    Usage,
)

T = TypeVar("T")

_FIND_REFS = 500
_COUNTERS = ("views", "cached", "degraded", "tokens_before", "tokens_after")


class RedisStore:
    """Implements app.ports.Store. Connects at first use; a lost connection is made anew.

    Args:
        where: A link, or a URL for one of its own.
        timeout: Of a link of its own, seconds for one command's answer.
        connect_timeout: Of a link of its own, seconds for one connect.
        max_connections: Of a link of its own, bound of its pool.
        watermark: Share of the server's maxmemory above which commits are refused.
        clock: Unix time in seconds, for ``Held.expires_at`` alone.
    """

    def __init__(
        self,
        where: RedisLink | str,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        watermark: float = DEFAULT_WATERMARK,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        if isinstance(where, str):
            where = RedisLink(
                where,
                timeout=timeout,
                connect_timeout=connect_timeout,
                max_connections=max_connections,
            )
        self._link = where
        self._redis = where.client
        self._memory = MemoryGauge(where, watermark)
        self._spaces = RedisSpaces(where)
        self._recall = self._redis.register_script(redis_scripts.RECALL)
        self._release = self._redis.register_script(redis_scripts.RELEASE)
        self._commit = self._redis.register_script(redis_scripts.COMMIT)
        self._find = self._redis.register_script(redis_scripts.FIND)
        self._delete = self._redis.register_script(redis_scripts.DELETE)
        self._pin = self._redis.register_script(redis_scripts.PIN)
        self._extend_pins = self._redis.register_script(redis_scripts.EXTEND_PINS)
        self._unpin = self._redis.register_script(redis_scripts.UNPIN)
        self._add = self._redis.register_script(redis_scripts.ADD)
        self._usage = self._redis.register_script(redis_scripts.USAGE)

    async def recall(
        self, scope: Scope, ref: str, recipe: str, retention: float, lease: Lease | None = None
    ) -> bytes | None:
        keys = _Keys(scope).of(ref)
        args: list[str | int] = [ref, *_ms(retention), recipe]
        if lease is not None:
            keys.append(_Keys(scope).lease(ref, recipe))
            args += [lease.token, max(1, math.ceil(lease.seconds * 1000))]
        data: bytes | int | None = await self._ask(lambda: self._recall(keys=keys, args=args))
        if isinstance(data, int):
            raise LeaseHeldError
        return data

    async def release(self, scope: Scope, ref: str, recipe: str, token: str) -> None:
        key = _Keys(scope).lease(ref, recipe)
        await self._ask(lambda: self._release(keys=[key], args=[token]))

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        args = _commit_args(record, retention)
        if view is not None:
            args += [view.recipe, view.data]
        keys = _Keys(scope).of(record.ref)
        await self._memory.check(keys[0])
        await self._spaces.note(scope)
        kept: int = await self._ask(lambda: self._commit(keys=keys, args=args))
        if not kept:
            raise StoreRefusedError("the reference is held with another digest")

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        keys = _Keys(scope)
        await self._memory.check(keys.expiries)
        await self._spaces.note(scope)
        calls = [(keys.of(record.ref), _commit_args(record, retention)) for record in records]
        if not all(await self._link.run_all(self._commit, calls)):
            raise StoreRefusedError("a reference is held with another digest")

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        keys = _Keys(scope)
        name = keys.conversation(conversation)

        async def read() -> tuple[dict[bytes, bytes], int]:
            async with self._redis.pipeline(transaction=False) as pipe:
                _ = pipe.hgetall(name)
                _ = pipe.pttl(name)
                fields, left_ms = await pipe.execute()
                return fields, left_ms

        fields, left_ms = await self._ask(read)
        asked, slack = _ms(retention)
        split = {key.decode(): data.partition(b":") for key, data in fields.items()}
        if fields and left_ms < asked:
            refs = dict.fromkeys(unquote(ref.decode()) for ref, _, _ in split.values() if ref)
            names = [name, *map(keys.pinned, refs)]
            await self._ask(lambda: self._extend_pins(keys=names, args=[asked, slack]))
        return {key: data for key, (_, _, data) in split.items()}

    async def pin(
        self, scope: Scope, conversation: str, pins: Mapping[str, Pin], retention: float
    ) -> dict[str, bytes]:
        keys = _Keys(scope)
        name = keys.conversation(conversation)
        names, args = [name], [str(ms).encode() for ms in _ms(retention)]
        for key, pin in pins.items():
            names.append(keys.pinned(pin.ref) if pin.ref else name)
            args += [key.encode(), quote(pin.ref, safe="").encode() + b":" + pin.data]
            args.append(f"{quote(conversation, safe='')}:{key}".encode())
        left_ms, *found = await self._ask(lambda: self._pin(keys=names, args=args))
        if 0 <= left_ms < _ms(retention)[0]:
            await self.pins(scope, conversation, retention)
        return {key: data.partition(b":")[2] for key, data in zip(pins, found, strict=True)}

    async def fetch(self, scope: Scope, ref: str) -> Held | None:
        key = _Keys(scope).original(ref)

        async def read() -> tuple[list[bytes | None], int]:
            async with self._redis.pipeline(transaction=False) as pipe:
                _ = pipe.hmget(key, ["sha256", "size", "data"])
                _ = pipe.pttl(key)
                fields, left_ms = await pipe.execute()
                return fields, left_ms

        (sha256, size, data), left_ms = await self._ask(read)
        # Between the two commands it may expire: then it is gone.
        if sha256 is None or size is None or data is None or left_ms < 0:
            return None
        return Held(Record(ref, sha256, int(size), data), self._clock() + left_ms / 1000)

    async def find_missing(self, scope: Scope, refs: list[str], retention: float) -> list[str]:
        keys = _Keys(scope)
        missing: list[str] = []
        for start in range(0, len(refs), _FIND_REFS):
            some = refs[start : start + _FIND_REFS]
            names = [keys.expiries, keys.stored_bytes]
            names += [name for ref in some for name in (keys.original(ref), keys.views(ref))]
            found = await self._ask(partial(self._find, keys=names, args=[*_ms(retention), *some]))
            missing += [ref for ref, held in zip(some, found, strict=True) if not held]
        return missing

    async def delete(self, scope: Scope, ref: str) -> None:
        keys = _Keys(scope)
        names = [*keys.of(ref), keys.pinned(ref)]
        members: list[bytes] = await self._ask(lambda: self._delete(keys=names, args=[ref]))
        if members:
            split = [member.decode().partition(":") for member in sorted(members)]
            names = [keys.pinned(ref), *(keys.quoted_conversation(name) for name, _, _ in split)]
            args = [key for _, _, key in split]
            await self._ask(lambda: self._unpin(keys=names, args=args))

    async def add(self, scope: Scope, tally: Tally) -> None:
        args: list[str | int] = []
        for counter in _COUNTERS:
            args += [f"{counter}:{tally.name}", getattr(tally, counter)]
        await self._ask(lambda: self._add(keys=[_Keys(scope).counters], args=args))

    async def totals(self, scope: Scope) -> list[Tally]:
        fields = await self._ask(lambda: self._redis.hgetall(_Keys(scope).counters))
        by_name: dict[str, dict[str, int]] = {}
        for field, number in fields.items():
            text = field.decode() if isinstance(field, bytes) else field
            counter, _, name = text.partition(":")
            by_name.setdefault(name, {})[counter] = int(number)
        return [
            Tally(name, *(by_name[name].get(counter, 0) for counter in _COUNTERS))
            for name in sorted(by_name)
        ]

    async def usage(self, scope: Scope) -> Usage:
        keys = _Keys(scope)
        while True:
            swept, originals, stored_bytes = await self._ask(
                lambda: self._usage(keys=[keys.expiries, keys.stored_bytes])
            )
            if swept < redis_scripts.USAGE_SWEEP:
                return Usage(originals, int(stored_bytes))

    async def tenant_usage(self, tenant: str) -> Usage:
        scopes = await self._spaces.of(tenant)
        usages = [await self.usage(scope) for scope in scopes]
        empty = [s for s, usage in zip(scopes, usages, strict=True) if not usage.originals]
        await self._spaces.forget(tenant, empty)
        return Usage(
            originals=sum(usage.originals for usage in usages),
            stored_bytes=sum(usage.stored_bytes for usage in usages),
        )

    async def ping(self) -> list[str]:
        await self._ask(self._redis.ping)
        return await self._memory.advice()

    async def close(self) -> None:
        await self._memory.close()
        await self._link.close()

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        return await self._link.ask(ask)


class _Keys:
    """The names of one scope's keys."""

    def __init__(self, scope: Scope) -> None:
        self._prefix = scope_prefix(scope)
        self.expiries = self._prefix + "x"
        self.stored_bytes = self._prefix + "u"
        self.counters = self._prefix + "c"

    def original(self, ref: str) -> str:
        return f"{self._prefix}o:{ref}"

    def views(self, ref: str) -> str:
        return f"{self._prefix}v:{ref}"

    def lease(self, ref: str, recipe: str) -> str:
        return f"{self._prefix}l:{ref}:{recipe}"

    def conversation(self, name: str) -> str:
        return self.quoted_conversation(quote(name, safe=""))

    def quoted_conversation(self, name: str) -> str:
        return f"{self._prefix}p:{name}"

    def pinned(self, ref: str) -> str:
        return f"{self._prefix}q:{ref}"

    def of(self, ref: str) -> list[str]:
        """Return o v x u, as the scripts take them."""
        return [self.original(ref), self.views(ref), self.expiries, self.stored_bytes]


def _commit_args(record: Record, retention: float) -> list[str | bytes | int]:
    return [record.ref, *_ms(retention), record.sha256, record.size, record.data, record.mark]


def _ms(retention: float) -> tuple[int, int]:
    """Return what is asked and what is added to it, in milliseconds."""
    # PEXPIRE of 0 deletes.
    asked = max(1, math.ceil(retention * 1000))
    return asked, max(0, math.ceil(with_slack(retention) * 1000) - asked)
