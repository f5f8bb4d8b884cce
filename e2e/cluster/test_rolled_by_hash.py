"""Other contents of a Secret, or another setting, are another revision, and that alone rolls."""

import pytest

import support_operating
from support_operating import Bot, Room, Stage, lavalink_node, secret

DEPLOYMENTS = "apis/apps/v1/deployments"
PODS = "api/v1/pods"
BOT = Bot("melody", 100000000000000211)
NODES = "berlin"


@pytest.fixture(scope="module")
def room(operating: Stage) -> Room:
    room = Room(operating, "rolled")
    support_operating.settled(room, [BOT], lavalink_node(NODES))
    return room


def revisions(room: Room, components: str = "gateway,audio") -> set[str]:
    """Name the Deployments that hold shards and partitions."""
    found = room.items(DEPLOYMENTS, f"app.kubernetes.io/component in ({components})")
    return {one["metadata"]["name"] for one in found}


def nodes(room: Room) -> dict[str, str]:
    """Name the nodes' pods, each told apart from one that comes after it."""
    found = room.items(PODS, f"legato.dev/nodes={NODES}")
    return {one["metadata"]["name"]: one["metadata"]["uid"] for one in found}


def is_well(room: Room) -> bool:
    return room.ready("melody") and room.ready(NODES, "lavalinknodes")


def test_other_contents_of_a_secret_roll_who_reads_it_and_nobody_else(room: Room) -> None:
    before, untouched = revisions(room, "audio"), (revisions(room, "gateway"), nodes(room))

    room.apply(secret(room, BOT, postgres="postgresql://elsewhere/music"))

    def rolled() -> bool:
        now = revisions(room, "audio")
        return len(now) == 1 and now.isdisjoint(before) and is_well(room)

    room.until(rolled, "audio pods of another revision alone")
    assert (revisions(room, "gateway"), nodes(room)) == untouched


def test_another_setting_of_nodes_rolls_them_once_nobody_plays_there_and_no_bot(room: Room) -> None:
    first = f"{NODES}-0"
    BOT.players = {first: 3}
    before, untouched = nodes(room), revisions(room)

    settings = '{"spec": {"applicationYml": {"logging": {"level": {"root": "WARN"}}}}}'
    room.run("patch", "lln", NODES, "--type=merge", "-p", settings)
    room.until(
        lambda: [*(now := nodes(room))] == [first] and now != before and is_well(room),
        "a node of another revision alone",
    )
    assert BOT.players == {first: 3}
    assert revisions(room) == untouched


def test_what_changes_counts_alone_rolls_nothing(room: Room) -> None:
    before, untouched = revisions(room), nodes(room)

    scaling = '{"spec": {"replicas": 2, "scaling": {"playersPerNode": 7}}}'
    room.run("patch", "lln", NODES, "--type=merge", "-p", scaling)
    audio = (
        '{"spec": {"regions": [{"name": "europe", "audio": {"minimum": 2, "playersPerPod": 7}}]}}'
    )
    room.run("patch", "mb", "melody", "--type=merge", "-p", audio)
    room.until(
        lambda: len(nodes(room)) == 2 == len(room.pods("audio")) and is_well(room),
        "two of each",
    )
    assert revisions(room) == before
    assert untouched.items() <= nodes(room).items()
