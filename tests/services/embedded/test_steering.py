"""The supervisor's word reaches the services by Redis."""

import pytest

from legato import fleet, redis
from legato.contracts import fleet as contracts
from legato.embedded import ports
from legato.embedded.problems import StartFailed
from legato.embedded.steering import Steering
from legato.members import Members

BOT = 12
NODES = (contracts.Node(name="node-1", url="http://127.0.0.1:2333", password="p"),)


async def test_a_start_names_the_nodes_and_buries_the_dead(
    redis: redis.Client, redis_url: str
) -> None:
    await Members(redis, bot=BOT, component="audio", name="dead").beat()

    await Steering(redis_url, bot=BOT).begin(NODES, dead=["dead"])

    found = await fleet.directive(redis, bot=BOT)
    roll = await Members(redis, bot=BOT, component="audio", name="alive").beat()
    assert found is not None
    assert found.nodes == NODES
    assert [member.name for member in roll.members] == ["alive"]


async def test_a_redis_out_of_reach_is_a_sentence_at_the_start_and_nothing_later() -> None:
    steering = Steering(f"redis://127.0.0.1:{ports.free()}/0", bot=BOT)

    with pytest.raises(StartFailed, match=r"Redis can't be used: .*is REDIS_URL right"):
        await steering.begin(NODES, dead=[])
    await steering.bury("services-1")
