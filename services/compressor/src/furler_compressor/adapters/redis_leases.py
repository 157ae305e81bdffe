"""Leases in the Redis that the replicas share: one key each, with a token and a time to live."""

from __future__ import annotations

import asyncio
import contextlib
import math
import secrets

from furler_compressor.adapters.redis_keys import scope_prefix
from furler_compressor.adapters.redis_link import RedisLink
from furler_compressor.app.errors import StoreUnavailableError
from furler_compressor.app.leases import UNHELD
from furler_compressor.app.ports import Scope

# A lease spares some 10 ms and more of work; a server that takes longer to grant one does not.
_TIMEOUT_SECONDS = 0.25

# KEYS: the lease. ARGV: token. Only the holder may end it: it may be another's by now.
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisLeases:
    """Implements app.leases.Leases."""

    def __init__(self, link: RedisLink) -> None:
        self._link = link
        self._release = link.script(_RELEASE)

    async def take(self, scope: Scope, name: str, seconds: float) -> str | None:
        key, token = _key(scope, name), secrets.token_hex(16)
        ms = max(1, math.ceil(seconds * 1000))
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                taken = await self._link.ask(
                    lambda: self._link.client.set(key, token, nx=True, px=ms)
                )
        except (StoreUnavailableError, TimeoutError):
            return UNHELD
        return token if taken else None

    async def release(self, scope: Scope, name: str, token: str) -> None:
        if token == UNHELD:
            return
        # What is not released ends by itself.
        with contextlib.suppress(StoreUnavailableError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._link.ask(lambda: self._release(keys=[_key(scope, name)], args=[token]))


def _key(scope: Scope, name: str) -> str:
    return f"{scope_prefix(scope)}l:{name}"
