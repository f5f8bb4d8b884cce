"""One group of Lavalink nodes: StatefulSet, addresses, configuration. Pure.

The official image and `legato node` read the same: what differs between them is said twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import yaml

from legato_operator import names
from legato_operator.desired import application, network, origin, pinned, pods
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

    @property
    def inputs(self) -> Manifest:
        """Write what the nodes are made of, beside their owner."""
        return {
            "spec": origin.plain(self.spec),
            "password": self.password,
            "secrets": origin.listed(self.secrets),
        }

    def of(self, inputs: Manifest) -> "Group":
        """Take other inputs; raises ValidationError where they can't be read."""
        said = msgspec.convert(inputs, _Inputs)
        secrets = origin.by_ref(said.secrets)
        return replace(self, spec=said.spec, password=said.password, secrets=secrets)


class _Inputs(msgspec.Struct):
    spec: NodeSpec
    password: str
    secrets: origin.Listed


def address(group: str, namespace: str, pod: str) -> str:
    """Say where one node is reached: each by itself, never behind one Service."""
    return f"http://{pod}.{group}.{namespace}.svc:{PORT}"


def statefulset(group: Group, there: Sequence[Manifest] = ()) -> Manifest:
    """Make the StatefulSet, without a count; one that is there stays if it was made of the same.

    It has another name where one is there that can't become what is wanted.
    """
    name = set_name(group, there)
    wanted = bare(group, name)
    known = {one["metadata"]["name"] for one in there if one["kind"] == "ConfigMap"}
    sets = [one for one in there if one["kind"] == "StatefulSet"]
    # An older release's configuration can't be made again.
    whole = [
        one
        for one in sets
        if _configs(one) <= known | _configs(wanted)
        and _immutable(one) == _immutable(_as_made(one))
    ]
    return origin.kept(wanted, group.inputs, whole, lambda said: bare(group.of(said), name))


def objects(group: Group, of: Manifest, replicas: int) -> list[Manifest]:
    """Make everything of a group but its password, of its StatefulSet."""
    config = _config(group)
    listed = [
        _account(group),
        *([config] if config["metadata"]["name"] in _configs(of) else []),
        _service(group),
        {**of, "spec": {"replicas": replicas, **of["spec"]}},
    ]
    if group.spec.eviction != "Always":
        listed.append(_budget(group))
    if group.spec.network_policy:
        listed.append(network.of_nodes(group.owner, PORT))
    return listed


def revision_of(statefulset: Manifest) -> str:
    """Name what a new pod would be made of."""
    return str(statefulset["spec"]["template"]["metadata"]["labels"][names.REVISION])


def secrets_of(statefulset: Manifest) -> str:
    """Read the hash of the password that its pods begin with."""
    metadata = statefulset["spec"]["template"].get("metadata") or {}
    return str((metadata.get("annotations") or {}).get(names.SECRETS, ""))


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


def set_name(group: Group, there: Sequence[Manifest]) -> str:
    """Name the StatefulSet: another name where one is there that can't become what is wanted."""
    sets = [one for one in there if one["kind"] == "StatefulSet"]
    wanted = _immutable({"spec": _frame(group)})
    fitting = [one["metadata"]["name"] for one in sets if _immutable(one) == wanted]
    if fitting:
        return str(min(fitting, key=len))
    taken = group.name in {one["metadata"]["name"] for one in sets}
    return names.joined(group.name, names.revision(wanted)) if taken else group.name


def bare(group: Group, name: str = "") -> Manifest:
    """Make the StatefulSet without its count and its origin."""
    labels = names.of_nodes(group.name)
    manifest = made("apps/v1", "StatefulSet", name or group.name, group.owner, labels)
    template = _template(group, _config(group)["metadata"]["name"])
    manifest["spec"] = _frame(group) | {"template": template}
    return manifest


def _frame(group: Group) -> Manifest:
    """Say what of a StatefulSet is neither its count nor its pods."""
    return {
        "serviceName": group.name,
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "OnDelete"},
        "revisionHistoryLimit": 2,
        "selector": {"matchLabels": names.nodes_selector(group.name)},
    }


def _configs(statefulset: Manifest) -> set[str]:
    """Name the configuration that its pods begin with, whatever a person made of it."""
    volumes = _as_made(statefulset)["spec"]["template"]["spec"].get("volumes") or ()
    return {one["configMap"]["name"] for one in volumes if "configMap" in one}


def _as_made(statefulset: Manifest) -> Manifest:
    said = origin.read(statefulset)
    return {"spec": said.spec} if said else statefulset


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
    key = pinned.key(pinned.PASSWORD, group.password)
    password = SecretRef(name=pinned.name_of(group.owner), key=key)
    java = f"-Xmx{heap(group)} -Djava.io.tmpdir={pods.SCRATCH} {spec.java_options}".strip()
    return (
        pods.from_secret("LAVALINK_SERVER_PASSWORD", password),
        *pods.said(SPRING_CONFIG_ADDITIONAL_LOCATION=f"file:{CONFIG}/", JAVA_TOOL_OPTIONS=java),
        # The same again in the words of `legato node`.
        pods.from_secret("PASSWORD", password),
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
