from collections import Counter

import msgspec
from msgspec.structs import replace

from legato import fleet, overview, redis, rendezvous
from legato.contracts import keys
from legato.contracts.fleet import Directive, Node, Observed, ObservedNode
from legato.contracts.partitions import Partition, Shard
from legato.contracts.tracks import NowPlaying, Track
from legato.layout import Layout
from legato.leases import Leases
from legato.members import Member, Members, Roll
from legato.overview import Overview

BOT = 12
PARTITION = Partition(BOT, "default", 1)
NODE = Node(name="node-1", url="http://127.0.0.1:1", password="hidden", region="eu")
LIVE = NowPlaying(
    guild_id=9,
    revision=1,
    as_of=1_000,
    voice_channel_id=4,
    track=Track(encoded="x", title="Song", length=60_000),
    position=5_000,
    queue_length=3,
)


def seen(member: str, **figures: int) -> Observed:
    node = ObservedNode(name="node-1", connected=bool(figures), **figures)
    return Observed(member=member, component="audio", at=0, nodes=(node,))


def test_what_members_observe_of_a_node_is_summed_up() -> None:
    observed = [seen("a", players=2, playing=1, frame_deficit=3), seen("b", players=1), seen("c")]
    wanted = Directive(version=1, nodes=(NODE,))

    (row,) = overview.node_rows(wanted, observed, Counter({"node-1": 5}))

    assert (row.players, row.playing, row.frame_deficit, row.sessions) == (3, 1, 3, 5)
    assert row.connected
    assert row.region == "eu"
    assert b"hidden" not in msgspec.json.encode(row)


def test_a_node_that_is_wanted_no_more_is_shown_while_it_is_observed() -> None:
    (row,) = overview.node_rows(Directive(version=1), [seen("a", players=2)], Counter())

    assert not row.wanted
    assert row.players == 2


def test_a_position_runs_on_up_to_the_tracks_end() -> None:
    head = b'{"guild_id":9,"seat":{"node":"node-1","session_id":"s"}}'
    live = msgspec.json.encode(LIVE)

    def at(now: int, document: bytes | None = live) -> overview.PlayerRow:
        return overview.player_row(PARTITION, 9, head, document, now=now)

    assert at(3_000).position == 7_000
    assert at(900_000).position == 60_000
    assert at(3_000).node == "node-1"
    assert at(3_000, None).track is None


async def report(redis: redis.Client, observed: Observed, *, ago: int) -> None:
    """Report as a member did so many ms ago."""
    at = await Overview(redis, bot=BOT).now() - ago
    document = msgspec.json.encode(replace(observed, at=at))
    await redis.hset(keys.observed(BOT), observed.field, document)


async def test_a_member_that_reports_no_more_is_not_counted(redis: redis.Client) -> None:
    await report(redis, seen("killed", players=1), ago=20_000)
    await report(redis, seen("its-heir", players=1), ago=2_000)

    (row,) = await Overview(redis, bot=BOT).nodes()

    assert row.players == 1


async def test_members_are_listed_with_what_they_hold(redis: redis.Client) -> None:
    await Layout(redis, BOT).bind_partitions("default", 4)
    await Layout(redis, BOT).bind_shards(2)
    for component in fleet.COMPONENTS:
        await Members(redis, bot=BOT, component=component, name="services-1").beat()
    await Members(redis, bot=BOT, component="audio", name="audio-2").beat(weight=0.5)
    await Leases(redis, owner="services-1").acquire(Shard(BOT, 1, 2))
    await Leases(redis, owner="audio-2").acquire(PARTITION)
    told = Observed(member="audio-2", component="audio", at=0, directive_version=7)
    await report(redis, told, ago=0)
    gateway = Observed(member="services-1", component="gateway", at=0, directive_version=5)
    await report(redis, gateway, ago=0)

    rows = await Overview(redis, bot=BOT).members()

    assert [(row.component, row.name, row.held) for row in rows] == [
        ("audio", "audio-2", (f"{BOT}:default:p1",)),
        ("audio", "services-1", ()),
        ("gateway", "services-1", (f"{BOT}:s1of2",)),
    ]
    assert rows[0].weight == 0.5
    assert [row.directive_version for row in rows] == [7, None, 5]


def test_what_a_member_should_hold_and_does_not_is_to_come() -> None:
    things = [Partition(BOT, "default", index) for index in range(4)]
    roll = Roll(
        100_000,
        (
            Member("old", since=0, seen=100_000, weight=1.0, draining=False),
            Member("new", since=90_000, seen=100_000, weight=1.0, draining=False),
            Member("young", since=99_000, seen=100_000, weight=1.0, draining=False),
        ),
    )

    rows = overview.member_rows("audio", roll, things, {"old": tuple(things)}, {})

    owners = rendezvous.assign(things, {"old": 1.0, "new": 1.0})
    expected = list(owners.values()).count("new")
    assert [(row.name, row.awaited) for row in rows] == [
        ("old", 0),
        ("new", expected),
        ("young", 0),
    ]
    assert expected > 0


def test_who_was_silent_for_longer_than_a_lease_lasts_is_dead() -> None:
    roll = Roll(
        100_000,
        (
            Member("here", since=0, seen=90_000, weight=1.0, draining=False),
            Member("gone", since=0, seen=89_999, weight=1.0, draining=False),
        ),
    )

    rows = overview.member_rows("audio", roll, [], {}, {})

    assert [(row.name, row.alive) for row in rows] == [("here", True), ("gone", False)]


async def test_players_and_sessions_of_every_partition_are_found(redis: redis.Client) -> None:
    await Layout(redis, BOT).bind_partitions("default", 4)
    await fleet.direct(redis, bot=BOT, nodes=[NODE])
    await redis.sadd(keys.guilds(PARTITION), "9", "10")
    await redis.set(keys.head(PARTITION, 9), b'{"guild_id":9}')
    await redis.set(keys.live(BOT, 9), msgspec.json.encode(LIVE))
    await redis.hset(keys.node_sessions(PARTITION), "node-1", "s")

    (player,) = await Overview(redis, bot=BOT).players()
    (node,) = await Overview(redis, bot=BOT).nodes()

    assert (player.guild_id, player.track, player.queue_length) == ("9", "Song", 3)
    assert (node.sessions, node.connected) == (1, False)


async def test_a_bot_that_never_ran_has_nothing(redis: redis.Client) -> None:
    found = Overview(redis, bot=BOT)

    assert await found.nodes() == []
    assert await found.members() == []
    assert await found.players() == []
