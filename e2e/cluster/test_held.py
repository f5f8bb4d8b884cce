"""What is paused or can not be made stays as it is; a changed password loses no node."""

import json

import pytest

import support_operating
from legato.contracts.fleet import Node
from support_operating import Bot, Json, Room, Stage, lavalink_node

BOTS = "apis/legato.dev/v1beta1/musicbots"
NODES = "apis/legato.dev/v1beta1/lavalinknodes"
WORKLOADS = ("apis/apps/v1/deployments", "apis/apps/v1/statefulsets")
PASSWORD = {"name": "nodes", "key": "password"}


def password(value: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "nodes"},
        "stringData": {"password": value},
    }


@pytest.fixture(scope="module")
def room(operating: Stage) -> Room:
    room = Room(operating, "held")
    bot = Bot("melody", 100000000000000701)
    support_operating.settled(room, [bot], lavalink_node(replicas=2))
    room.until(lambda: at_rest(room), "all at rest")
    return room


def there(room: Room) -> dict[str, int]:
    """Say which workloads there are, and in which generation."""
    return {
        one["metadata"]["name"]: one["metadata"]["generation"]
        for kind in WORKLOADS
        for one in room.items(kind)
        if one["metadata"].get("generation")
    }


def told(room: Room) -> dict[str, Node]:
    """Say which nodes the bot's services are told of, in whatever order."""
    return {one.name: one for one in room.directive(room.bots[0]).nodes}


def revisions(room: Room) -> set[str]:
    """Say of which revisions these are."""
    return {one.revision for one in told(room).values()}


def at_rest(room: Room) -> bool:
    """Say whether all is fine, and nothing is emptied or on its way."""
    nodes = room.directive(room.bots[0]).nodes
    pods = room.items("api/v1/pods", "legato.dev/nodes=berlin")
    groups = room.items("apis/apps/v1/statefulsets")
    return (
        room.ready("berlin", "lavalinknodes")
        and room.ready("melody")
        and [one["spec"]["replicas"] for one in groups] == [len(pods)] == [len(nodes)] == [2]
        and len(revisions(room)) == 1
        and not any(one.cordoned for one in nodes)
    )


def change(room: Room, kind: str, name: str, **spec: Json) -> None:
    """Change a resource, and wait until the operator has looked at what it says now."""
    room.run("patch", kind, name, "--type=merge", "-p", json.dumps({"spec": spec}))
    path = BOTS if kind == "mb" else NODES
    wanted = room.get(path, name)["metadata"]["generation"]
    room.until(
        lambda: room.get(path, name)["status"]["observedGeneration"] >= wanted,
        f"a look at {name} of generation {wanted}",
    )


def test_what_is_paused_stays_as_it_is_and_goes_on_afterwards(room: Room) -> None:
    change(room, "mb", "melody", paused=True)
    change(room, "lln", "berlin", paused=True)
    before, said, known = there(room), room.directive(room.bots[0]), revisions(room)

    change(room, "mb", "melody", image="example.org/legato:2")
    change(room, "lln", "berlin", version="4.2.9")

    # Nothing is written, not even the same once more.
    assert (there(room), room.directive(room.bots[0])) == (before, said)
    for kind, name in (("musicbots", "melody"), ("lavalinknodes", "berlin")):
        assert room.condition(kind, name, "Paused")[0] == "True"
        room.until(lambda kind=kind, name=name: room.ready(name, kind), f"{name} is fine")  # type: ignore[misc]
    assert room.condition("musicbots", "melody", "RolloutBlocked")[1] == "NotPaused"
    assert "NotPaused" in room.run("get", "mb", "melody", "-o", "jsonpath={.status.inProgress}")

    change(room, "mb", "melody", paused=False, image=None)
    change(room, "lln", "berlin", paused=False)
    room.until(
        lambda: at_rest(room) and known.isdisjoint(revisions(room)),
        "nodes of the wanted release, and no surge",
    )


def test_what_breaks_the_music_is_refused_in_words_and_touches_nothing(room: Room) -> None:
    before, known = there(room), told(room)

    change(room, "lln", "berlin", applicationYml={"lavalink": {"server.player-update-interval": 5}})

    status, reason, message = room.condition("lavalinknodes", "berlin", "Ready")
    assert (status, reason) == ("False", "ApplicationYmlRefused")
    assert "lavalink.server.player-update-interval" in message
    assert (there(room), told(room)) == (before, known)

    change(room, "lln", "berlin", applicationYml=None)
    room.until(lambda: at_rest(room), "all as it was before")


def test_a_password_is_changed_and_every_node_is_reached_meanwhile(room: Room) -> None:
    known = {one.password for one in told(room).values()}

    def follow(value: str) -> bool:
        nodes = told(room)
        assert len(nodes) >= 2  # nobody plays on a node that the bot is not told of
        assert {one.password for one in nodes.values()} <= known
        return {one.password for one in nodes.values()} == {value} and len(nodes) == 2

    for value in ("first", "second"):
        known.add(value)
        room.apply(password(value))
        change(room, "lln", "berlin", passwordSecretRef=PASSWORD)
        room.until(lambda value=value: follow(value), f"every node with the {value} password")  # type: ignore[misc]
    room.until(lambda: at_rest(room), "a group that is fine")
