-- Note that the owner lives and plays.
-- KEYS: lease, alive.  ARGV: owner, epoch.  Returns the server's time in ms, '' = the lease is gone.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return ''
end
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('SET', KEYS[2], now)
return now
