-- Take a lease that is free, ours already, or stale while others may be trusted to have renewed.
-- KEYS: lease.  ARGV: owner, ttl in ms, may a stale one be taken (0 or 1), may one that is not known.
-- Returns {1, epoch} or {0, holder, age in ms}; '' holds what is not known.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'renewed_at')
local owner, epoch = lease[1], tonumber(lease[2] or 0)

if owner == ARGV[1] then -- the answer to an earlier call got lost
  redis.call('HSET', KEYS[1], 'renewed_at', string.format('%.0f', now))
  return {1, lease[2]}
end
if owner and owner ~= '' then
  local age = now - tonumber(lease[3])
  if age < tonumber(ARGV[2]) or ARGV[3] == '0' then
    return {0, owner, string.format('%.0f', age)}
  end
end
if not owner and ARGV[4] == '0' then
  return {0, '', '0'}
end
local next_epoch = string.format('%.0f', math.max(epoch + 1, now))
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', next_epoch,
  'renewed_at', string.format('%.0f', now))
return {1, next_epoch}
