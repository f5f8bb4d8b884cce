"""What people with Docker use to try the chart, held to what is there: nothing here runs it."""

import base64
import re
from typing import Any

import msgspec
import yaml

import support_helm
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec

ROOT = support_helm.ROOT
VALUES = yaml.safe_load((ROOT / "e2e/try-values.yaml").read_text())
TRIED = {one["kind"]: one for one in yaml.safe_load_all((ROOT / "e2e/try.yaml").read_text())}


def _configs() -> dict[str, Any]:
    listed = yaml.safe_load_all((ROOT / "skaffold.yaml").read_text())
    return {one["metadata"]["name"]: one for one in listed}


def test_the_bot_for_trying_is_one_that_the_operator_takes() -> None:
    bot = msgspec.convert(TRIED["MusicBot"]["spec"], BotSpec)
    nodes = msgspec.convert(TRIED["LavalinkNode"]["spec"], NodeSpec)

    whose = TRIED["Secret"]["stringData"]["token"].partition(".")[0]
    assert base64.b64decode(whose).decode() == bot.application_id
    assert nodes.region in {one.name for one in bot.regions}


def test_the_bot_for_trying_finds_the_simulator_of_the_values() -> None:
    text = support_helm.run(
        "template", "legato", str(support_helm.CHART), "--namespace", "music", values=VALUES
    )
    objects = [one for one in yaml.safe_load_all(text) if one]
    deployment = support_helm.only(objects, "Deployment", "legato-operator")
    env = deployment["spec"]["template"]["spec"]["containers"][0]["env"]
    [url] = [one["value"] for one in env if one["name"] == "DISCORD_REST_URL"]

    assert TRIED["MusicBot"]["spec"]["discord"]["restUrl"] == url
    trusted = TRIED["LavalinkNode"]["spec"]["podTemplate"]["caSecretRef"]
    assert trusted["key"] in support_helm.only(objects, "Secret", trusted["name"])["data"]


def test_skaffold_builds_and_applies_what_is_there() -> None:
    platform, simulator = (_configs()[name] for name in ("platform", "simulator"))
    [artifact] = platform["build"]["artifacts"]
    [release] = platform["deploy"]["helm"]["releases"]
    paths = [artifact["docker"]["dockerfile"], release["chartPath"], *release["valuesFiles"]]

    for path in [*paths, *simulator["manifests"]["rawYaml"]]:
        assert (ROOT / path).exists()
    assert artifact["image"] == VALUES["image"]["repository"]
    assert platform["build"]["tagPolicy"]["envTemplate"]["template"] == VALUES["image"]["tag"]
    images = set(re.findall(r"image: (\S+)", (ROOT / "e2e/try.yaml").read_text()))
    assert images == {f"{artifact['image']}:{VALUES['image']['tag']}"}


def test_kinds_cluster_has_two_machines_for_pods() -> None:
    kind = yaml.safe_load((ROOT / "e2e/kind.yaml").read_text())

    assert (kind["kind"], kind["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert [one["role"] for one in kind["nodes"]].count("worker") == 2
