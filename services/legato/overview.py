"""What is wanted of a bot's services and what they observe, joined for people to read.

Reads Redis only, as it is at the moment; knows no terminal.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec

from legato import redis, rendezvous
from legato.contracts import keys
from legato.contracts.fleet import Directive, Observed
from legato.contracts.partitions import DEFAULT_REGION, Partition, Shard, all_partitions
from legato.contracts.tracks import NowPlaying
from legato.fleet import directive, rolls
from legato.members import Roll, eligible, read_roll
from legato.protocol.lease import TTL


class NodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One node: what is wanted of it, and what all members together observe."""

    name: str
    region: str
    url: str
    cordoned: bool
    draining: bool
    drain_deadline: int
    """Server ms; 0 = it is not drained."""
    players: int
    playing: int
    sessions: int
    connected: bool
    frame_deficit: int
    wanted: bool = True
    """False: members still observe it, but the directive names it no more."""


class MemberRow(msgspec.Struct, frozen=True, kw_only=True):
    """One member: a process of a service that may hold leases."""

    name: str
    component: str
    since: int
    """Alive without a gap since then, server ms."""
    seen: int
    weight: float
    draining: bool
    held: tuple[str, ...]
    """Partitions or shards, by their leases."""
    awaited: int
    """How many more it should hold, by the roll, and will once they were given to it."""
    directive_version: int | None
    """The newest it has acted on; None where it doesn't say."""
    alive: bool = True
    """False: it was silent for longer than a lease lasts, and is forgotten after ten minutes."""


class PlayerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One guild's player. Ids are strings: JavaScript's numbers end at 2^53."""

    guild_id: str
    partition: str
    voice_channel_id: str | None
    track: str | None
    position: int
    """Milliseconds, as of now."""
    length: int
    node: str | None
    paused: bool
    pause_reasons: tuple[str, ...]
    queue_length: int


class _Seat(msgspec.Struct):
    node: str = ""


FRESH = timedelta(seconds=15)
"""An older report, several were due since, is of a member that is gone: others report its players
by now."""


class _Head(msgspec.Struct):
    """Of a player's head only what nobody else tells."""

    seat: _Seat | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """The counts that are stored for a bot."""

    partitions: tuple[Partition, ...]
    shards: tuple[Shard, ...]

    def things(self, roll: str) -> tuple[keys.Owned, ...]:
        """Name what the members of a roll share among them."""
        component, _, region = roll.partition(":")
        if component == "gateway":
            return self.shards
        return tuple(one for one in self.partitions if one.region == (region or DEFAULT_REGION))


class Overview:
    """One bot's platform, looked at from outside."""

    def __init__(self, client: redis.Client, *, bot: int) -> None:
        self._client = client
        self._bot = bot

    async def now(self) -> int:
        """Say the server's time, ms."""
        with redis.reaching("time"):
            seconds, micros = await self._client.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def nodes(self) -> list[NodeRow]:
        """Join the directive's nodes with what is observed of them, by name."""
        wanted = await directive(self._client, bot=self._bot)
        return node_rows(wanted, await self._observed(), await self._sessions())

    async def members(self) -> list[MemberRow]:
        """List every member that any roll names, with what it holds."""
        layout, now = await self._layout(), await self.now()
        held = await self._held(layout)
        reports = {report.field: report for report in await self._observed()}
        rows = []
        for name in await rolls(self._client, bot=self._bot):
            with redis.reaching("members"):
                found = await self._client.hgetall(keys.members(self._bot, name))
            roll, component = Roll(now, read_roll(_texts(found))), name.partition(":")[0]
            rows += member_rows(component, roll, layout.things(name), held, reports)
        return sorted(rows, key=lambda row: (row.component, row.name))

    async def players(self) -> list[PlayerRow]:
        """List every player there is, by guild."""
        now = await self.now()
        rows = []
        for partition, found in await self._of_each(keys.guilds, "smembers"):
            guilds = sorted(int(one) for one in found)
            with redis.reaching("players"):
                async with self._client.pipeline(transaction=False) as pipe:
                    for guild in guilds:
                        pipe.get(keys.head(partition, guild))
                        pipe.get(keys.live(self._bot, guild))
                    answers = await pipe.execute()
            documents = zip(guilds, answers[::2], answers[1::2], strict=True)
            rows += [
                player_row(partition, guild, head, live, now=now)
                for guild, head, live in documents
                if head
            ]
        return sorted(rows, key=lambda row: int(row.guild_id))

    async def partitions(self) -> tuple[Partition, ...]:
        """Name every partition there is."""
        return (await self._layout()).partitions

    async def _observed(self) -> list[Observed]:
        with redis.reaching("observed"):
            found = await self._client.hvals(keys.observed(self._bot))
        reports = [msgspec.json.decode(document, type=Observed) for document in found]
        oldest = await self.now() - FRESH / timedelta(milliseconds=1)
        return [report for report in reports if report.at >= oldest]

    async def _sessions(self) -> Counter[str]:
        """Count the partitions with a session, by node."""
        found = await self._of_each(keys.node_sessions, "hkeys")
        return Counter(name.decode() for _, names in found for name in names)

    async def _held(self, layout: _Layout) -> dict[str, tuple[keys.Owned, ...]]:
        """Say which leases each member holds."""
        things: list[keys.Owned] = [*layout.partitions, *layout.shards]
        with redis.reaching("leases"):
            async with self._client.pipeline(transaction=False) as pipe:
                for thing in things:
                    pipe.hget(keys.lease(thing), "owner")
                owners = await pipe.execute()
        held: dict[str, tuple[keys.Owned, ...]] = {}
        for thing, owner in zip(things, owners, strict=True):
            if owner:
                member = owner.decode().rpartition("~")[0]
                held[member] = (*held.get(member, ()), thing)
        return held

    async def _of_each(
        self, key: Callable[[Partition], str], command: str
    ) -> list[tuple[Partition, Sequence[bytes]]]:
        """Ask the same of every partition."""
        partitions = (await self._layout()).partitions
        with redis.reaching(command):
            async with self._client.pipeline(transaction=False) as pipe:
                for partition in partitions:
                    pipe.execute_command(command.upper(), key(partition))
                answers = await pipe.execute()
        return [(one, tuple(found)) for one, found in zip(partitions, answers, strict=True)]

    async def _layout(self) -> _Layout:
        with redis.reaching("layout"):
            found = await self._client.hgetall(keys.layout(self._bot))
        counts = {name: int(count) for name, count in _texts(found).items()}
        shards = counts.pop("shards", 0)
        regions = {name.partition(":")[2]: count for name, count in counts.items()}
        return _Layout(
            partitions=tuple(
                partition
                for region, count in sorted(regions.items())
                for partition in all_partitions(bot=self._bot, region=region, count=count)
            ),
            shards=tuple(Shard(self._bot, index, shards) for index in range(shards)),
        )


def _texts(found: Mapping[bytes | str, bytes | str]) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in found.items()}


def _text(raw: bytes | str) -> str:
    return raw.decode() if isinstance(raw, bytes) else raw


def node_rows(
    wanted: Directive | None, observed: Iterable[Observed], sessions: Counter[str]
) -> list[NodeRow]:
    """Sum up what members observe of each node; a node that only they know comes too."""
    nodes = {node.name: node for node in wanted.nodes} if wanted else {}
    seen = [node for one in observed for node in one.nodes]
    rows = []
    for name in sorted(nodes.keys() | {one.name for one in seen}):
        node, mine = nodes.get(name), [one for one in seen if one.name == name]
        rows.append(
            NodeRow(
                name=name,
                region=node.region if node else "",
                url=node.url if node else "",
                cordoned=bool(node and node.cordoned),
                draining=bool(node and node.drain_deadline),
                drain_deadline=node.drain_deadline if node else 0,
                players=sum(one.players for one in mine),
                playing=sum(one.playing for one in mine),
                sessions=sessions[name],
                connected=any(one.connected for one in mine),
                frame_deficit=sum(one.frame_deficit for one in mine),
                wanted=node is not None,
            )
        )
    return rows


def player_row(
    partition: Partition, guild: int, head: bytes, live: bytes | None, *, now: int
) -> PlayerRow:
    """Join a player's head with what was published of it last."""
    seat = msgspec.json.decode(head, type=_Head).seat
    playing = msgspec.json.decode(live, type=NowPlaying) if live else None
    track = playing.track if playing else None
    channel = playing.voice_channel_id if playing else None
    return PlayerRow(
        guild_id=str(guild),
        partition=str(partition),
        voice_channel_id=str(channel) if channel else None,
        track=track.title if track else None,
        position=_position(playing, now=now) if playing else 0,
        length=track.length if track else 0,
        node=seat.node if seat else None,
        paused=playing.paused if playing else False,
        pause_reasons=playing.pause_reasons if playing else (),
        queue_length=playing.queue_length if playing else 0,
    )


def _position(playing: NowPlaying, *, now: int) -> int:
    if playing.track is None or playing.paused:
        return playing.position
    ran = playing.position + max(0, now - playing.as_of)
    return min(ran, playing.track.length) if playing.track.length else ran


def member_rows(
    component: str,
    roll: Roll,
    things: Sequence[keys.Owned],
    held: Mapping[str, tuple[keys.Owned, ...]],
    reports: Mapping[str, Observed],
) -> list[MemberRow]:
    """Say of each member of a roll what it holds, and how much more it should."""
    owners = rendezvous.assign(things, eligible(roll))
    rows = []
    for member in roll.members:
        mine = tuple(one for one in held.get(member.name, ()) if one in things)
        report = reports.get(f"{component}:{member.name}")
        rows.append(
            MemberRow(
                name=member.name,
                component=component,
                since=member.since,
                seen=member.seen,
                weight=member.weight,
                draining=member.draining,
                held=tuple(str(one) for one in mine),
                awaited=sum(
                    owner == member.name and one not in mine for one, owner in owners.items()
                ),
                directive_version=report.directive_version if report else None,
                alive=roll.now - member.seen <= TTL / timedelta(milliseconds=1),
            )
        )
    return rows
