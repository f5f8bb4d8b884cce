"""How many gateway events a second reach Redis, and what a guild costs in memory.

    python -m benchmarks.gateway [guilds]

Needs the extras `gateway` and the Valkey of the tests. Events go the whole way but for the socket:
decoded, applied, written to the shard's index and the partitions' streams, acknowledged.
"""

import asyncio
import gc
import json
import pathlib
import random
import resource
import sys
import time
from datetime import timedelta

import msgspec
from prometheus_client import CollectorRegistry

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests" / "support"))

from legato import redis
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts.partitions import Shard
from legato.gateway.intake import Intake
from legato.gateway.metrics import Metrics
from legato.gateway.producer import Layout, Producer
from legato.gateway.shard_state import ShardState
from legato.gateway.shard_store import ShardStore
from legato.leases import Lease, Leases
from support_servers import running_valkey

BOT = 1
ROLES, CHANNELS, VOICE_CHANNELS, MEMBERS, IN_VOICE = 25, 40, 8, 50, 3
"""Of each guild: about 26 kB of GUILD_CREATE, as in a server of some hundred members."""
LISTENING = 10
"""Percent of the guilds whose voice the bot is in; their players are told of who comes and goes."""
EVENTS = 50_000


def snowflake(kind: int, guild: int, number: int = 0) -> str:
    """Make an id like Discord's: 18 digits and more."""
    return str((guild << 22) + (kind << 50) + (1 << 59) + number)


def guild_create(number: int) -> dict[str, object]:
    """Make what Discord tells of a guild."""
    guild = snowflake(0, number)
    overwrites = [
        {"id": snowflake(1, number, role), "type": 0, "allow": "1049600", "deny": "2048"}
        for role in range(3)
    ]
    return {
        "id": guild,
        "name": f"Guild {number}",
        "owner_id": snowflake(2, number),
        "preferred_locale": "en-US",
        "roles": [
            {
                "id": snowflake(1, number, role) if role else guild,
                "name": f"Role {role}",
                "permissions": "2251800887427649",
                "color": 0,
            }
            for role in range(ROLES)
        ],
        "channels": [
            {
                "id": channel(number, place),
                "type": 2 if place < VOICE_CHANNELS else 0,
                "name": f"channel {place}",
                "topic": "what is talked about here " * 4,
                "user_limit": 0,
                "permission_overwrites": overwrites,
            }
            for place in range(CHANNELS)
        ],
        "members": [member(number, place) for place in range(MEMBERS)],
        "voice_states": [voice(number, place, 0) for place in range(IN_VOICE)],
    }


def channel(guild: int, place: int) -> str:
    """Name a guild's channel."""
    return snowflake(3, guild, place)


def user(guild: int, place: int) -> str:
    """Name a member; in some guilds the first is the bot."""
    is_bot = place == 0 and guild % 100 < LISTENING
    return str(BOT) if is_bot else snowflake(2, guild, place)


def member(guild: int, place: int) -> dict[str, object]:
    """Make a member."""
    who = {"id": user(guild, place), "username": f"user {place}", "bot": user(guild, place) == "1"}
    return {"user": who, "roles": [snowflake(1, guild, 1)], "nick": None}


def voice(guild: int, place: int, to: int) -> dict[str, object]:
    """Make a voice state."""
    return {
        "user_id": user(guild, place),
        "channel_id": channel(guild, to),
        "session_id": "0123456789abcdef0123456789abcdef",
        "self_mute": False,
    }


def moves(guilds: int) -> list[bytes]:
    """Make voice states that change, as Discord sends them."""
    chance = random.Random(1)  # the same every time
    made = []
    for _ in range(EVENTS):
        guild = chance.randrange(guilds)
        place, to = chance.randrange(1, MEMBERS), chance.randrange(VOICE_CHANNELS)
        state = {**voice(guild, place, to), "guild_id": snowflake(0, guild)}
        made.append(json.dumps(state | {"member": member(guild, place)}).encode())
    return made


def resident() -> int:
    """Tell this process's memory in bytes."""
    gc.collect()
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def main() -> None:
    """Measure both, on one shard."""
    guilds = int(sys.argv[1]) if len(sys.argv) > 1 else 2500
    with running_valkey() as server:
        client = redis.connect(server.url)
        lease = await _own(client)
        state, bus = ShardState(BOT), Bus(client)
        producer = Producer(client, bus, Layout(BOT, 32))
        store, metrics = ShardStore(client, Shard(BOT, 0, 1)), Metrics(CollectorRegistry())
        intake = Intake(state, store, producer, ServerClock(), metrics)
        running = asyncio.create_task(intake.run(lambda: lease, _nothing))
        before = resident()
        for number in range(guilds):
            intake.take("GUILD_CREATE", number + 1, "s", guild_create(number))
            if number % 100 == 99:
                await _settled(intake)
        await _settled(intake)
        print(f"kB a guild: {(resident() - before) / 1000 / guilds:.1f}")
        raw = moves(guilds)
        began, used = time.perf_counter(), time.process_time()
        for number, event in enumerate(raw, guilds + 1):
            intake.take("VOICE_STATE_UPDATE", number, "s", msgspec.json.decode(event))
            if number % 1000 == 0:
                await asyncio.sleep(0)
        await _settled(intake)
        took, used = time.perf_counter() - began, time.process_time() - used
        print(f"events a second: {EVENTS / took:,.0f}; a core: {EVENTS / used:,.0f}")
        running.cancel()
        await asyncio.wait([running])
        await client.aclose()


async def _own(client: redis.Client) -> Lease:
    leases = Leases(client, owner="b", ttl=timedelta(minutes=9), renew=timedelta(minutes=1))
    lease = await leases.acquire(Shard(BOT, 0, 1))
    if not isinstance(lease, Lease):
        raise TypeError("the shard is another's")
    return lease


async def _settled(intake: Intake) -> None:
    while intake.waiting:  # noqa: ASYNC110 - what is measured tells nobody when it is done
        await asyncio.sleep(0.001)


async def _nothing(_event: object, _replayed: bool) -> None:
    return None


if __name__ == "__main__":
    asyncio.run(main())
