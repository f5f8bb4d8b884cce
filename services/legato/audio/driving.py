"""Bringing nodes to what players say: compare, check, PATCH, remember. Decides nothing itself.

What a node plays is known from its answers and events; when that is in doubt, it is asked.
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Protocol
from weakref import WeakSet, WeakValueDictionary

import structlog
from msgspec import UNSET
from msgspec.structs import replace

from legato.audio import frames, nodestate, voicing
from legato.audio.endpoint import Endpoints
from legato.audio.events import (
    Internal,
    NodeAssigned,
    NodeLost,
    NodeReleased,
    NodeSnapshot,
    PositionReported,
    TrackEnded,
    TrackFailed,
    VoiceClosed,
)
from legato.audio.lavalink import Failed, Refused, SessionUnknown
from legato.audio.links import UP_WITHIN, Links
from legato.audio.nodes import Look, NodeLink
from legato.audio.nodestate import NodeState, Patch
from legato.audio.placement import Choice
from legato.audio.state import Player, Seat
from legato.errors import Unavailable

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

SEATED_WITHIN = timedelta(seconds=4)
"""How long a sync waits for a node whose socket is being opened again."""


TAKEN_WITHIN = 1_000
"""A close within so many ms of another node's getting the voice is the take-over."""


class Port(Protocol):
    """What driving asks and tells the partition it works for."""

    def player(self, guild_id: int) -> Player | None:
        """Return a guild's player as it is now."""

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        """Take an event."""

    async def reached(self) -> None:
        """Wait until all that was told has been taken."""

    def now(self) -> int:
        """Server ms."""

    def seated(self, node: str) -> Iterable[int]:
        """Name the guilds whose players sit on a node."""

    def choose(self, guild_id: int, *, current: str | None) -> Choice:
        """Choose a node for a player."""

    def awaits_voice(self, player: Player) -> bool:
        """Say whether its node can't be chosen before its voice server is known."""


class Driver:
    """What the nodes play for one partition, as far as it is known."""

    def __init__(self, links: Links, port: Port, endpoints: Endpoints) -> None:
        self._links = links
        self._port = port
        self._endpoints = endpoints
        self._actual: dict[int, NodeState] = {}
        self._looks: WeakSet[Look] = WeakSet()
        self._speaking: dict[int, tuple[str, int]] = {}
        """Guild whose voice another node is taking -> the voice server, and since when."""
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def lock(self, guild_id: int) -> asyncio.Lock:
        """Return the guild's lock: a sync and a move never run side by side.

        It lives as long as somebody has it or waits for it.
        """
        return self._locks.setdefault(guild_id, asyncio.Lock())

    def begin_look(self) -> Look:
        """Note in it whose players are changed, for as long as the caller holds it."""
        look = Look()
        self._looks.add(look)
        return look

    async def sync(self, guild_id: int) -> None:
        """Bring a guild's node to what its player says; Unavailable = again later."""
        async with self.lock(guild_id):
            player = self._port.player(guild_id)
            if player is None:
                return
            if player.voice.wanted is None:
                await self._release(player)
            elif player.seat is None:
                # Where it awaits its voice server, that one's coming asks for a sync again.
                if not self._port.awaits_voice(player):
                    await self._seat(player)
            else:
                link = await self._link(player.seat)
                await self._bring(link, guild_id)

    async def _release(self, player: Player) -> None:
        """Delete the player from its node; where the node is away, its session's end does it."""
        self.forget(player.guild_id)
        if player.seat is None:
            return
        link = self._links.get(player.seat.node)
        if link is not None and link.session_id == player.seat.session_id:
            self._count(player.guild_id)
            await link.client.delete(link.session_id, player.guild_id)
        self._port.tell(NodeReleased(guild_id=player.guild_id, node=player.seat.node))

    async def _seat(self, player: Player) -> None:
        choice = self._port.choose(player.guild_id, current=None)
        if choice.node is None:
            raise Unavailable("node", choice.reason)
        session_id = await self._links.open(choice.node).up(within=UP_WITHIN)
        log.info("seated", guild=player.guild_id, node=choice.node, reason=choice.reason)
        self.forget(player.guild_id)
        self._port.tell(
            NodeAssigned(guild_id=player.guild_id, node=choice.node, session_id=session_id)
        )
        # The sync that waits for this one would seat it once more, perhaps elsewhere.
        await self._port.reached()

    async def _link(self, seat: Seat) -> NodeLink:
        link = self._links.open(seat.node, session_id=seat.session_id)
        session_id = await link.up(within=SEATED_WITHIN)
        if session_id != seat.session_id:
            raise Unavailable("node", "its session is another now")
        return link

    async def _bring(self, link: NodeLink, guild_id: int) -> None:
        actual = await self._look(link, guild_id)
        patch = self._missing(link, guild_id, actual)
        if patch is None:
            return
        if patch.voice is not UNSET:
            if not await self._voice_answers(link, guild_id, patch):
                return
            patch = self._missing(link, guild_id, actual)
        if patch is None:
            return
        try:
            await self.patch(link, guild_id, patch)
        except Failed as error:
            if not isinstance(patch.voice, nodestate.Voice):
                raise
            # It speaks TLS and nothing more, or shows a certificate that the node doesn't trust.
            self._unanswered(link, guild_id, error.why)

    def _missing(self, link: NodeLink, guild_id: int, actual: NodeState | None) -> Patch | None:
        """Compare with the player as it is now: while a node was waited for it may have changed."""
        player = self._port.player(guild_id)
        wanted = nodestate.desired(player, now=self._port.now()) if player else None
        seat = Seat(node=link.node.name, session_id=link.session_id)
        if player is None or wanted is None or player.seat != seat:
            raise Unavailable("node", "its player left it meanwhile")
        return nodestate.difference(wanted, actual)

    async def _look(self, link: NodeLink, guild_id: int) -> NodeState | None:
        if guild_id not in self._actual:
            try:
                found = await link.client.player(link.session_id, guild_id)
            except SessionUnknown as error:
                raise Unavailable("node", "its session waits for its socket") from error
            self._actual[guild_id] = found or NodeState()
        return self._actual[guild_id]

    async def _voice_answers(self, link: NodeLink, guild_id: int, patch: Patch) -> bool:
        if not isinstance(patch.voice, nodestate.Voice):
            return True
        try:
            await self._endpoints.check(patch.voice.endpoint)
        except Unavailable as error:
            self._unanswered(link, guild_id, error.why)
            return False
        return True

    def _unanswered(self, link: NodeLink, guild_id: int, why: str) -> None:
        log.warning("voice server does not answer", guild=guild_id, why=why)
        event = VoiceClosed(
            guild_id=guild_id,
            node=link.node.name,
            session_id=link.session_id,
            code=voicing.UNANSWERED,
        )
        self._port.tell(event, node=link.node.name, session_id=link.session_id)

    async def patch(self, link: NodeLink, guild_id: int, patch: Patch) -> None:
        """Send a PATCH, and remember what the node then plays."""
        self._count(guild_id)
        before = self._actual.pop(guild_id, None)
        try:
            found = await link.client.patch(link.session_id, guild_id, patch)
        except SessionUnknown as error:
            raise Unavailable("node", "its session waits for its socket") from error
        except Refused as error:
            self._refused(link, guild_id, patch, str(error))
            return
        finally:
            self._count(guild_id)
        connected = patch.voice is not UNSET or (before is not None and before.connected)
        log.debug("node changed", guild=guild_id, node=link.node.name, fields=_fields(patch))
        # The node's own word comes later; until then what was sent counts as done.
        self._actual[guild_id] = replace(
            found,
            connected=connected or found.connected,
            position=found.position if patch.position is UNSET else patch.position,
        )

    def _refused(self, link: NodeLink, guild_id: int, patch: Patch, why: str) -> None:
        log.warning("node refused a change", guild=guild_id, node=link.node.name, why=why)
        data = patch.track.user_data if isinstance(patch.track, nodestate.PatchTrack) else UNSET
        if not isinstance(data, nodestate.UserData):
            return
        told = {"node": link.node.name, "session_id": link.session_id}
        failed = TrackFailed(guild_id=guild_id, play_id=data.play_id, message=why)
        ended = TrackEnded(guild_id=guild_id, play_id=data.play_id, reason="loadFailed")
        self._port.tell(failed, **told)
        self._port.tell(ended, **told)

    def _count(self, guild_id: int) -> None:
        for look in self._looks:
            look.changed.add(guild_id)

    def forget(self, guild_id: int) -> None:
        """Know no longer what is played for a guild; it is looked at before the next change."""
        self._actual.pop(guild_id, None)

    def set(self, guild_id: int, found: NodeState) -> None:
        """Know what is played for a guild."""
        self._actual[guild_id] = found

    async def ahead(self, endpoint: str) -> int:
        """Say how long a node takes to get a voice that another has, in ms; Unavailable if never.

        Until then the other one sounds.
        """
        await self._endpoints.check(endpoint)
        await self._endpoints.learn(endpoint)
        return round(self._endpoints.takes(endpoint) * 1000)

    def speaks(self, guild_id: int, endpoint: str) -> None:
        """Note that a node is given a voice that another has: its close tells how long it took."""
        self._speaking[guild_id] = endpoint, self._port.now()

    def _closed(self, event: VoiceClosed, known: NodeState) -> None:
        endpoint, since = self._speaking.pop(event.guild_id, ("", 0))
        quick = 0 <= event.at - since < TAKEN_WITHIN
        if endpoint and quick and event.code in voicing.DISCONNECTED:
            self._endpoints.took(endpoint, (event.at - since) / 1000)
            return
        if known.voice is not None:
            self._endpoints.doubt(known.voice.endpoint)
        self._actual[event.guild_id] = replace(known, connected=False)

    def learn(self, event: Internal) -> None:
        """Believe what a guild's node told, once its player has followed.

        A sync before that would bring the track back that the player is about to leave.
        """
        known = self._actual.get(event.guild_id)
        if known is None:
            return
        match event:
            case TrackEnded(reason="replaced") if event.play_id == known.play_id:
                # Not by us: a late call of an owner before us got through.
                self.forget(event.guild_id)
            case TrackEnded() if event.play_id == known.play_id:
                self._actual[event.guild_id] = replace(known, play_id=None, encoded="")
            case VoiceClosed():
                self._closed(event, known)
            case _:
                pass

    def saw(self, event: Internal) -> Internal:
        """Complete what a guild's node told: a position, or a loss, gets the play that it is of."""
        known = self._actual.get(event.guild_id)
        if known is None:
            return event
        match event:
            case NodeLost():
                return replace(event, play_id=known.play_id, position=known.position)
            case PositionReported() if known.play_id is not None:
                position = max(0, event.position - event.lead)
                self._actual[event.guild_id] = replace(known, position=position)
                return replace(event, play_id=known.play_id)
            case _:
                pass
        return event

    async def looked(
        self, link: NodeLink, found: Mapping[int, frames.Player], look: Look
    ) -> list[NodeSnapshot]:
        """Take what a session plays, where nothing was changed since; orphans are deleted."""
        snapshots = []
        for guild_id in set(self._port.seated(link.node.name)) | set(found):
            player = self._port.player(guild_id)
            if guild_id in look.changed:
                continue
            if player is not None and player.seat is None and player.voice.wanted is not None:
                continue
            if player is None or player.seat is None or player.seat.node != link.node.name:
                await link.client.delete(link.session_id, guild_id)
                continue
            snapshots.append(self._snapshot(link, guild_id, found.get(guild_id)))
        return snapshots

    def _snapshot(self, link: NodeLink, guild_id: int, found: frames.Player | None) -> NodeSnapshot:
        lead = link.node.lead
        state = found.found(lead=lead) if found else NodeState()
        self._actual[guild_id] = state
        return NodeSnapshot(
            guild_id=guild_id,
            node=link.node.name,
            session_id=link.session_id,
            play_id=state.play_id,
            position=found.state.position if found else 0,
            paused=state.paused,
            volume=state.volume,
            connected=state.connected,
            at=self._port.now(),
            lead=lead,
        )


def _fields(patch: Patch) -> list[str]:
    """Name what a PATCH changes; what it holds may be secret."""
    return [name for name in patch.__struct_fields__ if getattr(patch, name) is not UNSET]
