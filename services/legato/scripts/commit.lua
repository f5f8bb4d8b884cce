-- Commit one step of one guild: all of it, once, and only by the lease's current owner.
-- KEYS: lease, position, seen, attempts, guilds, pending, dead, head, items, outbox.
-- ARGV: owner, epoch, expected position, new position,
--   inbox id ('' = none), seen id ('' = none), its time in ms, forget seen before (ms),
--   guild, head ('' = as it is, '-' = the player goes), dead letter ('' = none), its reason,
--   then four lists, each after its length: items put (id, json), items removed (id),
--   effects put (key, json), effects settled (key).
-- Returns ok, already (this very commit was done before), fenced or conflict.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return 'fenced'
end
local position = redis.call('GET', KEYS[2]) or ''
if position == ARGV[4] then
  return 'already'
end
if position ~= ARGV[3] then
  return 'conflict'
end
redis.call('SET', KEYS[2], ARGV[4])

if ARGV[5] ~= '' then
  redis.call('HDEL', KEYS[4], ARGV[5])
end
if ARGV[6] ~= '' then
  redis.call('ZADD', KEYS[3], ARGV[7], ARGV[6])
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[8])
end
if ARGV[11] ~= '' then
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', '1000', '*', 'm', ARGV[11], 'why', ARGV[12])
end
if ARGV[10] == '-' then
  redis.call('DEL', KEYS[8], KEYS[9])
  redis.call('SREM', KEYS[5], ARGV[9])
elseif ARGV[10] ~= '' then
  redis.call('SET', KEYS[8], ARGV[10])
  redis.call('SADD', KEYS[5], ARGV[9])
end

local at = 13
local function list(step, write)
  local first, last = at + 1, at + tonumber(ARGV[at]) * step
  for i = first, last, step do
    write(ARGV[i], ARGV[i + 1])
  end
  at = last + 1
end
list(2, function(id, item) redis.call('HSET', KEYS[9], id, item) end)
list(1, function(id) redis.call('HDEL', KEYS[9], id) end)
list(2, function(key, effect) redis.call('HSET', KEYS[10], key, effect) end)
list(1, function(key) redis.call('HDEL', KEYS[10], key) end)
if ARGV[9] ~= '' then
  if redis.call('EXISTS', KEYS[10]) == 1 then
    redis.call('SADD', KEYS[6], ARGV[9])
  else
    redis.call('SREM', KEYS[6], ARGV[9])
  end
end
return 'ok'
