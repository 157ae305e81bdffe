"""The Redis store's data model and its Lua: what must be atomic runs as one script.

Keys of one scope share the hash tag {tenant/space}, so they lie on one slot:

- ``o:<ref>`` hash: sha256, size, data of an original; mark, what data begins with if it is sealed.
- ``v:<ref>`` hash: recipe to view data. Expires with its original.
- ``x`` sorted set: ``ref:size`` by expiry (ms), one member per original; what ``usage`` counts.
- ``u`` integer: the sum of the sizes in ``x``.
- ``p:<conversation>`` hash: key to ``ref:data``, what a conversation has pinned.
- ``q:<ref>`` set: ``conversation:key`` of an original's pins, for DELETE; lives as long as they do.
- ``c`` hash: ``counter:name`` to number. Never expires.
- ``l:<ref>:<recipe>`` string: token of the replica that makes the view. Ends by itself.

Keys of one tenant have the hash tag {tenant}: ``s`` its spaces (redis_spaces), ``q`` its token
buckets (redis_meter).

Redis forgets an expired original by itself, but ``x`` and ``u`` learn of it from a sweep: a few
members on each commit, all that is due on ``usage``. Only the server's clock is read, so replicas
of the service need not agree on the time. Conditional expiry is done by hand: PEXPIRE GT needs
Redis 7. Time stands still inside a script, so keys that expire together do so to the millisecond.
"""

from __future__ import annotations

# extend(o, v, x, u, ref, ms, slack): keep all for at least ms from now, if need be for slack more;
# return what the original has left.
_EXTEND = """
local function longer(key, ms)
  if redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
local function extend(o, v, x, u, ref, asked, slack)
  local left = redis.call('PTTL', o)
  if left >= tonumber(asked) then return left end
  local ms = asked + slack
  redis.call('PEXPIRE', o, ms)
  redis.call('PEXPIRE', v, ms)
  local member = ref .. ':' .. redis.call('HGET', o, 'size')
  redis.call('ZADD', x, string.format('%.0f', now_ms() + ms), member)
  longer(x, ms)
  longer(u, ms)
  return ms
end
local function sweep(x, u, limit)
  local due = redis.call('ZRANGEBYSCORE', x, '-inf', string.format('%.0f', now_ms()), 'LIMIT', 0, limit)
  local bytes = 0
  for _, member in ipairs(due) do
    bytes = bytes + tonumber(string.match(member, ':(%d+)$'))
  end
  if #due > 0 then
    redis.call('ZREM', x, unpack(due))
    redis.call('DECRBY', u, string.format('%.0f', bytes))
  end
  return #due
end
"""

# KEYS: o v x u, and with a lease: l. ARGV: ref, ms, slack, recipe, and with a lease: token, its ms.
# Returns the data; of a miss false, or 0 while another has the lease. A server that refuses to
# write one (it is full, or a replica) grants it.
RECALL = (
    _EXTEND
    + """
local data = redis.call('HGET', KEYS[2], ARGV[4])
if data and redis.call('EXISTS', KEYS[1]) == 1 then
  extend(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], ARGV[2], ARGV[3])
  return data
end
if KEYS[5] and not redis.pcall('SET', KEYS[5], ARGV[5], 'NX', 'PX', ARGV[6]) then return 0 end
return false
"""
)

# KEYS: l. ARGV: token. Only the holder may end a lease: it may be another's by now.
RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

# KEYS: o v x u. ARGV: ref, ms, slack, sha256, size, data, mark, and with a view: recipe, view data.
# The first write is the one that a full server refuses: before it nothing was changed, and after
# it Redis lets the script finish. So a refusal leaves nothing half done.
COMMIT = (
    _EXTEND
    + """
local held = redis.call('HGET', KEYS[1], 'sha256')
if held and held ~= ARGV[4] then return 0 end
if not held then
  redis.call('HSET', KEYS[1], 'sha256', ARGV[4], 'size', ARGV[5], 'data', ARGV[6], 'mark', ARGV[7])
  redis.call('DEL', KEYS[2])
elseif ARGV[7] ~= '' and redis.call('HGET', KEYS[1], 'mark') ~= ARGV[7] then
  redis.call('HSET', KEYS[1], 'data', ARGV[6], 'mark', ARGV[7])
end
if ARGV[8] then redis.call('HSET', KEYS[2], ARGV[8], ARGV[9]) end
if not held then
  sweep(KEYS[3], KEYS[4], 16)
  local member = ARGV[1] .. ':' .. ARGV[5]
  if not redis.call('ZSCORE', KEYS[3], member) then redis.call('INCRBY', KEYS[4], ARGV[5]) end
end
redis.call('PEXPIRE', KEYS[2], extend(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], ARGV[2], ARGV[3]))
return 1
"""
)

# KEYS: x u, then o v of each ref. ARGV: ms, slack, then the refs. Returns 1 for each that is held.
FIND = (
    _EXTEND
    + """
local found = {}
for i = 1, #ARGV - 2 do
  local o, v = KEYS[2 * i + 1], KEYS[2 * i + 2]
  found[i] = redis.call('EXISTS', o)
  if found[i] == 1 then extend(o, v, KEYS[1], KEYS[2], ARGV[i + 2], ARGV[1], ARGV[2]) end
end
return found
"""
)

# KEYS: o v x u q. ARGV: ref. Returns q's members, for UNPIN.
DELETE = """
local size = redis.call('HGET', KEYS[1], 'size')
redis.call('DEL', KEYS[1], KEYS[2])
if size and redis.call('ZREM', KEYS[3], ARGV[1] .. ':' .. size) == 1 then
  redis.call('DECRBY', KEYS[4], size)
end
return redis.call('SMEMBERS', KEYS[5])
"""

# KEYS: c. ARGV: field and amount, in turn.
ADD = """
for i = 1, #ARGV, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
return 1
"""

# KEYS: x u. Returns how many members were swept, how many are left, their sizes' sum.
USAGE = (
    _EXTEND
    + """
return {sweep(KEYS[1], KEYS[2], 1000), redis.call('ZCARD', KEYS[1]), redis.call('GET', KEYS[2]) or '0'}
"""
)
# As in USAGE: fewer swept than this, and nothing more is due.
USAGE_SWEEP = 1000

# extend_all(ms, slack): keep every key for at least ms, if the first needs it, for slack more.
_EXTEND_ALL = """
local function extend_all(asked, slack)
  if redis.call('PTTL', KEYS[1]) >= tonumber(asked) then return end
  for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) < asked + slack then redis.call('PEXPIRE', key, asked + slack) end
  end
end
"""

# KEYS: p, then q of each pin's ref. ARGV: ms, slack.
EXTEND_PINS = (
    _EXTEND_ALL
    + """
extend_all(ARGV[1], ARGV[2])
return 1
"""
)

# KEYS: p, then q of each pin (p again for a pin without an original). ARGV: ms, slack, then key,
# data and member of q for each. Returns what p had left before, in ms, and what stands under each
# key. As in COMMIT, only the first write can be refused. What is left of an older p stays: to
# extend it is to extend every q of it (EXTEND_PINS).
PIN = """
local before = redis.call('PTTL', KEYS[1])
local found = {before}
for i = 1, #KEYS - 1 do
  local key, data, member = ARGV[3 * i], ARGV[3 * i + 1], ARGV[3 * i + 2]
  if redis.call('HSETNX', KEYS[1], key, data) == 1 and KEYS[i + 1] ~= KEYS[1] then
    redis.call('SADD', KEYS[i + 1], member)
  end
  found[i + 1] = redis.call('HGET', KEYS[1], key)
end
local ms = math.max(before, ARGV[1] + ARGV[2])
for _, key in ipairs(KEYS) do
  if (key ~= KEYS[1] or before < 0) and redis.call('PTTL', key) < ms then redis.call('PEXPIRE', key, ms) end
end
return found
"""

# KEYS: q, then p of each member. ARGV: key of each member.
UNPIN = """
for i = 1, #ARGV do redis.call('HDEL', KEYS[i + 1], ARGV[i]) end
redis.call('DEL', KEYS[1])
return 1
"""
