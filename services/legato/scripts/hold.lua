-- Empty a bucket, and let it refill only from a moment on; a later such moment stays.
-- KEYS: the bucket. ARGV: ms until then, ms to keep it after that: at least what fills it whole.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local _, at = string.match(redis.call('GET', KEYS[1]) or '', '^([%d.]+) ([%d.]+)$')
at = math.max(now + tonumber(ARGV[1]), tonumber(at or 0))
local life = math.ceil(at - now + tonumber(ARGV[2]))
redis.call('SET', KEYS[1], string.format('0 %.3f', at), 'PX', life)
return 0
