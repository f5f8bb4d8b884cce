"""Every kind that the operator touches, and where the API server keeps it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from legato_operator.resources import API_VERSION, lavalinknode, musicbot


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the API server keeps a kind."""

    api: str
    plural: str

    @property
    def group(self) -> str:
        """Say its API group; the core's has no name."""
        return self.api.rpartition("/")[0]

    def path(self, namespace: str, name: str = "", part: str = "") -> str:
        """Say the path of a collection, an object, or a part of it such as its status."""
        root = f"/api/{self.api}" if "/" not in self.api else f"/apis/{self.api}"
        place = f"{root}/namespaces/{namespace}" if namespace else root
        return "/".join(one for one in (place, self.plural, name, part) if one)


RESOURCES: Mapping[str, Kind] = {
    musicbot.KIND: Kind(API_VERSION, musicbot.PLURAL),
    lavalinknode.KIND: Kind(API_VERSION, lavalinknode.PLURAL),
}
CHILDREN: Mapping[str, Kind] = {
    "ConfigMap": Kind("v1", "configmaps"),
    "CronJob": Kind("batch/v1", "cronjobs"),
    "Deployment": Kind("apps/v1", "deployments"),
    "Ingress": Kind("networking.k8s.io/v1", "ingresses"),
    "Job": Kind("batch/v1", "jobs"),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": Kind("policy/v1", "poddisruptionbudgets"),
    "Service": Kind("v1", "services"),
    "ServiceAccount": Kind("v1", "serviceaccounts"),
    "StatefulSet": Kind("apps/v1", "statefulsets"),
}
OPTIONAL: Mapping[str, Kind] = {
    "PodMonitor": Kind("monitoring.coreos.com/v1", "podmonitors"),
    "PrometheusRule": Kind("monitoring.coreos.com/v1", "prometheusrules"),
    "ServiceMonitor": Kind("monitoring.coreos.com/v1", "servicemonitors"),
}
"""Children of kinds of others, which the cluster may not know."""
MACHINE = "Node"
OTHERS: Mapping[str, Kind] = {
    "Event": Kind("v1", "events"),
    "Lease": Kind("coordination.k8s.io/v1", "leases"),
    MACHINE: Kind("v1", "nodes"),
    "Pod": Kind("v1", "pods"),
    "Secret": Kind("v1", "secrets"),
}
ALL: Mapping[str, Kind] = {**RESOURCES, **CHILDREN, **OPTIONAL, **OTHERS}
