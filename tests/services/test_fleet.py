import msgspec

from legato import fleet, redis
from legato.contracts import fleet as contracts
from legato.contracts import keys
from legato.contracts.partitions import Partition
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

    freed = await fleet.bury(redis, bot=BOT, member="services-1")
    after = await heir.acquire(PARTITION)
    roll = await Members(redis, bot=BOT, component="audio", name="services-2").beat()

    assert freed == 1
    assert isinstance(before, Held)
    assert isinstance(after, Lease)
    assert [member.name for member in roll.members] == ["services-2"]
