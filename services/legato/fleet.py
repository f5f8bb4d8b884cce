"""What the supervisor of one machine writes for the services: the directive, and dead owners.

On a cluster the operator writes the directive; the services can't tell the difference.
"""

from collections.abc import Sequence

import msgspec

from legato import redis
from legato.contracts import fleet, keys
from legato.leases import Leases
from legato.members import Members

COMPONENTS = ("gateway", "audio")
"""The services whose members hold leases."""


async def direct(client: redis.Client, *, bot: int, nodes: Sequence[fleet.Node]) -> int:
    """Write which nodes there are; return the directive's version."""
    key = keys.directive(bot)
    with redis.reaching("directive"):
        found = await client.get(key)
        before = msgspec.json.decode(found, type=fleet.Directive) if found else None
        version = before.version + 1 if before else 1
        after = fleet.Directive(version=version, nodes=tuple(nodes))
        await client.set(key, msgspec.json.encode(after))
    return version


async def bury(client: redis.Client, *, bot: int, member: str) -> int:
    """Free every lease of a member that surely is dead; return how many it had."""
    for component in COMPONENTS:
        await Members(client, bot=bot, component=component, name=member).forget(member)
    return await Leases(client, owner=member).release_all_of(member)
