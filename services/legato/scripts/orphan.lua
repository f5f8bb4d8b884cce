-- Remove what is left of a guild in a partition that has neither a player nor effects to do.
-- KEYS: guilds, pending, head, items, outbox.  ARGV: guild.
-- Returns how many keys went.
for i = 1, 2 do
  if redis.call('SISMEMBER', KEYS[i], ARGV[1]) == 1 then
    return 0
  end
end
return redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5])
