"""A partition reduced to one player, for what drives nodes and moves players between them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

import aiohttp
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from legato.audio.driving import Driver
from legato.audio.endpoint import Endpoints
from legato.audio.events import (
    Internal,
    NodeAssigned,
)
from legato.audio.lavalink import NodeClient
from legato.audio.links import Links
from legato.audio.metrics import Metrics
from legato.audio.nodes import Look, Pace
from legato.audio.placement import Choice
from legato.audio.position import Clock
from legato.audio.state import Play, Player, Seat, VoiceState
from legato.contracts.fleet import Node
from legato.contracts.tracks import QueueItem, Track
from legato.errors import Unavailable
from support_lavalink import PASSWORD, Double

GUILD = 42
TRACK = Track(encoded="QAAA", title="A tone", length=60_000)
ITEM = QueueItem(id="1", rank=0, track=TRACK, requester_id=5, added_at=0)
VOICE = VoiceState(
    wanted=9, actual=9, session_id="vs", token="vt", endpoint="127.0.0.1:1", listeners=1
)


def playing(at: int = 5_000) -> Player:
    clock = Clock(at=at, since=10_000)
    play = Play(play_id="1-1", item=ITEM, track=TRACK, started_at=0, clock=clock, sounding=True)
    return Player(guild_id=GUILD, voice=VOICE, play=play)


class Sound(Endpoints):
    """Every voice server answers but the dead one."""

    async def check(self, endpoint: str) -> None:
        if endpoint.startswith("dead"):
            raise Unavailable("voice server")


class World:
    """A partition reduced to one player."""

    def __init__(self, nodes: Mapping[str, Node], http: aiohttp.ClientSession) -> None:
        self.nodes = dict(nodes)
        self.players: dict[int, Player] = {GUILD: playing()}
        self.told: list[Internal] = []
        self.at = 10_000
        self.chosen, self.why = "n1", "as the test says"
        self.nearer = self.by_voice = False
        self.region: str | None = None
        """Where the voice server is."""
        self.client = lambda node: NodeClient(http, node, user_id=7)
        self.links: Links
        self.driver: Driver
        self.metrics = Metrics(CollectorRegistry())

    def player(self, guild_id: int) -> Player | None:
        return self.players.get(guild_id)

    def seated(self, node: str) -> list[int]:
        return [guild for guild, one in self.players.items() if one.seat and one.seat.node == node]

    async def reached(self) -> None:
        await asyncio.sleep(0)

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        self.told.append(event)
        if isinstance(event, NodeAssigned):
            seat = Seat(node=event.node, session_id=event.session_id)
            self.players[GUILD] = replace(self.players[GUILD], seat=seat)

    def sounding(self, node: str) -> bool:
        return False

    def now(self) -> int:
        return self.at

    def choose(self, guild_id: int, *, current: str | None) -> Choice:
        return Choice(self.chosen, self.why, nearer=self.nearer)

    def voice_region(self, guild_id: int) -> str | None:
        return self.region

    def awaits_voice(self, player: Player) -> bool:
        return self.by_voice and not player.voice.endpoint

    async def keep(self, node: str, session_id: str) -> None:
        pass

    def begin_look(self) -> Look:
        return self.driver.begin_look()

    async def looked(self, link, found, look) -> None:
        for snapshot in await self.driver.looked(link, found, look):
            self.tell(snapshot)

    def opened(self, link) -> None:
        pass

    def change(self, **changes: object) -> None:
        self.players[GUILD] = replace(self.players[GUILD], **changes)

    def of(self, kind: type) -> list:
        return [event for event in self.told if isinstance(event, kind)]


@asynccontextmanager
async def world_of(**doubles: Double) -> AsyncIterator[World]:
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        nodes = {name: Node(name=name, url=d.url, password=PASSWORD) for name, d in doubles.items()}
        world = World(nodes, http)
        pace = Pace(backoff=timedelta(milliseconds=10))
        world.links = Links(tasks, lambda: world.nodes, world.client, world, pace=pace)
        world.driver = Driver(world.links, world, Sound())
        yield world
        await world.links.close_all()


async def seat_and_play(world: World) -> None:
    await world.driver.sync(GUILD)
    await world.driver.sync(GUILD)
