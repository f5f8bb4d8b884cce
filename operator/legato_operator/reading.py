"""Everything that one look at a resource reads, put into values. No decision of its own."""

import asyncio
import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from legato_operator import answers, applications, bots, directing, names, queries
from legato_operator.desired import nodes, pinned
from legato_operator.desired.manifest import Manifest, Owner
from legato_operator.directive import Fleet
from legato_operator.discord import Discord
from legato_operator.fleet import NOW, Fleets, Place
from legato_operator.prometheus import Prometheus
from legato_operator.queue import Key
from legato_operator.resources import lavalinknode, musicbot
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import BotStatus, NodeStatus
from legato_operator.scaling import Answer, Past
from legato_operator.seen import (
    Bot,
    Claim,
    Group,
    Machine,
    Peer,
    Token,
    World,
    component_of,
    is_ending,
    labels_of,
)


class Source(Protocol):
    """Where objects of Kubernetes are read: the API server, or what watches have brought."""

    async def resources(self, kind: str, namespace: str) -> list[Manifest]:
        """List a kind; of all namespaces where none is named."""

    async def children(
        self, namespace: str, selector: names.Labels, known: frozenset[str]
    ) -> tuple[Manifest, ...]:
        """List everything of ours with these labels, Secrets and pods aside."""

    async def pods(self, namespace: str, selector: names.Labels) -> tuple[Manifest, ...]:
        """List pods, also those on their way out."""

    async def machines(self) -> dict[str, Machine]:
        """Look at every machine."""


@dataclass
class Beside(Source):
    """A source, and what was found by its name, as no list shows it."""

    source: Source
    found: list[Manifest]

    async def resources(self, kind: str, namespace: str) -> list[Manifest]:
        """List a kind."""
        return await self.source.resources(kind, namespace)

    async def children(
        self, namespace: str, selector: names.Labels, known: frozenset[str]
    ) -> tuple[Manifest, ...]:
        """List everything with these labels, and what was found."""
        return (*await self.source.children(namespace, selector, known), *self.found)

    async def pods(self, namespace: str, selector: names.Labels) -> tuple[Manifest, ...]:
        """List pods."""
        return await self.source.pods(namespace, selector)

    async def machines(self) -> dict[str, Machine]:
        """Look at every machine."""
        return await self.source.machines()


class Secrets(Protocol):
    """Secrets, read by their names alone."""

    async def resource(self, kind: str, namespace: str, name: str) -> Manifest | None:
        """Read one object; None where it is not there."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Who else is asked."""

    fleets: Fleets
    prometheus: Prometheus | None = None
    discord: Discord | None = None


@dataclass
class Memory:
    """What the looks at one resource leave to the next."""

    pasts: dict[str, Past] = field(default_factory=dict)
    refused: tuple[str, ...] = ()
    users: frozenset[str] | None = None
    """The bots that used a group, or still played there; None = nobody has looked yet."""


@dataclass
class Reading:
    """One look's reading; a Secret is read once in it."""

    source: Source
    secrets: Secrets
    outside: Outside
    world: World
    memories: Mapping[Key, Memory]
    within: timedelta = NOW
    """How old what the bots report may be."""
    _secrets: dict[tuple[str, str], Manifest] = field(default_factory=dict, repr=False)
    _read: dict[tuple[str, str, SecretRef], Fleet | None] = field(default_factory=dict, repr=False)

    async def bot(self, found: Manifest) -> Bot:
        """Read all that belongs to a MusicBot."""
        spec, owner = msgspec.convert(found["spec"], BotSpec), owner_of(found)
        space, memory = owner.namespace, self._memory(found)
        listed = await self.source.pods(space, {names.BOT: owner.name})
        pods = tuple(one for one in listed if not is_ending(one))
        fleet = await self._fleet(space, spec)
        groups = await self.source.resources(lavalinknode.KIND, space)
        values = await self._values(owner, bots.secrets_of(spec))
        return Bot(
            owner=owner,
            spec=spec,
            status=msgspec.convert(found.get("status", {}), BotStatus),
            generation=found["metadata"]["generation"],
            finalizers=tuple(found["metadata"].get("finalizers") or ()),
            version=found["metadata"].get("resourceVersion", ""),
            deleting_since=deleting(found),
            children=await self.source.children(space, {names.BOT: owner.name}, self.world.known),
            pods=pods,
            secrets=_hashes(owner, values),
            values=values,
            pinned=await self._pinned(owner),
            token=await self._token(space, spec),
            fleet=fleet,
            stored_shards=await self._shards(space, spec) if fleet else None,
            groups=tuple([await self._group(one) for one in groups]),
            players=await self._players(owner, spec, pods),
            pasts=memory.pasts,
            refused=memory.refused,
        )

    async def group(self, found: Manifest) -> Group:
        """Read all that belongs to a LavalinkNode, and ask Prometheus about it."""
        group = await self._group(found)
        server, scaling = self.outside.prometheus, group.spec.scaling
        if group.spec.replicas is not None or server is None:
            return group
        space, name = group.owner.namespace, group.name
        expected = answers.settled(group.pods, now=datetime.now(UTC))
        players, deficit = await asyncio.gather(
            server.ask(scaling.players_query or queries.players_of_nodes(space, name)),
            server.ask(scaling.deficit_query or queries.deficit_of_nodes(space, name)),
        )
        return replace(
            group,
            players=answers.total(players, expected),
            deficit=answers.greatest(deficit, expected),
        )

    async def _group(self, found: Manifest) -> Group:
        owner, spec = owner_of(found), msgspec.convert(found["spec"], NodeSpec)
        space, selector = owner.namespace, names.nodes_selector(owner.name)
        memory = self._memory(found)
        secret = await self._secret(space, nodes.Group(owner, spec).secret.name)
        children = await self.source.children(space, selector, self.world.known)
        ours = [secret] if names.NODES in labels_of(secret) else []
        group = Group(
            owner=owner,
            spec=spec,
            status=msgspec.convert(found.get("status", {}), NodeStatus),
            generation=found["metadata"]["generation"],
            labels=labels_of(found),
            finalizers=tuple(found["metadata"].get("finalizers") or ()),
            version=found["metadata"].get("resourceVersion", ""),
            deleting_since=deleting(found),
            children=(*children, *ours),
            pods=await self.source.pods(space, selector),
            machines=await self.source.machines() if self.world.sees_machines else {},
            passwords=passwords_of(
                secret, nodes.Group(owner, spec).secret.key, owner.uid, children
            ),
            pinned=await self._pinned(owner),
            secrets=_hashes(owner, await self._values(owner, spec.pod_template.secrets())),
            past=memory.pasts.get("", Past()),
            refused=memory.refused,
        )
        return replace(group, fleets=await self._fleets(group))

    async def _fleets(self, group: Group) -> dict[str, Fleet | None]:
        """Read what every bot reports that uses a group, or still plays there."""
        space = group.owner.namespace
        listed = await self.source.resources(musicbot.KIND, space)
        before = self.memories.get(Key(lavalinknode.KIND, space, group.name), Memory()).users
        asked = {
            name: spec
            for name, spec in ((one["metadata"]["name"], spec_of(one)) for one in listed)
            if directing.uses(spec, group, None, before=before is None or name in before)
        }
        read = await asyncio.gather(*(self._fleet(space, spec) for spec in asked.values()))
        return {
            name: fleet
            for (name, spec), fleet in zip(asked.items(), read, strict=True)
            if directing.uses(spec, group, fleet, before=not spec or name in (before or ()))
            if not await self._is_idle(space, name, fleet)
        }

    async def _is_idle(self, namespace: str, name: str, fleet: Fleet | None) -> bool:
        """Say whether a bot has never begun: it was told of no node, and nothing of it runs."""
        if fleet is None or fleet.directive is not None or fleet.observed:
            return False
        return not await self.source.pods(namespace, {names.BOT: name})

    async def _fleet(self, namespace: str, spec: BotSpec | None) -> Fleet | None:
        """Read what a bot reports; once in a look, however many groups ask."""
        if spec is None:
            return None
        bot = (namespace, spec.application_id, spec.redis.url_secret_ref)
        if bot not in self._read:
            self._read[bot] = await self._fleet_of(namespace, spec)
        return self._read[bot]

    async def _fleet_of(self, namespace: str, spec: BotSpec) -> Fleet | None:
        place = await self.place(namespace, spec)
        if place is None:
            return None
        number = int(spec.application_id)
        found = await self.outside.fleets.read(place, number, within=self.within)
        return found and replace(found, home=spec.regions[0].name)

    async def _shards(self, namespace: str, spec: BotSpec) -> int | None:
        place = await self.place(namespace, spec)
        if place is None:
            return None
        return await self.outside.fleets.shards(place, int(spec.application_id))

    async def place(self, namespace: str, spec: BotSpec) -> Place | None:
        """Say where a bot's Redis is, and who vouches for it; None while that is missing."""
        url = await self._value(namespace, spec.redis.url_secret_ref)
        trusted = spec.redis.ca_secret_ref
        authority = await self._value(namespace, trusted) if trusted else ""
        return Place(url, authority) if url and (authority or not trusted) else None

    async def _token(self, namespace: str, spec: BotSpec) -> Token:
        token = await self._value(namespace, spec.token_secret_ref)
        if self.outside.discord is None or not token:
            return Token()
        url = spec.discord.rest_url if spec.discord else None
        return await self.outside.discord.token(token, spec.application_id, url)

    async def _players(
        self, owner: Owner, spec: BotSpec, pods: tuple[Manifest, ...]
    ) -> dict[str, Answer]:
        """Ask how many play in each region."""
        if self.outside.prometheus is None:
            return {}
        query = spec.scaling.players_query
        found = await self.outside.prometheus.ask(
            query or queries.players_of_bot(owner.namespace, owner.name)
        )
        now, audio = datetime.now(UTC), [one for one in pods if component_of(one) == "audio"]
        return {
            one.name: answers.total(
                answers.of_region(found, one.name),
                answers.settled(
                    (pod for pod in audio if labels_of(pod).get(names.REGION) == one.name), now=now
                ),
            )
            for one in spec.regions
        }

    async def _values(self, owner: Owner, named: tuple[SecretRef, ...]) -> dict[SecretRef, str]:
        """Read each key of a Secret that is there."""
        found = {one: await self._value(owner.namespace, one) for one in named}
        return {one: value for one, value in found.items() if value}

    async def _pinned(self, owner: Owner) -> Manifest | None:
        """Read what a resource's pods begin with; None where that is not there, or another's."""
        found = await self._secret(owner.namespace, pinned.name_of(owner))
        owners = found["metadata"].get("ownerReferences") or ()
        return found if any(one["uid"] == owner.uid for one in owners) else None

    async def _value(self, namespace: str, of: SecretRef) -> str:
        return decoded(await self._secret(namespace, of.name), of.key)

    async def _secret(self, namespace: str, name: str) -> Manifest:
        key = (namespace, name)
        if key not in self._secrets:
            found = await self.secrets.resource("Secret", namespace, name)
            self._secrets[key] = found or {"metadata": {}}
        return self._secrets[key]

    def _memory(self, found: Manifest) -> Memory:
        return self.memories.get(key_of(found), Memory())


def key_of(found: Manifest) -> Key:
    """Say which resource a document is of."""
    return Key(found["kind"], found["metadata"]["namespace"], found["metadata"]["name"])


def owner_of(found: Manifest) -> Owner:
    """Say who owns the children of a resource."""
    said = found["metadata"]
    return Owner(found["kind"], said["name"], said["namespace"], said["uid"])


def spec_of(bot: Manifest) -> BotSpec | None:
    """Read what is asked of a bot; None where another release wrote what ours can't read."""
    try:
        return msgspec.convert(bot["spec"], BotSpec)
    except msgspec.ValidationError:
        return None


def peer(found: Manifest) -> Peer:
    """Say what other bots must know of one."""
    said, status = found["metadata"], found.get("status") or {}
    listed = status.get("conditions") or ()
    conditions = {one["type"]: one["status"] for one in listed}
    blocked = any(one["reason"] == applications.IN_USE for one in listed)
    automatic = found["spec"].get("upgrade") == "Automatic"
    return Peer(
        namespace=said["namespace"],
        name=said["name"],
        version=status.get("version", ""),
        follows=automatic and not found["spec"].get("paused") and not blocked,
        ready=conditions.get("Ready") == "True",
        progressing=conditions.get("Progressing") == "True",
    )


def claim(found: Manifest) -> Claim:
    """Say since when a bot asks for its application."""
    said = found["metadata"]
    return Claim(said.get("creationTimestamp", ""), said["namespace"], said["name"])


def deleting(found: Manifest) -> datetime | None:
    """Say since when a resource is to go."""
    since = found["metadata"].get("deletionTimestamp")
    return datetime.fromisoformat(since) if since else None


def passwords_of(
    secret: Manifest, key: str, uid: str, children: Iterable[Manifest]
) -> dict[str, str]:
    """Read the passwords by their hashes, first the one in force, as the nodes carry it."""
    listed = [decoded(secret, key), decoded(secret, "previous")]
    pairs = [(form, one) for one in listed if one for form in names.fingerprints(one, uid)]
    carried = {nodes.secrets_of(one) for one in children if one["kind"] == "StatefulSet"}
    return dict(sorted(pairs, key=lambda pair: (pair[1] != listed[0], pair[0] not in carried)))


def _hashes(owner: Owner, values: Mapping[SecretRef, str]) -> dict[SecretRef, str]:
    return {one: names.fingerprint(value, owner.uid) for one, value in values.items()}


def decoded(secret: Manifest, key: str) -> str:
    """Read one key of a Secret; empty where it is not there, or is no text (UTF-8)."""
    try:
        return base64.b64decode((secret.get("data") or {}).get(key, "")).decode()
    except UnicodeDecodeError:
        return ""
