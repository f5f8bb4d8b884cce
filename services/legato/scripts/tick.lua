-- Note that Redis is reachable; a gap between two notes begins a new unbroken time.
-- KEYS: tick.  ARGV: the longest silence in ms that is no gap.  Returns ms reachable without a gap.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local since, last = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+) (%d+)$')

if not since or now - tonumber(last) > tonumber(ARGV[1]) then
  since = string.format('%.0f', now)
end
redis.call('SET', KEYS[1], since .. ' ' .. string.format('%.0f', now))
return string.format('%.0f', now - tonumber(since))
