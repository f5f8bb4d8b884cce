"""What one look at the cluster, at Redis and at Prometheus has shown. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from legato_operator import names
from legato_operator.desired.manifest import Manifest, Owner
from legato_operator.directive import Fleet
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import BotStatus, NodeStatus
from legato_operator.scaling import Answer, NoAnswer, Past

NOT_ASKED = NoAnswer(
    "NotAsked", "the operator knows no Prometheus (PROMETHEUS_URL; prometheus.url of the chart)"
)


@dataclass(frozen=True, slots=True, order=True)
class Peer:
    """What a bot must know of another before it follows the operator's release."""

    namespace: str
    name: str
    version: str = ""
    """What its status pins."""
    follows: bool = False
    """Whether it takes new releases by itself."""
    ready: bool = False
    progressing: bool = False


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """A MusicBot that asks for an application; the least one has it."""

    created: str
    """As the API server writes it, in the order of time."""
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class World:
    """What is true of the whole cluster."""

    release: str
    """The operator's own."""
    known: frozenset[str] = frozenset()
    """Kinds of others that the cluster knows: PodMonitor and so on."""
    sees_machines: bool = True
    """Whether the operator may look at machines; without it a drained machine is not noticed."""
    peers: tuple[Peer, ...] = ()
    """Every bot that it operates, for those that take a new release one after the other."""
    claims: tuple[Claim, ...] = ()
    """Of every bot of the application of the one that is looked at, first of that one itself."""
    rollouts_at_once: int = 1
    """How many bots may be on their way to a new release of the operator's at the same time."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine of the cluster."""

    cordoned: bool = False
    lost: bool = False
    out_of_service: bool = False
    """Somebody has sworn by a taint that nothing runs there any more."""


@dataclass(frozen=True, slots=True)
class Token:
    """What Discord says of the token."""

    verdict: Literal["Valid", "Refused", "OtherApplication", "Unreachable", "NotAsked"] = "NotAsked"
    """Unreachable: it was asked, and Discord did not answer; NotAsked: nobody checks tokens."""
    message: str = ""
    remaining: int | None = None
    """Identifies left today."""
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One LavalinkNode and what belongs to it."""

    owner: Owner
    spec: NodeSpec
    status: NodeStatus = field(default_factory=NodeStatus)
    generation: int = 1
    labels: Mapping[str, str] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    version: str = ""
    """The resourceVersion at which it was read."""
    deleting_since: datetime | None = None
    children: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    machines: Mapping[str, Machine] = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Hash -> password: the one in force first, then the one before."""
    pinned: Manifest | None = field(default=None, repr=False)
    """The Secret that its pods take their password from, if it is there and ours."""
    secrets: Mapping[SecretRef, str] = field(default_factory=dict)
    """The hash of each other key of a Secret that its pods read and that is there."""
    fleets: Mapping[str, Fleet | None] = field(default_factory=dict, repr=False)
    """Every bot that uses it; None = its Redis is away."""
    players: Answer = NOT_ASKED
    deficit: Answer = NOT_ASKED
    past: Past = field(default_factory=Past)
    refused: tuple[str, ...] = ()
    """What the API server did not take at the last look, each with its words."""

    @property
    def name(self) -> str:
        """Say the group's name."""
        return self.owner.name

    @property
    def password(self) -> str:
        """Say the hash of the password in force."""
        return next(iter(self.passwords), "")

    @property
    def missing(self) -> tuple[SecretRef, ...]:
        """List the Secrets that its pods can't start without, and that are not there."""
        needed = self.spec.pod_template.secrets(optional=False)
        return tuple(one for one in needed if one not in self.secrets)


@dataclass(frozen=True, slots=True)
class Bot:
    """One MusicBot and what belongs to it."""

    owner: Owner
    spec: BotSpec
    status: BotStatus = field(default_factory=BotStatus)
    generation: int = 1
    finalizers: tuple[str, ...] = ()
    version: str = ""
    """The resourceVersion at which it was read."""
    deleting_since: datetime | None = None
    children: tuple[Manifest, ...] = ()
    pods: tuple[Manifest, ...] = ()
    secrets: Mapping[SecretRef, str] = field(default_factory=dict)
    """The hash of each key of a Secret that is there."""
    values: Mapping[SecretRef, str] = field(default_factory=dict, repr=False)
    """What each of them holds."""
    pinned: Manifest | None = field(default=None, repr=False)
    """The Secret that its pods take values from, if it is there and ours."""
    token: Token = field(default_factory=Token)
    fleet: Fleet | None = field(default=None, repr=False)
    stored_shards: int | None = None
    groups: tuple[Group, ...] = ()
    """Those of its namespace."""
    players: Mapping[str, Answer] = field(default_factory=dict)
    """By region."""
    pasts: Mapping[str, Past] = field(default_factory=dict)
    """By region."""
    refused: tuple[str, ...] = ()
    """What the API server did not take at the last look, each with its words."""

    @property
    def name(self) -> str:
        """Say the bot's name."""
        return self.owner.name


def labels_of(manifest: Manifest) -> dict[str, str]:
    """Read an object's labels."""
    found: dict[str, str] = manifest["metadata"].get("labels") or {}
    return found


def annotations_of(manifest: Manifest) -> dict[str, str]:
    """Read an object's annotations."""
    found: dict[str, str] = manifest["metadata"].get("annotations") or {}
    return found


def uid_of(manifest: Manifest) -> str:
    """Read which one of its name an object is; empty before the API server has made it."""
    found: str = manifest["metadata"].get("uid", "")
    return found


def is_ready(pod: Manifest) -> bool:
    """Say whether a pod answers."""
    said = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in said)


def is_ending(pod: Manifest) -> bool:
    """Say whether a pod is on its way out."""
    return bool(pod["metadata"].get("deletionTimestamp"))


def component_of(manifest: Manifest) -> str:
    """Read which component an object belongs to."""
    return labels_of(manifest).get(names.COMPONENT, "")
