"""The partitions this process owns: tenures begun, begun anew after a fault, and ended."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

import structlog

from legato.audio import listening
from legato.audio.events import Internal
from legato.audio.means import Tools
from legato.audio.player import Player
from legato.audio.tenure import Tenure
from legato.audio.writebehind import Owned
from legato.audio.writer import Fenced
from legato.contracts.fleet import ObservedNode
from legato.contracts.keys import Owned as Thing
from legato.contracts.partitions import Partition, partition_of
from legato.errors import Unavailable
from legato.leases import Lease
from legato.lifecycle import is_cancelled
from legato.ownership import Reason

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

AGAIN = 0.5
"""Seconds before a partition that failed is begun anew."""
READY_WITHIN = 5.0
"""Seconds that one partition may hold up the start of others."""


class Owning:
    """A port of `ownership.Holder`."""

    def __init__(self, lease: Callable[[Thing], Lease | None]) -> None:
        """`lease` gives the current lease of a thing; `equip` must follow."""
        self._lease = lease
        self._tools: Tools | None = None
        self._tenures: dict[Partition, Tenure] = {}
        self._running: dict[Partition, asyncio.Task[None]] = {}

    def equip(self, tools: Tools) -> None:
        """Take what tenures work with."""
        self._tools = tools

    async def start(self, lease: Lease) -> None:
        """Begin to own a partition; returns once it works, or takes its time."""
        if self._tools is None or not isinstance(lease.what, Partition):
            raise TypeError(f"{lease.what} can't be owned here")
        partition = lease.what
        ready = asyncio.Event()
        task = asyncio.create_task(self._keep(partition, self._tools, ready))
        self._running[partition] = task
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait(
            {task, waiting}, timeout=READY_WITHIN, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        self._count()

    async def stop(self, lease: Lease, *, reason: Reason) -> None:
        """End: nothing of the partition runs after it."""
        if not isinstance(lease.what, Partition):
            return
        task = self._running.pop(lease.what, None)
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        tenure = self._tenures.pop(lease.what, None)
        if tenure is not None:
            await tenure.close(lost=reason == "lost")
        self._count()

    def load(self, what: Thing) -> int:
        """Count a partition's listeners."""
        tenure = self._tenures.get(what) if isinstance(what, Partition) else None
        if tenure is None:
            return 0
        return sum(one.voice.listeners for one in _heard(tenure.loop.players.values()))

    async def _keep(self, partition: Partition, tools: Tools, ready: asyncio.Event) -> None:
        """Run a tenure; after a fault begin anew from the books."""
        fenced, is_whole = False, True
        while True:
            tenure = Tenure(partition, lambda: self._lease(partition), tools, ready)
            tenure.is_whole = is_whole
            self._tenures[partition] = tenure
            try:
                await tenure.run()
            except* Fenced:
                fenced = self._lease(partition) is None
                log.warning("fenced", partition=str(partition), ends=fenced)
            except* Unavailable as found:
                why = str(found.exceptions[0])
                log.warning("partition waits", partition=str(partition), why=why)
            except* Exception:
                tools.means.metrics.restarts.inc()
                log.exception("partition failed, begins anew", partition=str(partition))
            is_whole = tenure.is_whole
            if fenced or is_cancelled():
                return
            await asyncio.sleep(AGAIN)

    def _count(self) -> None:
        if self._tools is not None:
            self._tools.means.metrics.partitions.set(len(self._tenures))

    # What others ask of it.

    @property
    def tenures(self) -> Iterable[Tenure]:
        """All of them now."""
        return tuple(self._tenures.values())

    @property
    def counted(self) -> tuple[Partition, ...]:
        """List the partitions that are held and whose players are known."""
        return tuple(what for what, one in self._tenures.items() if one.knows_players)

    def owned(self, guild_id: int) -> Owned | None:
        """Return a guild's player, with the epoch it is written under."""
        tenure = self._of(guild_id)
        if tenure is None or (lease := self._lease(tenure.loop.partition)) is None:
            return None
        if not tenure.is_whole:
            return None
        player = tenure.loop.player(guild_id)
        if player is None:
            return None
        return Owned(tenure.loop.partition, lease.epoch, player, tenure.loop.now())

    def tell(self, event: Internal) -> None:
        """Take an event to its guild's player; one that is gone, or elsewhere now, needs none."""
        tenure = self._of(event.guild_id)
        if tenure is not None and tenure.loop.player(event.guild_id) is not None:
            tenure.loop.tell(event)

    def _of(self, guild_id: int) -> Tenure | None:
        if self._tools is None or not self._tenures:
            return None
        bot = next(iter(self._tenures)).bot
        partition = partition_of(
            guild_id, bot=bot, region=self._tools.region, count=self._tools.partitions
        )
        return self._tenures.get(partition)

    def playing(self) -> list[int]:
        """Name the guilds that hear something."""
        return [
            guild_id
            for tenure in self.tenures
            for guild_id, player in tenure.loop.players.items()
            if player.play is not None and player.play.clock.since is not None
        ]

    def players_by_node(self) -> Mapping[str, int]:
        """Count the players that play, by their node."""
        return Counter(
            player.seat.node
            for tenure in self.tenures
            for player in tenure.loop.players.values()
            if player.seat is not None and player.play is not None
        )

    def sessions_by_node(self) -> Mapping[str, int]:
        """Count the sessions, by node."""
        return Counter(
            link.node.name
            for tenure in self.tenures
            for link in tenure.links or ()
            if link.state == "up"
        )

    def observe(self, nodes: Iterable[str]) -> tuple[ObservedNode, ...]:
        """Say what is known of each node."""
        return tuple(self._observe(name) for name in nodes)

    def _observe(self, name: str) -> ObservedNode:
        links = [
            link
            for tenure in self.tenures
            if tenure.links is not None and (link := tenure.links.get(name)) is not None
        ]
        seated = [
            tenure.loop.players[guild_id]
            for tenure in self.tenures
            for guild_id in tenure.loop.seated(name)
        ]
        playing = _heard(seated)
        return ObservedNode(
            name=name,
            players=len(seated),
            playing=len(playing),
            listeners=sum(player.voice.listeners for player in playing),
            connected=any(link.state == "up" for link in links),
            frame_deficit=sum(
                max(0, link.stats.frame_stats.deficit)
                for link in links
                if link.stats is not None and link.stats.frame_stats is not None
            ),
        )


def _heard(players: Iterable[Player]) -> list[Player]:
    return [one for one in players if one.play and listening.audible(one)]
