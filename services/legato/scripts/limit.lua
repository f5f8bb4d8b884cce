-- Take tokens from a bucket that refills evenly; nothing is taken when there are too few.
-- KEYS: bucket.  ARGV: capacity, ms to fill it whole, tokens wanted.
-- Returns 0 if they were taken, else the ms after which it is worth asking again.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local capacity, per, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local level, at = string.match(redis.call('GET', KEYS[1]) or '', '^([%d.]+) ([%d.]+)$')
local tokens = capacity
if level then
  tokens = math.min(capacity, tonumber(level) + math.max(0, now - tonumber(at)) * capacity / per)
end
if tokens < wanted then
  return math.ceil((wanted - tokens) * per / capacity)
end
redis.call('SET', KEYS[1], string.format('%.6f %.3f', tokens - wanted, now), 'PX', math.ceil(per))
return 0
