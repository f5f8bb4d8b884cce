"""A simulated tenure: audio's writer, partition loop and node link, carried out by generators.

Each is reduced to what ownership rests on; what they decide, the product's own functions decide.
"""

import inspect
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from legato.contracts.partitions import Partition as Thing
from legato.protocol import sessions
from legato.protocol.books import Commit
from legato.protocol.lease import CALL, Lease
from legato.protocol.sessions import Search
from support_sim import Call, Gone, Sleep, Unavailable, Work, quietly
from support_sim_servers import Head

if TYPE_CHECKING:
    from support_sim_worker import Worker

ISOLATION = timedelta(seconds=60)
HELD = timedelta(seconds=75)
PATIENCE = 1_000
PAUSE = 200
LOOK = 250


class Fenced(Exception):
    """The lease is another's."""


class Diverged(Exception):
    """The books are not where we left them."""


class Tenure:
    """One partition while it is a worker's."""

    def __init__(self, worker: "Worker", thing: Thing) -> None:
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
            if inspect.getgeneratorstate(task.work) != inspect.GEN_RUNNING:
                task.kill()

    def close(self) -> None:
        holder, self.holder = self.holder, ""
        if holder:
            self.worker.spawn(quietly(Call("node", ("close", holder, self.opened))))

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
            _, to, commit, _ = self.made(heads, 0, ())
            try:
                outcome = yield self.call(commit, heads, 4_000)
            except Unavailable:
                outcome = "unknown"
            if outcome not in ("unknown", "fenced") and (yield from self.finish(outcome, to)):
                return
            yield Sleep(PAUSE)

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
                yield Sleep(LOOK)
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
            self.mail.append(("assigned", given))
            return True
        if old and old != given and self.rules.search and not (yield from self.is_lost(old)):
            return False
        yield Call("node", ("resuming", given))
        lease = self.held()
        if not (yield Call("redis", ("session", self.thing, lease.owner, lease.epoch, given))):
            raise Unavailable
        self.session = given
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
            yield Sleep(LOOK)
