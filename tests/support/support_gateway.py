"""A running gateway for tests: the simulator, a real Valkey, and a scripted owner of partitions."""

import asyncio
import contextlib
import pathlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import msgspec

from legato import redis
from legato.bus import BEGINNING, Bus, Undecodable
from legato.contracts import keys
from legato.contracts.actions import Actions, Answer, Done, Reply
from legato.contracts.inbox import Message
from legato.contracts.partitions import Shard, partition_of
from legato.contracts.playback import Command
from legato.errors import Unavailable
from legato.gateway import app
from legato.gateway.settings import Settings
from legato.settings import Secret
from legato_simulator.app import Simulator
from support_discord import discord
from support_waiting import PATIENCE, until

T = TypeVar("T")
PARTITIONS = 4
_DECODER: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


def settings_for(sim: Simulator, redis_url: str, data: pathlib.Path, **more: Any) -> Settings:
    """Make the settings of a gateway that is quick to own shards."""
    chosen: dict[str, Any] = {
        "redis_url": Secret(redis_url),
        "discord_token": Secret(sim.token),
        "discord_rest_url": sim.rest_url,
        "gateway_port": 0,
        "partitions": PARTITIONS,
        "shards": 1,
        "legato_data": data,
        "lease_ttl": timedelta(seconds=4),
        "lease_renew": timedelta(milliseconds=200),
        "member_ready_after": timedelta(0),
        "panel_every": timedelta(milliseconds=100),
    }
    return Settings(**(chosen | more))


@dataclass
class Gateway:
    """One gateway in this process."""

    app: app.App
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def close(self) -> None:
        """End it in order."""
        self.stop.set()
        await self.task

    @property
    def connected(self) -> bool:
        """Say whether all of its shards have a session."""
        shards = self.app.shards
        return shards is not None and bool(shards.runs) and all(r.is_connected for r in shards.runs)

    @property
    def guilds(self) -> int:
        """Count the guilds it knows."""
        shards = self.app.shards
        return sum(len(run.state.facts) for run in shards.runs) if shards else 0


def start(settings: Settings) -> Gateway:
    """Start a gateway in this loop."""
    built = app.build(settings)
    stop = asyncio.Event()
    return Gateway(built, stop, asyncio.create_task(built.run(stop)))


@dataclass
class Players:
    """The other end of the streams, scripted: keeps what comes, answers as told."""

    redis: redis.Client
    bot: int
    answer: Callable[[Command], Answer | None] = lambda _: Done(what="paused")
    seen: list[Message] = field(default_factory=list)

    async def run(self) -> None:
        """Read every partition until cancelled."""
        bus = Bus(self.redis)
        async with asyncio.TaskGroup() as tasks:
            for index in range(PARTITIONS):
                tasks.create_task(self._read(bus, index))

    async def _read(self, bus: Bus, index: int) -> None:
        partition = partition_of(index << 22, bot=self.bot, region="default", count=PARTITIONS)
        after = BEGINNING
        while True:
            try:
                found = await bus.read(
                    keys.inbox(partition),
                    after,
                    decoder=_DECODER,
                    block=timedelta(milliseconds=200),
                )
            except Unavailable:
                await asyncio.sleep(0.05)
                continue
            for entry in found:
                after = entry.id
                assert not isinstance(entry.message, Undecodable), entry.message.why
                self.seen.append(entry.message)
                if isinstance(entry.message, Command):
                    await self._answer(entry.message)

    async def _answer(self, command: Command) -> None:
        answer = self.answer(command)
        if answer is not None:
            await self.reply(command, answer)

    async def reply(self, command: Command, answer: Answer) -> None:
        """Send an answer to the shard."""
        key = f"tell:{command.id}"
        await self.act(
            Reply(key=key, guild_id=command.guild_id, origin=command.origin, answer=answer)
        )

    async def act(self, action: Actions) -> None:
        """Ask the shard to do something."""
        await Bus(self.redis).append(keys.inbox(Shard(self.bot, 0, 1)), action)

    def of(self, kind: type[T]) -> list[T]:
        """List what came of one kind."""
        return [message for message in self.seen if isinstance(message, kind)]

    async def first(self, kind: type[T], count: int = 1) -> T:
        """Wait for so many of a kind, and return the last of them."""
        await until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]


@dataclass
class Stage:
    """Everything a gateway test needs."""

    sim: Simulator
    redis: redis.Client
    redis_url: str
    players: Players
    data: pathlib.Path
    guild: str = ""
    text: str = ""
    voice: str = ""
    user: str = ""

    async def look_around(self) -> None:
        """Find the first guild's channels, and put its owner into voice."""
        guild = (await self.sim.script.world()).guilds[0]
        self.guild = guild.id
        self.text = next(c.id for c in guild.channels if c.kind == "text")
        self.voice = next(c.id for c in guild.channels if c.kind == "voice")
        self.user = guild.owner_id

    def settings(self, **more: Any) -> Settings:
        """Make settings for a gateway on this stage."""
        return settings_for(self.sim, self.redis_url, self.data, **more)

    @contextlib.asynccontextmanager
    async def gateway(self, **more: Any) -> AsyncIterator[Gateway]:
        """Run a gateway that is logged in and knows its guilds and commands."""
        running = start(self.settings(**more))
        try:
            async with asyncio.timeout(PATIENCE):
                while not (
                    running.connected and running.guilds and await self.sim.script.commands()
                ):
                    if running.task.done():
                        running.task.result()
                    await asyncio.sleep(0.01)
            yield running
        finally:
            await running.close()


@contextlib.asynccontextmanager
async def stage(redis_url: str, data: pathlib.Path, **simulator: Any) -> AsyncIterator[Stage]:
    """Set the stage on an empty Redis; users wait longer than Discord's 3 s for a busy machine."""
    simulator.setdefault("answer_within", PATIENCE)
    client = redis.connect(redis_url)
    await client.flushall()
    try:
        async with discord(**simulator) as sim:
            bot = next(iter(sim.simulation.bots.by_id))
            players = Players(client, int(bot))
            reading = asyncio.create_task(players.run())
            made = Stage(sim, client, redis_url, players, data)
            await made.look_around()
            try:
                yield made
            finally:
                reading.cancel()
                await asyncio.wait([reading])
    finally:
        await client.aclose()
