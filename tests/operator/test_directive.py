import dataclasses
from datetime import timedelta

from legato.contracts.fleet import Directive, Observed, ObservedNode
from legato_operator import directive
from legato_operator.directive import Address, Fleet, Steering

AT = 1_000_000
PLAIN = Steering(handovers={"gateway": 2})
NODE = Address(name="berlin-0", url="http://berlin-0", region="europe", password="secret")


def observed(
    member: str = "audio-0", *, at: int = AT, version: int = 1, **more: object
) -> Observed:
    said: dict[str, object] = {"component": "audio"} | more
    return Observed(member=member, at=at, directive_version=version, **said)  # type: ignore[arg-type]


def fleet(*members: Observed, said: Directive | None = None) -> Fleet:
    return Fleet(said, members, AT)


def test_a_drain_is_overdue_only_half_a_minute_after_its_deadline() -> None:
    drains = dataclasses.replace(NODE, cordoned=True, drain_within=timedelta(minutes=1))
    said = directive.compose(fleet(), [drains], PLAIN)

    def seen(at: int) -> Fleet:
        return Fleet(said, (), at)

    assert not seen(AT + 89_999).overdue(NODE.name)
    assert seen(AT + 90_000).overdue(NODE.name)


def test_a_node_that_is_not_drained_is_never_overdue() -> None:
    said = directive.compose(fleet(), [NODE], PLAIN)

    assert not Fleet(said, (), AT + 10**9).overdue(NODE.name)
    assert not Fleet(said, (), AT + 10**9).overdue("another")


def test_a_first_directive_is_its_first_version() -> None:
    assert directive.compose(fleet(), [NODE], PLAIN).version == 1


def test_a_directive_that_says_the_same_keeps_its_version() -> None:
    first = directive.compose(fleet(), [NODE], PLAIN)

    assert directive.compose(fleet(said=first), [NODE], PLAIN) is first
    other = Steering(weights={"audio-0": 0})
    assert directive.compose(fleet(said=first), [NODE], other).version == 2


def test_a_drains_deadline_stands_from_the_first_time_it_is_said() -> None:
    leaving = Address(
        name="berlin-0",
        url="http://berlin-0",
        region="europe",
        password="secret",
        cordoned=True,
        drain_within=timedelta(seconds=60),
    )
    first = directive.compose(fleet(), [leaving], PLAIN)

    later = directive.compose(Fleet(first, (), AT + 30_000), [leaving], PLAIN)

    assert first.nodes[0].drain_deadline == AT + 60_000
    assert later is first


def test_a_cordon_is_in_force_once_every_living_audio_pod_has_acted_on_it() -> None:
    said = directive.compose(
        fleet(),
        [Address(**{**_fields(NODE), "cordoned": True})],
        PLAIN,
    )

    assert fleet(observed(version=1), said=said).settled("berlin-0")
    assert not fleet(observed(version=0), said=said).settled("berlin-0")
    assert not fleet(observed(), observed("audio-1", version=0), said=said).settled("berlin-0")
    assert fleet(observed(), observed("dead", at=0, version=0), said=said).settled("berlin-0")
    assert not fleet(said=said).settled("berlin-0")


def _fields(address: Address) -> dict[str, object]:
    return {name: getattr(address, name) for name in Address.__slots__}


def test_players_are_counted_over_all_living_audio_pods() -> None:
    two = observed(nodes=(ObservedNode(name="berlin-0", players=2),))
    three = observed("audio-1", nodes=(ObservedNode(name="berlin-0", players=3),))
    dead = observed("audio-2", at=0, nodes=(ObservedNode(name="berlin-0", players=9),))

    assert fleet(two, three, dead).players("berlin-0") == 5


def test_a_node_is_empty_only_once_each_partition_has_an_owner_that_counts_its_players() -> None:
    """Between two owners a partition's players play on, and are counted by nobody."""
    said = directive.compose(fleet(), [Address(**{**_fields(NODE), "cordoned": True})], PLAIN)
    names = [f"1:europe:p{number}" for number in range(32)]
    one, other = observed(partitions=names[:20]), observed("audio-1", partitions=names[20:])
    elsewhere = observed("audio-1", partitions=[f"1:asia:p{number}" for number in range(32)])

    def has_left(*members: Observed) -> bool:
        return Fleet(said, members, AT, home="europe").has_left("berlin-0")

    assert has_left(one, other)
    assert not has_left(one)
    assert not has_left(one, elsewhere)
    assert not has_left(observed())


def test_where_nobody_reports_nothing_is_known() -> None:
    assert fleet().players("berlin-0") is None


def test_a_node_is_on_the_line_where_an_audio_pod_said_so_just_now() -> None:
    up = (ObservedNode(name="berlin-0", connected=True),)
    down = (ObservedNode(name="berlin-0"),)
    earlier = AT - 11_000

    assert fleet(observed(nodes=down), observed("audio-1", nodes=up)).reaches("berlin-0")
    assert not fleet(observed(nodes=up)).reaches("berlin-1")
    assert not fleet(observed(nodes=down)).reaches("berlin-0")
    assert not fleet(observed(nodes=up, at=earlier)).reaches("berlin-0")
    assert not fleet(observed(nodes=up, component="gateway")).reaches("berlin-0")


def test_partitions_are_counted_by_region() -> None:
    one = observed(partitions=("1:europe:p0", "1:europe:p1", "1:america:p0"))

    assert fleet(one).partitions("europe") == {"audio-0": 2}


def test_no_password_stands_in_what_is_shown() -> None:
    assert "secret" not in repr(NODE)


def test_each_roll_has_its_own_pace_and_who_cant_tell_them_apart_takes_the_least() -> None:
    paces = Steering(handovers={"gateway": 4, "audio:europe": 0, "audio:america": 2})

    said = directive.compose(fleet(), [NODE], paces)

    assert said.max_handovers == 0
    assert [said.most_handovers(roll) for roll in paces.handovers] == [4, 0, 2]


def test_of_a_node_whose_group_is_paused_stays_what_was_told() -> None:
    first = directive.compose(fleet(), [NODE], PLAIN)
    drained = {**_fields(NODE), "cordoned": True, "drain_within": timedelta(seconds=60)}

    paused = [Address(**{**drained, "still": True})]
    assert directive.compose(fleet(said=first), paused, PLAIN) is first

    assert directive.compose(fleet(said=first), [Address(**drained)], PLAIN).version == 2
