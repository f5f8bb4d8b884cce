-- Count what waits in an inbox behind the committed position, up to a bound.
-- KEYS: inbox, position.  ARGV: bound.
local position = string.match(redis.call('GET', KEYS[2]) or '', '^(%d+%-%d+)') or '0-0'
if redis.call('XLEN', KEYS[1]) == 0 then
  return 0
end
return #redis.call('XRANGE', KEYS[1], '(' .. position, '+', 'COUNT', ARGV[1])
