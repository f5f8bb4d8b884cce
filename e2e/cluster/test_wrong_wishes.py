"""What can't come true is said with its reason, and touches nothing else.

What a kubelet says of an image is written here by us; a real one is asked in e2e/cluster/machines.
"""

import base64

import pytest

import support_operating
import support_tokens
from support_operating import Bot, Room, Stage, lavalink_node, secret

BOTS = "apis/legato.dev/v1beta1/musicbots"
DEPLOYMENTS = "apis/apps/v1/deployments"
SECRETS = "api/v1/secrets"
UNPULLED = {"reason": "ImagePullBackOff", "message": "no such manifest"}


@pytest.fixture(scope="module")
def room(operating: Stage) -> Room:
    room = Room(operating, "wrong")
    support_operating.settled(room, [Bot("melody", 100000000000000201)], lavalink_node())
    return room


def deployments(room: Room) -> dict[str, int]:
    found = room.items(DEPLOYMENTS, "legato.dev/bot=melody")
    return {one["metadata"]["name"]: one["spec"]["replicas"] for one in found}


def gateways(room: Room) -> dict[str, int]:
    return {name: count for name, count in deployments(room).items() if "gateway" in name}


def begins_with(room: Room) -> dict[str, str]:
    """Read the token that a container of each gateway finds when it starts, now or anew."""
    found = {}
    for one in room.items(DEPLOYMENTS, f"{support_operating.COMPONENT}=gateway"):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        env = {each["name"]: each.get("valueFrom") for each in container["env"]}
        source = env["DISCORD_TOKEN"]["secretKeyRef"]
        data = room.get(SECRETS, source["name"])["data"]
        found[one["metadata"]["name"]] = base64.b64decode(data[source["key"]]).decode()
    return found


def pinned(room: Room) -> list[str]:
    """List all that pods of the bot begin with."""
    data = room.get(SECRETS, "melody-pinned")["data"]
    return sorted(base64.b64decode(one).decode() for one in data.values())


def test_a_wrong_token_is_never_given_to_a_gateway(room: Room) -> None:
    before = deployments(room)

    room.apply(secret(room, room.bots[0], token="mislaid"))
    room.until(
        lambda: room.condition("musicbots", "melody", "TokenValid")[:2] == ("False", "Refused"),
        "the token is refused",
    )
    assert deployments(room) == before
    assert room.condition("musicbots", "melody", "Ready")[1] == "TokenRefused"
    assert "mislaid" not in str(room.get(BOTS, "melody"))

    room.apply(secret(room, room.bots[0]))
    room.until(lambda: room.ready("melody"), "the right token")
    assert deployments(room) == before


def test_a_container_that_starts_anew_finds_the_token_that_was_validated(room: Room) -> None:
    bot, (first,) = room.bots[0], begins_with(room).values()
    before, second = pinned(room), f"{first}.2"

    room.apply(secret(room, bot, token="mislaid"))
    room.until(
        lambda: room.condition("musicbots", "melody", "TokenValid")[:2] == ("False", "Refused"),
        "the token is refused",
    )
    room.looked("musicbots", "melody")
    assert list(begins_with(room).values()) == [first]
    assert pinned(room) == before

    room.apply(secret(room, bot, token=second))
    room.until(
        lambda: list(begins_with(room).values()) == [second] and first not in pinned(room),
        "a gateway with the token that is valid, and the other one gone with the last",
    )
    assert second in pinned(room)

    room.apply(secret(room, bot))
    room.until(
        lambda: pinned(room) == before and room.ready("melody"),
        "the first token alone",
    )
    assert list(begins_with(room).values()) == [first]


def test_a_token_of_another_application_is_told_apart(room: Room) -> None:
    before = deployments(room)

    room.apply(secret(room, room.bots[0], token="token-100000000000000299"))
    room.until(
        lambda: room.condition("musicbots", "melody", "Ready")[1] == "TokenOtherApplication",
        "whose token it is",
    )
    assert "100000000000000299" in room.condition("musicbots", "melody", "Ready")[2]
    assert deployments(room) == before

    room.apply(secret(room, room.bots[0]))
    room.until(lambda: room.ready("melody"), "the right token")


def test_a_token_that_is_revoked_while_it_serves_is_told_and_ends_nothing(room: Room) -> None:
    before, revoked = deployments(room), room.stage.discord.revoked
    token = f"token-{room.bots[0].application}"

    revoked.add(token)
    try:
        room.until(
            lambda: room.condition("musicbots", "melody", "Ready")[1] == "TokenRefused",
            "it is asked again now and then",
        )
        assert deployments(room) == before
    finally:
        revoked.discard(token)
    room.until(lambda: room.ready("melody"), "a token that is good again")
    assert deployments(room) == before


def test_an_address_of_redis_that_is_none_is_told_and_touches_nothing(room: Room) -> None:
    before = deployments(room)

    room.apply(secret(room, room.bots[0], redis="somewhere"))
    room.until(
        lambda: room.condition("musicbots", "melody", "Ready")[:2] == ("False", "RedisAway"),
        "what it can't reach",
    )
    assert room.condition("musicbots", "melody", "ControlPlaneReachable")[0] == "False"
    assert deployments(room) == before
    assert "somewhere" not in str(room.get(BOTS, "melody"))

    room.apply(secret(room, room.bots[0]))
    room.until(lambda: room.ready("melody"), "the right address")
    assert deployments(room) == before


def test_too_few_identifies_are_told_and_hold_a_gateways_rollout(room: Room) -> None:
    before, discord = gateways(room), room.stage.discord

    discord.remaining = support_operating.SHARDS - 1
    try:
        room.until(
            lambda: (
                room.condition("musicbots", "melody", "IdentifyBudgetAvailable")[:2]
                == ("False", "TooFewLeft")
            ),
            "Discord's limit is near",
        )
        assert room.ready("melody")
        resources = '{"spec": {"gateway": {"resources": {"memory": "300Mi"}}}}'
        room.run("patch", "mb", "melody", "--type=merge", "-p", resources)
        room.until(
            lambda: room.condition("musicbots", "melody", "RolloutBlocked")[1] == "IdentifyBudget",
            "what the gateway's rollout waits for",
        )
        room.looked("musicbots", "melody")
        assert gateways(room) == before
        assert room.ready("melody")
    finally:
        discord.remaining = support_tokens.IDENTIFIES
    room.until(
        lambda: room.ready("melody") and len(now := gateways(room)) == 1 and now != before,
        "the rollout, once there are enough",
    )


def test_an_image_that_a_kubelet_can_not_pull_holds_its_rollout_beside_the_old_pods(
    room: Room,
) -> None:
    before = deployments(room)
    room.broken["melody-migrate"] = UNPULLED

    room.run("patch", "mb", "melody", "--type=merge", "-p", '{"spec": {"version": "9.9.9"}}')
    room.until(
        lambda: (
            room.condition("musicbots", "melody", "RolloutBlocked")[1] == "MigrationDone"
            and "can't pull" in room.condition("musicbots", "melody", "RolloutBlocked")[2]
        ),
        "what it waits for",
    )
    assert deployments(room) == before
    assert room.ready("melody")

    room.broken = {"melody-gateway": UNPULLED, "melody-audio": UNPULLED, "melody-api": UNPULLED}
    room.until(
        lambda: (
            "no such manifest" in room.condition("musicbots", "melody", "RolloutBlocked")[2]
            and room.condition("musicbots", "melody", "RolloutBlocked")[1] == "NewPodsReady"
        ),
        "what the new pods wait for",
    )
    assert before.items() <= deployments(room).items()
    assert room.ready("melody")  # its old pods play on

    room.broken = {}
    room.run("patch", "mb", "melody", "--type=merge", "-p", '{"spec": {"version": "0.1.0"}}')
    room.until(lambda: room.ready("melody") and deployments(room) == before, "all as it was before")


def test_what_only_the_api_server_can_refuse_is_told_in_its_words(room: Room) -> None:
    jobs = '[{"name": "usage", "schedule": "every now and then"}]'
    affinity = '{"nodeAffinity": {"required": []}}'

    room.run(
        "patch",
        "mb",
        "melody",
        "--type=merge",
        "-p",
        f'{{"spec": {{"worker": {{"jobs": {jobs}}}}}}}',
    )
    room.until(
        lambda: room.condition("musicbots", "melody", "Ready")[1] == "ScheduleUnreadable",
        "which schedule",
    )
    assert "usage" in room.condition("musicbots", "melody", "Ready")[2]
    assert "melody-usage" in room.names("apis/batch/v1/cronjobs")

    patch = f'{{"spec": {{"worker": null, "podTemplate": {{"affinity": {affinity}}}}}}}'
    room.run("patch", "mb", "melody", "--type=merge", "-p", patch)
    room.until(
        lambda: room.condition("musicbots", "melody", "Ready")[1] == "ObjectRefused",
        "the API server's words",
    )
    assert "nodeAffinity" in room.condition("musicbots", "melody", "Ready")[2]

    room.run("patch", "mb", "melody", "--type=merge", "-p", '{"spec": {"podTemplate": null}}')
    room.until(lambda: room.ready("melody"), "all as it was before")


def test_a_later_bot_of_an_application_waits_until_the_earlier_one_is_gone(room: Room) -> None:
    """The last one here: it ends the bot of the others."""
    before, late = deployments(room), Bot("late", room.bots[0].application)
    beside = Room(room.stage, room.name)  # what it would report must not be mixed with the other's

    room.apply(secret(room, late), support_operating.music_bot(beside, late))
    room.until(
        lambda: room.condition("musicbots", "late", "Ready")[:2] == ("False", "ApplicationInUse"),
        "that somebody else has its application",
    )
    assert "MusicBot wrong/melody already" in room.condition("musicbots", "late", "Ready")[2]
    room.looked("musicbots", "late", times=1)
    assert room.items(DEPLOYMENTS, "legato.dev/bot=late") == []
    assert room.items("apis/batch/v1/jobs", "legato.dev/bot=late") == []
    assert deployments(room) == before
    assert room.ready("melody")

    room.run("delete", "mb", "melody", "--wait=false")
    room.until(
        lambda: any("gateway" in one for one in room.names(DEPLOYMENTS) if "late" in one),
        "that it goes on by itself",
    )
