import copy

import pytest

import support_operator
from legato_operator import changes, names
from legato_operator.changes import Pin
from legato_operator.desired import pinned
from legato_operator.desired.manifest import Manifest
from legato_operator.desired.pods import from_secret
from legato_operator.resources.shared import SecretRef
from legato_operator.seen import Token
from support_operator_model import Model, condition, deployments

OWNER = support_operator.owner(support_operator.read("smallest_bot"))
NAME = "melody-pinned"
OLD, NEW = "token-0000000a", "token-0000000b"
BOT_READS = {"DISCORD_TOKEN", "DATABASE_URL", "REDIS_URL", "DISCORD_CLIENT_SECRET"}
NODE_READS = {"PASSWORD", "LAVALINK_SERVER_PASSWORD"}


def beginning(kind: str, *keys: str, secret: str = NAME) -> Manifest:
    """Make what begins with some keys of a Secret."""
    env = [from_secret(one.upper(), SecretRef(name=secret, key=one)) for one in keys]
    spec: Manifest = {"containers": [{"name": "gateway", "env": env}]}
    within = {"Pod": spec, "CronJob": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}
    made: Manifest = {"kind": kind, "spec": within.get(kind, {"template": {"spec": spec}})}
    return made


def ended(one: Manifest, **status: object) -> Manifest:
    return one | {"status": status}


def found(**texts: str) -> Manifest:
    """Give the Secret as the API server has it."""
    wanted = pinned.secret(OWNER, {one.replace("_", "-"): text for one, text in texts.items()})
    return wanted | {"metadata": wanted["metadata"] | {"uid": "1", "resourceVersion": "7"}}


def pinned_now(there: Manifest | None, *using: Manifest, **known: str) -> dict[str, str] | None:
    """Say what is written; None where nothing is."""
    said = {one.replace("_", "-"): text for one, text in known.items()}
    actions = changes.pins(OWNER, there, using, said)
    assert all(isinstance(one, Pin) for one in actions)
    return pinned.texts(actions[0].manifest) if isinstance(actions[0], Pin) else None


@pytest.mark.parametrize("case", support_operator.names())
def test_no_variable_of_ours_is_read_from_a_persons_secret(case: str) -> None:
    read = set()
    for one in support_operator.objects(support_operator.read(case)):
        for container in pinned._pod(one).get("containers", ()):
            for variable in container["env"]:
                if variable["name"] in BOT_READS | NODE_READS:
                    source = variable["valueFrom"]["secretKeyRef"]
                    assert source["name"] in {NAME, "berlin-nodes-pinned"}
                    assert source["key"].endswith(f"-{support_operator.HASH}")
                    read.add(variable["name"])
    assert read
    assert read <= BOT_READS or read == NODE_READS


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "CronJob", "Job", "Pod"])
def test_whatever_begins_with_a_value_keeps_it(kind: str) -> None:
    assert pinned.used([beginning(kind, OLD)], NAME) == {OLD}
    assert pinned.used([beginning(kind, OLD, secret="discord")], NAME) == set()


@pytest.mark.parametrize(
    "over",
    [
        ended(beginning("Pod", OLD), phase="Succeeded"),
        ended(beginning("Pod", OLD), phase="Failed"),
        ended(beginning("Job", OLD), conditions=[{"type": "Complete", "status": "True"}]),
        ended(beginning("Job", OLD), conditions=[{"type": "Failed", "status": "True"}]),
    ],
)
def test_what_has_ended_keeps_nothing(over: Manifest) -> None:
    assert pinned.used([over], NAME) == set()


def test_a_value_is_there_with_the_first_that_begins_with_it_and_goes_with_the_last() -> None:
    both = beginning("Deployment", OLD), beginning("Deployment", NEW)
    before = found(token_0000000a="old")

    assert pinned_now(None, both[0], token_0000000a="old") == {OLD: "old"}
    assert pinned_now(before, *both, token_0000000b="new") == {OLD: "old", NEW: "new"}
    assert pinned_now(
        found(token_0000000a="old", token_0000000b="new"), both[1], token_0000000b="new"
    ) == {NEW: "new"}


def test_what_nothing_begins_with_is_not_written() -> None:
    before = found(token_0000000a="old")

    using = beginning("Deployment", OLD)

    assert changes.pins(OWNER, before, [using], {NEW: "wrong"}) == []
    assert changes.pins(OWNER, None, [], {NEW: "wrong"}) == []


def test_what_somebody_changed_in_it_is_put_back_as_far_as_it_is_known() -> None:
    using = beginning("Deployment", OLD)
    theirs = copy.deepcopy(found(token_0000000a="theirs"))
    renamed = copy.deepcopy(found(token_0000000a="old"))
    renamed["metadata"]["labels"] = {}

    assert pinned_now(theirs, using, token_0000000a="old") == {OLD: "old"}
    assert pinned_now(renamed, using) == {OLD: "old"}
    assert pinned.texts({"kind": "Secret", "data": {OLD: "//79"}}) == {}


def test_no_value_stands_in_what_is_logged_of_an_action() -> None:
    (action,) = changes.pins(OWNER, None, [beginning("Pod", OLD)], {OLD: "very secret"})

    assert "dmVyeSBzZWNyZXQ" not in repr(action)
    assert names.APPLIED not in str(action)


def test_a_token_that_discord_refuses_is_never_pinned_and_the_one_in_use_stays(
    settled: Model,
) -> None:
    gateways = deployments(settled, "gateway")
    settled.secret_hash, settled.token = "another", Token("Refused", "Discord refuses it")

    settled.settle()

    assert condition(settled, "TokenValid")[1] == "Refused"
    assert deployments(settled, "gateway") == gateways
    texts = pinned.texts(settled.pinned["MusicBot"])
    assert texts["token-first"] == "value of first"
    assert "token-another" not in texts
    assert settled.violations == []

    settled.token = Token("Valid", remaining=900, total=1000)
    settled.settle()

    assert deployments(settled, "gateway") != gateways
    assert set(pinned.texts(settled.pinned["MusicBot"])) == {
        "token-another",
        "database-another",
        "redis-another",
    }
    assert settled.violations == []


def test_a_node_finds_the_password_it_began_with_until_it_is_replaced(settled: Model) -> None:
    settled.play(150)
    settled.settle()
    counts = set()

    settled.node_spec = type(settled.node_spec)(region="europe", minimum=1, maximum=4, rotation=1)
    for _ in range(60):
        settled.turn()
        counts.add(len(pinned.texts(settled.pinned["LavalinkNode"])))

    (text,) = pinned.texts(settled.pinned["LavalinkNode"]).values()
    assert (text, counts) == ("password-1", {1, 2})
    assert settled.violations == []


def test_nodes_of_a_person_who_changed_the_password_twice_are_still_reached(settled: Model) -> None:
    settled.known_passwords = 1
    settled.play(10)
    settled.settle()
    settled.directive = settled.acted = None  # a Redis that came back empty
    settled.passwords += ["second", "third"]

    settled.turn()

    assert [(one.name, one.password) for one in settled.told] == [("berlin-0", "password-0")]


def test_what_an_older_release_made_begins_with_what_it_began_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A release without pinned values read the persons' own Secrets."""
    with monkeypatch.context() as older:
        older.setattr(pinned, "name_of", lambda owner: f"{owner.name}-own")
        older.setattr(pinned, "key", lambda what, _: what)
        model = Model()
        model.settle()
        model.violations.clear()
    before = dict(model.children), {one["metadata"]["uid"] for one in model.pods.values()}
    model.pinned.clear()

    model.settle()

    rolling = {"Deployment", "StatefulSet", "Job"}
    after = {ref: one for ref, one in model.children.items() if ref.kind in rolling}
    assert after == {ref: one for ref, one in before[0].items() if ref.kind in rolling}
    assert {one["metadata"]["uid"] for one in model.pods.values()} == before[1]
    assert not any("token" in one for one in pinned.texts(model.pinned.get("MusicBot")))
    assert model.violations == []
