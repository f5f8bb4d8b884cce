"""Three ways to take Discord's events, each in a process of its own: ours, hikari's, discord.py's.

    python -m benchmarks.intakes SUBJECT GUILDS EVENTS CORE < the address of a Redis

Prints what it cost, as JSON. Ours goes the whole way but for the socket: decoded, applied, written
to the shard's index and the partitions' streams, acknowledged. The others only parse and cache.
"""

import asyncio
import operator
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import discord
import hikari
import msgspec
from hikari.impl.config import CacheSettings
from hikari.impl.shard import GatewayShardImpl
from prometheus_client import CollectorRegistry

from benchmarks import discord_events, processes
from legato import redis, telemetry
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts.partitions import Shard
from legato.gateway import payloads
from legato.gateway.backlog import Backlog
from legato.gateway.intake import Intake
from legato.gateway.metrics import Metrics
from legato.gateway.producer import Layout, Producer
from legato.gateway.shard_state import ShardState
from legato.gateway.shard_store import ShardStore
from legato.leases import Lease, Leases
from legato.settings import Common

BATCH = 100
Take = Callable[[bytes], None]
Settle = Callable[[], Awaitable[None]]


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one way took."""

    creates_a_second: float
    creates_a_core_second: float
    """By the process's own core time: what a busy machine can't blur."""
    events_a_second: float
    events_a_core_second: float
    decode_seconds: float
    """Of core time, for one GUILD_CREATE's JSON alone."""
    bytes_a_guild: float
    base: int


async def _measured(take: Take, settle: Settle, guilds: int, events: int) -> Cost:
    decode = _warm_up()
    base = processes.resident()
    wall, used = await _fed(discord_events.creates(guilds), take, settle)
    grown = processes.resident() - base
    moved, core = await _fed(discord_events.moves(guilds, events), take, settle)
    return Cost(
        creates_a_second=guilds / wall,
        creates_a_core_second=guilds / used,
        events_a_second=events / moved,
        events_a_core_second=events / core,
        decode_seconds=decode,
        bytes_a_guild=grown / guilds,
        base=base,
    )


def _warm_up() -> float:
    """Let the allocator have what a batch takes, so that no guild pays it; time the decoding."""
    made = list(discord_events.creates(BATCH))
    began = time.process_time()
    for raw in made:
        msgspec.json.decode(raw)
    return (time.process_time() - began) / BATCH


async def _fed(made: Iterator[bytes], take: Take, settle: Settle) -> tuple[float, float]:
    """Give events batch by batch; their making is not in the times."""
    wall = core = 0.0
    while batch := [raw for _, raw in zip(range(BATCH), made, strict=False)]:
        began, used = time.perf_counter(), time.process_time()
        for raw in batch:
            take(raw)
        await settle()
        wall += time.perf_counter() - began
        core += time.process_time() - used
    return wall, core


async def ours(guilds: int, events: int, url: str) -> Cost:
    """Take events as a shard does, to the last acknowledgement."""
    client = redis.connect(url)
    lease = await _own(client)
    state, bus = ShardState(discord_events.BOT), Bus(client)
    producer = Producer(client, bus, Layout(discord_events.BOT, 32))
    store = ShardStore(client, Shard(discord_events.BOT, 0, 1))
    metrics, backlog = Metrics(CollectorRegistry()), Backlog(1_000_000)
    intake = Intake(state, store, producer, ServerClock(), metrics, backlog)
    running = asyncio.create_task(intake.run(lambda: lease, _nothing))

    def take(raw: bytes) -> None:
        name, seq, data = operator.itemgetter("t", "s", "d")(payloads.loads(raw))
        intake.take(str(name), int(str(seq)), "s", data)

    async def settle() -> None:
        while intake.waiting:  # noqa: ASYNC110 - what is measured tells nobody when it is done
            await asyncio.sleep(0)

    found = await _measured(take, settle, guilds, events)
    running.cancel()
    await asyncio.wait([running])
    await client.aclose()
    return found


async def _own(client: redis.Client) -> Lease:
    leases = Leases(client, owner="b", ttl=timedelta(minutes=9), renew=timedelta(minutes=1))
    lease = await leases.acquire(Shard(discord_events.BOT, 0, 1))
    if not isinstance(lease, Lease):
        raise TypeError("the shard is another's")
    return lease


async def _nothing(_event: object, _replayed: bool) -> None:
    return None


async def plain_hikari(guilds: int, events: int) -> Cost:
    """Parse the same with hikari's typed events and its cache of what voice needs."""
    intents = hikari.Intents.GUILDS | hikari.Intents.GUILD_VOICE_STATES
    bot = hikari.GatewayBot(
        "MQ.x.y", banner=None, logs=None, intents=intents, cache_settings=CacheSettings()
    )
    manager = bot.event_manager
    shard = _hikari_shard(bot, intents)

    async def heard(_: hikari.VoiceStateUpdateEvent) -> None:
        return None

    bot.subscribe(hikari.VoiceStateUpdateEvent, heard)

    def take(raw: bytes) -> None:
        payload = msgspec.json.decode(raw)
        manager.consume_raw_event(payload["t"], shard, payload["d"])

    return await _measured(take, _turns, guilds, events)


def _hikari_shard(bot: hikari.GatewayBot, intents: hikari.Intents) -> GatewayShardImpl:
    """Make a shard that seems connected; nothing is ever sent."""
    shard = GatewayShardImpl(
        http_settings=bot.http_settings,
        proxy_settings=bot.proxy_settings,
        event_manager=bot._event_manager,  # noqa: SLF001 - it can't be had otherwise
        event_factory=bot._event_factory,  # noqa: SLF001
        intents=intents,
        token="x",
        url="ws://x",
        shard_id=0,
        shard_count=1,
    )
    shard._ws = object()  # type: ignore[assignment]  # noqa: SLF001
    shard._handshake_event = asyncio.Event()  # noqa: SLF001
    shard._handshake_event.set()  # noqa: SLF001
    shard._user_id = hikari.Snowflake(discord_events.BOT)  # noqa: SLF001
    return shard


async def plain_discordpy(guilds: int, events: int) -> Cost:
    """Parse the same with discord.py and its cache, which has no off."""
    intents = discord.Intents.none()
    intents.guilds = intents.voice_states = True
    client = discord.Client(intents=intents, chunk_guilds_at_startup=False, max_messages=None)
    client.loop = asyncio.get_running_loop()
    state = client._connection  # noqa: SLF001 - where it parses
    state.shard_count = 1
    state.user = discord.ClientUser(state=state, data=_itself())  # type: ignore[arg-type]  # a TypedDict

    def take(raw: bytes) -> None:
        payload = msgspec.json.decode(raw)
        state.parsers[payload["t"]](payload["d"])

    return await _measured(take, _turns, guilds, events)


def _itself() -> dict[str, object]:
    return {
        "id": str(discord_events.BOT),
        "username": "bot",
        "discriminator": "0",
        "avatar": None,
        "verified": True,
        "mfa_enabled": False,
        "flags": 0,
    }


async def _turns() -> None:
    """Let what was scheduled run."""
    while len(asyncio.all_tasks()) > 1:  # noqa: ASYNC110 - its tasks are not ours to wait for
        await asyncio.sleep(0)


def main() -> None:
    """Measure one way."""
    subject, guilds, events, core = sys.argv[1:]
    telemetry.set_up(Common())
    url = sys.stdin.read()  # it holds a password, and command lines can be read
    os.sched_setaffinity(0, [int(core)])
    match subject:
        case "ours":
            cost = asyncio.run(ours(int(guilds), int(events), url))
        case "hikari":
            cost = asyncio.run(plain_hikari(int(guilds), int(events)))
        case _:
            cost = asyncio.run(plain_discordpy(int(guilds), int(events)))
    print(msgspec.json.encode(cost).decode())


if __name__ == "__main__":
    main()
