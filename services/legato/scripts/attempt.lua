-- Count that a step of an inbox entry begins.
-- KEYS: lease, attempts.  ARGV: owner, epoch, inbox id.  Returns the count; 0 = the lease is gone.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return 0
end
return redis.call('HINCRBY', KEYS[2], ARGV[3], 1)
