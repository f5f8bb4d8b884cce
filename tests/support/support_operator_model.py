"""A cluster, a fleet and their clock as small as the operator's core can see them.

What a plan says is done at once; pods come and answer a turn later; audio pods act on a directive a
turn after it was written. A pod that goes while it has players is what must never happen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

import support_operator
from legato.contracts.fleet import Directive, Node, Observed, ObservedNode
from legato_operator import bots, directing, groups, names
from legato_operator.changes import Action, Apply, Delete, MakePassword, Patch, Pin, Plan
from legato_operator.desired import pinned
from legato_operator.desired.manifest import Manifest, Ref, ref
from legato_operator.directive import Fleet
from legato_operator.resources.lavalinknode import NodeSpec
from legato_operator.resources.musicbot import BotSpec
from legato_operator.resources.shared import SecretRef
from legato_operator.resources.status import BotStatus, NodeStatus
from legato_operator.scaling import Measured, NoAnswer, Past
from legato_operator.seen import Bot, Group, Machine, Token, World

WORLD = World("1.2.3", frozenset({"PodMonitor"}))
SHARDS = 16
TURN = timedelta(seconds=15)


def _spec(case: str) -> Manifest:
    found: Manifest = support_operator.read(case)["spec"]
    return found


@dataclass
class Model:
    """One bot on one group of nodes."""

    bot_spec: BotSpec = field(
        default_factory=lambda: msgspec.convert(_spec("smallest_bot"), BotSpec)
    )
    node_spec: NodeSpec = field(
        default_factory=lambda: NodeSpec(region="europe", minimum=1, maximum=4)
    )
    now: datetime = datetime(2026, 11, 23, 10, tzinfo=UTC)
    bot_status: BotStatus = field(default_factory=BotStatus)
    node_status: NodeStatus = field(default_factory=NodeStatus)
    children: dict[Ref, Manifest] = field(default_factory=dict)
    pods: dict[str, Manifest] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    unseen: set[str] = field(default_factory=set)
    """Names of children and pods of the group that are there, and that no list shows."""
    players: dict[str, int] = field(default_factory=dict)
    """Node -> players, in truth."""
    uses: bool = True
    """Whether the bot used the nodes at the last look."""
    stuck: set[str] = field(default_factory=set)
    """Nodes whose players can't be moved."""
    cut: int = 0
    """Players that lost their node while they could not be moved."""
    waiting: int = 0
    """Players that no node takes."""
    passwords: list[str] = field(default_factory=list)
    pinned: dict[str, Manifest] = field(default_factory=dict)
    """Kind of a resource -> the Secret that its pods begin with."""
    known_passwords: int = 2
    """How many of the last its Secret keeps: a person's own, only one."""
    secret_hash: str = "first"
    token: Token = Token("Valid", remaining=900, total=1000)  # noqa: RUF009  # it is frozen
    more_secrets: dict[SecretRef, str] = field(default_factory=dict)
    """Others than a bot needs, and their hashes."""
    directive: Directive | None = None
    acted: Directive | None = None
    redis: bool = True
    prometheus: bool = True
    migrates: bool = True
    pasts: dict[str, Past] = field(default_factory=dict)
    finalizers: tuple[str, ...] = ()
    bot_finalizers: tuple[str, ...] = ()
    deleting_since: datetime | None = None
    """Since when the bot is to go."""
    is_gone: bool = False
    """The bot was let go."""
    stored_shards: int = SHARDS
    made: int = 0
    """How many objects were made; each has a uid of its own, whatever its name."""
    violations: list[str] = field(default_factory=list)
    plans: list[Plan] = field(default_factory=list)

    def turn(self) -> bool:
        """Look at both resources, do what is said, let time pass; False = nothing was done."""
        self.now += TURN
        group, bot = self.group(), self.bot()
        for_nodes = groups.reconcile(group, WORLD, now=self.now)
        if self._found_by_name(for_nodes):
            for_nodes = groups.reconcile(self.group(), WORLD, now=self.now)
        for_bot = bots.reconcile(bot, WORLD, now=self.now)
        self.plans = [for_nodes, for_bot]
        assert isinstance(for_nodes.status, NodeStatus)
        assert isinstance(for_bot.status, BotStatus)
        changed = (
            bool(for_nodes.actions or for_bot.actions)
            or (for_bot.directive is not None and for_bot.directive != self.directive)
            or (self.node_status, self.bot_status) != (for_nodes.status, for_bot.status)
        )
        self.node_status, self.bot_status = for_nodes.status, for_bot.status
        self.pasts = {"": for_nodes.pasts[""], **for_bot.pasts}
        for action in (*for_nodes.actions, *for_bot.actions):
            self._do(action)
        self.stored_shards = for_bot.shards or self.stored_shards
        moved = self._services()
        self.directive = for_bot.directive or self.directive
        return self._kubelet() or moved or changed

    def turns(self, count: int) -> None:
        """Take so many turns."""
        for _ in range(count):
            self.turn()

    def until(self, look: Callable[[], bool], most: int = 100) -> None:
        """Take turns until something is so."""
        for _ in range(most):
            if look():
                return
            self.turn()
        raise AssertionError(f"not so after {most} turns: {self.plans}")

    @property
    def told(self) -> tuple[Node, ...]:
        """Say which nodes the bot's services are told of."""
        return self.directive.nodes if self.directive else ()

    def settle(self, most: int = 200) -> int:
        """Take turns until nothing happens any more; say how many it took."""
        quiet = 0
        for count in range(most):
            quiet = 0 if self.turn() else quiet + 1
            if quiet == 3:
                return count
        raise AssertionError(f"still busy after {most} turns: {self.plans}")

    def play(self, count: int) -> None:
        """Have so many people play."""
        self.players = dict.fromkeys(self.players, 0)
        self.waiting = count
        self._services()

    def group(self) -> Group:
        """See the LavalinkNode."""
        fleet = self._fleet()
        playing = float(sum(self.players.values()) + self.waiting)
        group = Group(
            owner=support_operator.owner(support_operator.read("smallest_nodes")),
            spec=self.node_spec,
            status=self.node_status,
            finalizers=self.finalizers,
            children=self._of("LavalinkNode"),
            pods=tuple(one for name, one in self.pods.items() if self._shows(name, "berlin-")),
            machines=self.machines,
            passwords={
                names.revision(one): one
                for one in reversed(self.passwords[-self.known_passwords :])
            },
            pinned=self.pinned.get("LavalinkNode"),
            players=Measured(playing) if self.prometheus else NoAnswer("Error", "down"),
            deficit=Measured(0) if self.prometheus else NoAnswer("Error", "down"),
            past=self.pasts.get("", Past()),
        )
        uses = directing.uses(self.bot_spec, group, fleet, before=self.uses)
        self.uses = uses
        return replace(group, fleets={"melody": fleet} if uses else {})

    def bot(self) -> Bot:
        """See the MusicBot."""
        used = bots.secret_refs(
            self.bot_spec.token_secret_ref, self.bot_spec.database, self.bot_spec.redis
        )
        playing = float(sum(self.players.values()) + self.waiting)
        answer = Measured(playing) if self.prometheus else NoAnswer("Error", "down")
        return Bot(
            owner=support_operator.owner(support_operator.read("smallest_bot")),
            spec=self.bot_spec,
            status=self.bot_status,
            finalizers=self.bot_finalizers,
            deleting_since=self.deleting_since,
            children=self._of("MusicBot"),
            pods=tuple(one for name, one in self.pods.items() if name.startswith("melody-")),
            secrets=dict.fromkeys(used, self.secret_hash) | self.more_secrets,
            values=dict.fromkeys(used, f"value of {self.secret_hash}"),
            pinned=self.pinned.get("MusicBot"),
            token=self.token,
            fleet=self._fleet(),
            stored_shards=self.stored_shards,
            groups=(self.group(),),
            players={region.name: answer for region in self.bot_spec.regions},
            pasts={name: one for name, one in self.pasts.items() if name},
        )

    def gateways(self) -> list[str]:
        """Name the gateway pods that answer."""
        return self._ready("gateway")

    def pods_of(self, component: str) -> list[str]:
        """Name a component's pods that answer."""
        return self._ready(component)

    def _of(self, kind: str) -> tuple[Manifest, ...]:
        return tuple(
            one
            for one in self.children.values()
            if one["metadata"]["ownerReferences"][0]["kind"] == kind
            and one["metadata"]["name"] not in self.unseen
        )

    def _found_by_name(self, plan: Plan) -> bool:
        """Show what no list does as soon as it is to be made, as whoever looks asks for it."""
        found = {one.ref.name for one in plan.actions if isinstance(one, Apply)} & self.unseen
        self.unseen -= found
        return bool(found)

    def _shows(self, pod: str, of: str) -> bool:
        return pod.startswith(of) and pod not in self.unseen

    def _do(self, action: Action) -> None:
        self._meant(action)
        match action:
            case Apply(manifest=one):
                done = {"conditions": [{"type": "Complete", "status": "True"}]}
                finished = one["kind"] == "Job" and self.migrates
                self._keep(one | ({"status": done} if finished else {}))
            case MakePassword(manifest=one):
                self.passwords.append(f"password-{len(self.passwords)}")
                self._keep(one)
            case Pin(manifest=one):
                self.pinned[one["metadata"]["ownerReferences"][0]["kind"]] = one
            case Delete(ref=Ref(kind="Pod", name=name)):
                self._end(name)
            case Delete(ref=named):
                self.children.pop(named, None)
            case Patch(ref=Ref(kind="LavalinkNode"), body=body):
                self.finalizers = tuple(body["metadata"]["finalizers"])
            case Patch(ref=Ref(kind="MusicBot"), body=body):
                self.bot_finalizers = tuple(body["metadata"]["finalizers"])
                self.is_gone = not self.bot_finalizers
            case Patch(ref=Ref(kind="Deployment" | "StatefulSet") as named, body=body):
                one = self.children[named]
                self.children[named] = one | {"spec": one["spec"] | body["spec"]}
            case Patch(ref=named, body=body):
                self._merge(self.pods[named.name]["metadata"], body["metadata"])

    def _meant(self, action: Action) -> None:
        """Look whether what goes or is changed is the one that was looked at."""
        ours = action.ref.kind in {"Pod", "Deployment", "StatefulSet"}
        if isinstance(action, Delete) or (isinstance(action, Patch) and ours):
            kept = self.children.get(action.ref)
            there = self.pods.get(action.ref.name) if action.ref.kind == "Pod" else kept
            if there is None or there["metadata"]["uid"] != action.uid:
                self.violations.append(f"{action.ref} was meant, whichever it is by now")

    def _keep(self, one: Manifest) -> None:
        known = self.children.get(ref(one))
        uid = known["metadata"]["uid"] if known else self._uid()
        self.children[ref(one)] = one | {"metadata": one["metadata"] | {"uid": uid}}

    def _uid(self) -> str:
        self.made += 1
        return f"uid-{self.made}"

    def _merge(self, into: Manifest, change: Manifest) -> None:
        for key, values in change.items():
            for name, value in values.items():
                into.setdefault(key, {})[name] = value
                if value is None:
                    del into[key][name]

    def _end(self, name: str) -> None:
        pod = self.pods.pop(name)
        players = self.players.pop(name, 0)
        if name in self.stuck:
            self.cut += players
            self.waiting += players
        elif players:
            self.violations.append(f"{name} went while it played")
        protected = names.PROTECTED in pod["metadata"]["labels"] and name not in self.unseen
        if name.startswith("berlin-") and protected:
            self.violations.append(f"{name} went while it was protected")

    def _kubelet(self) -> bool:
        """Bring pods to what their owners ask for; True = something happened."""
        wanted: dict[str, Manifest] = {}
        for child, one in self.children.items():
            if child.kind in {"Deployment", "StatefulSet"} and not child.name.endswith("-api"):
                for place in range(one["spec"]["replicas"]):
                    wanted[f"{child.name}-{place}"] = one["spec"]["template"]
        happened = False
        for name in [one for one in self.pods if one not in wanted]:
            self._end(name)
            happened = True
        self._can_restart()
        for name, template in wanted.items():
            if name in self.pods:
                status = self.pods[name]["status"]
                happened |= status["conditions"][0]["status"] != "True"
                status["conditions"][0]["status"] = "True"
            else:
                self.pods[name] = self._pod(name, template)
                happened = True
        return happened

    def _can_restart(self) -> None:
        """Look whether a container that starts anew would find the very values it began with."""
        texts = [(said["metadata"]["name"], pinned.texts(said)) for said in self.pinned.values()]
        found = dict(texts)
        for name, pod in self.pods.items():
            for secret in ("melody-pinned", "berlin-nodes-pinned"):
                for key in pinned.used([pod], secret):
                    said = key.partition("-")[2]
                    text = found.get(secret, {}).get(key, "")
                    if text != f"value of {said}" and names.revision(text) != said:
                        self.violations.append(f"{name} would find {text!r} as {key}")

    def _pod(self, name: str, template: Manifest) -> Manifest:
        said = template["metadata"]
        return {
            "kind": "Pod",
            "metadata": {
                "name": name,
                "uid": self._uid(),
                "labels": dict(said["labels"]),
                "annotations": dict(said.get("annotations", {})),
            },
            "spec": template["spec"] | {"nodeName": f"machine-{name}"},
            "status": {"conditions": [{"type": "Ready", "status": "False"}]},
        }

    def _ready(self, component: str) -> list[str]:
        return [
            name
            for name, pod in self.pods.items()
            if pod["metadata"]["labels"][names.COMPONENT] == component
            and pod["status"]["conditions"][0]["status"] == "True"
        ]

    def _services(self) -> bool:
        """Act on the directive: nobody new on a cordoned node, a drained one emptied."""
        before = (dict(self.players), self.waiting, self.acted)
        if self.redis:
            self.acted = self.directive
        if not self._ready("audio"):
            return False
        said = {one.name: one for one in self.acted.nodes} if self.acted else {}
        if self.acted and self.acted.closing is True:
            self.players, self.waiting = dict.fromkeys(self.players, 0), 0
        ready = set(self._ready("node"))
        taking = [name for name, one in said.items() if name in ready and not one.cordoned]
        for name in [one for one in self.players if one not in said and one in ready]:
            if self.players[name] and not self._is_lost(name):
                self.violations.append(f"{name} was taken from those who play there")
        for name in list(self.players):
            moves = taking and name not in self.stuck
            if name not in said or (said[name].drain_deadline and moves):
                self.waiting += self.players.pop(name)
        if taking:
            for name in taking:
                self.players.setdefault(name, 0)
            for _ in range(self.waiting):
                least = min(taking, key=lambda one: self.players[one])
                self.players[least] += 1
            self.waiting = 0
        return before != (self.players, self.waiting, self.acted)

    def _fleet(self) -> Fleet | None:
        if not self.redis:
            return None
        at = int(self.now.timestamp() * 1000)
        version = self.acted.version if self.acted else 0
        weigh = self.acted.weight if self.acted else (lambda _: 1.0)
        observed = []
        for component, total in (("gateway", self.stored_shards), ("audio", 32)):
            members = self._ready(component)
            sharing = [one for one in members if weigh(one)] or members
            for place, member in enumerate(members):
                mine = total if sharing and sharing[0] == member else 0
                things = tuple(f"1:europe:p{number}" for number in range(mine))
                owns = component == "audio" and place == 0
                observed.append(
                    Observed(
                        member=member,
                        component=component,
                        at=at,
                        directive_version=version,
                        nodes=self._counts() if owns else (),
                        partitions=things if component == "audio" else (),
                        shards=things if component == "gateway" else (),
                    )
                )
        return Fleet(self.directive, tuple(observed), at)

    def _counts(self) -> tuple[ObservedNode, ...]:
        return tuple(
            ObservedNode(
                name=name,
                players=count,
                connected=name in self._ready("node") and not self._is_lost(name),
            )
            for name, count in self.players.items()
        )

    def _is_lost(self, node: str) -> bool:
        return self.machines.get(f"machine-{node}", Machine()).lost


def lost(model: Model, pod: str) -> None:
    """Have a node's machine go out of reach."""
    model.machines[f"machine-{pod}"] = replace(Machine(), lost=True)


def changed(model: Model, **spec: object) -> None:
    """Ask for something else of the bot."""
    model.bot_spec = msgspec.structs.replace(model.bot_spec, **spec)


def condition(model: Model, name: str) -> tuple[str, str]:
    """Read one of the bot's conditions: its status and reason."""
    found = next(one for one in model.bot_status.conditions if one.type == name)
    return found.status, found.reason


def deployments(model: Model, component: str) -> list[str]:
    """Name the bot's Deployments of a component."""
    return [
        one.name
        for one in model.children
        if f"melody-{component}" in one.name and one.kind == "Deployment"
    ]
