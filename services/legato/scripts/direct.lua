-- Write the directive, if it is still the one that was read.
-- KEYS: directive.  ARGV: the version that was read (0 = there was none), the new document.
-- Returns 1, or 0 where another writer came first.
local found = redis.call('GET', KEYS[1])
local version = found and cjson.decode(found).version or 0
if version ~= tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
