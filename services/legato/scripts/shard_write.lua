-- Write what a shard's owner knows, only if it is the owner still.
-- KEYS: lease, target hash.
-- ARGV: owner, epoch, ms the hash is kept (0 = for ever), n, n x (field, value), fields to delete...
-- Returns 1, or 0 if the lease is another's.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return 0
end
local last = 4 + 2 * tonumber(ARGV[4])
for i = 5, last, 2 do
  redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1])
end
for i = last + 1, #ARGV do
  if ARGV[i] == '*' then
    redis.call('DEL', KEYS[2])
  else
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
if ARGV[3] ~= '0' then
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
return 1
