"""The gateway service: Discord's shards in, interactions answered."""
