import msgspec

from legato.audio.fleet import Fleet
from legato.contracts import keys
from legato.contracts.fleet import Directive, Node
from legato.redis import Client

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
