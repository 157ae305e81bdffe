"""The shared entries' data model in Redis, and its Lua: every call is one script, so each is atomic.

Keys of one scope, all with its hash tag (beside the store's, see redis_scripts):

- ``eh`` hash: last, floor (see below), held (entries), size (the sum of their originals').
- ``e`` hash: key to record (cmsgpack: revision, sha256, size, creator, created us, written us,
  expires ms, body).
- ``ek`` sorted set of keys, all scores 0: order and prefixes.
- ``et`` sorted set of keys by expiry (ms). ``ew`` sorted set of keys by revision.
- ``es`` hash: key to sketch.
- ``eq`` hash: request_id to revision, for what is in the log.
- ``log`` stream: one message per change, its id ``revision-0``: kind, key, record, request_id,
  fingerprint. Exactly as long as configured; ``floor`` is the newest revision trimmed from it.

Nothing but ``eh`` outlives the last entry by more than a day (ARGV grace): a space that nobody
touches takes no room. They all go in the same millisecond; if entries went with them (held > 0)
their tombstones were never written, so every cursor is expired then.

Only the server's clock is read. Doubles hold microseconds exactly until the year 2255.
"""

from __future__ import annotations

# KEYS: eh e ek et ew es eq log. ARGV: grace ms, log length, sweep limit, then the script's own.
_COMMON = """
local H, E, K, T, W, S, Q, L = unpack(KEYS)
local GRACE, LENGTH, SWEEP = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now_us = clock[1] * 1000000 + clock[2]
local now_ms = math.floor(now_us / 1000)
local function text(number) return string.format('%.0f', number) end
local function head(name) return tonumber(redis.call('HGET', H, name) or '0') end
local function next_revision() return math.max(head('last') + 1, now_us) end
local function shown(key, packed)
  local r = cmsgpack.unpack(packed)
  return {key, text(r[1]), r[2], text(r[3]), r[4], text(r[5]), text(r[6]), text(r[7]), r[8]}
end
local function live(key)
  local score = redis.call('ZSCORE', T, key)
  return score and tonumber(score) > now_ms
end
-- An idle scope's keys are gone but its head: nothing older can be gone on from.
if redis.call('EXISTS', L) == 0 then
  local last = head('last')
  if head('held') > 0 then
    local reset = text(next_revision())
    redis.call('HSET', H, 'last', reset, 'floor', reset, 'held', 0, 'size', 0)
  elseif last > 0 and head('floor') < last then
    redis.call('HSET', H, 'floor', text(last))
  end
end
"""

# Removals come before the append: a full server refuses a script's first write only if that would
# take memory, so deletions and sweeps go through, and make room.
_WRITING = """
local function append(revision, kind, key, packed, request, fingerprint)
  redis.call('XADD', L, text(revision) .. '-0', 'k', kind, 'n', key, 'r', packed, 'q', request,
    'f', fingerprint)
  if request ~= '' then redis.call('HSET', Q, request, text(revision)) end
  redis.call('HSET', H, 'last', text(revision), 'held', redis.call('HLEN', E))
  local excess = redis.call('XLEN', L) - LENGTH
  if excess > 0 then
    local floor
    for _, message in ipairs(redis.call('XRANGE', L, '-', '+', 'COUNT', excess)) do
      floor = string.match(message[1], '^%d+')
      if message[2][8] ~= '' then redis.call('HDEL', Q, message[2][8]) end
    end
    redis.call('XTRIM', L, 'MAXLEN', LENGTH)
    redis.call('HSET', H, 'floor', floor)
  end
end
local function remove(key, kind, request, fingerprint)
  local record = cmsgpack.unpack(redis.call('HGET', E, key))
  redis.call('HDEL', E, key)
  redis.call('ZREM', K, key)
  redis.call('ZREM', T, key)
  redis.call('ZREM', W, key)
  redis.call('HDEL', S, key)
  redis.call('HINCRBY', H, 'size', text(-record[3]))
  local revision = next_revision()
  append(revision, kind, key, '', request, fingerprint)
  return revision
end
local function sweep()
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', T, '-inf', now_ms, 'LIMIT', 0, SWEEP)) do
    remove(key, 'x', '', '')
  end
end
local function keep()
  local latest = redis.call('ZREVRANGE', T, 0, 0, 'WITHSCORES')
  local ms = math.max((tonumber(latest[2]) or 0) - now_ms, 0) + GRACE
  for i = 2, 8 do redis.call('PEXPIRE', KEYS[i], text(ms)) end
end
local function repeated(request, fingerprint)
  local known = request ~= '' and redis.call('HGET', Q, request)
  if not known then return nil end
  local fields = redis.call('XRANGE', L, known, known)[1][2]
  if fields[10] ~= fingerprint then return {'reused'} end
  if fields[2] == 'p' then return {'repeated', shown(fields[4], fields[6])} end
  return {'repeated', known}
end
"""

# ARGV: key, sha256, size, author, body, sketch, retention ms, if_revision or -1, request_id,
# fingerprint, most entries, most bytes.
PUT = (
    _COMMON
    + _WRITING
    + """
local key, sha256, size, author, body, sketch = ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local retention, wanted, request, fingerprint = tonumber(ARGV[10]), tonumber(ARGV[11]), ARGV[12], ARGV[13]
local before = repeated(request, fingerprint)
if before then return before end
sweep()
local packed = redis.call('HGET', E, key)
-- More may be due than one sweep takes; this key's own expiry must come before its new life.
if packed and not live(key) then
  remove(key, 'x', '', '')
  packed = false
end
local held = packed and cmsgpack.unpack(packed)
local at = held and held[1] or 0
if wanted >= 0 and wanted ~= at then return {'mismatch', text(at)} end
local total = head('size') + size - (held and held[3] or 0)
if not held and redis.call('HLEN', E) >= tonumber(ARGV[14]) then return {'entries'} end
if total > tonumber(ARGV[15]) then return {'bytes'} end
local revision = next_revision()
local creator, created, expires = author, now_us, now_ms + retention
if held then creator, created = held[4], held[5] end
local record = cmsgpack.pack({revision, sha256, size, creator, created, now_us, expires, body})
redis.call('HSET', E, key, record)
redis.call('HSET', H, 'size', text(total))
redis.call('ZADD', K, 0, key)
redis.call('ZADD', T, text(expires), key)
redis.call('ZADD', W, text(revision), key)
redis.call('HSET', S, key, sketch)
append(revision, 'p', key, record, request, fingerprint)
keep()
return {'written', shown(key, record)}
"""
)

# ARGV: key, if_revision or -1, request_id, fingerprint.
DELETE = (
    _COMMON
    + _WRITING
    + """
local key, wanted, request, fingerprint = ARGV[4], tonumber(ARGV[5]), ARGV[6], ARGV[7]
local before = repeated(request, fingerprint)
if before then return before end
sweep()
local packed = redis.call('HGET', E, key)
if not packed or not live(key) then return {'missing'} end
local at = cmsgpack.unpack(packed)[1]
if wanted >= 0 and wanted ~= at then return {'mismatch', text(at)} end
local revision = remove(key, 'd', request, fingerprint)
keep()
return {'deleted', text(revision)}
"""
)

# ARGV: key.
GET = (
    _COMMON
    + """
local packed = live(ARGV[4]) and redis.call('HGET', E, ARGV[4])
return {text(head('last')), packed and shown(ARGV[4], packed)}
"""
)

# ARGV: prefix, the key to go on after, limit. A key's bytes are never 255.
LIST = (
    _COMMON
    + """
local prefix, after, limit = ARGV[4], ARGV[5], tonumber(ARGV[6])
local first, past = '[' .. prefix, '(' .. prefix .. '\\255'
if after >= prefix and after ~= '' then first = '(' .. after end
local found = {}
while #found < limit do
  local keys = redis.call('ZRANGEBYLEX', K, first, past, 'LIMIT', 0, limit)
  if #keys == 0 then break end
  for _, key in ipairs(keys) do
    if #found < limit and live(key) then
      found[#found + 1] = shown(key, redis.call('HGET', E, key))
    end
  end
  first = '(' .. keys[#keys]
end
return {text(head('last')), found}
"""
)

# ARGV: revision to go on after or -1, limit.
CHANGES = (
    _COMMON
    + _WRITING
    + """
local after, limit = ARGV[4], tonumber(ARGV[5])
sweep()
local due = redis.call('ZRANGE', T, 0, 0, 'WITHSCORES')[2]
due = due and text(tonumber(due) - now_ms) or '-1'
local last = head('last')
if after == '-1' then return {'changes', text(last), due, {}} end
local floor = head('floor')
if tonumber(after) ~= floor and #redis.call('XRANGE', L, after, after) == 0 then
  return {'expired', text(floor)}
end
local found, through = {}, text(last)
for i, message in ipairs(redis.call('XRANGE', L, '(' .. after .. '-0', '+', 'COUNT', limit)) do
  local fields, revision = message[2], string.match(message[1], '^%d+')
  found[i] = {fields[2], fields[4], revision, fields[2] == 'p' and shown(fields[4], fields[6])}
  if i == limit then through = revision end
end
return {'changes', through, due, found}
"""
)

# ARGV: limit.
SKETCHES = (
    _COMMON
    + """
local found = {}
for _, key in ipairs(redis.call('ZREVRANGE', W, 0, ARGV[4] - 1)) do
  if live(key) then found[#found + 1] = {key, redis.call('HGET', S, key)} end
end
return found
"""
)
