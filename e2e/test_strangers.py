"""Lavalink clients that nobody here wrote drive two nodes, and a listener hears what they order."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import pytest_asyncio
from msgspec.structs import replace

from conformance import embedded
from conformance.settings import Target
from conformance.surroundings import Surroundings
from legato.audio import frames, nodestate
from legato.audio.lavalink import NodeClient, Socket
from legato.audio.nodestate import NodeState, Patch
from legato.contracts import fleet
from legato_simulator.app import Simulator
from strangers import environment, guest, pythons, schemas, tap
from strangers.guest import Guest
from strangers.pythons import NoPython
from strangers.room import Room
from strangers.tap import Tap
from support_discord import discord
from support_node import missing, modules, node

pytestmark = pytest.mark.asyncio(loop_scope="module")

STRANGERS = Path(__file__).parent / "strangers"
FRAME_MS = 20.0
FADED_MS = 60.0
"""A seek while it sounds goes over within a frame, so that the tone's edge is less sharp."""
SLIP_MS = 2 * FRAME_MS
"""Five clients start on one machine here; continuity to the frame is judged elsewhere."""
SECOND = 50
"""Frames."""
USER, GUILD, CHANNEL = 4_242, 4_243, 4_244
"""Of Legato's own client, which needs no bot."""
PATIENCE = 60.0
MOST_MOVED_MS = 3_000.0
"""Repeated or skipped at a move: clients know a position that is up to a playerUpdate old."""


@dataclass(frozen=True, slots=True)
class Client:
    """One client: its program, and the tone it plays."""

    program: str
    track: int
    by_process: bool = False
    """Whether it resumes a session in a new process only."""


CLIENTS = {
    "lavalink.py": Client("with_lavalink.py", 1, by_process=True),
    "wavelink": Client("with_wavelink.py", 2),
    "sonolink": Client("with_sonolink.py", 3),
    "shoukaku": Client("with_shoukaku.cjs", 4),
    "lavalink-client": Client("with_lavalink_client.cjs", 5),
}
NEWER = "sonolink"
"""It runs on Python 3.12 and later only."""
SEEN = {
    "ready",
    "playerUpdate",
    "TrackStartEvent",
    "TrackEndEvent",
    "GET /v4/loadtracks",
    "PATCH /v4/sessions/[sessionId]",
    "PATCH /v4/sessions/[sessionId]/players/[guildId]",
    "GET /v4/loadtracks asked",
    "PATCH /v4/sessions/[sessionId] sent",
    "PATCH /v4/sessions/[sessionId]/players/[guildId] sent",
    "PATCH /v4/sessions/[sessionId]/players/[guildId] asked",
}
"""What the schemas must have been asked about: less, and the tap has missed it."""


@dataclass(frozen=True)
class Stage:
    """What all clients share: a Discord, two nodes behind taps, the programs' environments."""

    discord: Simulator
    nodes: dict[str, Tap]
    password: dict[str, str]
    programs: Path
    modules: Path
    python: Path
    without_newer: str
    """Why the client that needs a newer Python is left out; empty where there is one."""

    @property
    def clients(self) -> dict[str, Client]:
        """Say who plays."""
        left_out = NEWER if self.without_newer else ""
        return {name: client for name, client in CLIENTS.items() if name != left_out}

    def command(self, client: Client) -> list[str]:
        """Say how a client's program is run."""
        script = str(self.programs / client.program)
        if client.program.endswith(".cjs"):
            return [node(), script]
        return [sys.executable if client.by_process else str(self.python), script]

    @property
    def validator(self) -> list[str]:
        """Say how the program with the schemas is run."""
        return [node(), str(self.programs / "validate.cjs")]

    @property
    def environment(self) -> dict[str, str]:
        """The programs' environment."""
        return {**os.environ, "NODE_PATH": str(self.modules / "node_modules")}


@dataclass(frozen=True)
class Scene:
    """One client at its play."""

    stage: Stage
    client: Client
    room: Room
    token: str

    @asynccontextmanager
    async def guest(self, sessions: dict[str, str] | None = None) -> AsyncIterator[Guest]:
        """Run the client, logged in and connected to both nodes."""
        stage = self.stage
        async with guest.running(stage.command(self.client), stage.environment) as running:
            where = {"api": stage.discord.rest_url, "gateway": stage.discord.gateway_url}
            await running.order("log in", token=self.token, **where)
            nodes = [self._node(name, (sessions or {}).get(name)) for name in stage.nodes]
            await running.order("connect", nodes=nodes)
            for name in stage.nodes:
                await running.event("ready", node=name)
            yield running

    def _node(self, name: str, session: str | None) -> dict[str, str]:
        url = self.stage.nodes[name].url
        parts = urlsplit(url)
        where = {"name": name, "url": url, "host": str(parts.hostname), "port": str(parts.port)}
        told = {**where, "password": self.stage.password[name]}
        return told if session is None else {**told, "session": session}

    async def plays(self, running: Guest) -> None:
        """Load, join, play, pause and seek."""
        link = f"{self.stage.discord.base_url}/music/tone-{self.client.track}-60s.ogg"
        loaded = await running.order("load", link=link)
        assert loaded["title"] == f"Test tone {self.client.track}, 60 seconds"
        assert loaded["length"] == pytest.approx(60_000, abs=50)
        await running.order("join", guild=self.room.guild, channel=self.room.channel)
        began = time.monotonic()
        await running.order("play")
        heard = await self.room.hears(SECOND, began)
        assert heard.segments[0].track == self.client.track
        assert heard.segments[0].start_ms == pytest.approx(0, abs=FRAME_MS)
        await running.event("start")
        await running.order("pause", paused=True)
        await self.room.quiet()
        await running.order("pause", paused=False)
        again = time.monotonic()
        await self.room.hears(SECOND, again)
        await self.unbroken(began)
        await self.seeks(running, 30_000)

    async def seeks(self, running: Guest, ms: int) -> None:
        """Seek, and hear the place."""
        began = time.monotonic()
        await running.order("seek", ms=ms)
        await self.room.hears(2 * SECOND, began)
        heard = await self.room.heard(began)
        assert heard.segments[-1].start_ms == pytest.approx(ms, abs=FADED_MS)

    async def resumes(self, running: Guest) -> None:
        """Lose the websocket, come back, and go on driving the same player."""
        began = time.monotonic()
        await self.stage.nodes["one"].cut(self.room.bot)
        await running.event("ready", node="one", resumed=True)
        await self.room.hears(SECOND, began)
        await self.unbroken(began)
        await self.seeks(running, 40_000)

    async def moves(self, running: Guest) -> None:
        """Move to the other node: the same track goes on, near where it was."""
        began = time.monotonic()
        await self.room.hears(SECOND, began)
        await running.order("move", node="two")
        await self.room.hears(3 * SECOND, time.monotonic())
        heard = await self.room.heard(began)
        assert {segment.track for segment in heard.segments} == {self.client.track}
        assert heard.skipped_ms <= MOST_MOVED_MS
        assert heard.repeated_ms <= MOST_MOVED_MS
        print(self.client.program, "moved:", heard.jumps)

    async def stops(self, running: Guest) -> None:
        """Stop, and be told."""
        await running.order("stop")
        await self.room.quiet()
        await running.event("end")
        await running.quit()

    async def unbroken(self, since: float) -> None:
        """Assert that nothing more was skipped or heard twice than a busy machine may lose."""
        heard = await self.room.heard(since)
        report = self.room.report(since)
        assert heard.skipped_ms <= SLIP_MS, (heard.jumps, report)
        assert heard.repeated_ms <= SLIP_MS, (heard.jumps, report)


async def in_place(scene: Scene) -> None:
    """Play through with one process."""
    async with scene.guest() as running:
        await scene.plays(running)
        await scene.resumes(running)
        await scene.moves(running)
        await scene.stops(running)


async def by_process(scene: Scene) -> None:
    """Play through; a second process resumes the sessions that the first one left."""
    async with scene.guest() as running:
        await scene.plays(running)
        await scene.moves(running)
        sessions = (await running.order("keep"))["sessions"]
    began = time.monotonic()
    async with scene.guest(sessions) as running:
        await running.event("ready", node="two", resumed=True)
        await running.order("find", guild=scene.room.guild, node="two")
        await scene.room.hears(SECOND, time.monotonic())
        await scene.unbroken(began)
        await scene.seeks(running, 40_000)
        await scene.stops(running)


def _python() -> tuple[Path, str]:
    """Install the clients, and say why one had to be left out, if one had to."""
    why = ""
    try:
        base = pythons.newer(os.environ)
    except NoPython as none:
        base, why = Path(sys.executable), str(none)
    try:
        return environment.installed(base), why
    except subprocess.SubprocessError as error:
        missing(f"the Python clients could not be installed: {error}")
        raise


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    programs = tmp_path_factory.mktemp("programs")
    shutil.copytree(STRANGERS / "clients", programs, dirs_exist_ok=True)
    installed, (python, why) = await asyncio.gather(
        asyncio.to_thread(modules, STRANGERS), asyncio.to_thread(_python)
    )
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(discord(voice=True))
        assert simulator.voice is not None
        authority = simulator.base_url.removeprefix("http://")
        around = Surroundings(simulator.voice.server, simulator.voice.library, authority)
        targets: dict[str, Target] = {}
        for name in ("one", "two"):
            scratch = tmp_path_factory.mktemp(name)
            targets[name] = await stack.enter_async_context(embedded.running(around, scratch))
        taps = {
            name: await stack.enter_async_context(tap.before(target.url))
            for name, target in targets.items()
        }
        for client in CLIENTS.values():
            await simulator.voice.library.file(f"tone-{client.track}-60s.ogg")
        passwords = {name: target.password for name, target in targets.items()}
        yield Stage(simulator, taps, passwords, programs, installed, python, why)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def plays(stage: Stage) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """All clients at once."""
    found = {}
    for name, client in stage.clients.items():
        bot = await stage.discord.script.make_bot(name)
        room = await Room.made(stage.discord, f"the guild of {name}", bot.id)
        scene = Scene(stage, client, room, bot.token)
        play = by_process if client.by_process else in_place
        found[name] = asyncio.create_task(play(scene), name=name)
    yield found
    for task in found.values():
        task.cancel()
    await asyncio.wait(found.values())


@pytest.mark.parametrize("name", CLIENTS)
async def test_a_strangers_client_is_heard_as_it_orders(
    stage: Stage, plays: dict[str, asyncio.Task[None]], name: str
) -> None:
    if name not in stage.clients:
        missing(stage.without_newer)
    await plays[name]


async def test_a_strangers_schemas_fit_all_that_was_said(
    stage: Stage, plays: dict[str, asyncio.Task[None]]
) -> None:
    await asyncio.wait(plays.values())

    found = await schemas.check(stage.validator, stage.environment, stage.nodes.values())

    assert found.checked >= 100
    assert found.seen.keys() >= SEEN
    assert found.faults == []


async def test_a_strangers_schemas_fit_all_that_legato_asks_of_a_node(stage: Stage) -> None:
    async with tap.before(stage.nodes["one"].node) as own:
        await _ask_everything(own, stage)

        found = await schemas.check(stage.validator, stage.environment, [own])

    assert found.seen.keys() >= SEEN
    assert found.faults == []


async def _ask_everything(own: Tap, stage: Stage) -> None:
    """Let the audio service's client use all that it uses of the protocol, every field of it."""
    async with aiohttp.ClientSession() as http:
        told = fleet.Node(name="one", url=own.url, password=stage.password["one"])
        client = NodeClient(http, told, user_id=USER)
        async with client.connect("") as (socket, ready):
            await client.set_resuming(ready.session_id, timeout=timedelta(seconds=60))
            link = f"{stage.discord.base_url}/music/tone-1-60s.ogg"
            track = (await client.load(link)).tracks[0]
            playing = NodeState(play_id="a", encoded=track.encoded, position=5_000, volume=50)
            paused = replace(playing, paused=True, voice=await _voice(stage))
            for state in (playing, paused):
                await _bring(client, ready.session_id, state)
            await client.patch(ready.session_id, GUILD, Patch(end_time=55_000))
            await _told(socket, frames.PlayerUpdate, "")
            await _bring(client, ready.session_id, NodeState())
            await _told(socket, frames.Event, "TrackEndEvent")
            await client.delete(ready.session_id, GUILD)
            await client.probe(within=timedelta(seconds=PATIENCE))
            assert await client.holds(ready.session_id)


async def _bring(client: NodeClient, session: str, wanted: NodeState) -> None:
    """Bring the node to what is wanted, as the audio service does."""
    change = nodestate.difference(wanted, await client.player(session, GUILD))
    assert change is not None
    await client.patch(session, GUILD, change)


async def _told(socket: Socket, kind: type[frames.Frame], event: str) -> None:
    """Read until the node tells of something."""
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await socket.receive()
            assert frame is not None
            if isinstance(frame, kind) and getattr(frame, "type", "") == event:
                return


async def _voice(stage: Stage) -> nodestate.Voice:
    assert stage.discord.voice is not None
    opened = await stage.discord.voice.server.open(GUILD, CHANNEL, USER, "a voice session")
    return nodestate.Voice(
        token=opened.token,
        endpoint=opened.endpoint,
        session_id="a voice session",
        channel_id=str(CHANNEL),
    )
