"""LavalinkNode: equal nodes in one region that speak Lavalink's v4 protocol."""

from typing import Annotated, Literal

from msgspec import Meta

from legato_operator.resources.behaviour import Behaviour
from legato_operator.resources.fields import (
    FEW,
    IMAGE_PINNED,
    Free,
    HostPort,
    Image,
    LabelKey,
    LabelValue,
    Quantity,
    Query,
    RegionName,
    Rule,
    Semver,
    Short,
    Url,
    immutable,
    named,
)
from legato_operator.resources.shared import Part, PodOverrides, Resources, SecretRef, Spread
from legato_operator.resources.status import NodeStatus

KIND = "LavalinkNode"
PLURAL = "lavalinknodes"
OLDEST = "4.2.0"
"""Older nodes lack Discord's end-to-end encryption."""
FOR_JAVA = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS")
"""Environment variables by which Java takes options."""

Count = Annotated[int, Meta(ge=0, le=200)]


class Sources(Part, frozen=True, kw_only=True):
    """Which of Lavalink's own sources are switched on."""

    http: bool = True
    """Links to files and streams."""
    bandcamp: bool = True
    """Bandcamp."""
    soundcloud: bool = True
    """SoundCloud."""
    twitch: bool = True
    """Twitch."""
    vimeo: bool = True
    """Vimeo."""
    nico: bool = False
    """Niconico."""


class Plugin(Part, frozen=True, kw_only=True):
    """A plugin that Lavalink loads at its start."""

    dependency: Annotated[
        str, Meta(min_length=5, max_length=200, pattern=r"^[^:\s]+:[^:\s]+:[^:\s]+$")
    ]
    """group:artifact:version."""
    repository: Url | None = None
    """Where it is; absent = Lavalink's own repository."""


class Drain(Part, frozen=True, kw_only=True):
    """How players leave a node before it goes."""

    deadline_seconds: Annotated[int, Meta(ge=10, le=86_400)] = 300
    """How long they may take to move; half a minute later the node goes with those who are left."""


class NodeScaling(Part, frozen=True, kw_only=True):
    """How the count of nodes follows the load."""

    players_per_node: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """How many playing players a node carries comfortably."""
    free_slots: Annotated[int, Meta(ge=0, le=10_000)] = 20
    """How many more players must find a place at once."""
    frame_deficit_limit: Annotated[int, Meta(ge=1, le=10_000)] = 60
    """Frames a minute that a node may miss before another one is started; 3000 are sent."""
    behaviour: Behaviour = Behaviour()
    """How fast."""
    players_query: Query | None = None
    """PromQL that gives the playing players of the group; absent = the operator's own."""
    deficit_query: Query | None = None
    """PromQL that gives the greatest frame deficit of a node; absent = the operator's own."""


class NodeSpec(Part, frozen=True, kw_only=True):
    """What is wanted of a group of nodes."""

    region: RegionName
    """Where it is: bots with a region of this name play on it."""
    replicas: Count | None = None
    """How many nodes; set by a person, an autoscaler or kubectl scale, never by the operator."""
    minimum: Annotated[int, Meta(ge=1, le=200)] | None = None
    """How few nodes the operator's scaler leaves."""
    maximum: Annotated[int, Meta(ge=1, le=200)] | None = None
    """How many nodes the operator's scaler starts."""
    version: Semver = "4.2.2"
    """Lavalink's release; of the official image its tag."""
    image: Image | None = None
    """Another image that reads the same application.yml, such as Legato's own, by tag or digest."""
    heap: Quantity | None = None
    """Java's heap; absent = 60 % of the memory."""
    resources: Resources = Resources(cpu="500m", memory="1Gi")
    """What each pod asks for."""
    sources: Sources = Sources()
    """Where music comes from."""
    plugins: Annotated[
        tuple[Plugin, ...], Meta(max_length=16, extra={"map_key": "dependency"})
    ] = ()
    """Plugins, which bring more sources."""
    application_yml: Free | None = None
    """More of Lavalink's application.yml; what would break the music is refused."""
    allowed_addresses: Annotated[tuple[HostPort, ...], FEW] = ()
    """Exact host:port pairs that may be read although they are private; legato node only."""
    password_secret_ref: SecretRef | None = None
    """The nodes' password; absent = the operator makes one."""
    rotation: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """Another number makes another password; the nodes are then replaced one by one."""
    drain: Drain = Drain()
    """How players leave."""
    eviction: Literal["Never", "OnUpgrade", "Always"] = "OnUpgrade"
    """OnUpgrade: a drained machine's players are moved, then the pod goes; Never: it stays; Always:
    it goes at once."""
    scaling: NodeScaling = NodeScaling()
    """How the count follows the load."""
    paused: bool = False
    """The operator looks, reports, and changes nothing."""
    network_policy: bool = True
    """Whether nodes are reached by their one port only, and reach no metadata of the cloud."""
    node_selector: Annotated[dict[LabelKey, LabelValue], FEW] = {}
    """Labels of the machines that the nodes run on."""
    spread: Annotated[tuple[Spread, ...], FEW] = (Spread(),)
    """How the nodes are spread over machines."""
    pod_template: PodOverrides = PodOverrides()
    """What is added to every pod."""
    java_options: Short = ""
    """More options for Java, such as -XX:+UseZGC."""

    RULES = (
        immutable(
            "region",
            "The region of nodes never changes, since players are on them: make another"
            " LavalinkNode there.",
        ),
        Rule(
            "replicas-or-bounds",
            "has(self.replicas) != (has(self.minimum) || has(self.maximum))",
            "Set replicas, which you or an autoscaler changes, or minimum and maximum for the"
            " operator's own scaler; not both, and one of them.",
        ),
        Rule(
            "both-bounds",
            "has(self.minimum) == has(self.maximum)",
            "minimum and maximum go together.",
        ),
        Rule(
            "minimum-maximum",
            "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "minimum must not be greater than maximum.",
        ),
        Rule(
            "version-floor",
            "int(self.version.split('.')[0]) > 4 || (int(self.version.split('.')[0]) == 4"
            " && int(self.version.split('.')[1]) >= 2)",
            f"version must be {OLDEST} or newer: older Lavalinks lack Discord's end-to-end"
            " encryption, without which Discord lets nobody speak.",
        ),
        IMAGE_PINNED,
        Rule(
            "heap-below-memory",
            "!has(self.heap) || quantity(self.heap).isLessThan(quantity(self.resources.memory))",
            "heap must be less than resources.memory: Java needs memory beside its heap.",
        ),
        Rule(
            "heap-by-its-field",
            "!has(self.javaOptions) || !self.javaOptions.matches("
            "'(^|[\\\\s\"])-(Xmx|XX:MaxHeapSize|XX:MaxRAM)')",
            "javaOptions must not say how large the heap is: set heap, which is held against"
            " resources.memory.",
        ),
        Rule(
            "env-not-javas",
            "!has(self.podTemplate) || !has(self.podTemplate.env) || !self.podTemplate.env.exists("
            f"one, one.name in {list(FOR_JAVA)})",
            "The operator gives Java its options: put more of them into javaOptions.",
        ),
        Rule(
            "env-no-other-settings",
            "!has(self.podTemplate) || !has(self.podTemplate.env) || !self.podTemplate.env.exists("
            "one, one.name == 'SPRING_APPLICATION_JSON' || one.name.startsWith('SPRING_CONFIG_'))",
            "Lavalink's settings come from one file: put more of them into applicationYml.",
        ),
        Rule(
            "rotation-of-own-password",
            "self.rotation == 0 || !has(self.passwordSecretRef)",
            "rotation makes another password of the operator's own; the one in"
            " passwordSecretRef is rotated by changing that Secret.",
        ),
    )


class LavalinkNode(Part, frozen=True, kw_only=True):
    """Equal nodes in one region, speaking Lavalink's v4 protocol: where music is played."""

    spec: NodeSpec
    """What is wanted."""
    status: NodeStatus = NodeStatus()
    """What is."""

    RULES = (named(32),)
