"""One look at one resource: read, decide in the core, write. No decision of its own."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

from legato import telemetry
from legato.errors import Unavailable
from legato_operator import bots, groups, names
from legato_operator.changes import Action, Apply, Delete, MakePassword, Patch, Plan
from legato_operator.cluster import Cluster
from legato_operator.desired import nodes
from legato_operator.desired.manifest import Manifest, Owner
from legato_operator.directive import Fleet
from legato_operator.fleet import Fleets
from legato_operator.passwords import renewed
from legato_operator.queue import Key, Queue, jittered
from legato_operator.resources import lavalinknode, musicbot
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import BotStatus, NodeStatus
from legato_operator.scaling import Past
from legato_operator.seen import Bot, Group, World
from legato_operator.settings import Settings

log = telemetry.logger(__name__)


@dataclass
class Shell:
    """What a look is done with."""

    settings: Settings
    cluster: Cluster
    fleets: Fleets
    queue: Queue = field(default_factory=Queue)
    pasts: dict[Key, dict[str, Past]] = field(default_factory=dict)

    async def look(self, key: Key) -> timedelta | None:
        """Look at one resource and act; say when to look again, None = it is gone."""
        try:
            again = await self._look(key)
        except Unavailable as error:
            log.warning("look failed", kind=key.kind, name=key.name, why=str(error))
            return self.queue.failed(key)
        self.queue.succeeded(key)
        return again

    async def _look(self, key: Key) -> timedelta | None:
        found = await self.cluster.resource(key.kind, key.namespace, key.name)
        if found is None or _gone(found):
            self.pasts.pop(key, None)
            return None
        world = World(self.settings.release, await self.cluster.known(), self.settings.machines)
        if key.kind == musicbot.KIND:
            plan = await self._look_at_bot(found, key, world)
        else:
            plan = await self._look_at_nodes(found, key, world)
        self.pasts[key] = plan.pasts
        return jittered(min(plan.again, self.settings.look_again))

    async def _look_at_bot(self, found: Manifest, key: Key, world: World) -> Plan:
        seen = await self._bot(found, key, world)
        plan = bots.reconcile(seen, world, now=datetime.now(UTC))
        await self._act(key, plan)
        if plan.status != seen.status:
            await self.cluster.apply_status(key.kind, key.namespace, key.name, plan.status)
        await self._direct(seen, plan)
        return plan

    async def _look_at_nodes(self, found: Manifest, key: Key, world: World) -> Plan:
        seen = await self._group(found, key.namespace, world)
        plan = groups.reconcile(seen, world, now=datetime.now(UTC))
        await self._act(key, plan)
        if plan.status != seen.status and not seen.deleting_since:
            await self.cluster.apply_status(key.kind, key.namespace, key.name, plan.status)
        return plan

    async def _act(self, key: Key, plan: Plan) -> None:
        for action in plan.actions:
            log.info("acts", on=str(action.ref), of=key.name, why=action.reason)
            await self._do(action, key.namespace)

    async def _do(self, action: Action, namespace: str) -> None:
        match action:
            case Apply(manifest=manifest):
                await self.cluster.apply(manifest)
            case MakePassword(manifest=manifest):
                before = await self.cluster.secret(namespace, action.ref.name)
                await self.cluster.apply(manifest | {"data": renewed(before)})
            case Patch(ref=ref, body=body):
                await self.cluster.merge(ref, namespace, body)
            case Delete(ref=ref):
                await self.cluster.delete(ref, namespace)

    async def _direct(self, bot: Bot, plan: Plan) -> None:
        known = bot.fleet.directive if bot.fleet else None
        if plan.directive is None or plan.directive == known:
            return
        url = await self._value(bot.owner.namespace, bot.spec.redis.url_secret_ref)
        await self.fleets.write(url, int(bot.spec.application_id), plan.directive)

    async def _bot(self, found: Manifest, key: Key, world: World) -> Bot:
        spec = msgspec.convert(found["spec"], BotSpec)
        owner = _owner(found)
        fleet = await self._fleet(owner.namespace, spec)
        selector = {names.BOT: owner.name}
        listed = await self.cluster.resources(lavalinknode.KIND, owner.namespace)
        return Bot(
            owner=owner,
            spec=spec,
            status=msgspec.convert(found.get("status", {}), BotStatus),
            generation=found["metadata"]["generation"],
            children=await self.cluster.children(owner.namespace, selector, world.known),
            pods=await self.cluster.pods(owner.namespace, selector),
            secrets=await self._secrets(owner.namespace, spec),
            fleet=fleet,
            stored_shards=await self._shards(owner.namespace, spec) if fleet else None,
            groups=tuple([await self._group(one, owner.namespace, world) for one in listed]),
            pasts=self.pasts.get(key, {}),
        )

    async def _group(self, found: Manifest, namespace: str, world: World) -> Group:
        owner = _owner(found)
        spec = msgspec.convert(found["spec"], NodeSpec)
        selector = names.nodes_selector(owner.name)
        key = Key(lavalinknode.KIND, namespace, owner.name)
        group = Group(
            owner=owner,
            spec=spec,
            status=msgspec.convert(found.get("status", {}), NodeStatus),
            generation=found["metadata"]["generation"],
            labels=found["metadata"].get("labels") or {},
            finalizers=tuple(found["metadata"].get("finalizers") or ()),
            deleting_since=_deleting(found),
            children=await self.cluster.children(namespace, selector, world.known),
            pods=await self.cluster.pods(namespace, selector),
            machines=await self.cluster.machines() if world.sees_machines else {},
            passwords=await self._passwords(owner, spec),
            past=self.pasts.get(key, {}).get("", Past()),
        )
        return await self._with_fleets(group)

    async def _with_fleets(self, group: Group) -> Group:
        fleets: dict[str, Fleet | None] = {}
        for one in await self.cluster.resources(musicbot.KIND, group.owner.namespace):
            spec = msgspec.convert(one["spec"], BotSpec)
            if bots.uses(spec, group):
                name = one["metadata"]["name"]
                fleets[name] = await self._fleet(group.owner.namespace, spec)
        return replace(group, fleets=fleets)

    async def _fleet(self, namespace: str, spec: BotSpec) -> Fleet | None:
        url = await self._value(namespace, spec.redis.url_secret_ref)
        return await self.fleets.read(url, int(spec.application_id)) if url else None

    async def _shards(self, namespace: str, spec: BotSpec) -> int | None:
        url = await self._value(namespace, spec.redis.url_secret_ref)
        return await self.fleets.shards(url, int(spec.application_id))

    async def _secrets(self, namespace: str, spec: BotSpec) -> dict[SecretRef, str]:
        """Hash each key of a Secret that the spec names and that is there."""
        found = {}
        for one in bots.secrets_of(spec):
            if value := await self._value(namespace, one):
                found[one] = names.revision(value)
        return found

    async def _passwords(self, owner: Owner, spec: NodeSpec) -> dict[str, str]:
        where = nodes.Group(owner, spec).secret
        data = await self.cluster.secret(owner.namespace, where.name)
        listed = [data.get(where.key), data.get("previous")]
        return {names.revision(one): one for one in listed if one}

    async def _value(self, namespace: str, of: SecretRef) -> str:
        return (await self.cluster.secret(namespace, of.name)).get(of.key, "")


def _gone(found: Manifest) -> bool:
    """Say whether nothing is left to do: what is being deleted, and does not wait for us."""
    waits = names.FINALIZER in (found["metadata"].get("finalizers") or ())
    return _deleting(found) is not None and not waits


def _deleting(found: Manifest) -> datetime | None:
    """Say since when a resource is to go."""
    since = found["metadata"].get("deletionTimestamp")
    return datetime.fromisoformat(since) if since else None


def _owner(found: Manifest) -> Owner:
    said = found["metadata"]
    return Owner(found["kind"], said["name"], said["namespace"], said["uid"])
