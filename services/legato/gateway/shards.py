"""The shards of this process: what the holder of leases starts and stops."""

import asyncio
from collections.abc import Callable

from legato.contracts.keys import Owned
from legato.contracts.partitions import Shard
from legato.gateway.metrics import Metrics
from legato.gateway.shard import Means, ShardRun
from legato.health import Dependency
from legato.leases import Lease
from legato.ownership import Reason

LeaseOf = Callable[[Owned], Lease | None]


class Shards:
    """A port of `ownership.Holder`."""

    def __init__(self, means: Means, tasks: asyncio.TaskGroup) -> None:
        self.lease_of: LeaseOf = lambda _: None
        """The holder's view of a lease; set once the holder is there."""
        self._means = means
        self._tasks = tasks
        self._runs: dict[Shard, ShardRun] = {}

    @property
    def runs(self) -> tuple[ShardRun, ...]:
        """List the shards that are ours."""
        return tuple(self._runs.values())

    async def start(self, lease: Lease) -> None:
        """Adopt a shard; connecting goes on by itself."""
        shard = lease.what
        if not isinstance(shard, Shard):
            raise TypeError(f"{shard} is no shard")
        run = ShardRun(shard, lambda: self.lease_of(shard), self._means)
        self._runs[shard] = run
        run.start(self._tasks)

    async def stop(self, lease: Lease, *, reason: Reason) -> None:
        """Release a shard: resumable for the next owner, unless it has it already."""
        shard = lease.what
        run = self._runs.pop(shard, None) if isinstance(shard, Shard) else None
        if run is not None:
            await run.stop(keep=reason != "lost")

    def load(self, what: Owned) -> int:
        """Count a shard's guilds."""
        run = self._runs.get(what) if isinstance(what, Shard) else None
        return len(run.state.facts) if run is not None else 0

    def health(self) -> dict[str, Dependency]:
        """Tell of each shard whether its session is live, and how long a heartbeat takes."""
        return {f"discord_shard_{run.shard.index}": _health(run) for run in self.runs}

    def measure(self, metrics: Metrics) -> None:
        """Bring the gauges up to date."""
        metrics.shards.set(len(self._runs))
        metrics.connected.set(sum(run.is_connected for run in self.runs))
        metrics.guilds.set(sum(len(run.state.facts) for run in self.runs))
        for run in self.runs:
            name = str(run.shard.index)
            metrics.waiting.labels(name).set(run.waiting)
            if run.latency == run.latency:  # not NaN
                metrics.heartbeat_seconds.labels(name).set(run.latency)


def _health(run: ShardRun) -> Dependency:
    latency = run.latency * 1000 if run.latency == run.latency else 0.0  # NaN: no heartbeat yet
    if run.is_connected:
        return Dependency(status="healthy", latency_ms=round(latency, 1))
    detail = "no session now" if run.has_session else "no session yet: shards begin one by one"
    return Dependency(status="degraded", latency_ms=0.0, detail=detail)
