"""Two bots on one LavalinkNode: it is scaled and drained for both."""

import support_operating
from legato.contracts.fleet import Directive
from support_operating import Bot, Room, Stage, lavalink_node

NODES = "apis/legato.dev/v1beta1/lavalinknodes"


def told(said: Directive) -> dict[str, bool]:
    return {one.name: one.cordoned for one in said.nodes}


def test_a_node_goes_only_once_neither_bot_plays_on_it(operating: Stage) -> None:
    room = Room(operating, "sharing")
    one, other = Bot("melody", 100000000000000101), Bot("rhythm", 100000000000000102)
    support_operating.settled(room, [one, other], lavalink_node(replicas=2))
    both = {"berlin-0": False, "berlin-1": False}
    room.until(
        lambda: told(room.directive(one)) == told(room.directive(other)) == both,
        "both are told of both nodes",
    )
    room.until(
        lambda: {node.session_quota for node in room.directive(one).nodes} == {32},
        "each has its half of a node's sessions",
    )

    one.players, other.players = {"berlin-1": 2}, {"berlin-1": 3}
    moves = other.act
    other.act = lambda said: None  # type: ignore[method-assign]  # it moves nobody yet
    room.until(lambda: room.get(NODES, "berlin")["status"].get("players") == 5, "players of both")
    room.run("scale", "lln", "berlin", "--replicas=1")
    leaving = {"berlin-0": False, "berlin-1": True}
    room.until(
        lambda: told(room.directive(one)) == told(room.directive(other)) == leaving,
        "it is cordoned for both",
    )
    room.until(lambda: one.players == {"berlin-0": 2}, "the one moves who plays there")
    room.looked("lavalinknodes", "berlin")
    assert "berlin-1" in room.pods("node")
    assert told(room.directive(one)) == told(room.directive(other)) == leaving

    other.act = moves  # type: ignore[method-assign]
    room.until(lambda: "berlin-1" not in room.names("api/v1/pods"), "it goes once it is empty")
    left = {"berlin-0": False}
    room.until(
        lambda: told(room.directive(one)) == told(room.directive(other)) == left,
        "both are told of one",
    )
    room.until(lambda: room.get(NODES, "berlin")["status"].get("players") == 5, "nobody is lost")
