"""Moving players off a node that is drained, afar or no more, one warm start each.

The order measured best: the track on the new node without voice, a second later the voice, and the
old player deleted 0.4 s after that. The old node is told to end the track at the very moment of it
at which the new one begins. The gap is about three voice round trips; nothing is skipped.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog
from msgspec.structs import replace

from legato.audio import listening, nodestate, position
from legato.audio.driving import Driver
from legato.audio.events import NodeAssigned, NodeLost
from legato.audio.lavalink import Refused, SessionUnknown
from legato.audio.links import UP_WITHIN, Links
from legato.audio.means import Tools
from legato.audio.nodes import NodeLink
from legato.audio.nodestate import NodeState, Patch
from legato.audio.partitions import PartitionLoop
from legato.audio.placement import Choice
from legato.audio.rooted import Rooted
from legato.audio.state import Play, Player
from legato.contracts.fleet import Node
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


@dataclass(frozen=True, slots=True)
class Told:
    """What a node said of a player, and when, by the loop's clock."""

    found: NodeState
    at: float

    def place(self, wanted: NodeState, *, now: float) -> int | None:
        """Say how far it is by now; None where it isn't what is wanted."""
        place = self.found.position + round((now - self.at) * 1000)
        same = self.found.play_id == wanted.play_id and not self.found.paused
        near = abs(place - wanted.position) <= nodestate.SAME_MOMENT
        return place if same and near else None


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where two nodes meet: the new one begins there, when it is given the voice."""

    ahead: NodeState
    at: float
    """By the loop's clock."""
    exact: bool
    """The old node itself said how far it is, so that it can be told to end there."""


class Places(Protocol):
    """Who knows where players should be."""

    def choose(self, guild_id: int, *, current: str | None) -> Choice:
        """Choose for a guild that is on `current` now."""

    def voice_region(self, guild_id: int) -> str | None:
        """Say in which of our regions a guild's voice server is, where that is known."""


class Mover:
    """Looks for players of one partition that must move, and moves them."""

    def __init__(
        self,
        loop: PartitionLoop,
        links: Links,
        driver: Driver,
        *,
        tools: Tools,
        places: Places,
        pace: Pace | None = None,
    ) -> None:
        self._loop = loop
        self._links = links
        self._driver = driver
        self._tools = tools
        self._places = places
        self._pace = pace or Pace()
        self._moving: dict[int, asyncio.Task[None]] = {}
        self._stays: dict[int, str] = {}
        """Who should have moved and could not, and why: told once."""
        self._rooted = Rooted()

    async def run(self) -> None:
        """Look once a second."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._look(tasks)
                await asyncio.sleep(self._pace.look.total_seconds())

    async def _look(self, tasks: asyncio.TaskGroup) -> None:
        nodes = self._tools.fleet.nodes
        self._forget()
        self._links.renew()
        for guild_id, player in tuple(self._loop.players.items()):
            seat = player.seat
            if seat is None or guild_id in self._moving:
                continue
            node = nodes.get(seat.node)
            if node is None:
                self._loop.tell(NodeLost(guild_id=guild_id, node=seat.node))
            elif self._must_leave(player, node) and not self._stays_put(player):
                self._moving[guild_id] = tasks.create_task(self._move(guild_id))
            elif not node.drain_deadline:
                self._stays.pop(guild_id, None)
        for link in self._links:
            if link.node.name not in nodes:
                await self._links.close(link.node.name)

    def _must_leave(self, player: Player, node: Node) -> bool:
        """Tell whether its node goes, or its voice server is near another one now."""
        if node.drain_deadline:
            return True
        afar = self._places.voice_region(player.guild_id) not in {None, node.region}
        return afar and self._places.choose(player.guild_id, current=node.name).nearer

    def _forget(self) -> None:
        """Drop what was remembered of players that are no more."""
        players = self._loop.players
        for guild_id in self._stays.keys() - players.keys():
            del self._stays[guild_id]
        self._rooted.keep(players, now=self._loop.now())

    def _stays_put(self, player: Player) -> bool:
        """Tell whether a track plays on where it is: the next one is moved instead."""
        play = player.play
        if play is None:
            return False
        return self._ends_soon(play) or _begins(player) or self._is_rooted(player, play)

    def _is_rooted(self, player: Player, play: Play) -> bool:
        """Tell whether the node it would go to did not begin its track midway, a moment ago."""
        guild_id = player.guild_id
        refusers = self._rooted.refusers(guild_id, play.play_id, now=self._loop.now())
        if not refusers or player.seat is None:
            return False
        return self._places.choose(guild_id, current=player.seat.node).node in refusers

    def _ends_soon(self, play: Play) -> bool:
        """Tell whether a track would end while it moves."""
        now = self._loop.now()
        if play.clock.since is None or not play.track.length:
            return False
        left = play.track.length - position.moment(play.clock, now=now)
        return 0 < left < 2 * self._pace.lead / timedelta(milliseconds=1)

    async def _move(self, guild_id: int) -> None:
        try:
            async with self._tools.room, self._driver.lock(guild_id):
                await self.migrate(guild_id)
            self._tools.means.metrics.moves.labels("moved").inc()
            self._stays.pop(guild_id, None)
        except (Unavailable, SessionUnknown, Refused) as error:
            self._warn(guild_id, str(error))
            await self._failed()
        except Exception:  # an edge: one guild's move never ends its partition
            log.exception("moving a player failed", guild=guild_id)
            await self._failed()
        finally:
            self._moving.pop(guild_id, None)

    async def _failed(self) -> None:
        """Count a move that failed; it is tried again at a later look."""
        self._tools.means.metrics.moves.labels("failed").inc()
        await asyncio.sleep(self._pace.look.total_seconds())

    def _warn(self, guild_id: int, why: str) -> None:
        if self._stays.get(guild_id) != why:
            log.warning("player not moved", guild=guild_id, why=why)
        self._stays[guild_id] = why

    async def migrate(self, guild_id: int) -> None:
        """Bring the new node up warm, give it the voice, then delete the player on the old one."""
        player = self._loop.player(guild_id)
        if player is None or player.seat is None:
            return
        choice = self._places.choose(guild_id, current=player.seat.node)
        old = self._links.get(player.seat.node)
        if choice.node is None or choice.node == player.seat.node:
            raise Unavailable("node", choice.reason)
        new = self._links.open(choice.node)
        await new.up(within=UP_WITHIN)
        meeting = await self._warm(new, old, guild_id)
        seated = NodeAssigned(guild_id=guild_id, node=choice.node, session_id=new.session_id)
        self._loop.tell(seated)
        try:
            # From here on what the old node says of its voice and its track is of the past.
            await self._loop.reached()
            if meeting is not None:
                await self._hand_over(old, new, guild_id, meeting)
            log.info("moved", guild=guild_id, to=choice.node, reason=choice.reason)
        finally:
            await self._leave(old, guild_id)

    async def _warm(self, new: NodeLink, old: NodeLink | None, guild_id: int) -> Meeting | None:
        """Let the new node load; where the move is given up, it forgets the player again.

        Also where the change of it failed: it may have been made.
        """
        try:
            meeting = await self._load(new, old, guild_id)
            if meeting is not None:
                await _until(meeting.at - 2 * self._pace.seated.total_seconds())
                await self._check(new, guild_id, meeting.ahead)
                await _until(meeting.at - self._pace.seated.total_seconds())
                self._voice(guild_id)
        except BaseException:
            with suppress(Unavailable, Refused):
                await asyncio.shield(new.client.delete(new.session_id, guild_id))
            raise
        return meeting

    async def _check(self, new: NodeLink, guild_id: int, ahead: NodeState) -> None:
        """Ask whether the new node still has the track: the official one begins no OGG midway."""
        found = await new.client.player(new.session_id, guild_id)
        if ahead.play_id and (found is None or found.play_id != ahead.play_id):
            now = self._loop.now()
            self._rooted.note(guild_id, ahead.play_id, new.node.name, now=now)
            raise Unavailable("node", "the other node can't begin the track in its middle")

    async def _load(self, new: NodeLink, old: NodeLink | None, guild_id: int) -> Meeting | None:
        """Let the new node have what plays, ahead of it; None: nothing sounds."""
        wanted = self._sounding(guild_id)
        if wanted is None or wanted.voice is None:
            return None
        takes = await self._driver.ahead(wanted.voice.endpoint)
        told = await self._told(old, guild_id)
        wanted, now = self._sounding(guild_id), _now()
        if wanted is None:
            return None
        place = told.place(wanted, now=now) if told is not None else None
        at = self._tools.meetings.after(now + self._pace.lead.total_seconds())
        lead = round((at - now) * 1000) + takes
        begins = (wanted.position if place is None else place) + lead
        ahead = replace(wanted, voice=None, position=begins)
        first = nodestate.difference(ahead, None)
        if first is not None:
            await new.client.patch(new.session_id, guild_id, first)
        return Meeting(ahead, at, exact=place is not None)

    async def _told(self, old: NodeLink | None, guild_id: int) -> Told | None:
        """Ask the old node how far it is: our clock may be a little off."""
        if old is None or old.state != "up":
            return None
        began = _now()
        found = await old.client.player(old.session_id, guild_id)
        return Told(found, (began + _now()) / 2) if found is not None else None

    async def _hand_over(
        self, old: NodeLink | None, new: NodeLink, guild_id: int, meeting: Meeting
    ) -> None:
        """End the track on the old node where it begins on the new one, and give that the voice.

        A pause or a skip meanwhile is mended by the next sync.
        """
        if meeting.exact and old is not None:
            end = Patch(end_time=meeting.ahead.position)
            with suppress(Unavailable, SessionUnknown, Refused):
                await old.client.patch(old.session_id, guild_id, end)
        await _until(meeting.at)
        voice = self._voice(guild_id)
        self._driver.speaks(guild_id, voice.endpoint)
        found = await new.client.patch(new.session_id, guild_id, Patch(voice=voice))
        play_id = meeting.ahead.play_id
        self._driver.set(guild_id, replace(found, connected=True, voice=voice, play_id=play_id))

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

    def _sounding(self, guild_id: int) -> NodeState | None:
        """Say what should sound now; None: nothing."""
        wanted = self._wanted(guild_id)
        silent = wanted is None or wanted.play_id is None or wanted.voice is None or wanted.paused
        return None if silent else wanted

    def _voice(self, guild_id: int) -> nodestate.Voice:
        wanted = self._wanted(guild_id)
        if wanted is None or wanted.voice is None:
            raise Unavailable("node", "the player left while it was moved")
        return wanted.voice

    def _wanted(self, guild_id: int) -> NodeState | None:
        player: Player | None = self._loop.player(guild_id)
        return nodestate.desired(player, now=self._loop.now()) if player else None


def _begins(player: Player) -> bool:
    """Tell whether its track was sent and has not sounded yet, so that nobody knows how far it is.

    One that never sounds is begun again elsewhere, or given up, before long.
    """
    play = player.play
    return play is not None and not play.sounding and listening.audible(player)


async def _until(moment: float) -> None:
    """Sleep until a moment of the loop's clock."""
    await asyncio.sleep(max(0.0, moment - _now()))


def _now() -> float:
    return asyncio.get_running_loop().time()
