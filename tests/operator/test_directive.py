from datetime import timedelta

from legato.contracts.fleet import Directive, Observed, ObservedNode
from legato_operator import directive
from legato_operator.directive import Address, Fleet

AT = 1_000_000
NODE = Address(name="berlin-0", url="http://berlin-0", region="europe", password="secret")


def observed(
    member: str = "audio-0", *, at: int = AT, version: int = 1, **more: object
) -> Observed:
    said: dict[str, object] = {"component": "audio"} | more
    return Observed(member=member, at=at, directive_version=version, **said)  # type: ignore[arg-type]


def fleet(*members: Observed, said: Directive | None = None) -> Fleet:
    return Fleet(said, members, AT)


def test_a_first_directive_is_its_first_version() -> None:
    assert directive.compose(fleet(), [NODE], {}, max_handovers=2).version == 1


def test_a_directive_that_says_the_same_keeps_its_version() -> None:
    first = directive.compose(fleet(), [NODE], {}, max_handovers=2)

    assert directive.compose(fleet(said=first), [NODE], {}, max_handovers=2) is first
    assert (
        directive.compose(fleet(said=first), [NODE], {"audio-0": 0}, max_handovers=2).version == 2
    )


def test_a_drains_deadline_stands_from_the_first_time_it_is_said() -> None:
    leaving = Address(
        name="berlin-0",
        url="http://berlin-0",
        region="europe",
        password="secret",
        cordoned=True,
        drain_within=timedelta(seconds=60),
    )
    first = directive.compose(fleet(), [leaving], {}, max_handovers=2)

    later = directive.compose(Fleet(first, (), AT + 30_000), [leaving], {}, max_handovers=2)

    assert first.nodes[0].drain_deadline == AT + 60_000
    assert later is first


def test_a_cordon_is_in_force_once_every_living_audio_pod_has_acted_on_it() -> None:
    said = directive.compose(
        fleet(),
        [Address(**{**_fields(NODE), "cordoned": True})],
        {},
        max_handovers=2,
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
