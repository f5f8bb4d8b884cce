"""A simulated audio worker: the product's decisions, carried out by generators.

`Worker` is ownership.py, `Tenure` is audio's tenure, writer, partition loop and node link, each
reduced to what ownership rests on.
"""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from legato import rendezvous
from legato.contracts.partitions import Partition as Thing
from legato.members import Member, Roll, eligible
from legato.protocol import moves, records, sessions
from legato.protocol.books import Commit
from legato.protocol.lease import Lease
from legato.protocol.moves import Limits, View
from legato.protocol.records import Granted
from legato.protocol.sessions import Search
from support_sim import Call, Gone, Process, Sleep, Task, Unavailable, Work
from support_sim_servers import TTL, Head

if TYPE_CHECKING:
    from support_sim_world import World

RENEW = 2_000
CALL = timedelta(seconds=4)
ISOLATION = timedelta(seconds=60)
HELD = timedelta(seconds=75)
LIMITS = Limits(moves=2, settle=timedelta(seconds=30))
PATIENCE = 1_000
PAUSE = 200
BEAT = 250


class Fenced(Exception):
    """The lease is another's."""


class Diverged(Exception):
    """The books are not where we left them."""


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
        self.looked = 0.0
        self.owners_first = False
        self.known: dict[Thing, float] = {}
        self.moving: set[Thing] = set()
        self.put_off: dict[Thing, float] = {}
        self.no_permits_until = 0.0
        self.stopping = False
        self.missed_at = -(10**9)
        """True time of the last renewal that failed for want of Redis."""
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
                self.miss()
            yield Sleep(max(0.0, RENEW - (self.clock() - begun)))

    def look(self) -> Work:
        now, found = yield Call("redis", ("beat", self.name, self.stopping))
        steady = yield Call("redis", ("tick",))
        self.looked = self.clock()
        if steady < self.steady:
            self.owners_first = self.rules.owners_first
        elif steady >= TTL:
            self.owners_first = False
        self.steady = steady
        roll = [Member(name, since, seen, 1.0, gone) for name, (since, seen, gone) in found.items()]
        self.owners = rendezvous.assign(self.world.things, eligible(Roll(now, tuple(roll))))

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

    def miss(self) -> None:
        self.missed_at = self.sim.now
        now, ttl = self.clock() / 1000, timedelta(milliseconds=TTL)
        for thing, lease in self.held.items():
            until_end = now + ISOLATION.total_seconds()
            ttl_or_all = ttl if self.rules.missed else timedelta(seconds=until_end)
            self.held[thing] = lease.missed(now=now, ttl=ttl_or_all, isolation=ISOLATION)

    def move_all(self) -> Work:
        while True:
            for move in moves.plan(self.view(), self.limits()):
                self.moving.add(move.what)
                self.spawn(self.move(move))
            if self.stopping and not self.held and not self.moving:
                yield from _quietly(Call("redis", ("forget", self.name)))
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
        unknown = not self.rules.owners_first or sent - self.known.get(thing, -TTL) >= TTL
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


class Tenure:
    """One partition while it is a worker's."""

    def __init__(self, worker: Worker, thing: Thing) -> None:
        self.worker, self.thing = worker, thing
        self.world, self.rules = worker.world, worker.rules
        self.entry, self.commits = 0, 0
        self.heads: dict[int, Head] = {}
        self.seen: set[str] = set()
        self.session = ""
        self.holder = ""
        """Our socket's name; "" while we have none."""
        self.opened = ""
        """The session that it is of."""
        self.actual: dict[int, tuple[int, int] | None] = {}
        self.mail: deque[tuple[Any, ...]] = deque()
        self.owed: deque[tuple[str, str, Commit, dict[int, Head]]] = deque()
        self.away = self.shut = False
        self.search = Search()
        self.tasks = [worker.spawn(self.kept(self.run()))]

    # Its life.

    def kept(self, work: Work) -> Work:
        """Run a part of it; a fault ends all of it, and begins it anew where it is ours still."""
        try:
            yield from work
        except Fenced:
            self.end()
        except (Diverged, Unavailable):
            self.end()
            yield Sleep(500)
            if self.worker.tenures.get(self.thing) is self:
                self.worker.tenures[self.thing] = Tenure(self.worker, self.thing)

    def spawn(self, work: Work) -> None:
        self.tasks.append(self.worker.spawn(self.kept(work)))

    def run(self) -> Work:
        books = yield Call("redis", ("load", self.thing))
        self.heads = books.heads
        self.seen = set(books.books.seen)
        if books.books.position:
            self.entry, self.commits = (int(part) for part in books.books.position.split()[:2])
        seats = [head.seat for head in self.heads.values() if head.seat]
        self.session = books.session or (seats[0] if seats else "")
        for work in (self.work(), self.pay(), self.link(), self.keep_to_isolation()):
            self.spawn(work)

    def end(self) -> None:
        """Stop every part of it, and close its socket."""
        running = [task for task in self.tasks if task.alive]
        self.close()
        for task in running:
            if not task.work.gi_running:
                task.kill()

    def close(self) -> None:
        holder, self.holder = self.holder, ""
        if holder:
            self.worker.spawn(_quietly(Call("node", ("close", holder, self.opened))))

    def held(self) -> Lease:
        lease = self.worker.held.get(self.thing)
        if lease is None or self.worker.tenures.get(self.thing) is not self:
            raise Fenced
        return lease

    # Its books, as in writer.py.

    def position(self) -> str:
        return f"{self.entry} {self.commits}" if self.commits else ""

    def made(self, heads: dict[int, Head], entry: int, seen: Iterable[int]) -> tuple[Any, ...]:
        at = self.position()
        to = f"{entry or self.entry} {self.commits + 1}"
        now = self.world.redis.now
        commit = Commit(
            owner=self.worker.owner,
            epoch=0,
            expected=at,
            to=to,
            seen={str(one): now for one in seen},
            forget_before=now - 900_000,
        )
        return at, to, commit, heads

    def call(self, commit: Commit, heads: dict[int, Head], timeout: float) -> Call:
        epoch = self.held().epoch
        named = Commit(
            owner=commit.owner,
            epoch=epoch,
            expected=commit.expected,
            to=commit.to,
            seen=commit.seen,
            forget_before=commit.forget_before,
        )
        return Call("redis", ("commit", self.thing, named, dict(heads)), timeout)

    def commit(self, heads: dict[int, Head], entry: int = 0, seen: Iterable[int] = ()) -> Work:
        while not self.away:
            _, to, commit, heads = self.made(heads, entry, seen)
            try:
                outcome = yield self.call(commit, heads, PATIENCE)
            except Unavailable:
                self.away = True
                break
            if (yield from self.finish(outcome, to)):
                return
            yield Sleep(PAUSE)
        owed = self.made(heads, entry, seen)
        self.owed.append(owed)
        self.stand_at(owed[1])

    def stand_at(self, to: str) -> None:
        self.entry, self.commits = (int(part) for part in to.split())

    def finish(self, outcome: str, to: str) -> Work:
        if outcome == "conflict":
            yield from self.expect_empty()
            for guild, head in list(self.heads.items()):
                yield from self.commit_surely({guild: head})
        elif outcome != "fenced":
            self.stand_at(to)
            return True
        return False

    def commit_surely(self, heads: dict[int, Head]) -> Work:
        while True:
            _, to, commit, _ = self.made(heads, 0, self.remembered())
            try:
                outcome = yield self.call(commit, heads, 4_000)
            except Unavailable:
                outcome = "unknown"
            if outcome not in ("unknown", "fenced") and (yield from self.finish(outcome, to)):
                return
            yield Sleep(PAUSE)

    def remembered(self) -> Iterable[int]:
        return ()

    def expect_empty(self) -> Work:
        books = yield Call("redis", ("load", self.thing))
        if books.books.position:
            raise Diverged
        self.commits = 0

    def pay(self) -> Work:
        while True:
            if self.away:
                with suppress(Unavailable):
                    yield from self.pay_first()
            yield Sleep(PAUSE)

    def pay_first(self) -> Work:
        while self.owed:
            _, _, commit, heads = self.owed[0]
            outcome = yield self.call(commit, heads, 4_000)
            if outcome == "conflict":
                yield from self.expect_empty()
                self.owed.clear()
                for guild, head in list(self.heads.items()):
                    owed = self.made({guild: head}, 0, ())
                    self.owed.append(owed)
                    self.stand_at(owed[1])
            elif outcome == "fenced":
                return
            else:
                self.owed.popleft()
        lease = self.held()
        if (yield Call("redis", ("alive", self.thing, lease.owner, lease.epoch))) and not self.owed:
            self.away = False

    # Its steps, as in partitions.py.

    def work(self) -> Work:
        while True:
            while self.mail:
                yield from self.event(*self.mail.popleft())
            if not self.away:
                try:
                    entries = yield Call("redis", ("read", self.thing, self.entry), 1_500)
                except Unavailable:
                    entries = []
                for entry, command, guild in entries:
                    if self.away:
                        break
                    yield from self.step(entry, command, guild)
            self.held()
            yield Sleep(300)

    def step(self, entry: int, command: int, guild: int) -> Work:
        if self.rules.seen and str(command) in self.seen:
            yield from self.commit({}, entry)
            return
        before = self.heads.get(guild, Head(seat=self.session))
        after = Head((*before.applied, command), (command, 0), before.seat)
        yield from self.commit({guild: after}, entry, [command])
        self.heads[guild] = after
        self.seen.add(str(command))

    def event(self, kind: str, what: Any, play: Any = None) -> Work:
        if kind == "replaced" and self.rules.heed:
            self.actual.pop(what, None)
        elif kind == "ended":
            self.actual.pop(what, None)
            head = self.heads.get(what)
            if head is not None and head.play == play:
                yield from self.become(what, Head(head.applied, (play[0], play[1] + 1), head.seat))
        elif kind == "assigned":
            for guild, head in list(self.heads.items()):
                if head.seat != what:
                    yield from self.become(guild, Head(head.applied, head.play, what))

    def become(self, guild: int, head: Head) -> Work:
        yield from self.commit({guild: head})
        self.heads[guild] = head

    # Its node, as in nodes.py and driving.py.

    def allows(self) -> bool:
        if not self.rules.deadline:
            return True
        now = self.worker.clock() / 1000
        return self.held().allows(CALL, now=now, alone=True)

    def link(self) -> Work:
        while True:
            while self.shut or not self.allows():
                yield Sleep(BEAT)
            try:
                if (yield from self.connect()):
                    yield from self.drive()
            except (Unavailable, Gone):
                pass
            self.close()
            yield Sleep(500)

    def connect(self) -> Work:
        holder = f"{self.worker.owner}/{self.thing}/{self.world.next_number()}"
        self.world.begins(self)
        given, resumed = yield Call("node", ("connect", holder, self.session))
        self.holder, self.opened, old = holder, given, self.session
        if resumed:
            self.search = Search()
            return True
        if old and old != given and self.rules.search and not (yield from self.is_lost(old)):
            return False
        self.session = given
        yield Call("node", ("resuming", given))
        lease = self.held()
        if not (yield Call("redis", ("session", self.thing, lease.owner, lease.epoch, given))):
            raise Unavailable
        self.search = Search()
        self.mail.append(("assigned", given))
        return True

    def is_lost(self, old: str) -> Work:
        try:
            yield Call("node", ("players", old))
            is_open = True
        except Gone:
            is_open = False
        self.search, verdict = sessions.judge(
            self.search, is_open=is_open, now=self.worker.clock() / 1000, patience=HELD
        )
        return verdict == "begin anew"

    def drive(self) -> Work:
        pinged = heard = self.worker.clock()
        self.actual.clear()
        while not self.shut and self.holder:
            now = self.worker.clock()
            if now - pinged >= 5_000:
                pinged = now
                try:
                    yield Call("node", ("ping", self.holder, self.session))
                    heard = self.worker.clock()
                except Unavailable:
                    if self.worker.clock() - heard > 12_500:
                        return
            with suppress(Unavailable, Gone):
                yield from self.converge()
            yield Sleep(300)

    def converge(self) -> Work:
        for guild, head in list(self.heads.items()):
            if head.play is None or head.seat != self.session or not self.allows():
                continue
            if guild not in self.actual:
                found = yield Call("node", ("players", self.session))
                self.actual[guild] = found.get(guild)
            wanted = self.heads[guild].play
            if self.actual.get(guild) == wanted or not self.allows():
                continue
            self.actual.pop(guild, None)
            self.world.begins(self)
            yield Call("node", ("patch", self.holder, self.session, guild, wanted))
            self.actual[guild] = wanted

    def keep_to_isolation(self) -> Work:
        while True:
            now = self.worker.clock() / 1000
            is_too_long = self.held().is_isolated_too_long(now=now, isolation=ISOLATION)
            if self.rules.isolation and is_too_long and not self.shut:
                self.shut = True
                self.close()
            elif self.shut and not is_too_long and not self.away:
                self.shut = False
            yield Sleep(BEAT)


def _quietly(call: Call) -> Work:
    with suppress(Unavailable, Gone):
        yield call
