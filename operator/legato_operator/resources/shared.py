"""What both resources are made of: secrets, resources of pods, overrides, selectors."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from legato_operator.resources import GROUP
from legato_operator.resources.fields import (
    FEW,
    SOME,
    Free,
    Key,
    LabelKey,
    LabelValue,
    ObjectName,
    Quantity,
    Rule,
    Short,
    Text,
)

OURS = (
    "MEMBER",
    "REGION",
    "SHARDS",
    "LISTEN",
    "PORT",
    "API_PORT",
    "AUDIO_PORT",
    "GATEWAY_PORT",
    "DISCORD_APPLICATION_ID",
    "DISCORD_TOKEN",
    "DATABASE_URL",
    "REDIS_URL",
    "PASSWORD",
    "LAVALINK_SERVER_PASSWORD",
    "SPRING_CONFIG_ADDITIONAL_LOCATION",
)
"""Environment variables by which a pod is what it is, and found where it is."""


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """A part of a resource; unknown fields are another release's, and ignored."""

    RULES: ClassVar[tuple[Rule, ...]] = ()


class SecretRef(Part, frozen=True, kw_only=True):
    """One key of a Secret in the same namespace."""

    name: ObjectName
    """The Secret's name."""
    key: Key
    """The key in it."""


class Connection(Part, frozen=True, kw_only=True):
    """A server's address, which holds a password, and whose certificates to trust."""

    url_secret_ref: SecretRef
    """The address, such as postgresql://… or rediss://…."""
    ca_secret_ref: SecretRef | None = None
    """The authority's certificate as PEM, where the system's are not meant."""


class Resources(Part, frozen=True, kw_only=True):
    """What a pod asks for. There is no CPU limit on purpose: a quota stalls music for 100 ms."""

    cpu: Quantity = "250m"
    """CPU that is reserved."""
    memory: Quantity = "256Mi"
    """Memory that is reserved; also the limit."""


class EnvVar(Part, frozen=True, kw_only=True):
    """One more environment variable."""

    name: Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Z_][A-Z0-9_]*$")]
    """The variable."""
    value: Text = ""
    """Its value; secrets belong into valueFrom."""
    value_from: Free | None = None
    """A source as in a container's env, such as secretKeyRef."""

    RULES = (
        Rule(
            "env-one-source",
            "!has(self.valueFrom) || !has(self.value) || self.value == ''",
            "Give an environment variable a value or valueFrom, not both.",
        ),
        Rule(
            "env-not-ours",
            f"!(self.name in {list(OURS)})",
            "The operator sets this environment variable from the rest of the spec: a pod with"
            " another would be none of this bot's, or reach nothing.",
        ),
    )

    @property
    def secret(self) -> SecretRef | None:
        """Say which key of a Secret it is."""
        found = self._key
        if found is None:
            return None
        return SecretRef(name=str(found.get("name", "")), key=str(found.get("key", "")))

    @property
    def is_optional(self) -> bool:
        """Say whether a pod starts without that Secret."""
        return self._key is not None and self._key.get("optional") is True

    @property
    def _key(self) -> dict[str, object] | None:
        found = (self.value_from or {}).get("secretKeyRef")
        return found if isinstance(found, dict) else None


class Toleration(Part, frozen=True, kw_only=True):
    """A toleration, as in a pod."""

    key: Short | None = None
    """The taint's key; absent = every taint."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """Whether the value matters."""
    value: Short | None = None
    """The taint's value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Absent = every effect."""
    toleration_seconds: Annotated[int, Meta(ge=0, le=86_400)] | None = None
    """How long NoExecute is tolerated; absent = for ever."""


class PodOverrides(Part, frozen=True, kw_only=True):
    """What is added to every pod; what makes a pod Legato's can't be changed."""

    RULES = (
        Rule(
            "pod-labels-not-ours",
            f"!has(self.labels) || !self.labels.exists(key, key.startsWith('{GROUP}/'))",
            f"podTemplate.labels must not begin with {GROUP}/: by those the operator knows its"
            " pods.",
        ),
        Rule(
            "pod-annotations-not-ours",
            f"!has(self.annotations) || !self.annotations.exists(key, key.startsWith('{GROUP}/'))",
            f"podTemplate.annotations must not begin with {GROUP}/: put those on one pod, as"
            f" {GROUP}/drain, by kubectl annotate.",
        ),
    )

    labels: Annotated[dict[LabelKey, LabelValue], SOME] = {}
    """More labels."""
    annotations: Annotated[dict[LabelKey, Text], SOME] = {}
    """More annotations."""
    tolerations: Annotated[tuple[Toleration, ...], FEW] = ()
    """More tolerations."""
    affinity: Free | None = None
    """Affinity, as in a pod."""
    priority_class_name: ObjectName | None = None
    """The priority of the pods."""
    image_pull_secrets: Annotated[tuple[ObjectName, ...], FEW] = ()
    """Secrets to pull images with."""
    env: Annotated[tuple[EnvVar, ...], Meta(max_length=32, extra={"map_key": "name"})] = ()
    """More environment variables; they replace Legato's of the same name, where the spec does not
    say the same elsewhere."""
    ca_secret_ref: SecretRef | None = None
    """Whom the pods trust instead of the system's authorities, as PEM, such as those and a
    company's own. Java has a store of its own, so not of the official Lavalink image."""

    def secrets(self, *, optional: bool = True) -> tuple[SecretRef, ...]:
        """List the Secrets that pods can't start without, or all that they read."""
        named = [one.secret for one in self.env if optional or not one.is_optional]
        return tuple(one for one in (self.ca_secret_ref, *named) if one is not None)


class Requirement(Part, frozen=True, kw_only=True):
    """One condition on labels."""

    key: LabelKey
    """The label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How it is compared."""
    values: Annotated[tuple[LabelValue, ...], SOME] = ()
    """What In and NotIn compare with."""


class LabelSelector(Part, frozen=True, kw_only=True):
    """Which objects of the namespace are meant; empty = all."""

    match_labels: Annotated[dict[LabelKey, LabelValue], SOME] = {}
    """Labels with exactly these values."""
    match_expressions: Annotated[tuple[Requirement, ...], FEW] = ()
    """Further conditions, all of which must hold."""

    def matches(self, labels: dict[str, str]) -> bool:
        """Say whether an object with these labels is meant."""
        return all(labels.get(key) == value for key, value in self.match_labels.items()) and all(
            _holds(one, labels) for one in self.match_expressions
        )


class Spread(Part, frozen=True, kw_only=True):
    """How pods are spread over places."""

    topology_key: LabelKey = "kubernetes.io/hostname"
    """The machines' label that names the place."""
    max_skew: Annotated[int, Meta(ge=1, le=100)] = 1
    """By how many pods two places may differ."""
    when_unsatisfiable: Literal["ScheduleAnyway", "DoNotSchedule"] = "ScheduleAnyway"
    """Whether a pod waits for a place that fits."""


def _holds(one: Requirement, labels: dict[str, str]) -> bool:
    there = one.key in labels
    match one.operator:
        case "In":
            return there and labels[one.key] in one.values
        case "NotIn":
            return not there or labels[one.key] not in one.values
        case "Exists":
            return there
        case "DoesNotExist":
            return not there
