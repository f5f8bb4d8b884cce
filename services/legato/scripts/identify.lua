-- Grant, confirm and account IDENTIFY permits for a whole bot.
-- KEYS: ledger.
-- ARGV: 'learn', total, remaining, ms until the reset, max_concurrency
--     | 'ask', shard, spacing ms, validity ms, reserve
--     | 'confirm', shard, spacing ms, validity ms, permit
--     | 'give_back'
-- Returns {word, number}: granted permit | wait ms | refused ms | unknown 0 | confirmed 0 | stale 0
--     | given_back 0.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local ledger = KEYS[1]

local function number(field)
  return tonumber(redis.call('HGET', ledger, field) or '')
end
local function write(...)
  local fields = {...}
  for i = 2, #fields, 2 do
    fields[i] = string.format('%.0f', fields[i])
  end
  redis.call('HSET', ledger, unpack(fields))
end

if ARGV[1] == 'learn' then
  local remaining, reset_at = tonumber(ARGV[3]), number('reset_at')
  if not reset_at then
    -- New, or lost: whatever was sent just before is not known here; but nothing was sent at all
    -- where Discord counted nothing.
    write('since', remaining < tonumber(ARGV[2]) and now or 0)
  elseif now < reset_at then
    remaining = math.min(remaining, number('remaining'))
  end
  write('total', tonumber(ARGV[2]), 'remaining', remaining, 'reset_at', now + tonumber(ARGV[4]),
    'max_concurrency', math.max(1, tonumber(ARGV[5])))
  return {'learned', remaining}
end

local reset_at = number('reset_at')
if not reset_at then
  return {'unknown', 0}
end
if ARGV[1] == 'give_back' then
  write('remaining', math.min(number('total'), number('remaining') + 1))
  return {'given_back', 0}
end
local bucket = string.format('%.0f', tonumber(ARGV[2]) % number('max_concurrency'))
local spacing, validity = tonumber(ARGV[3]), tonumber(ARGV[4])

if ARGV[1] == 'confirm' then
  local permit = redis.call('HGET', ledger, 'permit:' .. bucket)
  if permit ~= ARGV[5] or now - tonumber(permit) > validity then
    return {'stale', 0}
  end
  redis.call('HDEL', ledger, 'permit:' .. bucket)
  write('free:' .. bucket, now + spacing)
  return {'confirmed', 0}
end

if now >= reset_at then
  write('remaining', number('total'), 'reset_at', now + 86400000)
  reset_at = now + 86400000
end
local remaining = number('remaining')
if remaining <= tonumber(ARGV[5]) then
  return {'refused', reset_at - now}
end
local free = math.max(number('free:' .. bucket) or 0, number('since') + spacing)
if now < free then
  return {'wait', free - now}
end
-- Kept for as long as the permit may still be used, then spaced from there.
write('remaining', remaining - 1, 'free:' .. bucket, now + validity + spacing,
  'permit:' .. bucket, now)
return {'granted', now}
