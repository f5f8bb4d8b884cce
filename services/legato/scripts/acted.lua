-- Note which actions of a shard's inbox are done, only if it is the owner who says so.
-- KEYS: lease, position, seen.  ARGV: owner, epoch, position ('' = as it is), forget after ms, keys...
-- Returns 1, or 0 if the lease is another's.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[3] ~= '' then
  redis.call('SET', KEYS[2], ARGV[3])
end
for i = 5, #ARGV do
  redis.call('ZADD', KEYS[3], now, ARGV[i])
end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - tonumber(ARGV[4]))
return 1
