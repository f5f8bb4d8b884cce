import re

import pytest

import support_operator
from legato_cluster import monitors
from legato_operator.desired import monitoring

Rules = dict[str, dict[str, str]]


def made(kind: str) -> list[support_operator.Manifest]:
    """Make what the operator writes of a kind, for a bot and for nodes."""
    bot, nodes = support_operator.read("smallest_bot"), support_operator.read("smallest_nodes")
    found = [*support_operator.objects(bot), *support_operator.objects(nodes)]
    return [one for one in found if one["kind"] == kind]


def relabelled(job: support_operator.Manifest, *, kept: bool) -> Rules:
    """Say what of each source is asked for, else what it becomes."""
    rules = [one for one in job["relabel_configs"] if (one.get("action") == "keep") is kept]
    return {one["source_labels"][0].removeprefix("__meta_kubernetes_"): one for one in rules}


def test_a_pod_monitor_chooses_its_pods_and_gives_their_labels() -> None:
    bot, _ = (one for one in monitors.scraped(made("PodMonitor"), "/kubeconfig"))
    rules, copied = relabelled(bot, kept=True), relabelled(bot, kept=False)

    assert bot["kubernetes_sd_configs"][0]["namespaces"] == {"names": ["music"]}
    assert rules["pod_container_port_name"]["regex"] == "http"
    chosen = re.compile(rules["pod_label_app_kubernetes_io_component"]["regex"])
    assert chosen.fullmatch("audio")
    assert not chosen.fullmatch("node")
    assert copied["pod_label_legato_dev_region"]["target_label"] == "legato_dev_region"
    assert copied["pod_name"]["target_label"] == "pod"


def test_a_service_monitor_chooses_its_service() -> None:
    (bot,) = monitors.scraped(made("ServiceMonitor"), "/kubeconfig")
    rules = relabelled(bot, kept=True)

    assert bot["kubernetes_sd_configs"][0]["role"] == "endpointslice"
    assert rules["endpointslice_port_name"]["regex"] == "http"
    assert rules["service_label_app_kubernetes_io_component"]["regex"] == "(api)"


def test_what_is_not_known_of_a_monitor_is_refused() -> None:
    (one, *_) = made("PodMonitor")
    one["spec"]["sampleLimit"] = 5

    with pytest.raises(ValueError, match="sampleLimit"):
        monitors.scraped([one], "/kubeconfig")


def test_rules_of_two_of_a_name_are_told_apart() -> None:
    (one,) = made("PrometheusRule")
    other = one | {"metadata": one["metadata"] | {"namespace": "elsewhere"}}

    groups = monitors.rules([one, other])["groups"]

    assert len({group["name"] for group in groups}) == 2
    assert {rule["alert"] for rule in groups[0]["rules"]} == {x[0] for x in monitoring.ALERTS}
