"""A newer operator makes other pods of the same wishes, and leaves those that are there."""

import base64
import zlib
from collections.abc import Iterator

import msgspec
import pytest

import support_operator
from legato_operator import bots, groups, names
from legato_operator.desired import application, nodes, origin, pods
from legato_operator.desired.frame import Frame
from legato_operator.desired.manifest import Manifest, Ref
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec, Worker
from legato_operator.resources.shared import SecretRef
from support_operator_model import WORLD, Model, changed, deployments

NEWER = 11
"""Seconds for which pods of the newer operator stay on a lost machine."""
ROLLING = ("Deployment", "StatefulSet", "Job")


@pytest.fixture
def newer(settled: Model, monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """Give a bot and its nodes that another release has made, every template of which differs."""
    monkeypatch.setattr(pods, "LOST_AFTER", NEWER)
    monkeypatch.setattr(application, "WORKERS", 65)
    yield settled
    assert settled.violations == []


def workloads(model: Model) -> dict[Ref, Manifest]:
    return {ref: one for ref, one in model.children.items() if ref.kind in ROLLING}


def uids(model: Model) -> set[str]:
    return {one["metadata"]["uid"] for one in model.pods.values()}


def lost_after(template: Manifest) -> set[int]:
    return {one["tolerationSeconds"] for one in template["spec"]["tolerations"]}


def of_pods(model: Model, component: str) -> set[int]:
    """Say how long a component's pods stay on a lost machine, so whose template they are of."""
    return {
        seconds
        for one in model.pods.values()
        if one["metadata"]["labels"][names.COMPONENT] == component
        for seconds in lost_after(one)
    }


def nodes_changed(model: Model, **spec: object) -> None:
    model.node_spec = msgspec.structs.replace(model.node_spec, **spec)


def test_another_releases_templates_change_no_workload_and_no_pod(newer: Model) -> None:
    before = workloads(newer), uids(newer)

    newer.settle()

    assert (workloads(newer), uids(newer)) == before
    assert {one.kind for one in before[0]} == set(ROLLING)
    assert bots.reconcile(newer.bot(), WORLD, now=newer.now).actions == ()
    assert groups.reconcile(newer.group(), WORLD, now=newer.now).actions == ()


def test_other_counts_leave_the_template_and_those_who_come_are_of_it(newer: Model) -> None:
    there = deployments(newer, "audio"), uids(newer)
    (region,) = newer.bot_spec.regions
    more = msgspec.structs.replace(region.audio, minimum=2, players_per_pod=7)

    changed(newer, regions=(msgspec.structs.replace(region, audio=more),))
    nodes_changed(newer, minimum=2)
    newer.settle()

    assert deployments(newer, "audio") == there[0]
    assert there[1] < uids(newer)
    assert len(newer.pods_of("audio")) == len(newer.pods_of("node")) == 2
    assert of_pods(newer, "audio") == of_pods(newer, "node") == {pods.LOST_AFTER - 1}


def test_another_wish_takes_the_new_template_of_whom_it_concerns(newer: Model) -> None:
    gateways = deployments(newer, "gateway")
    changed(newer, search_prefix="ytsearch:")
    nodes_changed(newer, java_options="-XX:+UseZGC")

    newer.settle()

    assert of_pods(newer, "audio") == of_pods(newer, "node") == {NEWER}
    assert deployments(newer, "gateway") == gateways
    assert of_pods(newer, "gateway") == {NEWER - 1}


@pytest.mark.parametrize("spec", [{"version": "1.3.0"}, {"image": "example.org/legato:2"}])
def test_another_release_of_the_bot_takes_the_new_templates(
    newer: Model, spec: dict[str, str]
) -> None:
    changed(newer, **spec)

    newer.settle()

    assert of_pods(newer, "audio") == of_pods(newer, "gateway") == {NEWER}
    api = newer.children[Ref("Deployment", "melody-api")]
    assert lost_after(api["spec"]["template"]) == {NEWER}


def test_other_contents_of_a_secret_take_the_new_templates(newer: Model) -> None:
    newer.secret_hash = "another"

    newer.settle()

    assert of_pods(newer, "audio") == of_pods(newer, "gateway") == {NEWER}
    assert of_pods(newer, "node") == {NEWER - 1}


def test_what_a_person_changes_in_another_releases_workload_is_restored(newer: Model) -> None:
    before = workloads(newer)
    for ref, one in before.items():
        if ref.kind != "Job":
            template = one["spec"]["template"] | {"spec": {}}
            newer.children[ref] = one | {"spec": one["spec"] | {"template": template}}

    newer.settle()

    assert workloads(newer) == before


def test_nodes_whose_configuration_is_gone_are_replaced_one_by_one(newer: Model) -> None:
    newer.play(50)
    config = next(ref for ref in newer.children if ref.kind == "ConfigMap")
    del newer.children[config]

    newer.settle()

    assert of_pods(newer, "node") == {NEWER}


def test_what_pods_of_another_release_begin_with_stays(
    newer: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = {ref for ref in newer.children if ref.kind in {"ServiceAccount", "ConfigMap"}}
    joined = names.joined
    renamed = {"services": "servants", "nodes": "noders"}
    monkeypatch.setattr(names, "joined", lambda *of: joined(*(renamed.get(one, one) for one in of)))

    newer.settle()

    assert accounts < set(newer.children)


@pytest.mark.parametrize("text", [None, "", "%", "bm90aGluZw==", "eJyrrgUAAXUA+Q=="])
def test_what_carries_no_origin_follows_by_hand_over(newer: Model, text: str | None) -> None:
    for one in workloads(newer).values():
        del one["metadata"]["annotations"][names.ORIGIN]
        if text is not None:
            one["metadata"]["annotations"][names.ORIGIN] = text

    newer.settle()

    assert of_pods(newer, "audio") == of_pods(newer, "gateway") == of_pods(newer, "node") == {NEWER}


def test_a_rollout_that_is_taken_back_goes_back_to_the_pods_that_are_there(newer: Model) -> None:
    before = deployments(newer, "audio")
    changed(newer, search_prefix="ytsearch:")
    newer.until(lambda: len(deployments(newer, "audio")) == 2)

    changed(newer, search_prefix="")
    newer.settle()

    assert deployments(newer, "audio") == before


@pytest.mark.parametrize("case", support_operator.names())
def test_inputs_are_read_as_they_were_written(case: str) -> None:
    resource = support_operator.read(case)
    owner, secrets = support_operator.owner(resource), {SecretRef(name="one", key="key"): "hash"}
    spec = resource["spec"]
    one: Frame | nodes.Group
    if resource["kind"] == "MusicBot":
        one = Frame(owner, msgspec.convert(spec, BotSpec), "1.2.3", secrets)
    else:
        one = nodes.Group(owner, msgspec.convert(spec, NodeSpec), "hash", secrets)
    said = msgspec.json.decode(msgspec.json.encode(one.inputs))

    assert one.of(said) == one


def test_a_field_that_another_release_does_not_know_has_its_default(settled: Model) -> None:
    frame = Frame(settled.bot().owner, settled.bot_spec, "1.2.3")
    said = frame.inputs
    del said["spec"]["searchPrefix"]
    said["spec"]["fromTomorrow"] = True

    assert frame.of(said) == frame


def test_defaults_are_written_out_and_what_is_empty_too() -> None:
    said = origin.plain(Worker(jobs=()))

    assert said == {"jobs": [], "resources": {"cpu": "50m", "memory": "256Mi"}}


def test_what_is_too_long_for_an_annotation_is_not_noted() -> None:
    wanted = {"kind": "Deployment", "metadata": {"name": "one", "labels": {}}, "spec": {}}
    noise = "".join(names.revision(number) for number in range(40_000))

    made = origin.kept(wanted, {"noise": noise}, (), lambda _: None)

    assert made == wanted


def test_what_unpacks_to_more_than_an_object_may_have_is_not_read() -> None:
    packed = zlib.compress(b" " * (origin.MOST + 1) + b"{}")
    text = base64.b64encode(packed).decode()

    assert origin.read({"metadata": {"annotations": {names.ORIGIN: text}}}) is None


@pytest.mark.parametrize("error", [ValueError, KeyError, TypeError])
def test_inputs_that_nothing_can_be_made_of_are_another_wish(error: type[Exception]) -> None:
    wanted: Manifest = {"kind": "Job", "metadata": {"name": "one", "labels": {}}, "spec": {}}
    there = origin.kept(wanted, {"version": "1"}, [], dict)

    def make(_: Manifest) -> Manifest:
        raise error

    assert origin.read(origin.kept(wanted, {"version": "2"}, [there], make)) == origin.Origin(
        inputs={"version": "2"}, labels={}, spec={}
    )
