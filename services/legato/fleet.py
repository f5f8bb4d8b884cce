"""What the supervisor of one machine writes for the services: the directive, and dead owners.

On a cluster the operator writes the directive; the services can't tell the difference.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec
from msgspec.structs import replace

from legato import redis
from legato.contracts import fleet, keys
from legato.contracts.partitions import DEFAULT_REGION
from legato.leases import Leases
from legato.members import Members

COMPONENTS = ("gateway", "audio")
"""The services whose members hold leases."""


class NoSuchNode(Exception):
    """The directive names no such node; the text says which there are."""


Change = Callable[[fleet.Directive], fleet.Directive]


async def directive(client: redis.Client, *, bot: int) -> fleet.Directive | None:
    """Read what is wanted; None where nobody wrote it yet."""
    with redis.reaching("directive"):
        found = await client.get(keys.directive(bot))
    return msgspec.json.decode(found, type=fleet.Directive) if found else None


async def change(client: redis.Client, *, bot: int, to: Change) -> fleet.Directive:
    """Write what `to` makes of the directive, anew whenever another writer came between."""
    write = redis.Script("direct")
    while True:
        before = await directive(client, bot=bot) or fleet.Directive(version=0)
        after = replace(to(before), version=before.version + 1)
        document = msgspec.json.encode(after)
        if await write(client, [keys.directive(bot)], before.version, document):
            return after


async def direct(client: redis.Client, *, bot: int, nodes: Sequence[fleet.Node]) -> int:
    """Write which nodes there are; those cordoned or drained stay so. Return the version."""

    def to(before: fleet.Directive) -> fleet.Directive:
        known = {node.name: node for node in before.nodes}
        return replace(
            before, nodes=tuple(_as_before(node, known.get(node.name)) for node in nodes)
        )

    return (await change(client, bot=bot, to=to)).version


async def keep(
    client: redis.Client, *, bot: int, known: fleet.Directive | None
) -> fleet.Directive | None:
    """Return the directive; write the last known one again where an emptied Redis has none."""
    found = await directive(client, bot=bot)
    if found is not None or known is None:
        return found
    again = replace(known, version=known.version + 1)
    write = redis.Script("direct")
    await write(client, [keys.directive(bot)], 0, msgspec.json.encode(again))
    return again


async def cordon(client: redis.Client, *, bot: int, node: str) -> fleet.Directive:
    """Let new players go elsewhere. Raises NoSuchNode."""
    return await _change_node(client, bot, node, lambda one: replace(one, cordoned=True))


async def uncordon(client: redis.Client, *, bot: int, node: str) -> fleet.Directive:
    """Let the node be used again, and stop draining it. Raises NoSuchNode."""
    return await _change_node(
        client, bot, node, lambda one: replace(one, cordoned=False, drain_deadline=0)
    )


async def drain(client: redis.Client, *, bot: int, node: str, within: timedelta) -> fleet.Directive:
    """Cordon a node and move its players off. Raises NoSuchNode."""
    with redis.reaching("time"):
        seconds, _ = await client.time()
    deadline = round((seconds + within.total_seconds()) * 1000)
    return await _change_node(
        client, bot, node, lambda one: replace(one, cordoned=True, drain_deadline=deadline)
    )


async def bury(client: redis.Client, *, bot: int, member: str) -> int:
    """Free every lease of a member that surely is dead; return how many it had."""
    for roll in await rolls(client, bot=bot):
        await Members(client, bot=bot, component=roll, name=member).forget(member)
    reports = [
        fleet.Observed(member=member, component=component, at=0).field for component in COMPONENTS
    ]
    with redis.reaching("bury"):
        await client.hdel(keys.observed(bot), *reports)
    return await Leases(client, owner=member).release_all_of(member)


async def rolls(client: redis.Client, *, bot: int) -> list[str]:
    """Name every roll there is: one of each component, and audio's of other regions."""
    with redis.reaching("layout"):
        found = await client.hkeys(keys.layout(bot))
    names = (name.decode() if isinstance(name, bytes) else name for name in found)
    regions = (name.partition(":")[2] for name in names)
    return [*COMPONENTS, *(f"audio:{one}" for one in regions if one not in ("", DEFAULT_REGION))]


async def _change_node(
    client: redis.Client, bot: int, name: str, of_node: Callable[[fleet.Node], fleet.Node]
) -> fleet.Directive:
    def to(before: fleet.Directive) -> fleet.Directive:
        names = [node.name for node in before.nodes]
        if name not in names:
            there = ", ".join(names) or "none"
            raise NoSuchNode(f"There is no node {name}. Nodes are: {there}.")
        nodes = (of_node(node) if node.name == name else node for node in before.nodes)
        return replace(before, nodes=tuple(nodes))

    return await change(client, bot=bot, to=to)


def _as_before(node: fleet.Node, before: fleet.Node | None) -> fleet.Node:
    if before is None:
        return node
    return replace(node, cordoned=before.cordoned, drain_deadline=before.drain_deadline)
