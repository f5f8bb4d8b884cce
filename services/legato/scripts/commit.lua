-- Commit the steps of a partition's players: all of it, once, and only by the lease's current owner.
-- KEYS: lease, position, seen, attempts, guilds, pending, dead; then of each guild: head, items, outbox.
-- ARGV: owner, epoch, expected position, new position, last inbox id ('' = none),
--   forget seen before (ms), then two lists, each after its length: seen (id, ms),
--   dead letters (message, why); then of each guild: guild, head ('' = as it is, '-' = the player
--   goes), and four lists: items put (id, json), items removed (id), effects settled (key),
--   effects put (key, json).
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

local at = 7
local function list(step, write)
  local first, last = at + 1, at + tonumber(ARGV[at]) * step
  for i = first, last, step do
    write(ARGV[i], ARGV[i + 1])
  end
  at = last + 1
  return first <= last
end
if list(2, function(id, ms) redis.call('ZADD', KEYS[3], ms, id) end) then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', ARGV[6])
end
list(2, function(message, why)
  redis.call('XADD', KEYS[7], 'MAXLEN', '~', '1000', '*', 'm', message, 'why', why)
end)

for place = 8, #KEYS, 3 do
  local head, items, outbox = KEYS[place], KEYS[place + 1], KEYS[place + 2]
  local guild, player = ARGV[at], ARGV[at + 1]
  at = at + 2
  if player == '-' then
    redis.call('DEL', head, items)
    redis.call('SREM', KEYS[5], guild)
  elseif player ~= '' then
    redis.call('SET', head, player)
    redis.call('SADD', KEYS[5], guild)
  end
  list(2, function(id, item) redis.call('HSET', items, id, item) end)
  list(1, function(id) redis.call('HDEL', items, id) end)
  list(1, function(key) redis.call('HDEL', outbox, key) end)
  list(2, function(key, effect) redis.call('HSET', outbox, key, effect) end)
  if redis.call('EXISTS', outbox) == 1 then
    redis.call('SADD', KEYS[6], guild)
  else
    redis.call('SREM', KEYS[6], guild)
  end
end
return 'ok'
