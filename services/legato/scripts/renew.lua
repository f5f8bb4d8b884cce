-- Renew a lease, or take it again where Redis lost it.
-- KEYS: lease.  ARGV: owner, epoch, may it be taken again (0 or 1).
-- Returns the epoch, '' if it is another's now, or may be.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')

if lease[1] == ARGV[1] and lease[2] == ARGV[2] then
  redis.call('HSET', KEYS[1], 'renewed_at', string.format('%.0f', now))
  return ARGV[2]
end
if lease[1] or lease[2] or ARGV[3] == '0' then
  return ''
end
local epoch = string.format('%.0f', math.max(tonumber(ARGV[2]) + 1, now))
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', epoch,
  'renewed_at', string.format('%.0f', now))
return epoch
