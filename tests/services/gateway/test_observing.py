import msgspec

from legato.contracts import keys
from legato.contracts.fleet import Directive, Observed
from legato.contracts.partitions import Shard
from legato.gateway import observing
from support_waiting import until


def test_a_gateway_names_its_shards_and_the_directive_it_acts_on() -> None:
    held = [Shard(7, 1, 2), Shard(7, 0, 2)]

    found = observing.observed("gateway-1", held, held[:1], at=5, directive_version=3)

    assert found == Observed(
        member="gateway-1",
        component="gateway",
        at=5,
        directive_version=3,
        shards=("7:s0of2", "7:s1of2"),
        connected=("7:s1of2",),
    )


async def test_a_running_gateway_reports_its_shards_until_it_ends(scene) -> None:
    bot, redis = scene.players.bot, scene.redis
    await redis.set(keys.directive(bot), msgspec.json.encode(Directive(version=3)))

    async def report() -> Observed | None:
        for raw in await redis.hvals(keys.observed(bot)):
            found = msgspec.json.decode(raw, type=Observed)
            if found.connected and found.directive_version == 3:
                return found
        return None

    async with scene.gateway() as gateway:
        found = await until(report)
        assert (found.member, found.shards) == (gateway.app.member, (f"{bot}:s0of1",))
        assert found.connected == found.shards

    assert not await redis.exists(keys.observed(bot))
