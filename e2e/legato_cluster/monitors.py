"""From monitors and rules to a Prometheus' own settings, as Prometheus' operator makes them. Pure.

Only what this project's monitors say is known; anything else in them is refused.
https://prometheus-operator.dev/docs/api-reference/api
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

Json = Any
OFTEN = "5s"
"""How often targets are read, in the place of a monitor's own interval: a test waits for it."""
KNOWN = {
    "spec": {"selector", "podTargetLabels", "targetLabels", "podMetricsEndpoints", "endpoints"},
    "endpoint": {"port", "path", "interval", "honorLabels"},
    "selector": {"matchLabels", "matchExpressions"},
}


def scraped(monitors: Iterable[Json], kubeconfig: str) -> list[Json]:
    """Make what is read for PodMonitors and ServiceMonitors, each in its own namespace."""
    return [
        _reading(one, number, endpoint, kubeconfig)
        for one in monitors
        for number, endpoint in enumerate(_endpoints(one["spec"]))
    ]


def rules(resources: Iterable[Json]) -> Json:
    """Put the groups of PrometheusRules into one file; equal names are told apart."""
    return {
        "groups": [
            {**group, "name": f"{_place(one)}/{group['name']}"}
            for one in resources
            for group in one["spec"]["groups"]
        ]
    }


def label(name: str) -> str:
    """Write a label of Kubernetes as one of Prometheus."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", name)


def _endpoints(spec: Json) -> list[Json]:
    _only(spec, "spec")
    return list(spec.get("podMetricsEndpoints", spec.get("endpoints", [])))


def _reading(one: Json, number: int, endpoint: Json, kubeconfig: str) -> Json:
    _only(endpoint, "endpoint")
    spec, space = one["spec"], one["metadata"]["namespace"]
    pods = one["kind"] == "PodMonitor"
    of = "pod" if pods else "service"
    found = {
        "role": "pod" if pods else "endpointslice",
        "kubeconfig_file": kubeconfig,
        "namespaces": {"names": [space]},
    }
    port = "pod_container_port_name" if pods else "endpointslice_port_name"
    relabelled = [
        _rule("pod_phase", "(Failed|Succeeded)", action="drop"),
        *_selected(spec["selector"], of),
        _rule(port, endpoint["port"], action="keep"),
        _rule("namespace", "(.*)", target_label="namespace"),
        _rule("pod_name", "(.*)", target_label="pod"),
        *_copied(spec.get("podTargetLabels" if pods else "targetLabels", ()), of),
    ]
    return {
        "job_name": f"{one['kind']}/{_place(one)}/{number}",
        "metrics_path": endpoint.get("path", "/metrics"),
        "scrape_interval": OFTEN,
        "scrape_timeout": OFTEN,
        "honor_labels": endpoint.get("honorLabels", False),
        "kubernetes_sd_configs": [found],
        "relabel_configs": relabelled,
    }


def _selected(selector: Json, of: str) -> list[Json]:
    _only(selector, "selector")
    wanted = {key: [value] for key, value in selector.get("matchLabels", {}).items()}
    for one in selector.get("matchExpressions", []):
        if one["operator"] != "In":
            raise ValueError(f"not known here: {one}")
        wanted[one["key"]] = one["values"]
    return [
        _rule(f"{of}_label_{label(key)}", f"({'|'.join(values)})", action="keep")
        for key, values in wanted.items()
    ]


def _copied(labels: Iterable[str], of: str) -> list[Json]:
    """Give what is read the labels of its pod or service, where they are there."""
    return [_rule(f"{of}_label_{label(one)}", "(.+)", target_label=label(one)) for one in labels]


def _rule(source: str, regex: str, **more: str) -> Mapping[str, Json]:
    return {"source_labels": [f"__meta_kubernetes_{source}"], "regex": regex, **more}


def _place(one: Json) -> str:
    return f"{one['metadata']['namespace']}/{one['metadata']['name']}"


def _only(found: Mapping[str, Json], what: str) -> None:
    if unknown := set(found) - KNOWN[what]:
        raise ValueError(f"a monitor's {what} has what is not known here: {sorted(unknown)}")
