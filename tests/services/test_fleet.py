import asyncio
from datetime import timedelta

import msgspec
import pytest

from legato import fleet, redis
from legato.contracts import fleet as contracts
from legato.contracts import keys
from legato.contracts.partitions import Partition
from legato.layout import Layout
from legato.leases import Held, Lease, Leases
from legato.members import Members

BOT = 12
PARTITION = Partition(BOT, "default", 3)


async def test_each_directive_is_newer_than_the_one_before(redis: redis.Client) -> None:
    node = contracts.Node(name="node-1", url="http://127.0.0.1:2333", password="p")

    versions = [await fleet.direct(redis, bot=BOT, nodes=(node,)) for _ in range(2)]
    found = msgspec.json.decode(
        await redis.get(keys.directive(BOT)) or "", type=contracts.Directive
    )

    assert versions == [1, 2]
    assert found == contracts.Directive(version=2, nodes=(node,))


async def test_what_a_dead_member_held_is_free_at_once(redis: redis.Client) -> None:
    dead = Leases(redis, owner="services-1~a")
    await Members(redis, bot=BOT, component="audio", name="services-1").beat()
    await dead.acquire(PARTITION)
    heir = Leases(redis, owner="services-2~b")
    before = await heir.acquire(PARTITION)

    told = contracts.Observed(member="services-1", component="audio", at=1)
    await redis.hset(keys.observed(BOT), told.field, "its last report")
    freed = await fleet.bury(redis, bot=BOT, member="services-1")
    after = await heir.acquire(PARTITION)
    roll = await Members(redis, bot=BOT, component="audio", name="services-2").beat()

    assert freed == 1
    assert isinstance(before, Held)
    assert isinstance(after, Lease)
    assert [member.name for member in roll.members] == ["services-2"]
    assert not await redis.exists(keys.observed(BOT))


async def test_a_dead_member_leaves_the_roll_of_every_region(redis: redis.Client) -> None:
    layout = Layout(redis, BOT)
    await layout.bind_partitions("default", 4)
    await layout.bind_partitions("eu", 4)
    await layout.bind_shards(1)
    rolls = ["gateway", "audio", "audio:eu"]
    for roll in rolls:
        for name in ("dead", "alive"):
            await Members(redis, bot=BOT, component=roll, name=name).beat()

    await fleet.bury(redis, bot=BOT, member="dead")

    assert await fleet.rolls(redis, bot=BOT) == rolls
    assert [await redis.hkeys(keys.members(BOT, roll)) for roll in rolls] == [[b"alive"]] * 3


NODES = tuple(
    contracts.Node(name=name, url=f"http://127.0.0.1/{name}", password="p") for name in ("a", "b")
)


async def test_a_cordon_and_a_drain_outlast_a_new_start(redis: redis.Client) -> None:
    await fleet.direct(redis, bot=BOT, nodes=NODES)
    await fleet.cordon(redis, bot=BOT, node="a")
    drained = await fleet.drain(redis, bot=BOT, node="b", within=timedelta(minutes=10))
    seconds, _ = await redis.time()

    await fleet.direct(redis, bot=BOT, nodes=NODES[1:] + NODES[:1])

    found = await fleet.directive(redis, bot=BOT)
    assert found is not None
    assert found.version == 4
    b, a = found.nodes
    assert (a.cordoned, a.drain_deadline) == (True, 0)
    assert (b.cordoned, b.drain_deadline) == (True, drained.nodes[1].drain_deadline)
    assert seconds * 1000 < b.drain_deadline <= (seconds + 601) * 1000


async def test_a_directive_that_redis_lost_is_written_anew_as_it_was(redis: redis.Client) -> None:
    node = contracts.Node(name="node-1", url="http://127.0.0.1:2333", password="p")
    await fleet.direct(redis, bot=BOT, nodes=(node,))
    cordoned = await fleet.cordon(redis, bot=BOT, node="node-1")
    known = await fleet.keep(redis, bot=BOT, known=None)
    await redis.flushall()

    assert await fleet.keep(redis, bot=BOT, known=None) is None
    again = await fleet.keep(redis, bot=BOT, known=known)

    assert known == cordoned
    assert again == msgspec.structs.replace(cordoned, version=cordoned.version + 1)
    assert await fleet.directive(redis, bot=BOT) == again


async def test_an_uncordoned_node_is_drained_no_more(redis: redis.Client) -> None:
    await fleet.direct(redis, bot=BOT, nodes=NODES)
    await fleet.drain(redis, bot=BOT, node="a", within=timedelta(minutes=10))

    assert (await fleet.uncordon(redis, bot=BOT, node="a")).nodes == NODES


async def test_a_node_that_is_not_there_is_told_with_those_that_are(redis: redis.Client) -> None:
    await fleet.direct(redis, bot=BOT, nodes=NODES)

    with pytest.raises(fleet.NoSuchNode, match=r"There is no node c\. Nodes are: a, b\."):
        await fleet.cordon(redis, bot=BOT, node="c")


async def test_of_writers_at_once_each_has_its_say(redis: redis.Client) -> None:
    await fleet.direct(redis, bot=BOT, nodes=NODES)

    await asyncio.gather(
        *(fleet.cordon(redis, bot=BOT, node=name) for name in ("a", "b")),
        *(fleet.direct(redis, bot=BOT, nodes=NODES) for _ in range(3)),
    )

    found = await fleet.directive(redis, bot=BOT)
    assert found is not None
    assert found.version == 6
    assert all(node.cordoned for node in found.nodes)
