"""What the watches have brought: the newest form of every object of ours. Asks nobody.

Children are kept as bytes, without what only the API server needs: decoded, those of 200 bots would
take ten times as much memory.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from legato_operator import names
from legato_operator.desired.manifest import Manifest
from legato_operator.resources import musicbot
from legato_operator.seen import Machine

REMEMBERED = 4096
"""How many removals are kept, so that an answer that comes late brings nothing back."""
INDEXED = (names.BOT, names.NODES)
"""Labels by which children are asked for."""
APPLICATION = "applicationId"
"""Of a spec, by which bots are asked for, over all namespaces."""


class Place(NamedTuple):
    """Where an object is."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class _Kept:
    version: int
    owner: tuple[str, str, str] | None
    document: bytes


@dataclass
class Cache:
    """Objects by kind, namespace and name."""

    _kept: dict[Place, _Kept] = field(default_factory=dict)
    _owned: dict[tuple[str, str, str], set[Place]] = field(default_factory=dict)
    """(label, its value, namespace) -> what carries it; and bots by their application."""
    _kinds: dict[str, set[Place]] = field(default_factory=dict)
    _gone: dict[Place, int] = field(default_factory=dict)
    _machines: dict[str, Machine] = field(default_factory=dict)

    def put(self, found: Manifest) -> bool:
        """Keep an object, unless a newer form of it is kept already; say whether it is news."""
        place, version = place_of(found), _version(found)
        known = self._kept.get(place)
        if (known is not None and known.version > version) or self._gone.get(place, -1) >= version:
            return False
        self._drop(place)
        owner = _owner(found)
        metadata = {k: v for k, v in found["metadata"].items() if k != "managedFields"}
        document = msgspec.json.encode({**found, "metadata": metadata})
        self._kept[place] = _Kept(version, owner, document)
        self._kinds.setdefault(place.kind, set()).add(place)
        if owner is not None:
            self._owned.setdefault(owner, set()).add(place)
        return known is None or known.version < version

    def remove(self, found: Manifest) -> None:
        """Forget an object, unless a newer one of its name is kept."""
        place = place_of(found)
        known = self._kept.get(place)
        if known is not None and known.version <= _version(found):
            self._drop(place)
            self._mark_gone(place, _version(found))

    def replace(
        self, kind: str, namespace: str, found: Iterable[Manifest], version: str
    ) -> Iterator[Manifest]:
        """Take a whole list of a kind; give each that was listed, then each that is gone.

        Version: of the moment at which it was listed.
        """
        there = set[Place]()
        for one in found:
            self.put(one)
            there.add(place_of(one))
            yield one
        for place in self._kinds.get(kind, set()) - there:
            if namespace in ("", place.namespace):
                lost = self._document(place)
                self._drop(place)
                self._mark_gone(place, _number(version))
                yield lost

    def see(self, machine: str, found: Machine | None) -> bool:
        """Keep what is known of a machine; say whether that is new. None = it is gone."""
        if self._machines.get(machine) == found:
            return False
        if found is None:
            self._machines.pop(machine, None)
        else:
            self._machines[machine] = found
        return True

    def names_of_machines(self) -> list[str]:
        """List the machines."""
        return list(self._machines)

    def all(self, kind: str, namespace: str) -> list[Manifest]:
        """List a kind; of all namespaces where none is named."""
        places = sorted(self._kinds.get(kind, ()))
        return [self._document(one) for one in places if namespace in ("", one.namespace)]

    def owned(self, namespace: str, selector: names.Labels) -> Iterator[Manifest]:
        """Give everything with these labels, of which there is one that is indexed."""
        label, value = next((k, v) for k, v in selector.items() if k in INDEXED)
        for place in sorted(self._owned.get((label, value, namespace), ())):
            yield self._document(place)

    def of_application(self, application: str) -> list[Manifest]:
        """List the bots of an application."""
        places = sorted(self._owned.get((APPLICATION, application, ""), ()))
        return [self._document(one) for one in places]

    # What a look reads from, in the words of reading.Source.

    async def resources(self, kind: str, namespace: str) -> list[Manifest]:
        """List a kind."""
        return self.all(kind, namespace)

    async def children(
        self, namespace: str, selector: names.Labels, known: frozenset[str]
    ) -> tuple[Manifest, ...]:
        """List everything of ours with these labels, Secrets and pods aside."""
        return tuple(one for one in self.owned(namespace, selector) if one["kind"] != "Pod")

    async def pods(self, namespace: str, selector: names.Labels) -> tuple[Manifest, ...]:
        """List pods."""
        return tuple(one for one in self.owned(namespace, selector) if one["kind"] == "Pod")

    async def machines(self) -> dict[str, Machine]:
        """Look at every machine."""
        return dict(self._machines)

    def _document(self, place: Place) -> Manifest:
        found: Manifest = msgspec.json.decode(self._kept[place].document)
        return found

    def _mark_gone(self, place: Place, version: int) -> None:
        self._gone.pop(place, None)
        self._gone[place] = version
        while len(self._gone) > REMEMBERED:
            del self._gone[next(iter(self._gone))]

    def _drop(self, place: Place) -> None:
        known = self._kept.pop(place, None)
        self._kinds.get(place.kind, set()).discard(place)
        if known is None or known.owner is None:
            return
        owned = self._owned[known.owner]
        owned.discard(place)
        if not owned:
            del self._owned[known.owner]


def place_of(found: Manifest) -> Place:
    """Say where an object is."""
    said = found["metadata"]
    return Place(found["kind"], said.get("namespace", ""), said["name"])


def _owner(found: Manifest) -> tuple[str, str, str] | None:
    said = found["metadata"]
    labels = said.get("labels") or {}
    if found["kind"] == musicbot.KIND:
        return (APPLICATION, found.get("spec", {}).get(APPLICATION, ""), "")
    return next(
        ((key, labels[key], said.get("namespace", "")) for key in INDEXED if key in labels), None
    )


def _version(found: Manifest) -> int:
    """Read the order of writes: https://kep.k8s.io/5504 makes a promise of what always was."""
    return _number(found["metadata"].get("resourceVersion", ""))


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else 0
