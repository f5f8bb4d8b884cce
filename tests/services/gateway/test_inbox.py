"""A shard's inbox: what players ask of Discord is done once, and none is passed over."""

import asyncio
import contextlib
from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from legato import redis as reach
from legato.bus import Bus
from legato.contracts import keys
from legato.contracts.actions import Done, JoinVoice, Reply, ShowPanel
from legato.contracts.partitions import Shard
from legato.contracts.playback import Origin
from legato.contracts.tracks import NowPlaying
from legato.errors import Unavailable
from legato.gateway.inbox import Inbox
from legato.gateway.metrics import Metrics
from legato.gateway.shard_store import ShardStore
from legato.leases import Leases
from support_waiting import until

SHARD = Shard(1, 0, 1)
ORIGIN = Origin(source="interaction", user_id=7, channel_id=8, received_at=0)


@pytest.fixture
async def redis(valkey_url):
    client = reach.connect(valkey_url)
    await client.flushall()
    yield client
    await client.aclose()


class Doer:
    """Does what it is asked, slowly or not at all where a test wants that."""

    def __init__(self):
        self.done = []
        self.held = {}
        self.failures = {}

    async def __call__(self, action):
        if hold := self.held.get(action.key):
            await hold.wait()
        if error := self.failures.get(action.key):
            raise error
        self.done.append(action.key)


def reply(key):
    return Reply(key=key, guild_id=5, origin=ORIGIN, answer=Done(what="paused"))


def panel(key, *, guild):
    now = NowPlaying(guild_id=guild, revision=1, as_of=0)
    return ShowPanel(key=key, guild_id=guild, channel_id=7, now=now)


async def send(redis, *actions):
    for action in actions:
        await Bus(redis).append(keys.inbox(SHARD), action)


async def position(redis):
    return await ShardStore(redis, SHARD).position()


async def newest(redis):
    return (await redis.xrevrange(keys.inbox(SHARD), count=1))[0][0].decode()


@contextlib.asynccontextmanager
async def working(redis, doer, metrics=None):
    """Own the shard and work its inbox off, as one process after another would."""
    forever = timedelta(minutes=5)
    leases = Leases(redis, owner="me", ttl=forever, renew=forever)
    lease = await leases.acquire(SHARD)
    metrics = metrics or Metrics(CollectorRegistry())
    inbox = Inbox(Bus(redis), ShardStore(redis, SHARD), SHARD, do=doer, metrics=metrics)
    task = asyncio.create_task(inbox.run(lambda: lease))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        await leases.release(lease)


async def test_actions_are_done_and_the_position_follows(redis):
    doer = Doer()
    async with working(redis, doer):
        await send(redis, reply("a"), JoinVoice(key="b", guild_id=5, channel_id=9))

        async def followed():
            return sorted(doer.done) == ["a", "b"] and await position(redis) == await newest(redis)

        await until(followed)


async def test_the_next_owner_goes_on_after_what_was_done(redis):
    first, second = Doer(), Doer()
    async with working(redis, first):
        await send(redis, reply("a"))
        await until(lambda: committed(redis))
    await send(redis, reply("b"))

    async with working(redis, second):
        await until(lambda: bool(second.done))

    assert (first.done, second.done) == (["a"], ["b"])


async def committed(redis):
    return await position(redis) == await newest(redis)


async def test_the_position_never_passes_what_is_not_done(redis):
    doer = Doer()
    doer.held["slow"] = asyncio.Event()
    async with working(redis, doer):
        await send(redis, reply("slow"), *(reply(f"fast {n}") for n in range(20)))
        await until(lambda: len(doer.done) == 20)
        assert await position(redis) == "0-0"

        doer.held["slow"].set()
        await until(lambda: committed(redis))


async def test_a_reply_done_before_a_crash_is_not_said_again(redis):
    first, second = Doer(), Doer()
    first.held["slow"] = asyncio.Event()
    async with working(redis, first):
        await send(redis, reply("slow"), reply("a"))

        async def noted():
            return "a" in await ShardStore(redis, SHARD).done()

        await until(noted)

    async with working(redis, second):
        await until(lambda: committed(redis))

    assert (first.done, second.done) == (["a"], ["slow"])


async def test_who_left_and_joined_again_is_not_made_to_leave_by_the_next_owner(redis):
    first, second = Doer(), Doer()
    first.held["slow"] = asyncio.Event()
    moves = (
        JoinVoice(key="left", guild_id=5, channel_id=None),
        JoinVoice(key="joined", guild_id=5, channel_id=7),
        JoinVoice(key="again", guild_id=5, channel_id=7, rejoin=True),
    )
    async with working(redis, first):
        await send(redis, reply("slow"), *moves)

        async def noted():
            return {one.key for one in moves} <= {*await ShardStore(redis, SHARD).done()}

        await until(noted)

    async with working(redis, second):
        await until(lambda: committed(redis))

    assert second.done == ["slow"]


async def test_hundreds_of_panels_that_wait_for_their_turn_hold_up_no_answer(redis):
    doer = Doer()
    panels = [panel(f"panel {number}", guild=number) for number in range(1, 401)]
    turn = asyncio.Event()
    doer.held = {one.key: turn for one in panels}
    async with working(redis, doer):
        await send(redis, *panels, reply("a"))

        async def answered():
            return doer.done == ["a"]

        await until(answered)
        turn.set()
        await until(lambda: committed(redis))

    assert len(doer.done) == 401


async def test_the_same_reply_twice_in_the_stream_is_said_once(redis):
    doer = Doer()
    async with working(redis, doer):
        await send(redis, reply("a"))
        await until(lambda: committed(redis))
        await send(redis, reply("a"), reply("b"))
        await until(lambda: committed(redis))

    assert sorted(doer.done) == ["a", "b"]


@pytest.mark.filterwarnings("default")
async def test_one_action_that_fails_holds_no_other_up(redis):
    doer = Doer()
    doer.failures = {"a": Unavailable("discord", "away"), "b": ValueError("a bug")}
    async with working(redis, doer):
        await send(redis, reply("a"), reply("b"), reply("c"))
        await until(lambda: committed(redis))

    assert doer.done == ["c"]


async def test_what_cannot_be_read_is_counted_and_passed(redis):
    doer, metrics = Doer(), Metrics(CollectorRegistry())
    async with working(redis, doer, metrics):
        await redis.xadd(keys.inbox(SHARD), {"m": b'{"type":"from.the.future.v9"}'})
        await send(redis, reply("a"))
        await until(lambda: committed(redis))

    assert doer.done == ["a"]
    assert metrics.actions.labels("undecodable")._value.get() == 1


async def test_the_stream_is_trimmed_up_to_what_is_done(redis):
    doer = Doer()
    async with working(redis, doer):
        await send(redis, *(reply(str(n)) for n in range(600)))
        await until(lambda: committed(redis))

        async def trimmed():
            return await redis.xlen(keys.inbox(SHARD)) < 110

        await until(trimmed)

    assert len(doer.done) == 600
