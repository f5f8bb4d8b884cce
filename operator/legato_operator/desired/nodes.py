"""One group of Lavalink nodes: StatefulSet, addresses, configuration. Pure.

The official image and `legato node` read the same: what differs between them is said twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from legato_operator import names
from legato_operator.desired import application, network, pods
from legato_operator.desired.manifest import Manifest, Owner, bytes_of, made
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.shared import SecretRef

COMPONENT = "node"
PORT = 2333
OFFICIAL = "ghcr.io/lavalink-devs/lavalink"
CONFIG = "/etc/legato/node"
HEAP_SHARE = 60
"""Percent of the memory for Java's heap where none is said; the rest is threads and buffers."""
IMMUTABLE = frozenset({"serviceName", "podManagementPolicy", "selector", "volumeClaimTemplates"})
"""Fields of a StatefulSet's spec."""
SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"


@dataclass(frozen=True, slots=True)
class Group:
    """One LavalinkNode: whose children, and what is wanted."""

    owner: Owner
    spec: NodeSpec
    password: str = ""
    """The hash of the password in force; the empty text where there is none yet."""
    secrets: Mapping[SecretRef, str] = field(default_factory=dict)
    """The hash of each other key of a Secret that the pods read."""

    @property
    def name(self) -> str:
        """Say the group's name."""
        return self.owner.name

    @property
    def secret(self) -> SecretRef:
        """Say where the password is."""
        own = SecretRef(name=names.joined(self.name, "password"), key="password")
        return self.spec.password_secret_ref or own

    @property
    def image(self) -> str:
        """Say what runs."""
        return self.spec.image or f"{OFFICIAL}:{self.spec.version}"


def address(group: str, namespace: str, pod: str) -> str:
    """Say where one node is reached: each by itself, never behind one Service."""
    return f"http://{pod}.{group}.{namespace}.svc:{PORT}"


def set_name(group: Group, there: Sequence[Manifest]) -> str:
    """Name the StatefulSet: another name where one is there that can't become what is wanted."""
    sets = [one for one in there if one["kind"] == "StatefulSet"]
    wanted = _immutable(_statefulset(group, group.name, 0, ""))
    fitting = [one["metadata"]["name"] for one in sets if _immutable(one) == wanted]
    if fitting:
        return str(min(fitting, key=len))
    taken = group.name in {one["metadata"]["name"] for one in sets}
    return names.joined(group.name, names.revision(wanted)) if taken else group.name


def objects(group: Group, replicas: int, set_name: str = "") -> list[Manifest]:
    """Make everything of a group but its password."""
    config = _config(group)
    listed = [
        _account(group),
        config,
        _service(group),
        _statefulset(group, set_name or group.name, replicas, config["metadata"]["name"]),
    ]
    if group.spec.eviction != "Always":
        listed.append(_budget(group))
    if group.spec.network_policy:
        listed.append(network.of_nodes(group.owner, PORT))
    return listed


def revision(group: Group) -> str:
    """Name what a new pod would be made of."""
    return str(
        _template(group, _config(group)["metadata"]["name"])["metadata"]["labels"][names.REVISION]
    )


def heap(group: Group) -> str:
    """Say Java's heap, as -Xmx takes it."""
    if group.spec.heap:
        return f"{int(bytes_of(group.spec.heap)) >> 20}m"
    memory = int(bytes_of(group.spec.resources.memory))
    return f"{memory * HEAP_SHARE // 100 >> 20}m"


def _account(group: Group) -> Manifest:
    name = names.joined(group.name, "nodes")
    manifest = made("v1", "ServiceAccount", name, group.owner, names.of_nodes(group.name))
    return {**manifest, "automountServiceAccountToken": False}


def _config(group: Group) -> Manifest:
    text = yaml.safe_dump(application.document(group.spec, PORT), sort_keys=True)
    name = names.joined(group.name, "config", names.revision(text))
    manifest = made("v1", "ConfigMap", name, group.owner, names.of_nodes(group.name))
    return {**manifest, "immutable": True, "data": {"application.yml": text}}


def _service(group: Group) -> Manifest:
    manifest = made("v1", "Service", group.name, group.owner, names.of_nodes(group.name))
    manifest["spec"] = {
        "clusterIP": "None",
        "publishNotReadyAddresses": True,
        "selector": names.nodes_selector(group.name),
        "ports": [{"name": "http", "port": PORT, "targetPort": "http"}],
    }
    return manifest


def _statefulset(group: Group, name: str, replicas: int, config: str) -> Manifest:
    manifest = made("apps/v1", "StatefulSet", name, group.owner, names.of_nodes(group.name))
    manifest["spec"] = {
        "replicas": replicas,
        "serviceName": group.name,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": names.nodes_selector(group.name)},
        "template": _template(group, config),
    }
    return manifest


def _immutable(manifest: Manifest) -> Manifest:
    """Take what the API server never lets change."""
    return {key: one for key, one in manifest["spec"].items() if key in IMMUTABLE}


def _template(group: Group, config: str) -> Manifest:
    spec = group.spec
    volume = {"configMap": {"name": config}}
    shape = pods.Shape(
        component=COMPONENT,
        image=group.image,
        args=(),
        resources=spec.resources,
        env=_env(group),
        port=PORT,
        # Open to everyone; any other path would need the password in the pod's own text.
        ready_path="/metrics",
        alive_path="/metrics",
        files=(pods.Mounted("config", f"{CONFIG}/application.yml", volume),),
        spread=spec.spread,
        machines=spec.node_selector,
        account=names.joined(group.name, "nodes"),
    )
    labels = names.of_nodes(group.name)
    template = pods.template(
        shape,
        spec.pod_template,
        labels=labels,
        selector=names.nodes_selector(group.name),
        secrets=group.password,
    )
    safe = "true" if spec.eviction == "Always" else "false"
    annotations = template["metadata"].setdefault("annotations", {})
    annotations[SAFE_TO_EVICT] = safe
    if read := spec.pod_template.secrets():
        contents = [[one.name, one.key, group.secrets.get(one, "")] for one in read]
        annotations[names.OTHER_SECRETS] = names.revision(contents)
    template["metadata"]["labels"][names.REVISION] = names.revision(template)
    if spec.eviction != "Always":
        template["metadata"]["labels"][names.PROTECTED] = "true"
    return template


def _env(group: Group) -> tuple[Manifest, ...]:
    spec = group.spec
    java = f"-Xmx{heap(group)} -Djava.io.tmpdir={pods.SCRATCH} {spec.java_options}".strip()
    return (
        pods.from_secret("LAVALINK_SERVER_PASSWORD", group.secret),
        *pods.said(SPRING_CONFIG_ADDITIONAL_LOCATION=f"file:{CONFIG}/", JAVA_TOOL_OPTIONS=java),
        # The same again in the words of `legato node`.
        pods.from_secret("PASSWORD", group.secret),
        *pods.said(
            LISTEN="0.0.0.0",  # noqa: S104  # reached by audio pods, by password
            PORT=PORT,
            ALLOWED_PRIVATE=",".join(spec.allowed_addresses),
        ),
    )


def _budget(group: Group) -> Manifest:
    manifest = made(
        "policy/v1", "PodDisruptionBudget", group.name, group.owner, names.of_nodes(group.name)
    )
    selector = names.nodes_selector(group.name) | {names.PROTECTED: "true"}
    manifest["spec"] = {"maxUnavailable": 0, "selector": {"matchLabels": selector}}
    return manifest
