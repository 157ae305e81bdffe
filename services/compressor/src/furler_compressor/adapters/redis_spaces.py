"""Which spaces a tenant has in Redis: a sorted set per tenant, by when one was last written to.

Keys of a scope lie on the scope's slot, so no key can hold a tenant's sum; this names what to add.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from furler_compressor.adapters.redis_keys import tenant_prefix
from furler_compressor.adapters.redis_link import RedisLink
from furler_compressor.app.ports import Scope

# Each process says so again after this, so that what is still written to is never forgotten.
_NOTE_SECONDS = 60.0
# Ten notes missed, and clocks that differ by minutes: only then is an empty space forgotten.
_FORGET_SECONDS = 600.0
_MOST_SCOPES = 10_000


class RedisSpaces:
    """Notes and names spaces. ``clock`` is Unix time in seconds."""

    def __init__(self, link: RedisLink, clock: Callable[[], float] = time.time) -> None:
        self._link = link
        self._clock = clock
        self._noted: OrderedDict[Scope, float] = OrderedDict()

    async def note(self, scope: Scope) -> None:
        """Remember a space that is about to be written to. A round trip now and then."""
        now = self._clock()
        if now - self._noted.get(scope, float("-inf")) < _NOTE_SECONDS:
            return
        await self._link.ask(
            lambda: self._link.client.zadd(_key(scope.tenant), {scope.space: f"{now:.0f}"})
        )
        self._noted[scope] = now
        self._noted.move_to_end(scope)
        if len(self._noted) > _MOST_SCOPES:
            self._noted.popitem(last=False)

    async def of(self, tenant: str) -> list[Scope]:
        """Return a tenant's spaces that may hold anything."""
        names = await self._link.ask(lambda: self._link.client.zrange(_key(tenant), 0, -1))
        return [Scope(tenant, n.decode() if isinstance(n, bytes) else str(n)) for n in names]

    async def forget(self, tenant: str, empty: list[Scope]) -> None:
        """Drop those of these spaces that have not been written to for long."""
        if not empty:
            return
        key, before = _key(tenant), self._clock() - _FORGET_SECONDS
        old = await self._link.ask(
            lambda: self._link.client.zrangebyscore(key, "-inf", f"{before:.0f}")
        )
        wanted = {scope.space.encode() for scope in empty}
        gone = [name for name in old if name in wanted]
        if gone:
            await self._link.ask(lambda: self._link.client.zrem(key, *gone))


def _key(tenant: str) -> str:
    return f"{tenant_prefix(tenant)}s"
