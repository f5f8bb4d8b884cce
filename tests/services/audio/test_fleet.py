import asyncio

import msgspec

from legato.audio.fleet import Fleet
from legato.contracts import keys
from legato.contracts.fleet import Directive, Node, Observed
from legato.redis import Client
from support_waiting import until

BOT = 7
ALONE = Node(name="lavalink", url="http://a", password="p")
N1 = Node(name="n1", url="http://b", password="p")


async def direct(redis: Client, *nodes: Node, version: int = 1) -> None:
    document = msgspec.json.encode(Directive(version=version, nodes=nodes))
    await redis.set(keys.directive(BOT), document)


async def test_the_directives_nodes_count_and_else_the_one_by_hand(redis: Client) -> None:
    fleet = Fleet(redis, BOT, alone=ALONE)
    await fleet.read()
    assert fleet.nodes == {"lavalink": ALONE}

    await direct(redis, N1)
    await fleet.read()
    assert fleet.nodes == {"n1": N1}

    await direct(redis, version=2)
    await fleet.read()
    assert fleet.nodes == {"lavalink": ALONE}
    assert fleet.directive.version == 2


async def test_a_directive_that_can_not_be_read_changes_nothing(redis: Client) -> None:
    fleet = Fleet(redis, BOT)
    await direct(redis, N1)
    await fleet.read()
    await redis.set(keys.directive(BOT), b"{")
    await fleet.read()

    assert fleet.nodes == {"n1": N1}


async def test_what_is_observed_stands_until_the_end(redis: Client) -> None:
    seen = Observed(member="a", component="audio", at=1)
    task = asyncio.create_task(Fleet(redis, BOT).report(lambda: seen))
    raw = await until(lambda: redis.hget(keys.observed(BOT), "a"))

    assert msgspec.json.decode(raw, type=Observed) == seen
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not await redis.exists(keys.observed(BOT))
