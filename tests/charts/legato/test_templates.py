"""Each case's objects are written down. LEGATO_UPDATE_CASES=1 writes them anew, for the diff."""

import os
import re
from typing import Any

import pytest
import yaml

import support_helm
from legato import settings
from legato_operator import kinds
from legato_operator.settings import Settings

CASES = sorted(path.name for path in support_helm.CASES.iterdir())
SHOWN_ELSEWHERE = {"CustomResourceDefinition", "ConfigMap", "PrometheusRule"}
SIMULATOR = {"simulator": {"enabled": True, "tokenSecret": {"name": "discord"}}}
FULL: dict[str, Any] = {**SIMULATOR, "networkPolicy": {"enabled": True}}
READING, WRITING = {"list", "watch"}, {"create", "patch", "delete"}


def _values(case: str) -> support_helm.Object:
    found: support_helm.Object = yaml.safe_load(
        (support_helm.CASES / case / "values.yaml").read_text()
    )
    return found


@pytest.mark.parametrize("case", CASES)
def test_a_cases_objects_are_as_written_down(case: str) -> None:
    file = support_helm.CASES / case / "objects.yaml"

    objects = support_helm.rendered(_values(case))
    shown = [one for one in objects if one["kind"] not in SHOWN_ELSEWHERE]
    made = yaml.safe_dump_all(shown, sort_keys=False, width=100)

    if os.environ.get("LEGATO_UPDATE_CASES"):
        file.write_text(made)
    assert made == file.read_text()


def test_the_chart_is_without_a_fault_in_helms_eyes() -> None:
    assert "0 chart(s) failed" in support_helm.run("lint", str(support_helm.CHART), "--strict")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"rbac": {"clusterRoles": False}}, "name them in namespaces"),
        (
            {"namespaces": ["music"], "machines": True, "rbac": {"clusterRoles": False}},
            "machines needs a ClusterRole",
        ),
        ({"serviceAccount": {"create": False}}, "Name the service account"),
        (
            {"serviceAccount": {"create": False, "name": "mine", "annotations": {"a": "b"}}},
            "write them to your own",
        ),
        ({"nameOverride": "one", "fullnameOverride": "other"}, "leave one out"),
        ({"networkPolicy": {"from": [{"podSelector": {}}]}}, "keeps nobody out"),
        (
            {"monitoring": {"excludedAlerts": ["LegatoOperaterGone"]}},
            "names LegatoOperaterGone, which the chart has not",
        ),
        ({"resources": {"limits": {"cpu": "1"}}}, "resources.limits.cpu would stop"),
        (
            {"simulator": {**SIMULATOR["simulator"], "image": {"tag": "latest"}}},
            "simulator.image.tag latest is another image",
        ),
        ({"image": {"tag": "latest"}}, "latest is another image on another day"),
        ({"prometheus": {"url": "http://p", "caSecret": {"name": "ca"}}}, "with https://"),
        ({"prometheus": {"tokenSecret": {"name": "token"}}}, "without prometheus.url"),
        ({"crds": {"keep": False}, "uninstall": {"release": False}}, "nobody would let go"),
        ({"simulator": {"enabled": True}}, "simulator.tokenSecret.name"),
        ({**SIMULATOR, "discord": {"restUrl": "http://d/api/v10"}}, "both say where Discord is"),
        ({"extraEnv": [{"name": "RELEASE", "value": "9.9.9"}]}, "extraEnv sets RELEASE"),
        ({"replicas": 0}, "replicas"),
        ({"lookAgain": "soon"}, "lookAgain"),
        ({"replica": 2}, "replica"),
        ({"namespaces": ["Not A Name"]}, "namespaces"),
        ({"prometheus": {"url": "prometheus:9090"}}, "url"),
    ],
)
def test_what_can_not_be_together_is_refused_with_a_sentence(
    values: support_helm.Object, sentence: str
) -> None:
    with pytest.raises(support_helm.Refused, match=re.escape(sentence)):
        support_helm.rendered(values)


def test_every_pod_is_restricted_bounded_in_memory_and_without_a_cpu_limit() -> None:
    specs = support_helm.pod_specs(support_helm.rendered(FULL))

    assert len(specs) == 4  # operator, simulator, the uninstalling job, helm test
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
                "readOnlyRootFilesystem": True,
            }
            assert set(container["resources"]["limits"]) == {"memory"}
            assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_only_what_talks_to_kubernetes_has_a_token() -> None:
    objects = support_helm.rendered(FULL)
    without = [one for one in support_helm.pod_specs(objects) if "serviceAccountName" not in one]

    assert len(without) == 2
    assert all(one["automountServiceAccountToken"] is False for one in without)


@pytest.mark.parametrize("case", CASES)
def test_the_operator_understands_what_it_is_told(case: str) -> None:
    values = _values(case)
    name = f"{values.get('fullnameOverride', 'legato')}-operator"
    deployment = support_helm.only(support_helm.rendered(values), "Deployment", name)
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    told = {one["name"]: one.get("value", "x") for one in container["env"]}

    read = settings.load(Settings, told)

    known = {field.upper() for field in Settings.__struct_fields__}
    assert set(told) <= known
    assert list(read.namespaces) == values.get("namespaces", [])
    assert read.operator_port == container["ports"][0]["containerPort"]


def _granted(role: support_helm.Object) -> dict[tuple[str, str], set[str]]:
    return {
        (group, resource): set(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


@pytest.mark.parametrize(
    ("values", "kind", "name"),
    [
        ({}, "ClusterRole", "legato-system-legato-operator"),
        ({"namespaces": ["music"]}, "Role", "legato-operator"),
    ],
)
def test_the_operator_may_do_what_it_does_with_each_kind(
    values: support_helm.Object, kind: str, name: str
) -> None:
    granted = _granted(support_helm.only(support_helm.rendered(values), kind, name))

    for child in [*kinds.CHILDREN.values(), *kinds.OPTIONAL.values()]:
        assert granted[child.group, child.plural] == READING | WRITING
    for ours in kinds.RESOURCES.values():
        assert granted[ours.group, ours.plural] == READING | {"get", "patch"}
        assert granted[ours.group, f"{ours.plural}/status"] == {"patch"}
    assert granted["", "secrets"] == {"get", "create", "patch"}


def test_without_cluster_roles_nothing_is_of_the_whole_cluster() -> None:
    objects = support_helm.rendered(_values("namespaced"))

    assert [one for one in objects if "namespace" not in one["metadata"]] == []
    machines = support_helm.only(objects, "Deployment", "legato-operator")
    env = machines["spec"]["template"]["spec"]["containers"][0]["env"]
    assert {"name": "MACHINES", "value": "false"} in env


def test_the_definitions_are_those_of_the_repository_and_outlive_the_chart() -> None:
    kept, thrown = (
        [one for one in support_helm.rendered(values) if one["kind"] == "CustomResourceDefinition"]
        for values in ({}, {"crds": {"keep": False}})
    )

    assert len(kept) == len(thrown) == 2
    for one, other in zip(kept, thrown, strict=True):
        file = support_helm.ROOT / "crds" / f"{one['metadata']['name']}.yaml"
        assert one["spec"] == other["spec"] == yaml.safe_load(file.read_text())["spec"]
        assert one["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        assert "helm.sh/resource-policy" not in other["metadata"].get("annotations", {})


def test_monitors_come_where_the_cluster_knows_them_unless_they_are_switched_off() -> None:
    asked = ("PodMonitor", "PrometheusRule")

    def found(values: support_helm.Object, *known: str) -> set[str]:
        return {one["kind"] for one in support_helm.rendered(values, *known)} & set(asked)

    assert found({}) == set()
    assert found({}, *asked) == set(asked)
    assert found({"monitoring": {"podMonitor": True}}) == {"PodMonitor"}
    assert found({"monitoring": {"rules": False}}, *asked) == {"PodMonitor"}


def test_an_excluded_alert_is_left_out_and_the_others_stay() -> None:
    def names(values: support_helm.Object) -> set[str]:
        [rules] = [
            one
            for one in support_helm.rendered(values, "PrometheusRule")
            if one["kind"] == "PrometheusRule"
        ]
        return {rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]}

    everything = names({})

    assert "LegatoOperatorGone" in everything
    without = names({"monitoring": {"excludedAlerts": ["LegatoOperatorGone"]}})
    assert without == everything - {"LegatoOperatorGone"}
    assert names({"machines": False}) == everything - {"LegatoNodesDegraded"}


def test_a_simulator_is_where_the_operator_looks_for_discord() -> None:
    objects = support_helm.rendered(SIMULATOR)
    operator = support_helm.only(objects, "Deployment", "legato-operator")
    env = operator["spec"]["template"]["spec"]["containers"][0]["env"]

    [url] = [one["value"] for one in env if one["name"] == "DISCORD_REST_URL"]
    assert url == "http://legato-simulator.legato-system.svc:8123/api/v10"
    assert support_helm.only(objects, "Service", "legato-simulator")["spec"]["clusterIP"] == "None"
    trusted = support_helm.only(objects, "Secret", "legato-simulator")["data"]
    assert set(trusted) == {"ca.pem", "bundle.pem", "server.pem", "server.key"}
