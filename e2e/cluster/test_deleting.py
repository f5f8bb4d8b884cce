"""Bots, groups of nodes and whole namespaces are deleted in order, and nothing hangs."""

import support_operating
from support_operating import Bot, Room, Stage, lavalink_node

CHILDREN = (
    "apis/apps/v1/deployments",
    "apis/apps/v1/statefulsets",
    "apis/batch/v1/cronjobs",
    "apis/batch/v1/jobs",
    "api/v1/services",
    "api/v1/configmaps",
    "api/v1/pods",
    "apis/policy/v1/poddisruptionbudgets",
    "apis/networking.k8s.io/v1/networkpolicies",
)


def ours(room: Room) -> list[str]:
    listed = (room.items(kind, "app.kubernetes.io/managed-by=legato-operator") for kind in CHILDREN)
    return [one["metadata"]["name"] for some in listed for one in some]


def exists(room: Room, kind: str, name: str) -> bool:
    return room.get(f"apis/legato.dev/v1beta1/{kind}", name) is not None


def test_a_bot_leaves_every_channel_and_then_goes_with_all_it_had(operating: Stage) -> None:
    room = Room(operating, "farewell")
    bot = Bot("melody", 100000000000000301)
    support_operating.settled(room, [bot], lavalink_node())
    bot.players = {"berlin-0": 3}
    acts, bot.act = bot.act, lambda said: None  # type: ignore[method-assign]

    room.run("delete", "mb", "melody", "--wait=false")
    room.until(lambda: room.directive(bot).closing is True, "it is told to leave")
    room.until(
        lambda: room.condition("musicbots", "melody", "Ready")[1] == "Deleting", "it says so"
    )
    assert room.pods("audio")
    assert room.pods("gateway")

    bot.act = acts  # type: ignore[method-assign]
    room.until(lambda: not exists(room, "musicbots", "melody"), "an end")
    room.bots.clear()
    room.until(
        lambda: not [one for one in ours(room) if one.startswith("melody")], "nothing of it is left"
    )
    assert bot.players == {}
    room.until(lambda: room.ready("berlin", "lavalinknodes"), "the nodes are fine")

    room.run("delete", "lln", "berlin", "--wait=false")
    room.until(lambda: not exists(room, "lavalinknodes", "berlin"), "an end of the nodes")
    room.until(lambda: ours(room) == [], "nothing is left")


def test_a_namespace_goes_with_all_that_is_in_it(operating: Stage) -> None:
    room = Room(operating, "vanishing")
    bot = Bot("melody", 100000000000000302)
    support_operating.settled(room, [bot], lavalink_node())
    bot.players = {"berlin-0": 3}
    bot.act = lambda said: None  # type: ignore[method-assign]  # its pods are ended without a word

    room.run("delete", "namespace", "vanishing", "--wait=false")

    room.until(
        lambda: operating.api.call("GET", "/api/v1/namespaces/vanishing") is None,
        "an end of the namespace",
    )
