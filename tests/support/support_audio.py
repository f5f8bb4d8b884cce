"""The audio service as a process of its own, and a gateway reduced to what it must answer."""

import asyncio
import contextlib
import os
import pathlib
import signal
import sys
import time
from collections.abc import AsyncIterator

import msgspec

from legato import redis as reach
from legato.bus import BEGINNING, Bus, Undecodable
from legato.clock import EPOCH
from legato.contracts import keys, playback
from legato.contracts.actions import Actions, JoinVoice, Reply, ShowPanel
from legato.contracts.partitions import Shard, partition_of
from legato.contracts.voice import Mark, VoiceServerChanged, VoiceStateChanged
from legato.errors import Unavailable
from legato.layout import Layout
from legato_simulator import certs
from support_lavalink import Double, Json
from support_waiting import PATIENCE, until

BOT = 7
CHANNEL = 900
_actions: msgspec.json.Decoder[Actions] = msgspec.json.Decoder(Actions)


class Gateway:
    """Sends commands, lets the bot into voice, and keeps every action it is asked for."""

    def __init__(self, redis: reach.Client, voice: str) -> None:
        self.bus = Bus(redis)
        self.layout = Layout(redis, BOT)
        self.replies: list[Reply] = []
        self.panels: list[ShowPanel] = []
        self.joins: list[JoinVoice] = []
        self.ended = asyncio.Event()
        """It takes no actions any more."""
        self._voice = voice
        self._ids = 0
        self._seq = 0

    async def run(self) -> None:
        """Take actions until cancelled."""
        try:
            await self._take_all()
        finally:
            self.ended.set()

    async def _take_all(self) -> None:
        key, after = keys.inbox(Shard(BOT, 0, 1)), BEGINNING
        while True:
            try:
                await self.layout.bind_shards(1)
                entries = await self.bus.read(key, after, decoder=_actions)
            except Unavailable:
                await asyncio.sleep(0.05)
                continue
            for entry in entries:
                after = entry.id
                assert not isinstance(entry.message, Undecodable)
                await self._take(entry.message)

    async def _take(self, action: Actions) -> None:
        match action:
            case Reply():
                self.replies.append(action)
            case ShowPanel():
                self.panels.append(action)
            case JoinVoice():
                self.joins.append(action)
                if action.channel_id is not None:
                    await self._let_in(action.guild_id, action.channel_id)

    async def _let_in(self, guild: int, channel: int) -> None:
        state = VoiceStateChanged(
            guild_id=guild,
            mark=self._mark(),
            at=now(),
            channel_id=channel,
            session_id="voice-session",
            listeners=1,
        )
        server = VoiceServerChanged(
            guild_id=guild, mark=self._mark(), at=now(), token="voice-token", endpoint=self._voice
        )
        await self.send(state)
        await self.send(server)

    def _mark(self) -> Mark:
        self._seq += 1
        return Mark(session="gateway", seq=self._seq)

    async def send(self, message: msgspec.Struct) -> None:
        """Append to the inbox of the guild's partition."""
        guild: int = message.guild_id  # type: ignore[attr-defined]  # every message has it
        partition = partition_of(guild, bot=BOT, region="default", count=4)
        await self.bus.append(keys.inbox(partition), message)

    def _origin(self) -> playback.Origin:
        return playback.Origin(source="interaction", user_id=5, channel_id=6, received_at=now())

    def id(self) -> int:
        """Make a snowflake."""
        self._ids += 1
        return ((now() - EPOCH) << 22) | self._ids

    async def play(self, guild: int, query: str, *, id: int | None = None) -> int:  # noqa: A002
        """Send /play."""
        number = id or self.id()
        command = playback.Play(
            id=number,
            guild_id=guild,
            origin=self._origin(),
            expires_at=now() + 600_000,
            query=query,
            voice_channel_id=CHANNEL,
        )
        await self.send(command)
        return number

    async def seek(self, guild: int, to: int) -> int:
        """Send /seek."""
        number = self.id()
        command = playback.Seek(
            id=number, guild_id=guild, origin=self._origin(), expires_at=now() + 60_000, to=to
        )
        await self.send(command)
        return number

    async def queue(self, guild: int) -> Reply:
        """Send /queue, and wait for its answer."""
        number = self.id()
        command = playback.ShowQueue(
            id=number, guild_id=guild, origin=self._origin(), expires_at=now() + 60_000
        )
        await self.send(command)
        return await self.reply(number)

    async def reply(self, number: int) -> Reply:
        """Wait for a command's answer."""
        end = time.monotonic() + PATIENCE
        while True:
            for reply in self.replies:
                if reply.key.endswith(str(number)):
                    return reply
            assert not self.ended.is_set(), "the gateway has ended"
            assert time.monotonic() < end, f"no answer to {number}"
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def gateway(redis_url: str, voice: str) -> AsyncIterator[Gateway]:
    """Run a gateway of one shard."""
    client = reach.connect(redis_url)
    found = Gateway(client, voice)
    task = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await client.aclose()


@contextlib.asynccontextmanager
async def voice_server(folder: pathlib.Path) -> AsyncIterator[str]:
    """Listen as a voice server does; gives its endpoint."""
    context = certs.make(folder).server_context()

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.close()


class Process:
    """`python -m legato.audio`."""

    def __init__(self, environment: dict[str, str], log: pathlib.Path) -> None:
        self.program = ["-m", "legato.audio"]
        self._environment = environment
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start it; it is working when Redis says so."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self.program, env=self._environment, stderr=log
            )

    async def kill(self) -> None:
        """End it as the kernel does."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    def freeze(self) -> None:
        """Let it do nothing, as a machine that is out of breath."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def says(self, words: str, *, times: int = 1) -> None:
        """Wait for words in its log; where they can't come any more, its last ones are shown."""
        try:
            await until(lambda: self.log.count(words) >= times or self._is_over)
        except TimeoutError:
            raise AssertionError(f"not said: {words}\n{self.log[-4000:]}") from None
        assert self.log.count(words) >= times, f"ended, not said: {words}\n{self.log[-4000:]}"

    @property
    def _is_over(self) -> bool:
        return self._process is not None and self._process.returncode is not None

    async def wait(self) -> int:
        """Wait until it has ended by itself, and say how."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> int:
        """End it in order."""
        assert self._process is not None
        self._process.terminate()
        return await self._process.wait()

    @property
    def log(self) -> str:
        """What it said."""
        return self._log.read_text()


def process(redis_url: str, database_url: str, log: pathlib.Path, **more: str) -> Process:
    """Describe an audio service of four partitions that owns them at once."""
    environment = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
        "DISCORD_APPLICATION_ID": str(BOT),
        "AUDIO_PORT": "0",
        "PARTITIONS": "4",
        "MEMBER_READY_AFTER": "0s",
        # It outlasts a call that Redis doesn't answer, which ends after 4 s, and a busy machine.
        "LEASE_TTL": "6s",
        "LEASE_RENEW": "400ms",
        "LAVALINK_PASSWORD": "a password",
        "LOG_LEVEL": "DEBUG",
        **more,
    }
    return Process(environment, log)


def now() -> int:
    """This machine's time, which is the server's too."""
    return round(time.time() * 1000)


def loaded(number: int) -> Json:
    """Answer a node's loadtracks with a track that outlasts every test."""
    info = {
        "identifier": f"{number}",
        "isSeekable": True,
        "author": "a tester",
        "length": 3_600_000,
        "isStream": False,
        "position": 0,
        "title": f"Tone {number}",
        "uri": f"http://music/{number}",
        "sourceName": "http",
        "artworkUrl": None,
        "isrc": None,
    }
    return {
        "loadType": "track",
        "data": {"encoded": f"E{number}", "info": info, "pluginInfo": {}, "userData": {}},
    }


async def plays(node: Double, encoded: str, *, seconds: float = PATIENCE) -> Json:
    """Wait until a connected player plays it, and return that player."""

    def playing() -> list[Json]:
        return [
            player
            for session in node.sessions.values()
            for player in session.players.values()
            if player["track"]
            and player["track"]["encoded"] == encoded
            and player["state"]["connected"]
        ]

    return (await until(playing, seconds))[0]


def tracks(node: Double) -> list[str]:
    """Name the tracks the node was told to play."""
    return [patch["track"]["encoded"] for patch in node.patches if "track" in patch]


async def ends(node: Double, guild: int, player: Json) -> None:
    """Let the node end a guild's track, as at the end of its file."""
    track, player["track"] = player["track"], None
    held = next(one for one in node.sessions.values() if player in one.players.values())
    assert held.socket is not None
    await held.socket.send_json(
        {
            "op": "event",
            "type": "TrackEndEvent",
            "guildId": str(guild),
            "track": track,
            "reason": "finished",
        }
    )
