"""What the API server answers to a list. Pure.

Its items are decoded one by one: all at once those of 200 bots would take more memory than the
whole operator.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from legato_operator.desired.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Listed:
    """A kind, listed at one moment."""

    items: Iterable[Manifest]
    version: str


def read(text: bytes, api: str, kind: str) -> Listed:
    """Read an answer."""
    found = msgspec.json.decode(text, type=_List)
    return Listed(_Items(api, kind, found.items or []), found.metadata.resource_version)


@dataclass(frozen=True, slots=True)
class _Items(Iterable[Manifest]):
    api: str
    kind: str
    documents: list[msgspec.Raw]

    def __iter__(self) -> Iterator[Manifest]:
        said = {"apiVersion": self.api, "kind": self.kind}  # they do not say it themselves
        return (said | msgspec.json.decode(one) for one in self.documents)


class _Moment(msgspec.Struct, rename="camel"):
    resource_version: str


class _List(msgspec.Struct):
    metadata: _Moment
    items: list[msgspec.Raw] | None = None
