"""The two CustomResourceDefinitions: what they are called, and what kubectl shows of them."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from legato_operator import schemas
from legato_operator.resources import GROUP, VERSION
from legato_operator.resources.lavalinknode import LavalinkNode
from legato_operator.resources.musicbot import MusicBot
from legato_operator.resources.shared import Part
from legato_operator.schemas import Document

CATEGORY = "legato"
HEADER = "# Written by `make docs` from operator/legato_operator/resources; don't edit.\n"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of kubectl get."""

    name: str
    path: str
    type: str = "string"
    wide: bool = False
    """Only shown by -o wide."""
    description: str = ""

    @property
    def document(self) -> Document:
        """Write it as a CRD does."""
        said: Document = {"name": self.name, "type": self.type, "jsonPath": self.path}
        if self.description:
            said["description"] = self.description
        return said | ({"priority": 1} if self.wide else {})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a CRD says beside the schema."""

    struct: type[Part]
    plural: str
    short: tuple[str, ...]
    columns: tuple[Column, ...]
    scale: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Name the kind."""
        return self.struct.__name__

    @property
    def path(self) -> str:
        """Say where its file is, from the root."""
        return f"crds/{self.plural}.{GROUP}.yaml"


def _ready(field: str) -> str:
    return _condition("Ready", field)


def _condition(of: str, field: str) -> str:
    return f'.status.conditions[?(@.type=="{of}")].{field}'


READY = (
    Column("Ready", _ready("status"), description="Whether it is fine."),
    Column("Reason", _ready("reason"), description="If not, why."),
)
LAST = (
    Column("Players", ".status.players", "integer", description="Players there are."),
    Column("Version", ".status.version", description="The release."),
    Column(
        "Waits",
        _condition("RolloutBlocked", "reason"),
        wide=True,
        description="For what a rollout waits.",
    ),
    Column("Paused", ".spec.paused", "boolean", wide=True, description="Nothing is changed."),
    Column("Message", _ready("message"), wide=True, description="Why, in a sentence."),
    Column("Age", ".metadata.creationTimestamp", "date"),
)
KINDS = (
    Kind(
        MusicBot,
        "musicbots",
        ("mb",),
        (
            *READY,
            Column("Shards", ".status.shards.summary", description="Connected and wanted."),
            *LAST,
        ),
    ),
    Kind(
        LavalinkNode,
        "lavalinknodes",
        ("lln",),
        (
            *READY,
            Column("Region", ".spec.region", wide=True, description="Where the nodes are."),
            Column("Nodes", ".status.nodes", description="Ready and wanted."),
            *LAST,
        ),
        {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    ),
)


def render() -> dict[str, str]:
    """Return every CRD's file: its path from the root, and its text."""
    return {
        kind.path: HEADER
        + yaml.safe_dump(document(kind), sort_keys=False, width=100, allow_unicode=True)
        for kind in KINDS
    }


def document(kind: Kind) -> Document:
    """Make one CRD."""
    singular = kind.name.lower()
    version: Document = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}} | ({"scale": dict(kind.scale)} if kind.scale else {}),
        "additionalPrinterColumns": [column.document for column in kind.columns],
        "schema": {"openAPIV3Schema": schemas.whole(kind.struct)},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": singular,
                "shortNames": list(kind.short),
                "categories": [CATEGORY],
            },
            "versions": [version],
        },
    }
