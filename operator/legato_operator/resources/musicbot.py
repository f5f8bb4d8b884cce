"""MusicBot: one Discord application, and what it runs on."""

from typing import Annotated, Literal

from msgspec import Meta

from legato_operator.resources.behaviour import Behaviour
from legato_operator.resources.fields import (
    FEW,
    IMAGE_PINNED,
    SOME,
    Host,
    HostPort,
    Image,
    LabelKey,
    LabelValue,
    ObjectName,
    Query,
    RegionName,
    Rule,
    Schedule,
    Semver,
    Short,
    Snowflake,
    Url,
    immutable,
    named,
)
from legato_operator.resources.shared import (
    Connection,
    LabelSelector,
    Part,
    PodOverrides,
    Resources,
    SecretRef,
    Spread,
)
from legato_operator.resources.status import BotStatus

KIND = "MusicBot"
PLURAL = "musicbots"

VoiceRegion = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")]
ShardCount = Annotated[int, Meta(ge=1, le=16_384)]


class Gateway(Part, frozen=True, kw_only=True):
    """The pods that hold the sessions with Discord."""

    shards: ShardCount | None = None
    """How many shards the bot has; absent = as many as Discord advises at the first start."""
    reshard_to: ShardCount | None = None
    """Confirms a changed count of shards by its value."""
    shards_per_pod: Annotated[int, Meta(ge=1, le=64)] = 8
    """How many shards a pod holds at most."""
    max_handovers: Annotated[int, Meta(ge=1, le=64)] = 2
    """How many shards change their owner at the same time."""
    resources: Resources = Resources()
    """What each pod asks for."""

    RULES = (
        Rule(
            "reshard-equals-shards",
            "!has(self.reshardTo) || (has(self.shards) && self.reshardTo == self.shards)",
            "gateway.reshardTo confirms gateway.shards, so it must be the same number.",
        ),
        Rule(
            "reshard-confirmed",
            "!has(oldSelf.shards) || !has(self.shards) || self.shards == oldSelf.shards"
            " || (has(self.reshardTo) && self.reshardTo == self.shards)",
            "Another count of shards ends every session with Discord and identifies anew: confirm"
            " it by gateway.reshardTo, set to the new count.",
        ),
    )


class Audio(Part, frozen=True, kw_only=True):
    """The pods that own a region's players."""

    minimum: Annotated[int, Meta(ge=1, le=64)] = 1
    """How many there are at least."""
    maximum: Annotated[int, Meta(ge=1, le=64)] = 4
    """How many there are at most; a region has 32 partitions."""
    players_per_pod: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """How many players a pod owns comfortably."""
    max_handovers: Annotated[int, Meta(ge=1, le=32)] = 2
    """How many partitions change their owner at the same time."""
    resources: Resources = Resources()
    """What each pod asks for."""

    RULES = (
        Rule(
            "audio-minimum-maximum",
            "self.minimum <= self.maximum",
            "audio.minimum must not be greater than audio.maximum.",
        ),
    )


class Region(Part, frozen=True, kw_only=True):
    """A place: audio pods and nodes near a set of Discord's voice servers."""

    name: RegionName
    """Its name, which the LavalinkNodes there say as their region."""
    voice_regions: Annotated[tuple[VoiceRegion, ...], SOME] = ()
    """Discord's voice regions that its nodes play for, as the names of voice servers begin, which
    have two forms: frankfurt and fra, us-east. Players in a voice region that no place lists play
    in the first place."""
    audio: Audio = Audio()
    """Its audio pods."""
    lavalink_nodes: LabelSelector = LabelSelector()
    """Which LavalinkNodes of this namespace it uses; empty = all whose region is this one."""
    node_selector: Annotated[dict[LabelKey, LabelValue], FEW] = {}
    """Labels of the machines that its audio pods run on."""
    spread: Annotated[tuple[Spread, ...], FEW] = (Spread(),)
    """How its audio pods are spread over machines."""


class Api(Part, frozen=True, kw_only=True):
    """The HTTP API."""

    replicas: Annotated[int, Meta(ge=0, le=20)] = 1
    """How many pods serve it; 0 = none."""
    host: Host | None = None
    """The name it is reached by: makes an Ingress."""
    ingress_class_name: ObjectName | None = None
    """Which controller serves the Ingress; absent = the cluster's default."""
    tls_secret_name: ObjectName | None = None
    """The Secret of the Ingress' certificate."""
    oauth_secret_ref: SecretRef | None = None
    """The application's OAuth2 client secret, given to the API's pods for people to log in; this
    release's API has no log-in yet."""
    resources: Resources = Resources(cpu="100m")
    """What each pod asks for."""

    RULES = (
        Rule(
            "api-host-served",
            "!has(self.host) || self.replicas > 0",
            "api.host leads to nothing while api.replicas is 0.",
        ),
        Rule(
            "api-oauth-host",
            "!has(self.oauthSecretRef) || has(self.host)",
            "api.oauthSecretRef needs api.host: Discord sends people back to it.",
        ),
        Rule(
            "api-tls-host",
            "!has(self.tlsSecretName) || has(self.host)",
            "api.tlsSecretName needs api.host, the name that the certificate is for.",
        ),
    )


class Job(Part, frozen=True, kw_only=True):
    """One regular work."""

    name: Literal["cleanup", "usage", "limits", "flags"]
    """Which one."""
    schedule: Schedule
    """When, as in cron, in UTC."""
    suspend: bool = False
    """Whether it rests."""
    successful_history: Annotated[int, Meta(ge=0, le=20)] = 1
    """How many finished runs are kept."""
    failed_history: Annotated[int, Meta(ge=0, le=20)] = 3
    """How many failed runs are kept."""


JOBS = (
    Job(name="cleanup", schedule="17 */6 * * *"),
    Job(name="usage", schedule="7 * * * *"),
    Job(name="limits", schedule="* * * * *"),
    Job(name="flags", schedule="* * * * *"),
)


class Worker(Part, frozen=True, kw_only=True):
    """The regular works."""

    jobs: Annotated[tuple[Job, ...], Meta(max_length=16, extra={"map_key": "name"})] = JOBS
    """Each by its name."""
    resources: Resources = Resources(cpu="50m")
    """What each pod asks for."""


class Scaling(Part, frozen=True, kw_only=True):
    """How audio and gateway pods follow the load."""

    behaviour: Behaviour = Behaviour()
    """How fast."""
    players_query: Query | None = None
    """PromQL that gives players by region; absent = the operator's own."""


class Discord(Part, frozen=True, kw_only=True):
    """Where Discord is, when it is a simulator."""

    rest_url: Url
    """Discord's REST v10."""
    allowed_addresses: Annotated[tuple[HostPort, ...], FEW] = ()
    """Exact host:port pairs that links may lead to although they are private."""


class BotSpec(Part, frozen=True, kw_only=True):
    """What is wanted of a bot."""

    application_id: Snowflake
    """The Discord application; every key, stream and metric carries it."""
    token_secret_ref: SecretRef
    """The bot's token."""
    version: Semver | None = None
    """The release of Legato; absent = the operator's, pinned in the status at the first look."""
    image: Image | None = None
    """One image that holds every component, by tag or digest, instead of the official ones."""
    upgrade: Literal["Manual", "Automatic"] = "Manual"
    """Automatic follows the operator's own release; Manual stays until the version is changed."""
    paused: bool = False
    """The operator looks, reports, and changes nothing."""
    gateway: Gateway = Gateway()
    """The sessions with Discord."""
    regions: Annotated[
        tuple[Region, ...], Meta(min_length=1, max_length=16, extra={"map_key": "name"})
    ]
    """Places that it plays in. Guilds are at home in the first, whose audio pods own their players;
    it stays the first. On which place's nodes one plays follows from its voice server, by
    voiceRegions."""
    api: Api = Api()
    """The HTTP API."""
    worker: Worker = Worker()
    """The regular works."""
    database: Connection
    """PostgreSQL."""
    redis: Connection
    """Valkey or Redis."""
    scaling: Scaling = Scaling()
    """How pods follow the load."""
    network_policy: bool = True
    """Whether pods are reached by their pages' ports only, and reach no metadata of the cloud."""
    pod_template: PodOverrides = PodOverrides()
    """What is added to every pod."""
    discord: Discord | None = None
    """Discord's addresses, when it is a simulator."""
    search_prefix: Short = ""
    """What makes words a search for the nodes, such as ytsearch:; empty = links only."""

    RULES = (
        IMAGE_PINNED,
        Rule(
            "voice-region-once",
            "self.regions.all(one, !has(one.voiceRegions) || one.voiceRegions.all(voice,"
            " self.regions.exists_one(other, has(other.voiceRegions)"
            " && voice in other.voiceRegions)))",
            "A voice region belongs to one of the regions: list it under one only.",
        ),
        Rule(
            "home-region",
            "self.regions[0].name == oldSelf.regions[0].name",
            "Every guild is at home in the first of regions, so its name and its place never"
            " change: put others behind it.",
        ),
        immutable(
            "applicationId",
            "applicationId never changes, since every queue belongs to it: make another MusicBot.",
        ),
        Rule(
            "version-or-image",
            "!has(self.version) || !has(self.image)",
            "Set version or image, not both: an image of your own says itself what is in it.",
        ),
        Rule(
            "automatic-chooses",
            "self.upgrade != 'Automatic' || (!has(self.version) && !has(self.image))",
            "upgrade: Automatic chooses the version itself: remove version and image, or set"
            " upgrade: Manual.",
        ),
    )


class MusicBot(Part, frozen=True, kw_only=True):
    """A Discord music bot: one application, its gateways, audio pods, API and regular works."""

    spec: BotSpec
    """What is wanted."""
    status: BotStatus = BotStatus()
    """What is."""

    RULES = (named(32),)
