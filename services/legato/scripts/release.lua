-- Give a lease up; the epoch stays, so that the next is higher.
-- KEYS: lease.  ARGV: owner, epoch ('' = that of any run of a member).  Returns 1 if it was theirs.
local lease = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
local theirs
if ARGV[2] == '' then
  theirs = lease[1] and string.sub(lease[1], 1, #ARGV[1] + 1) == ARGV[1] .. '~'
else
  theirs = lease[1] == ARGV[1] and lease[2] == ARGV[2]
end
if not theirs then
  return 0
end
redis.call('HSET', KEYS[1], 'owner', '')
return 1
