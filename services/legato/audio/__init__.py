"""The audio service: players, their partitions and the nodes they play on."""
