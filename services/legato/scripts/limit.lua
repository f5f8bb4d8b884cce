-- Take tokens from a bucket that refills evenly; nothing is taken when there are too few.
-- KEYS: bucket, policies.
-- ARGV: capacity, ms to fill it whole, tokens wanted, the policy's field, the subject's field.
-- What stands in the policies under the subject, else under the policy, replaces the first two.
-- Returns 0 if they were taken, else the ms after which it is worth asking again.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local capacity, per, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local set = redis.call('HMGET', KEYS[2], ARGV[5], ARGV[4])
for i = 1, 2 do
  local to, ms, till = string.match(set[i] or '', '^(%d+) (%d+) (%d+)$')
  if to and (till == '0' or tonumber(till) > now) then
    capacity, per = tonumber(to), tonumber(ms)
    if capacity == 0 then
      return till == '0' and per or math.ceil(tonumber(till) - now)
    end
    break
  end
end

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
