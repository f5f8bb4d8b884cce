"""One partition while it is ours: its books read, its loops run, its sockets held."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

import structlog

from legato import resilience
from legato.audio import closing, frames, placement
from legato.audio.acting import Actor, trace_of
from legato.audio.changes import Change, Commit
from legato.audio.driving import Driver
from legato.audio.effects import Effect, SaveQueue
from legato.audio.events import Internal, Recalled, Restored
from legato.audio.lavalink import Fence
from legato.audio.ledger import Books, Broken
from legato.audio.links import Links
from legato.audio.means import Tools
from legato.audio.moving import Mover
from legato.audio.nodes import Look, NodeLink
from legato.audio.outbox import Outbox
from legato.audio.partitions import PartitionLoop
from legato.audio.placement import Choice
from legato.audio.player import Player, head
from legato.audio.writebehind import Stored
from legato.contracts import keys
from legato.contracts.fleet import Node
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

ALIVE_EVERY = timedelta(seconds=0.5)
"""A restored position is no older than this."""
LOOK_EVERY = timedelta(seconds=0.25)
TRIM_BEHIND = 60
"""Inbox entries stay for so many notes after their commit, for producers that read back."""


class Tenure:
    """One partition, owned."""

    def __init__(
        self,
        partition: Partition,
        lease: Callable[[], Lease | None],
        tools: Tools,
        ready: asyncio.Event,
    ) -> None:
        """`lease` gives the current lease, None once it is lost; `ready` is set when it works."""
        self.loop = PartitionLoop(partition, lease, tools.means)
        self.links: Links | None = None
        self.is_whole = True
        """False while PostgreSQL may keep players that Redis has lost."""
        self._is_read = False
        self._partition = partition
        self._lease = lease
        self._tools = tools
        self._ready = ready
        self._driver: Driver | None = None

    @property
    def knows_players(self) -> bool:
        """Say whether all its players are read, so that their count is one."""
        return self._is_read and self.is_whole

    async def run(self) -> None:
        """Own the partition until cancelled; Fenced when it is lost, Diverged to begin anew."""
        books = await self._tools.means.ledger.load(self._partition)
        self.loop.take(books)
        stored = await self._stored(books)
        self._is_read = True
        try:
            async with asyncio.TaskGroup() as tasks:
                self._join(tasks)
                tasks.create_task(self.loop.writer.pay())
                await self._resume(tasks, books, stored)
                tasks.create_task(self.loop.read())
                tasks.create_task(self._live())
                tasks.create_task(self._mover().run())
                tasks.create_task(closing.leave(self.loop, self._tools.fleet))
                tasks.create_task(self._keep_to_isolation())
                tasks.create_task(self._recall())
                self._ready.set()
        finally:
            self.loop.rest()

    def _join(self, tasks: asyncio.TaskGroup) -> None:
        """Bring the parts together."""
        tools, writer = self._tools, self.loop.writer
        fence = Fence(tools.call_timeout, lambda within: writer.allow(within, alone=True))
        links = Links(
            tasks,
            self._nodes,
            lambda node: tools.client(node, fence),
            self,
            pace=tools.node_pace,
        )
        driver = Driver(links, self, tools.endpoints)
        actor = Actor(self.loop, driver, tools)

        async def run(guild_id: int, effect: Effect, trace: str) -> None:
            if isinstance(effect, SaveQueue) and not self.is_whole:
                raise Unavailable("postgres", "what it keeps is not read yet")
            name = type(effect).__name__
            span = tools.means.tracing.span(f"effect {name}", parent=trace_of(effect, trace))
            with span, tools.means.metrics.effect_seconds.labels(name).time():
                await actor.act(guild_id, effect)

        self.links, self._driver = links, driver
        self.loop.stepper.saw, self.loop.stepper.learn = driver.saw, driver.learn
        self.loop.outbox = Outbox(tasks, run, self.loop.settled, self.loop.now)

    def _mover(self) -> Mover:
        links, driver = self._parts()
        return Mover(self.loop, links, driver, tools=self._tools, places=self)

    async def _stored(self, books: Books) -> list[Stored]:
        """Read PostgreSQL where Redis knows nothing of this partition; later where it is away."""
        if books.position.commits:
            return []
        try:
            found = await self._kept()
        except Unavailable as error:
            log.warning("players not read yet", partition=str(self._partition), why=str(error))
            self.is_whole = False
            return []
        for one in found:
            self.loop.players.setdefault(one.player.guild_id, one.player)
        return found

    async def _kept(self) -> list[Stored]:
        return await self._tools.behind.load(self._partition, count=self._tools.partitions)

    async def _recall(self) -> None:
        """Read PostgreSQL as soon as it is there; until then nothing is written over it."""
        if self.is_whole:
            return
        found = await resilience.until_available(self._kept, what="players kept in postgres")
        for one in found:
            guild_id = one.player.guild_id
            self.loop.tell(Recalled(guild_id=guild_id, kept=one.player, alive_at=one.alive_at))
        await self.loop.reached()
        self.is_whole = True
        log.info("recalled", partition=str(self._partition), players=len(found))

    async def _resume(self, tasks: asyncio.TaskGroup, books: Books, stored: list[Stored]) -> None:
        """Go on: effects left over, players restored, nodes asked."""
        links, _ = self._parts()
        await self._put_aside(books.broken)
        for kept in books.guilds:
            left = sorted(kept.outbox.values(), key=lambda effect: effect.seq)
            if self.loop.outbox is not None:
                self.loop.outbox.put(kept.guild_id, left)
        for kept in books.guilds:
            if kept.head is not None:
                self.loop.tell(Restored(guild_id=kept.guild_id, alive_at=books.alive_at))
        for one in stored:
            guild_id = one.player.guild_id
            whole = Change(guild_id=guild_id, head=head(one.player), put=one.player.queue)
            await self.loop.writer.commit(Commit(changes=(whole,)))
            self.loop.tell(Restored(guild_id=guild_id, alive_at=one.alive_at, node_survived=False))
        tasks.create_task(self.loop.work())
        await self.loop.reached()
        self.loop.wake_all()
        self._reopen(links, books.node_sessions)
        if self.loop.players:
            log.info("restored", partition=str(self._partition), players=len(self.loop.players))

    async def _put_aside(self, found: Sequence[Broken]) -> None:
        """Move what can't be read out of the way: it would hold up the partition for ever."""
        if not found:
            return
        letters = [letter for broken in found for letter in broken.letters]
        for broken in found:
            guild_id, why = broken.change.guild_id, broken.letters[0].why
            log.error("books can't be read", guild=guild_id, gone=broken.change.gone, why=why)
        self._tools.means.metrics.dead.inc(len(letters))
        changes = [broken.change for broken in found]
        await self.loop.writer.commit(Commit(changes=changes, dead=letters))

    def _reopen(self, links: Links, sessions: Mapping[str, str]) -> None:
        seats = {
            player.seat.node: player.seat.session_id
            for player in self.loop.players.values()
            if player.seat is not None
        }
        for node, session_id in seats.items():
            if node in self._nodes():
                links.open(node, session_id=sessions.get(node, session_id))

    async def _live(self) -> None:
        """Note again and again that this owner lives; keep the inbox short."""
        ledger, bus = self._tools.means.ledger, self._tools.means.bus
        passed: list[str] = []
        while True:
            try:
                is_alive = await ledger.alive(self.loop.writer.held()) is not None
                if is_alive and not self.loop.writer.is_away:
                    passed.append(self.loop.writer.position.entry)
                    if len(passed) > TRIM_BEHIND and passed[0] != passed[-1]:
                        await bus.trim(keys.inbox(self._partition), passed[0])
                    passed = passed[-TRIM_BEHIND:]
            except Unavailable as error:
                log.warning("life not noted", partition=str(self._partition), why=str(error))
            await asyncio.sleep(_until_next(ALIVE_EVERY))

    async def _keep_to_isolation(self) -> None:
        """Close the nodes' sockets once Redis has been out of reach for long, until it is back."""
        links, _ = self._parts()
        while True:
            lease, limit = self.loop.writer.held(), self._tools.isolation
            is_too_long = lease.is_isolated_too_long(now=time.monotonic(), isolation=limit)
            if not links.is_shut and is_too_long:
                log.warning("isolated for too long", partition=str(self._partition))
                links.is_shut = True
                await links.close_all()
            elif links.is_shut and not is_too_long and not self.loop.writer.is_away:
                links.is_shut = False
                self._reopen(links, {})
                self.loop.nudge()
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def close(self, *, lost: bool) -> None:
        """Close the sockets, so that the next owner can resume; note what is done, and when."""
        if self.links is not None:
            await self.links.close_all()
        lease = self._lease()
        if lost or lease is None:
            return
        try:
            await self.loop.leave()
            await self._tools.means.ledger.alive(lease)
        except Unavailable as error:
            log.warning("life not noted", partition=str(self._partition), why=str(error))

    # What its connections and its driver ask and tell.

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        """Take an event."""
        self.loop.tell(event, node=node, session_id=session_id)

    def player(self, guild_id: int) -> Player | None:
        """Return a guild's player."""
        return self.loop.player(guild_id)

    def seated(self, node: str) -> Iterable[int]:
        """Name the guilds whose players sit on a node."""
        return self.loop.seated(node)

    def sounding(self, node: str) -> bool:
        """Tell whether a player on a node should be heard now."""
        return self.loop.sounding(node)

    async def reached(self) -> None:
        """Wait until all that was told is committed."""
        await self.loop.reached()

    def now(self) -> int:
        """Return server ms."""
        return self.loop.now()

    def choose(self, guild_id: int, *, current: str | None) -> Choice:
        """Choose a node for a player."""
        links, _ = self._parts()
        candidates = links.candidates(
            playing=self._tools.playing(), sessions=self._tools.sessions()
        )
        region = self.voice_region(guild_id) or self._tools.region
        return placement.choose(candidates, current=current, region=region)

    def voice_region(self, guild_id: int) -> str | None:
        """Say in which of our regions a player's voice server is, where that was told."""
        player, regions = self.loop.player(guild_id), self._tools.fleet.directive.regions
        return placement.region_of(player.voice.endpoint, regions) if player else None

    def awaits_voice(self, player: Player) -> bool:
        """Say whether its node can't be chosen before its voice server is known."""
        return bool(self._tools.fleet.directive.regions) and not player.voice.endpoint

    async def keep(self, node: str, session_id: str) -> None:
        """Commit a session's id, before anything is asked of it.

        Raises Unavailable where the books don't take it: the lease is another's, or Redis lost it
        and its renewal takes it again. Which, its holder will know soon.
        """
        lease = self.loop.writer.held()
        if not await self._tools.means.ledger.keep_session(lease, node, session_id):
            raise Unavailable("redis", "it does not know the lease")

    def begin_look(self) -> Look:
        """Note from now on who is changed."""
        return self._parts()[1].begin_look()

    async def looked(self, link: NodeLink, found: Mapping[int, frames.Player], look: Look) -> None:
        """Take what a resumed session plays."""
        for snapshot in await self._parts()[1].looked(link, found, look):
            self.tell(snapshot, node=link.node.name, session_id=link.session_id)

    def opened(self, link: NodeLink) -> None:
        """Let what waited for a node go on."""
        if self.loop.outbox is not None:
            self.loop.outbox.nudge(tuple(self.loop.players), "node")

    def _nodes(self) -> Mapping[str, Node]:
        return self._tools.fleet.nodes

    def _parts(self) -> tuple[Links, Driver]:
        if self.links is None or self._driver is None:
            raise RuntimeError("the partition's parts are joined by run")
        return self.links, self._driver


def _until_next(every: timedelta) -> float:
    """Say how long until the next of the moments that all partitions of this process keep."""
    seconds = every.total_seconds()
    return seconds - time.monotonic() % seconds
