"""Another count of shards waits for its confirmation, and then ends every gateway first."""

import support_operating
from legato.contracts import keys
from support_operating import Bot, Room, Stage, lavalink_node

DEPLOYMENTS = "apis/apps/v1/deployments"
GATEWAY = "legato.dev/bot=melody,app.kubernetes.io/component=gateway"


def told(room: Room) -> set[str]:
    """Read for how many shards the gateways that are there were made."""
    found = set()
    for one in room.items(DEPLOYMENTS, GATEWAY):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        found |= {each["value"] for each in container["env"] if each["name"] == "SHARDS"}
    return found


def test_a_confirmed_count_replaces_the_stored_one(operating: Stage) -> None:
    room, bot = Room(operating, "resharding"), Bot("melody", 100000000000000601)
    support_operating.settled(room, [bot], lavalink_node())
    layout = keys.layout(bot.application)
    audio = room.items(DEPLOYMENTS, "app.kubernetes.io/component=audio")

    refused = operating.cluster.kubectl(
        "-n", room.name, "patch", "mb", "melody", "--type=merge",
        "-p", '{"spec": {"gateway": {"shards": 3}}}',
    )  # fmt: skip
    assert refused.returncode == 1
    assert "confirm it by gateway.reshardTo" in refused.stderr
    room.run(
        "patch", "mb", "melody", "--type=merge",
        "-p", '{"spec": {"gateway": {"shards": 3, "reshardTo": 3}}}',
    )  # fmt: skip

    room.until(lambda: operating.redis.hget(layout, "shards") == b"3", "the new count is stored")
    room.until(lambda: room.ready("melody"), "it is fine with it")
    room.until(lambda: told(room) == {"3"}, "gateways of the new count alone")
    after = room.items(DEPLOYMENTS, "app.kubernetes.io/component=audio")
    assert [one["metadata"]["uid"] for one in after] == [one["metadata"]["uid"] for one in audio]
