-- Note that a member lives, and return the roll.
-- KEYS: members.  ARGV: member, weight, draining (0 or 1), silent at most (ms), forget after (ms).
-- Returns {now, name, 'since seen weight draining', name, ...}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local roll = {string.format('%.0f', now)}
local since = now

local known = redis.call('HGETALL', KEYS[1])
for i = 1, #known, 2 do
  local first, seen = string.match(known[i + 1], '^(%d+) (%d+) ')
  if known[i] == ARGV[1] then
    if now - tonumber(seen) <= tonumber(ARGV[4]) then
      since = tonumber(first)
    end
  elseif now - tonumber(seen) > tonumber(ARGV[5]) then
    redis.call('HDEL', KEYS[1], known[i])
  else
    roll[#roll + 1] = known[i]
    roll[#roll + 1] = known[i + 1]
  end
end
local record = string.format('%.0f %.0f ', since, now) .. ARGV[2] .. ' ' .. ARGV[3]
redis.call('HSET', KEYS[1], ARGV[1], record)
roll[#roll + 1] = ARGV[1]
roll[#roll + 1] = record
return roll
