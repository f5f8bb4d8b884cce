"""Which node a player should play on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.audio import placement
from legato.audio.placement import Candidate, Choice


def choose(*nodes: Candidate, current: str | None = None, region: str = "eu") -> Choice:
    return placement.choose(nodes, current=current, region=region)


def node(name: str, region: str = "eu", **values: object) -> Candidate:
    return Candidate(name=name, region=region, **values)  # type: ignore[arg-type]


def test_the_node_with_fewer_players_is_taken() -> None:
    assert choose(node("a", playing=3), node("b", playing=2)).node == "b"


def test_a_near_busy_node_is_better_than_a_far_idle_one() -> None:
    assert choose(node("far", region="us"), node("near", playing=200)).node == "near"


def test_a_far_node_is_better_than_none() -> None:
    assert choose(node("far", region="us"), node("near", cordoned=True)).node == "far"


def test_lost_frames_weigh_more_than_players() -> None:
    assert choose(node("a", deficit=60), node("b", playing=20)).node == "b"


def test_a_node_out_of_sessions_takes_no_new_partition() -> None:
    full = node("a", sessions=64)

    assert choose(full) == Choice(None, "a: out of sessions")
    assert choose(node("a", sessions=64, has_session=True)).node == "a"


def test_a_cordon_keeps_who_is_there_and_takes_nobody_new() -> None:
    cordoned = node("a", cordoned=True)

    assert choose(cordoned, current="a") == Choice("a", "stays")
    assert choose(cordoned) == Choice(None, "a: cordoned")


def test_a_draining_node_is_left_as_soon_as_there_is_another() -> None:
    drained = node("a", draining=True)

    assert choose(drained, node("b", playing=90), current="a") == Choice("b", "a drains")
    assert choose(drained, current="a") == Choice(None, "a: draining")


def test_a_player_stays_unless_another_node_is_much_better() -> None:
    assert choose(node("a", playing=12), node("b"), current="a").node == "b"
    assert choose(node("a", playing=9), node("b"), current="a") == Choice("a", "stays")
    assert choose(node("a", playing=100), node("b", playing=85), current="a").node == "a"


def test_a_node_that_is_away_is_left() -> None:
    assert choose(node("a", connected=False), node("b"), current="a") == Choice("b", "a is away")


def test_who_sits_far_from_the_voice_server_goes_nearer_as_soon_as_there_is_a_node() -> None:
    far = node("far", region="us")

    assert choose(far, node("near", playing=200), current="far") == Choice(
        "near", "nearer to the voice server", nearer=True
    )
    assert choose(far, node("near", cordoned=True), current="far") == Choice("far", "stays")


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("frankfurt7013.discord.media:443", "eu"),
        ("us-east1234.discord.media:443", "us"),
        ("c-fra05-4f1a.discord.media:2053", "eu"),
        ("frankfurt-12345.discord.media", "eu"),
        ("sydney4.discord.media:443", None),
        ("127.0.0.1:8443", None),
        ("", None),
    ],
)
def test_a_voice_servers_name_says_its_region(endpoint: str, region: str | None) -> None:
    known = {"frankfurt": "eu", "fra": "eu", "us-east": "us"}

    assert placement.region_of(endpoint, known) == region


def test_without_nodes_the_reason_says_so() -> None:
    assert choose() == Choice(None, "there are no nodes")


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        name=st.sampled_from("abcdef"),
        region=st.sampled_from(["eu", "us"]),
        cordoned=st.booleans(),
        draining=st.booleans(),
        connected=st.booleans(),
        playing=st.integers(0, 300),
        load=st.floats(0, 1),
        deficit=st.integers(0, 3000),
    ),
    unique_by=lambda candidate: candidate.name,
)


@given(nodes=CANDIDATES, current=st.none() | st.sampled_from("abcdef"))
def test_a_choice_is_stable_once_taken(nodes: list[Candidate], current: str | None) -> None:
    first = placement.choose(nodes, current=current, region="eu")

    again = placement.choose(nodes, current=first.node or current, region="eu")

    assert again.node == first.node
