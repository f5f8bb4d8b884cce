-- Keep, or forget, the partition's Lavalink session on a node.
-- KEYS: lease, node sessions.  ARGV: owner, epoch, node, session id ('' = forget).  Returns 1, 0 = fenced.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return 0
end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[2], ARGV[3])
else
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
end
return 1
