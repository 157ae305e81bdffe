"""A Store in one Redis or Valkey server, shared by every replica of the service.

The data model and the atomic parts are redis_scripts'. The server must not evict
(maxmemory-policy noeviction): a full server refuses, and then nothing is elided.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from urllib.parse import quote, unquote

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from furler_compressor.adapters import redis_scripts
from furler_compressor.adapters.retention import with_slack
from furler_compressor.app.errors import StoreRefusedError, StoreUnavailableError
from furler_compressor.app.ports import Held, Pin, Record, Scope, StoredView, Tally, Usage

T = TypeVar("T")

# Per command, so that a hanging server is noticed before the whole call's limit (wrap.bounded).
DEFAULT_TIMEOUT = 1.5
DEFAULT_CONNECT_TIMEOUT = 1.0
# Per process: enough for its workers, and 100 replicas stay below Redis' default of 10,000 clients.
DEFAULT_MAX_CONNECTIONS = 32
_FIND_REFS = 500
_COUNTERS = ("views", "cached", "degraded", "tokens_before", "tokens_after")
# The driver knows the codes that begin a reply; Redis 6 quotes them inside a script's error.
_CODE = re.compile(r"(?:^|-)(OOM|READONLY|MISCONF|NOREPLICAS)\b")


class RedisStore:
    """Implements app.ports.Store. Connects at first use; a lost connection is made anew.

    Args:
        url: redis://, rediss:// or unix://, with credentials if the server wants them.
        timeout: Seconds for one command's answer, and for a free connection.
        connect_timeout: Seconds for one connect.
        max_connections: Bound of this process' pool.
        clock: Unix time in seconds, for ``Held.expires_at`` alone.
    """

    def __init__(
        self,
        url: str,
        timeout: float = DEFAULT_TIMEOUT,
        connect_timeout: float = DEFAULT_CONNECT_TIMEOUT,
        max_connections: int = DEFAULT_MAX_CONNECTIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=max_connections,
            timeout=timeout,
            socket_timeout=timeout,
            socket_connect_timeout=connect_timeout,
            # Once, at once: a connection that died while idle is replaced. Never after a timeout.
            retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
        )
        self._redis = Redis.from_pool(pool)
        self._recall = self._redis.register_script(redis_scripts.RECALL)
        self._commit = self._redis.register_script(redis_scripts.COMMIT)
        self._find = self._redis.register_script(redis_scripts.FIND)
        self._delete = self._redis.register_script(redis_scripts.DELETE)
        self._pin = self._redis.register_script(redis_scripts.PIN)
        self._extend_pins = self._redis.register_script(redis_scripts.EXTEND_PINS)
        self._unpin = self._redis.register_script(redis_scripts.UNPIN)
        self._add = self._redis.register_script(redis_scripts.ADD)
        self._usage = self._redis.register_script(redis_scripts.USAGE)
        self._closed = False

    async def recall(self, scope: Scope, ref: str, recipe: str, retention: float) -> bytes | None:
        keys = _Keys(scope)
        data: bytes | None = await self._ask(
            lambda: self._recall(keys=keys.of(ref), args=[ref, *_ms(retention), recipe])
        )
        return data

    async def commit(
        self, scope: Scope, record: Record, view: StoredView | None, retention: float
    ) -> None:
        args = _commit_args(record, retention)
        if view is not None:
            args += [view.recipe, view.data]
        keys = _Keys(scope).of(record.ref)
        kept: int = await self._ask(lambda: self._commit(keys=keys, args=args))
        if not kept:
            raise StoreRefusedError("the reference is held with another digest")

    async def commit_all(self, scope: Scope, records: Sequence[Record], retention: float) -> None:
        keys = _Keys(scope)
        async with self._redis.pipeline(transaction=False) as pipe:
            for record in records:
                args = _commit_args(record, retention)
                await self._commit(keys=keys.of(record.ref), args=args, client=pipe)
            kept: list[int] = await self._ask(pipe.execute)
        if not all(kept):
            raise StoreRefusedError("a reference is held with another digest")

    async def pins(self, scope: Scope, conversation: str, retention: float) -> dict[str, bytes]:
        keys = _Keys(scope)
        name = keys.conversation(conversation)
        async with self._redis.pipeline(transaction=False) as pipe:
            _ = pipe.hgetall(name)
            _ = pipe.pttl(name)
            fields, left_ms = await self._ask(pipe.execute)
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
        async with self._redis.pipeline(transaction=False) as pipe:
            _ = pipe.hmget(key, ["sha256", "size", "data"])
            _ = pipe.pttl(key)
            (sha256, size, data), left_ms = await self._ask(pipe.execute)
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
        async with self._redis.pipeline(transaction=False) as pipe:
            await self._delete(keys=keys.of(ref), args=[ref], client=pipe)
            _ = pipe.smembers(keys.pinned(ref))
            _, members = await self._ask(pipe.execute)
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

    async def ping(self) -> None:
        await self._ask(self._redis.ping)

    async def close(self) -> None:
        self._closed = True
        await self._redis.aclose()

    async def _ask(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the driver; its errors become ours, without its texts: they hold addresses."""
        if self._closed:
            raise StoreUnavailableError("the store is closed")
        try:
            return await ask()
        except (RedisError, OSError) as error:
            raise as_store_error(error) from None


def scope_prefix(scope: Scope) -> str:
    """Return ``furler:{tenant/space}:``. Quoting keeps any two scopes apart: a/b + c, a + b/c."""
    return f"furler:{{{quote(scope.tenant, safe='')}/{quote(scope.space, safe='')}}}:"


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
    return [record.ref, *_ms(retention), record.sha256, record.size, record.data]


def _ms(retention: float) -> tuple[int, int]:
    """Return what is asked and what is added to it, in milliseconds."""
    # PEXPIRE of 0 deletes.
    asked = max(1, math.ceil(retention * 1000))
    return asked, max(0, math.ceil(with_slack(retention) * 1000) - asked)


def as_store_error(error: RedisError | OSError) -> StoreUnavailableError:
    """Return the error of ours that a driver's error stands for."""
    # What goes wrong in a handshake, or in the wait for the pool, comes as a connection error.
    if isinstance(error, RedisConnectionError) and isinstance(
        error.__cause__, (RedisError, TimeoutError)
    ):
        error = error.__cause__
    match error:
        case RedisTimeoutError() | TimeoutError():
            return StoreUnavailableError("the store did not answer in time")
        case BusyLoadingError():
            return StoreUnavailableError("the store is loading its data")
        case AuthenticationError() | AuthorizationError() | NoPermissionError():
            return StoreUnavailableError("the store refuses our credentials")
        case RedisConnectionError() | OSError():
            return StoreUnavailableError("the store cannot be reached")
        case OutOfMemoryError():
            return StoreRefusedError("the store is full")
    code = _CODE.search(str(error))
    if code is not None and code[1] == "OOM":
        return StoreRefusedError("the store is full")
    name = code[1] if code else type(error).__name__
    return StoreRefusedError(f"the store refuses ({name})")
