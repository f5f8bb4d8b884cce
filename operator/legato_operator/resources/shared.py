"""What both resources are made of: secrets, resources of pods, overrides, selectors."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

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
    )


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
    """More environment variables; they replace Legato's of the same name."""
    ca_secret_ref: SecretRef | None = None
    """Whom the pods trust instead of the system's authorities, as PEM, such as those and a
    company's own. Java has a store of its own, so not of the official Lavalink image."""


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
