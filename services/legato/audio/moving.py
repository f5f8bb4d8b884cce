"""Moving players off a node that is drained, one warm start each; and off one that is no more.

The order measured best: the track on the new node without voice, a second later the voice, and the
old player deleted 0.4 s after that. The gap is about three voice round trips; nothing is skipped.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from msgspec.structs import replace

from legato.audio import nodestate
from legato.audio.driving import Driver
from legato.audio.events import NodeAssigned, NodeLost
from legato.audio.lavalink import Refused, SessionUnknown
from legato.audio.links import UP_WITHIN, Links
from legato.audio.means import Tools
from legato.audio.nodes import NodeLink
from legato.audio.nodestate import NodeState, Patch
from legato.audio.partitions import PartitionLoop
from legato.audio.placement import Choice
from legato.audio.state import Player
from legato.errors import Unavailable

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

LEAD = timedelta(seconds=1)
"""How long the new node loads the track before it gets the voice."""
OVERLAP = timedelta(milliseconds=400)
LOOK_EVERY = timedelta(seconds=1)
SEATED = timedelta(milliseconds=200)
"""So long before the new node gets the voice the player sits there by our books."""


TRIES = 3
"""To delete a player that has moved."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a move takes its time."""

    lead: timedelta = LEAD
    seated: timedelta = SEATED
    overlap: timedelta = OVERLAP
    look: timedelta = LOOK_EVERY


class Choose(Protocol):
    """How a node is chosen."""

    def __call__(self, guild_id: int, *, current: str | None) -> Choice:
        """Choose for a guild that is on `current` now."""


class Mover:
    """Looks for players of one partition that must move, and moves them."""

    def __init__(
        self,
        loop: PartitionLoop,
        links: Links,
        driver: Driver,
        *,
        tools: Tools,
        choose: Choose,
        pace: Pace | None = None,
    ) -> None:
        self._loop = loop
        self._links = links
        self._driver = driver
        self._tools = tools
        self._choose = choose
        self._pace = pace or Pace()
        self._moving: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look once a second."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._look(tasks)
                await asyncio.sleep(self._pace.look.total_seconds())

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        nodes = self._tools.fleet.nodes
        for guild_id, player in tuple(self._loop.players.items()):
            seat = player.seat
            if seat is None or guild_id in self._moving:
                continue
            node = nodes.get(seat.node)
            if node is None:
                self._loop.tell(NodeLost(guild_id=guild_id, node=seat.node))
            elif node.drain_deadline:
                self._moving[guild_id] = tasks.create_task(self._move(guild_id))
        for link in self._links:
            if link.node.name not in nodes:
                await self._links.close(link.node.name)

    async def _move(self, guild_id: int) -> None:
        try:
            async with self._tools.room, self._driver.lock(guild_id):
                await self.migrate(guild_id)
            self._tools.means.metrics.moves.labels("moved").inc()
        except (Unavailable, SessionUnknown, Refused) as error:
            self._tools.means.metrics.moves.labels("failed").inc()
            log.warning("player not moved", guild=guild_id, why=str(error))
            await asyncio.sleep(self._pace.look.total_seconds())
        finally:
            self._moving.pop(guild_id, None)

    async def migrate(self, guild_id: int) -> None:
        """Bring the new node up warm, give it the voice, then delete the player on the old one."""
        player = self._loop.player(guild_id)
        if player is None or player.seat is None:
            return
        choice = self._choose(guild_id, current=player.seat.node)
        old = self._links.get(player.seat.node)
        if choice.node is None or choice.node == player.seat.node:
            raise Unavailable("node", choice.reason)
        new = self._links.open(choice.node)
        await new.up(within=UP_WITHIN)
        takes = await self._driver.ahead(player.voice.endpoint) if player.voice.ready else 0
        speaks_at = asyncio.get_running_loop().time() + self._pace.lead.total_seconds()
        ahead = await self._load(new, guild_id, takes)
        if ahead is not None:
            await self._wait(new, guild_id, speaks_at - self._pace.seated.total_seconds())
        seated = NodeAssigned(guild_id=guild_id, node=choice.node, session_id=new.session_id)
        self._loop.tell(seated)
        try:
            # From here on what the old node says of its voice is known to be of the past.
            await self._loop.reached()
            if ahead is not None:
                await _until(speaks_at)
                self._driver.set(guild_id, await self._speak(new, guild_id, ahead))
            log.info("moved", guild=guild_id, to=choice.node, reason=choice.reason)
        finally:
            await self._leave(old, guild_id)

    async def _leave(self, old: NodeLink | None, guild_id: int) -> None:
        """Delete the player on the node it was on, once the new one has taken its voice.

        Where the node is away, the look at it when it is back does it.
        """
        for _ in range(TRIES):
            if old is None or old.state != "up":
                return
            await asyncio.sleep(self._pace.overlap.total_seconds())
            try:
                await old.client.delete(old.session_id, guild_id)
            except Unavailable as error:
                log.info("not deleted yet", guild=guild_id, node=old.node.name, why=error.why)
            else:
                return

    async def _load(self, new: NodeLink, guild_id: int, takes: int) -> NodeState | None:
        """Let the new node have what plays here, a moment ahead; None: nothing sounds.

        It will be heard `takes` ms after it got the voice.
        """
        wanted = self._wanted(guild_id)
        if wanted is None or wanted.play_id is None or wanted.voice is None or wanted.paused:
            return None
        lead = round(self._pace.lead / timedelta(milliseconds=1)) + takes
        ahead = replace(wanted, voice=None, position=wanted.position + lead)
        first = nodestate.difference(ahead, None)
        if first is not None:
            await new.client.patch(new.session_id, guild_id, first)
        return ahead

    async def _wait(self, new: NodeLink, guild_id: int, until: float) -> None:
        """Let the new node load; where the move is given up, it forgets the player again."""
        try:
            await _until(until)
            self._voice(guild_id)
        except BaseException:
            await asyncio.shield(new.client.delete(new.session_id, guild_id))
            raise

    async def _speak(self, new: NodeLink, guild_id: int, ahead: NodeState) -> NodeState:
        """Give the voice as it is now: a pause or a skip meanwhile is mended by the next sync."""
        voice = self._voice(guild_id)
        self._driver.speaks(guild_id, voice.endpoint)
        found = await new.client.patch(new.session_id, guild_id, Patch(voice=voice))
        return replace(found, connected=True, voice=voice, play_id=ahead.play_id)

    def _voice(self, guild_id: int) -> nodestate.Voice:
        wanted = self._wanted(guild_id)
        if wanted is None or wanted.voice is None:
            raise Unavailable("node", "the player left while it was moved")
        return wanted.voice

    def _wanted(self, guild_id: int) -> NodeState | None:
        player: Player | None = self._loop.player(guild_id)
        return nodestate.desired(player, now=self._loop.now()) if player else None


async def _until(moment: float) -> None:
    """Sleep until a moment of the loop's clock."""
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))
