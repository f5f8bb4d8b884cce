"""Plain documents of Kubernetes: how they are named, owned, hashed and compared. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from legato_operator import names
from legato_operator.resources import API_VERSION

Manifest = dict[str, Any]
"""A document of Kubernetes: what is in it is each kind's own affair."""

_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_UNITS = {"m": Decimal("0.001"), "": Decimal(1)} | {
    f"{letter}{binary}": Decimal(1024 if binary else 1000) ** power
    for binary in ("", "i")
    for power, letter in enumerate("KMGT" if binary else "kMGT", start=1)
}


@dataclass(frozen=True, slots=True)
class Owner:
    """The resource that children belong to, and go with."""

    kind: str
    name: str
    namespace: str
    uid: str

    @property
    def reference(self) -> Manifest:
        """Write it as an owner reference."""
        return {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """Which object."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def ref(manifest: Mapping[str, Any]) -> Ref:
    """Say which object a document is of."""
    return Ref(manifest["kind"], manifest["metadata"]["name"])


def made(api: str, kind: str, name: str, owner: Owner, labels: names.Labels) -> Manifest:
    """Begin an owned object."""
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": owner.namespace,
            "labels": dict(labels),
            "ownerReferences": [owner.reference],
        },
    }


def stamped(manifest: Manifest) -> Manifest:
    """Add the hash of the content, by which a later look knows it again."""
    metadata = dict(manifest["metadata"])
    said = dict(metadata.get("annotations", {}))
    metadata["annotations"] = said | {names.APPLIED: names.revision(manifest)}
    return {**manifest, "metadata": metadata}


def covers(live: object, wanted: object) -> bool:
    """Say whether what is there has all that is wanted; more may be there, such as defaults."""
    match live, wanted:
        case Mapping(), Mapping():
            return all(covers(live.get(key), value) for key, value in wanted.items())
        case list(), list():
            return len(live) >= len(wanted) and all(
                covers(_same(live, place, value), value) for place, value in enumerate(wanted)
            )
        case None, wanted:
            return wanted in ({}, [], None, "")
        case str(), str():
            return live == wanted or _equal_quantities(live, wanted)
        case _:
            return live == wanted


def bytes_of(quantity: str) -> Decimal:
    """Read a quantity of Kubernetes, such as 1Gi or 250m; ValueError for another text."""
    found = _QUANTITY.fullmatch(quantity)
    if found is None:
        raise ValueError(f"{quantity} is no quantity")
    return Decimal(found[1]) * _UNITS[found[2] or ""]


def _same(live: list[Any], place: int, wanted: object) -> object:
    """Find an entry by its name, as server-side apply does, else by its place."""
    for key in ("name", "uid", "containerPort", "mountPath"):
        if isinstance(wanted, Mapping) and key in wanted:
            return next((one for one in live if one.get(key) == wanted[key]), None)
    return live[place]


def _equal_quantities(one: str, other: str) -> bool:
    try:
        return bytes_of(one) == bytes_of(other)
    except ValueError:
        return False
