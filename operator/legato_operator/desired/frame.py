"""What every object of one bot is made from, and the Deployments per revision. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from legato_operator import names
from legato_operator.desired import origin, pinned, pods
from legato_operator.desired.manifest import Manifest, Owner, made
from legato_operator.resources.musicbot import BotSpec
from legato_operator.resources.shared import Connection, SecretRef

REGISTRY = "ghcr.io/legato-music"
LISTEN = "0.0.0.0"  # noqa: S104  # a pod's pages are asked by the kubelet and Prometheus


@dataclass(frozen=True, slots=True)
class Frame:
    """One bot: whose children, what is wanted, in which release."""

    owner: Owner
    spec: BotSpec
    version: str
    secrets: Mapping[SecretRef, str] = field(default_factory=dict)
    """The hash of each key of a Secret that is there."""

    @property
    def name(self) -> str:
        """Say the bot's name."""
        return self.owner.name

    def image(self, component: str) -> str:
        """Say which image a component runs."""
        return self.spec.image or f"{REGISTRY}/legato-{component}:{self.version}"

    def secrets_hash(self, *refs: SecretRef) -> str:
        """Name the contents of some Secrets, and of those that every pod reads.

        So a change rolls the pods that use them.
        """
        refs = (*refs, *self.spec.pod_template.secrets())
        return names.revision([[one.name, one.key, self.secrets.get(one, "")] for one in refs])

    def pinned(self, what: str) -> SecretRef:
        """Say where pods take a value from: never from where a person may change it."""
        said = self.secrets.get(pinned.read_by(self.spec)[what], "")
        return SecretRef(name=pinned.name_of(self.owner), key=pinned.key(what, said))

    def connected(
        self, prefix: str, to: Connection
    ) -> tuple[tuple[Manifest, ...], tuple[pods.Mounted, ...]]:
        """Say how pods reach one of the bot's servers."""
        return pods.connected(prefix, to, self.pinned(prefix.lower()))

    @property
    def inputs(self) -> Manifest:
        """Write what the objects are made of, beside their owner."""
        return {
            "spec": origin.plain(self.spec),
            "version": self.version,
            "secrets": origin.listed(self.secrets),
        }

    def of(self, inputs: Manifest) -> "Frame":
        """Take other inputs; raises ValidationError where they can't be read."""
        said = msgspec.convert(inputs, _Inputs)
        secrets = origin.by_ref(said.secrets)
        return replace(self, spec=said.spec, version=said.version, secrets=secrets)


class _Inputs(msgspec.Struct):
    spec: BotSpec
    version: str
    secrets: origin.Listed


def kept(
    frame: Frame,
    wanted: Manifest,
    there: Iterable[Manifest],
    make: Callable[[Frame], Manifest | None],
) -> Manifest:
    """Leave the workload that is there if it was made of the same, though by another release."""
    alike = [one for one in there if _place(one) == _place(wanted)]
    return origin.kept(wanted, frame.inputs, alike, lambda said: make(frame.of(said)))


def _place(one: Manifest) -> tuple[str, ...]:
    labels = one["metadata"].get("labels") or {}
    return (one["kind"], *(labels.get(key, "") for key in (names.COMPONENT, names.REGION)))


def deployment(frame: Frame, shape: pods.Shape, *, secrets: str, region: str = "") -> Manifest:
    """Make a component's Deployment, without a count; its name carries its revision."""
    more = {"region": region} if region else {}
    selector = names.bot_selector(frame.name, shape.component, **more)
    labels = names.of_bot(frame.name, shape.component, **more)
    template = pods.template(
        shape, frame.spec.pod_template, labels=labels, selector=selector, secrets=secrets
    )
    revision = names.revision(template)
    template["metadata"]["labels"][names.REVISION] = revision
    name = names.joined(frame.name, shape.component, region, revision)
    manifest = made("apps/v1", "Deployment", name, frame.owner, labels | {names.REVISION: revision})
    manifest["spec"] = {
        "selector": {"matchLabels": selector | {names.REVISION: revision}},
        "strategy": {"type": "Recreate"},
        "revisionHistoryLimit": 0,
        "template": template,
    }
    return manifest


def revision_of(manifest: Manifest) -> str:
    """Read the revision that an object carries."""
    return str(manifest["metadata"].get("labels", {}).get(names.REVISION, ""))


def sized(manifest: Manifest, replicas: int) -> Manifest:
    """Give a Deployment its count."""
    return {**manifest, "spec": {"replicas": replicas, **manifest["spec"]}}


def member() -> tuple[Manifest, ...]:
    """Name the process after its pod, as observed and weights do."""
    source = {"fieldRef": {"fieldPath": "metadata.name"}}
    return ({"name": "MEMBER", "valueFrom": source}, *pods.said(LISTEN=LISTEN))
