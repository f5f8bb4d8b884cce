import asyncio

import msgspec

from legato.contracts import keys
from legato.contracts.fleet import Directive, Node, Observed
from legato.direction import Direction
from legato.redis import Client
from support_waiting import until

BOT = 7
N1 = Node(name="n1", url="http://b", password="p")


async def test_a_directive_that_can_not_be_read_changes_nothing(redis: Client) -> None:
    direction = Direction(redis, BOT)
    known = Directive(version=1, nodes=(N1,), weights={"a": 0.5})
    await redis.set(keys.directive(BOT), msgspec.json.encode(known))
    await direction.read()
    await redis.set(keys.directive(BOT), b"{")
    await direction.read()

    assert direction.directive == known


async def test_a_weight_is_one_unless_the_directive_says_otherwise() -> None:
    wanted = Directive(version=1, weights={"a": 0.5, "b": 0, "c": -1})

    assert [wanted.weight(name) for name in "abcd"] == [0.5, 0, 0, 1]


async def test_what_is_observed_stands_until_the_end(redis: Client) -> None:
    seen = [Observed(member="a", component=one, at=1) for one in ("audio", "gateway")]
    direction = Direction(redis, BOT)
    tasks = [asyncio.create_task(direction.report(lambda one=one: one)) for one in seen]

    async def both() -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = await redis.hgetall(keys.observed(BOT))
        return found if len(found) == 2 else {}

    found = await until(both)
    told = [found[key] for key in (b"audio:a", b"gateway:a")]

    assert [msgspec.json.decode(raw, type=Observed) for raw in told] == seen
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert not await redis.exists(keys.observed(BOT))
