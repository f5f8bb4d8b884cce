"""From what is wanted and what is there to what is done, each with its reason. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from legato.contracts.fleet import Directive
from legato_operator import names
from legato_operator.desired import pinned
from legato_operator.desired.manifest import Manifest, Owner, Ref, covers, ref, stamped
from legato_operator.resources.status import BotStatus, NodeStatus
from legato_operator.scaling import Past
from legato_operator.seen import annotations_of, uid_of


@dataclass(frozen=True, slots=True)
class Apply:
    """Server-side apply one object."""

    manifest: Manifest
    reason: str
    ours: bool = True
    """It is there, and its owner's; where not, its name may be another's, who keeps what he has."""

    @property
    def ref(self) -> Ref:
        """Say which."""
        return ref(self.manifest)


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove one object."""

    ref: Ref
    reason: str
    unconfirmed: bool = False
    """At once, although no kubelet can say that it ended: only where nothing can run any more."""
    uid: str = ""
    """Of the one that was looked at: another one that has its name meanwhile stays."""


@dataclass(frozen=True, slots=True)
class Patch:
    """Merge a change into an object that is not ours alone."""

    ref: Ref
    body: Manifest
    reason: str
    uid: str = ""
    """Of the one that was looked at, as in Delete."""


@dataclass(frozen=True, slots=True)
class MakePassword:
    """Make a password, which no core can, and keep the one before beside it."""

    manifest: Manifest
    reason: str

    @property
    def ref(self) -> Ref:
        """Say in which Secret."""
        return ref(self.manifest)


@dataclass(frozen=True, slots=True)
class Pin:
    """Write the values that pods begin with, in front of the first that needs one."""

    manifest: Manifest = field(repr=False)
    reason: str

    @property
    def ref(self) -> Ref:
        """Say in which Secret."""
        return ref(self.manifest)


UNDER_WAY = timedelta(seconds=3)
Action = Apply | Delete | Patch | MakePassword | Pin


@dataclass(frozen=True, slots=True)
class Plan:
    """All that one look leads to."""

    actions: tuple[Action, ...] = ()
    status: BotStatus | NodeStatus | None = None
    directive: Directive | None = None
    """To be written where it differs; None = leave what stands there."""
    pasts: dict[str, Past] = field(default_factory=dict)
    """What scaling must remember: by region, or under the empty text."""
    shards: int | None = None
    """The count of shards to store in the place of the one that was seen; None = leave it."""
    coming: bool = False
    """It is not ready, and may be at any moment."""
    again: timedelta = timedelta(seconds=30)
    """When to look again if nothing happens."""

    @property
    def next_look(self) -> timedelta:
        """Look soon while something is under way: it waits for Redis, which nobody watches."""
        under_way = self.status is not None and self.status.in_progress
        return min(self.again, UNDER_WAY) if under_way or self.coming else self.again


def applied(wanted: Iterable[Manifest], there: Sequence[Manifest]) -> list[Action]:
    """Apply what lacks something of ours, or was last applied in another form."""
    live = {ref(one): one for one in there}
    actions: list[Action] = []
    for one in wanted:
        full = stamped(one)
        found = live.get(ref(one))
        ours = found is not None and is_of(found, one)
        if found is None:
            actions.append(Apply(full, "it is not there", ours))
        elif annotations_of(found).get(names.APPLIED) != annotations_of(full)[names.APPLIED]:
            actions.append(Apply(full, "it is wanted otherwise", ours))
        elif not covers(found, full):
            actions.append(Apply(full, "somebody changed it", ours))
    return actions


def is_of(found: Manifest, wanted: Manifest) -> bool:
    """Say whether what has a name belongs to the resource that wants to have it."""
    return all(_owned(found, one["uid"]) for one in wanted["metadata"]["ownerReferences"])


def pins(
    owner: Owner, there: Manifest | None, using: Iterable[Manifest], known: Mapping[str, str]
) -> list[Action]:
    """Keep every value that pods begin with, or may: what is known by now, else what is there.

    Using: the workloads that are wanted or there, and their pods; a value that none of them
    begins with goes.
    """
    before = pinned.texts(there)
    needed = pinned.used(using, pinned.name_of(owner))
    kept = {one: text for one, text in (before | dict(known)).items() if one in needed}
    wanted = pinned.secret(owner, kept)
    same = covers(there, wanted) if there else not kept
    if same and before.keys() == kept.keys():
        return []
    return [Pin(wanted, "pods begin with it" if kept.keys() - before.keys() else "as pods need it")]


def removed(
    kept: Iterable[Ref], there: Sequence[Manifest], owner: str, reason: str
) -> list[Action]:
    """Remove children of ours that nothing wants any more; what goes already is let go."""
    wanted = set(kept)
    wanted |= {used for one in there if ref(one) in wanted for used in _used(one)}
    return [
        Delete(ref(one), reason, uid=uid_of(one))
        for one in there
        if ref(one) not in wanted and _owned(one, owner) and not _going(one)
    ]


def _used(workload: Manifest) -> Iterator[Ref]:
    """Name what a workload's pods begin with: it may be of a release that calls it otherwise."""
    pod = workload.get("spec", {}).get("template", {}).get("spec", {})
    if account := pod.get("serviceAccountName"):
        yield Ref("ServiceAccount", account)
    for volume in pod.get("volumes") or ():
        if "configMap" in volume:
            yield Ref("ConfigMap", volume["configMap"]["name"])


def _owned(child: Manifest, owner: str) -> bool:
    return any(one.get("uid") == owner for one in child["metadata"].get("ownerReferences", []))


def _going(child: Manifest) -> bool:
    return bool(child["metadata"].get("deletionTimestamp"))
