-- Take a token of each of some buckets that refill evenly, up to the first that has none.
-- KEYS: policies, then the buckets.
-- ARGV: for each bucket: capacity, ms to fill it whole, the policy's field, the subject's field.
-- What stands in the policies under the subject, else under the policy, replaces the first two.
-- A bucket whose time lies ahead is held until then (hold.lua).
-- Returns 0 if all were taken, else the ms after which it is worth asking again.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local function take(bucket, capacity, per, policy, subject)
  local set = redis.call('HMGET', KEYS[1], subject, policy)
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
  local level, at = string.match(redis.call('GET', bucket) or '', '^([%d.]+) ([%d.]+)$')
  local tokens = capacity
  if level then
    tokens = math.min(capacity, tonumber(level) + math.max(0, now - tonumber(at)) * capacity / per)
  end
  if tokens < 1 then
    return math.ceil((1 - tokens) * per / capacity + math.max(0, tonumber(at or 0) - now))
  end
  redis.call('SET', bucket, string.format('%.6f %.3f', tokens - 1, now), 'PX', math.ceil(per))
  return 0
end

for i = 2, #KEYS do
  local at = 4 * (i - 2)
  local delay = take(KEYS[i], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3],
    ARGV[at + 4])
  if delay > 0 then
    return delay
  end
end
return 0
