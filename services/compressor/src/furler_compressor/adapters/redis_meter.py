"""Token buckets that all replicas share: one small Lua call per charged request.

While Redis is in trouble each process meters by itself: a tenant may then use its rate once per
process, and nobody is refused for want of a store.
"""

from __future__ import annotations

import asyncio

from furler_compressor.adapters.breaker import Breaker
from furler_compressor.adapters.redis_keys import tenant_prefix
from furler_compressor.adapters.redis_link import RedisLink
from furler_compressor.app.errors import StoreUnavailableError
from furler_compressor.app.quota import Excess, LocalMeter, Quota, capacity, excess_of

# Loopback takes 0.1 ms, another zone 2 ms: who takes longer than this is in trouble.
_TIMEOUT_SECONDS = 0.1

# KEYS: the tenant's levels: hash of r (requests), b (bytes), t (time, seconds).
# ARGV: requests' rate, capacity, cost; bytes' rate, capacity, cost. A rate of 0 is no bound.
# Returns both levels as they were before the charge; it is made if no bounded one was below 1.
_TAKE = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1000000
local held = redis.call('HMGET', KEYS[1], 'r', 'b', 't')
local passed = held[3] and math.max(0, t - tonumber(held[3])) or 0
local function level(was, rate, capacity)
  if not was then return tonumber(capacity) end
  return math.min(tonumber(capacity), tonumber(was) + passed * rate)
end
local r = level(held[1], ARGV[1], ARGV[2])
local b = level(held[2], ARGV[4], ARGV[5])
local full = 1
local function left(level, rate, capacity, cost)
  if tonumber(rate) == 0 then return level end
  full = math.max(full, (capacity - level + cost) / rate)
  return level - cost
end
local open = (tonumber(ARGV[1]) == 0 or r >= 1) and (tonumber(ARGV[4]) == 0 or b >= 1)
local r2, b2 = r, b
if open then
  r2, b2 = left(r, ARGV[1], ARGV[2], ARGV[3]), left(b, ARGV[4], ARGV[5], ARGV[6])
  redis.call('HSET', KEYS[1], 'r', string.format('%.6f', r2), 'b', string.format('%.6f', b2),
    't', string.format('%.6f', t))
  redis.call('PEXPIRE', KEYS[1], math.ceil(full * 1000))
end
return {string.format('%.6f', r), string.format('%.6f', b)}
"""


class RedisMeter:
    """Implements app.quota.Meter. ``bucket`` is a letter: what one meter counts, no other does."""

    def __init__(self, link: RedisLink, bucket: str = "q") -> None:
        self._link = link
        self._bucket = bucket
        self._take = link.script(_TAKE)
        self._breaker = Breaker()
        self._local = LocalMeter()

    async def take(self, tenant: str, quota: Quota, requests: int, size: int) -> Excess | None:
        ticket = self._breaker.admit()
        if ticket is not None:
            args = [
                *(quota.requests_per_second, capacity(quota.requests_per_second), requests),
                *(quota.bytes_per_second, capacity(quota.bytes_per_second), size),
            ]
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    levels = await self._link.ask(
                        lambda: self._take(
                            keys=[f"{tenant_prefix(tenant)}{self._bucket}"], args=args
                        )
                    )
            except (StoreUnavailableError, TimeoutError):
                self._breaker.failed(ticket)
            except asyncio.CancelledError:
                self._breaker.abandoned(ticket)
                raise
            else:
                self._breaker.succeeded(ticket)
                return excess_of(quota, float(levels[0]), float(levels[1]))
        return await self._local.take(tenant, quota, requests, size)
