"""What people with Docker use to try the chart, held to what is there: nothing here runs it."""

import base64
import re
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

import support_helm
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec

ROOT = support_helm.ROOT
VALUES = yaml.safe_load((ROOT / "e2e/try-values.yaml").read_text())
TRIED = {one["kind"]: one for one in yaml.safe_load_all((ROOT / "e2e/try.yaml").read_text())}


def _closed(required: str, **fields: Any) -> dict[str, Any]:
    """An object of these fields and no others."""
    return {
        "type": "object",
        "properties": fields,
        "additionalProperties": False,
        "required": required.split(),
    }


def _several(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": 1}


TEXT, YES = {"type": "string", "minLength": 1}, {"type": "boolean"}
SKAFFOLD = _closed(
    "apiVersion kind metadata deploy",
    apiVersion={"const": "skaffold/v4beta11"},
    kind={"const": "Config"},
    metadata=_closed("name", name=TEXT),
    requires=_several(
        _closed(
            "configs", configs=_several(TEXT), activeProfiles=_several(_closed("name", name=TEXT))
        )
    ),
    build=_closed(
        "artifacts",
        artifacts=_several(
            _closed(
                "image",
                image=TEXT,
                context=TEXT,
                docker=_closed(
                    "", dockerfile=TEXT, buildArgs={"type": "object", "additionalProperties": TEXT}
                ),
            )
        ),
        tagPolicy=_closed("envTemplate", envTemplate=_closed("template", template=TEXT)),
        local=_closed("", push=YES, useBuildkit=YES),
    ),
    manifests=_closed("rawYaml", rawYaml=_several(TEXT)),
    deploy=_closed(
        "",
        helm=_closed(
            "releases",
            releases=_several(
                _closed(
                    "name chartPath",
                    name=TEXT,
                    chartPath=TEXT,
                    namespace=TEXT,
                    createNamespace=YES,
                    valuesFiles=_several(TEXT),
                )
            ),
        ),
        kubectl=_closed("", defaultNamespace=TEXT),
    ),
    profiles=_several(
        _closed(
            "name",
            name=TEXT,
            patches=_several(
                _closed(
                    "path value", op={"enum": ["add", "remove", "replace"]}, path=TEXT, value={}
                )
            ),
        )
    ),
)
"""What is used of <https://skaffold.dev/docs/references/yaml/>, and nothing else."""

KIND = _closed(
    "kind apiVersion",
    kind={"const": "Cluster"},
    apiVersion={"const": "kind.x-k8s.io/v1alpha4"},
    name=TEXT,
    nodes=_several(_closed("role", role={"enum": ["control-plane", "worker"]})),
)
"""What is used of <https://kind.sigs.k8s.io/docs/user/configuration/>, and nothing else."""


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


def test_skaffold_is_written_as_its_schema_says() -> None:
    for one in _configs().values():
        jsonschema.validate(one, SKAFFOLD)


def test_skaffold_builds_and_applies_what_is_there() -> None:
    platform, simulator = (_configs()[name] for name in ("platform", "simulator"))
    [artifact] = platform["build"]["artifacts"]
    [release] = platform["deploy"]["helm"]["releases"]
    [profile] = platform["profiles"]
    [patch] = profile["patches"]
    paths = [artifact["docker"]["dockerfile"], release["chartPath"], *release["valuesFiles"]]

    for path in [*paths, patch["value"], *simulator["manifests"]["rawYaml"]]:
        assert (ROOT / path).exists()
    assert patch["path"] == "/deploy/helm/releases/0/valuesFiles/0"
    [needed] = simulator["requires"]
    assert needed["configs"] == ["platform"]
    assert needed["activeProfiles"] == [{"name": profile["name"]}]
    for path in (*release["valuesFiles"], patch["value"]):
        image = yaml.safe_load((ROOT / path).read_text())["image"]
        assert image["repository"] == artifact["image"]
        assert image["tag"] == platform["build"]["tagPolicy"]["envTemplate"]["template"]
    images = set(re.findall(r"image: (\S+)", (ROOT / "e2e/try.yaml").read_text()))
    assert images == {f"{artifact['image']}:{VALUES['image']['tag']}"}


@pytest.mark.parametrize("path", ["e2e/platform-values.yaml", "e2e/try-values.yaml"])
def test_the_chart_takes_the_values_for_trying(path: str) -> None:
    values = yaml.safe_load((ROOT / path).read_text())

    objects = support_helm.rendered(values)

    assert support_helm.only(objects, "Deployment", "legato-operator")["spec"]["replicas"] == 1


def test_kinds_cluster_has_two_machines_for_pods() -> None:
    kind = yaml.safe_load((ROOT / "e2e/kind.yaml").read_text())

    jsonschema.validate(kind, KIND)
    assert [one["role"] for one in kind["nodes"]].count("worker") == 2
