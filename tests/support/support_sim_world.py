"""Workers, one Redis, one node, and what may befall them: the ownership protocol as a whole.

Every step is a tuple, so that a history can be written down and played again. `Broken` names the
promise that was broken.
"""

from collections.abc import Iterable
from typing import Any

from legato import rendezvous
from legato.contracts.partitions import Partition as Thing
from legato.contracts.partitions import all_partitions
from legato.protocol.records import Record
from support_sim import Call, Process, Sim, Unavailable, Work
from support_sim_servers import PERMITS, TTL, Broken, Node, Redis, Rules, Witness
from support_sim_tenure import Tenure
from support_sim_worker import Worker

Step = tuple[Any, ...]

WORKERS = ("w0", "w1", "w2")
GUILDS = {1: 0, 2: 0, 3: 1}
"""Guild -> its partition."""
SETTLES_WITHIN = 240_000
RATES = (0.99, 1.0, 1.01)
UNDER_WAY = 5_000
"""A hand-over that takes longer may have lost its permit meanwhile."""


class World:
    """All of it, on a Redis that knows an evening before; emptied, it knows nothing."""

    def __init__(self, seed: int = 0, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.sim = Sim(seed)
        self.things: tuple[Thing, ...] = all_partitions(bot=7, region="default", count=2)
        self.witness = Witness(self.sim)
        self.redis = Redis(self.sim, self.rules, self.witness)
        self.redis.leases = {thing: Record("", 1, 0) for thing in self.things}
        self.node = Node(self.sim, self.witness, self.tell)
        self.sim.servers = {"redis": self.redis, "node": self.node}
        self.gateway = Process("gateway")
        self.workers: dict[str, Worker] = {}
        self.runs = self.numbers = 0
        self.commands = 0
        self.emptied_at = -(10**9)
        self.under_way: dict[Thing, int] = {}
        self.away_since: int | None = None

    def next_number(self) -> int:
        """Return a number that was never given out."""
        self.numbers += 1
        return self.numbers

    # What may happen.

    def take(self, steps: Iterable[Step]) -> None:
        """Let a whole history happen."""
        for name, *args in steps:
            getattr(self, f"step_{name}")(*args)

    def step_run(self, ms: int) -> None:
        self.sim.run(ms)

    def step_start(self, name: str) -> None:
        if name not in self.workers:
            self.runs += 1
            self.workers[name] = Worker(self, name, self.runs, RATES[self.runs % len(RATES)])

    def step_crash(self, name: str) -> None:
        worker = self.workers.pop(name, None)
        if worker is not None:
            worker.process.alive = False
            if (worker.owner, "node") not in self.sim.network.cuts:
                self.node.dropped(worker.owner)

    def step_stop(self, name: str) -> None:
        if name in self.workers:
            self.workers[name].stopping = True

    def step_freeze(self, name: str) -> None:
        if name in self.workers and not self.workers[name].process.frozen:
            self.sim.freeze(self.workers[name].process)

    def step_thaw(self, name: str) -> None:
        if name in self.workers and self.workers[name].process.frozen:
            worker = self.workers[name]
            worker.overslept |= self.sim.now - worker.process.frozen_at >= TTL
            self.sim.thaw(worker.process)

    def step_cut(self, name: str, server: str) -> None:
        if name in self.workers:
            self.sim.network.cuts.add((self.workers[name].owner, server))

    def step_mend(self) -> None:
        self.sim.network.cuts.clear()

    def step_network(self, mode: str) -> None:
        self.sim.network.mode = mode

    def step_away(self) -> None:
        self.redis.is_up = False
        self.away_since = self.redis.now if self.away_since is None else self.away_since

    def step_back(self) -> None:
        self.redis.is_up = True
        # By its own clock: a gap that a step hides is none that anybody could see.
        if self.away_since is not None and self.redis.now - self.away_since > TTL // 2:
            self.witness.away_until = self.sim.now
        self.away_since = None

    def step_empty(self) -> None:
        self.emptied_at = self.sim.now
        self.redis.empty()
        self.witness.forget(self.node.sessions)
        self.under_way.clear()

    def step_restart_node(self) -> None:
        self.node.sessions.clear()

    def step_clock(self, ms: int) -> None:
        self.redis.offset += ms
        if ms > TTL // 2:
            self.witness.away_until = self.sim.now

    def step_command(self, guild: int) -> None:
        self.commands += 1
        self.sim.spawn(self.gateway, self._command(guild, self.commands))

    def step_track_ends(self, guild: int) -> None:
        for session in self.node.sessions.values():
            if session.holder and guild in session.players:
                play = session.players.pop(guild)
                self.tell(session.holder, ("ended", guild, play))

    def _command(self, guild: int, command: int) -> Work:
        """Append it until that is confirmed, as the gateway does, or the next one for it."""
        while True:
            try:
                yield Call("redis", ("append", self.things[GUILDS[guild]], command, guild))
            except Unavailable:
                continue
            if command in self.witness.order.get(guild, ()):
                self.witness.confirmed.add((guild, command))
            return

    # What workers and the node tell.

    def tell(self, holder: str, message: tuple[Any, ...]) -> None:
        """Send an event down a socket: in order, and as long as it stands."""
        tenure = self._behind(holder)
        if tenure is None:
            return
        process = tenure.worker.process

        def arrive() -> None:
            if (process.name, "node") in self.sim.network.cuts:
                self.sim.at(self.sim.now + 200, arrive)
            elif process.frozen:
                process.due.append(arrive)
            elif tenure.holder == holder:
                tenure.mail.append(message)

        self.sim.at(self.sim.now + 2, arrive)

    def _behind(self, holder: str) -> Tenure | None:
        for worker in self.workers.values():
            for tenure in worker.tenures.values():
                if tenure.holder == holder:
                    return tenure
        return None

    def begins(self, tenure: Tenure) -> None:
        """Judge an outside call at the moment when it is begun."""
        worker, lease = tenure.worker, self.redis.leases.get(tenure.thing)
        is_anothers = lease is not None and lease.owner not in ("", worker.owner)
        excused = self.sim.now - worker.missed_at <= TTL + 500 and not worker.overslept
        if is_anothers and not excused:
            raise Broken(f"past its lease: {worker.owner} calls the node for {tenure.thing}")

    def hands_over(self, thing: Thing, worker: Worker) -> None:
        """See a member give a thing to another."""
        if self.sim.now - self.emptied_at < 2 * TTL:
            return  # what was under way has lost its permit
        recent = {one: at for one, at in self.under_way.items() if self.sim.now - at < UNDER_WAY}
        self.under_way = {**recent, thing: self.sim.now}
        if len(self.under_way) > PERMITS:
            raise Broken(f"permits: {sorted(map(str, self.under_way))} move at once")
        if self.sim.now - self.witness.away_until < 25_000:
            raise Broken(f"settling: {worker.owner} gives {thing} away soon after an outage")

    def handed_over(self, thing: Thing) -> None:
        self.under_way.pop(thing, None)

    def ended(self, worker: Worker) -> None:
        if self.workers.get(worker.name) is worker:
            del self.workers[worker.name]
            worker.process.alive = False
            self.node.dropped(worker.owner)

    # What must be so in the end.

    def settle(self) -> None:
        """End all faults, and expect everything to come right."""
        self.step_network("calm")
        self.step_mend()
        if not self.redis.is_up:
            self.step_back()
        for name in tuple(self.workers):
            self.step_thaw(name)
        if all(worker.stopping for worker in self.workers.values()):
            self.step_start(next(one for one in (*WORKERS, "w3") if one not in self.workers))
        end = self.sim.now + SETTLES_WITHIN
        while (wrong := self.wrong()) and self.sim.now < end:
            self.sim.run(5_000)
        if wrong:
            raise Broken(f"stuck: {wrong}")

    def wrong(self) -> str:
        """Say what is not as it should be once nothing disturbs; "" = all is well."""
        owners = rendezvous.assign(
            self.things, {name: 1.0 for name, one in self.workers.items() if not one.stopping}
        )
        for thing in self.things:
            lease, worker = self.redis.leases.get(thing), self.workers.get(owners.get(thing, ""))
            if worker is None or lease is None or lease.owner != worker.owner:
                return f"{thing} is {lease.owner if lease else None}'s, not {owners.get(thing)}'s"
            tenure = worker.tenures.get(thing)
            if tenure is None or (not tenure.holder and tenure.heads):
                return f"{thing} does not run"
            if found := self._wrong_guilds(thing, tenure):
                return found
        return ""

    def _wrong_guilds(self, thing: Thing, tenure: Tenure) -> str:
        for guild in (guild for guild, place in GUILDS.items() if self.things[place] == thing):
            head = tenure.heads.get(guild)
            applied = head.applied if head else ()
            asked = self.witness.order.get(guild, [])
            if left := set(asked) - set(applied):
                return f"guild {guild} has not done {left}"
            if head is None or head.play is None:
                continue
            session = self.node.sessions.get(tenure.session)
            if session is None or session.holder != tenure.holder:
                return f"guild {guild} has no session"
            if session.players.get(guild) != head.play:
                return f"guild {guild} plays {session.players.get(guild)}, not {head.play}"
        lost = {
            command
            for guild, command in self.witness.confirmed
            if self.things[GUILDS[guild]] == thing
            and command not in self.witness.order.get(guild, ())
        }
        return f"{lost} were confirmed and are gone" if lost else ""


def replay(seed: int, steps: Iterable[Step], rules: Rules | None = None) -> None:
    """Play a history, and expect everything to come right; Broken where it does not."""
    world = World(seed, rules)
    world.take(steps)
    world.settle()
