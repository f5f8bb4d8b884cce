"""A simulated audio worker: what ownership.py decides, carried out by generators."""

from datetime import timedelta
from typing import TYPE_CHECKING

from legato import rendezvous
from legato.contracts.partitions import Partition as Thing
from legato.protocol import moves, records
from legato.protocol.lease import Lease, alone_for
from legato.protocol.moves import Limits, View
from legato.protocol.records import Granted
from legato.protocol.roll import Stay, assembles_in, eligible
from support_sim import Call, Process, Sleep, Task, Unavailable, Work, quietly
from support_sim_servers import TTL
from support_sim_tenure import ISOLATION, Tenure

if TYPE_CHECKING:
    from support_sim_world import World

RENEW = 2_000
LIMITS = Limits(moves=2, settle=timedelta(seconds=30))
BEAT = 250


class Worker:
    """One process that holds partitions."""

    def __init__(self, world: "World", name: str, run: int, rate: float) -> None:
        self.world, self.sim, self.rules = world, world.sim, world.rules
        self.name, self.owner = name, f"{name}~{run}"
        self.process = Process(self.owner, rate)
        self.held: dict[Thing, Lease] = {}
        self.tenures: dict[Thing, Tenure] = {}
        self.owners: dict[Thing, str] = {}
        self.steady = 0
        self.stay = Stay()
        self.looked = 0.0
        self.owners_first = False
        self.known: dict[Thing, float] = {}
        self.moving: set[Thing] = set()
        self.put_off: dict[Thing, float] = {}
        self.no_permits_until = 0.0
        self.stopping = False
        self.missed_at = -(10**9)
        """True time of the last renewal that failed for want of Redis."""
        self.overslept = False
        """It was frozen for a TTL since its last renewal: no missing Redis excuses it."""
        self.spawn(self.renew_all())
        self.spawn(self.move_all())

    def spawn(self, work: Work) -> Task:
        return self.sim.spawn(self.process, work)

    def clock(self) -> float:
        return self.sim.clock(self.process)

    def lease(self, thing: Thing, epoch: int, sent: float) -> Lease:
        return Lease(thing, self.owner, epoch, (sent + TTL) / 1000, renewed=sent / 1000)

    def renew_all(self) -> Work:
        while True:
            begun = self.clock()
            try:
                yield from self.look()
                yield from self.renew_held()
            except Unavailable:
                self.miss(begun)
            yield Sleep(max(0.0, RENEW - (self.clock() - begun)))

    def look(self) -> Work:
        found = yield Call("redis", ("beat", self.name, self.stopping))
        steady = yield Call("redis", ("tick",))
        self.looked = self.clock()
        self.stay = self.stay.seen(found, self.name, now=self.looked / 1000)
        if steady < self.steady:
            self.owners_first = self.rules.owners_first
        elif steady >= TTL:
            self.owners_first = False
        self.steady = steady
        self.owners = rendezvous.assign(self.world.things, eligible(found))

    def renew_held(self) -> Work:
        for thing, lease in list(self.held.items()):
            sent = self.clock()
            again = lease.left_alone(now=sent / 1000) > timedelta(0)
            found = yield Call("redis", ("renew", thing, self.owner, lease.epoch, again))
            if self.held.get(thing) is not lease:
                continue
            if found is None:
                del self.held[thing]
                self.end_tenure(thing)
            else:
                self.held[thing] = self.lease(thing, found.epoch, sent)
                self.overslept = False

    def miss(self, begun: float) -> None:
        self.missed_at = self.sim.now
        alone = alone_for(timedelta(milliseconds=TTL), timedelta(milliseconds=RENEW))
        within = alone if self.rules.missed else ISOLATION
        for thing, lease in self.held.items():
            self.held[thing] = lease.missed(begun=begun / 1000, within=within, isolation=ISOLATION)

    def move_all(self) -> Work:
        while True:
            for move in moves.plan(self.view(), self.limits()):
                self.moving.add(move.what)
                self.spawn(self.move(move))
            if self.stopping and not self.held and not self.moving:
                yield from quietly(Call("redis", ("forget", self.name)))
                self.world.ended(self)
                return
            yield Sleep(BEAT)

    def limits(self) -> Limits:
        return LIMITS if self.rules.settle else Limits(LIMITS.moves, timedelta(0))

    def view(self) -> View[Thing]:
        now = self.clock()
        return View(
            me=self.name,
            owners=self.owners if now - self.looked < TTL else {},
            held=frozenset(self.held),
            moving=frozenset(self.moving),
            put_off=frozenset(thing for thing, until in self.put_off.items() if until > now),
            steady=timedelta(milliseconds=self.steady),
            owners_first=self.owners_first,
            has_permits=now >= self.no_permits_until,
            stopping=self.stopping,
        )

    def move(self, move: moves.Move[Thing]) -> Work:
        try:
            if move.kind == "take":
                yield from self.take(move.what)
            elif not move.needs_permit or (yield from self.permitted(move.what)):
                yield from self.give(move.what)
        except Unavailable:
            self.put_off[move.what] = self.clock() + RENEW
        finally:
            self.moving.discard(move.what)

    def take(self, thing: Thing) -> Work:
        sent = self.clock()
        unknown = self.may_found(thing, sent)
        found = yield Call("redis", ("acquire", thing, self.owner, False, unknown))
        if not isinstance(found, Granted) and found.age >= TTL:
            steady = yield Call("redis", ("tick",))
            if not self.rules.steady or records.may_take(found.age, steady=steady, ttl=TTL):
                sent = self.clock()
                found = yield Call("redis", ("acquire", thing, self.owner, True, unknown))
        if not isinstance(found, Granted):
            if found.owner:
                self.known[thing] = sent
            self.put_off[thing] = self.clock() + BEAT
            return
        self.held[thing] = self.lease(thing, found.epoch, sent)
        if not self.stopping:
            self.tenures[thing] = Tenure(self, thing)
            self.world.handed_over(thing)
            yield Call("redis", ("give_back", thing))

    def may_found(self, thing: Thing, now: float) -> bool:
        forgotten = self.rules.owners_first and now - self.known.get(thing, -TTL) < TTL
        assembled = self.stay.lasts(assembles_in(), now=now / 1000) or not self.rules.assembles
        return assembled and not forgotten

    def permitted(self, thing: Thing) -> Work:
        try:
            if not self.rules.permits or (yield Call("redis", ("permit", thing))):
                return True
        except Unavailable:
            pass
        self.no_permits_until = self.clock() + BEAT
        return False

    def give(self, thing: Thing) -> Work:
        lease = self.held.get(thing)
        if lease is None:
            return
        self.end_tenure(thing)
        yield Sleep(50)
        self.held.pop(thing, None)
        if not self.stopping:
            self.world.hands_over(thing, self)
        yield Call("redis", ("release", thing, self.owner, lease.epoch))

    def end_tenure(self, thing: Thing) -> None:
        tenure = self.tenures.pop(thing, None)
        if tenure is not None:
            tenure.end()
