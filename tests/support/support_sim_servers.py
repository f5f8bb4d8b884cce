"""The simulated Redis and node: as far as ownership rests on them, by the product's own rules."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from legato.contracts.partitions import Partition as Thing
from legato.protocol import books as book_rules
from legato.protocol import permits, records
from legato.protocol import roll as roll_rules
from legato.protocol.books import Books, Commit
from legato.protocol.records import Granted, Record, Ticks
from legato.protocol.roll import Member, Roll
from support_sim import Gone, Sim, Unavailable

TTL = 10_000
READ_TIMEOUT = 15_000
"""After which a node drops a silent socket."""
SESSION_LIFE = 300_000
REMEMBERED = 15 * 60_000
PERMITS = 1


class Broken(AssertionError):
    """A promise was broken; the text begins with which."""


@dataclass(frozen=True)
class Rules:
    """The protocol's rules; a test switches one off and expects the model to notice."""

    fencing: bool = True
    """A commit counts only under the current epoch."""
    position: bool = True
    """A commit counts only at the position its writer left the books at."""
    seen: bool = True
    """A command that was done is not done again."""
    steady: bool = True
    """A stale lease is taken only if Redis has been in reach for a lease's life."""
    settle: bool = True
    """Nothing is given away soon after an outage."""
    epochs: bool = True
    """Epochs grow also where Redis forgot them."""
    again: bool = True
    """Who was frozen takes nothing again that Redis lost."""
    owners_first: bool = True
    """After a gap owners have a lease's life for themselves."""
    assembles: bool = True
    """A newcomer takes nothing that Redis does not know before owners had time to renew."""
    deadline: bool = True
    """An outside call begins only with enough of the lease left."""
    missed: bool = True
    """Who missed Redis drives on for one lease's life at a time."""
    isolation: bool = True
    """An isolated owner lets its sockets go in the end."""
    search: bool = True
    """A session that was not resumed is looked for."""
    heed: bool = True
    """What another replaced at the node is looked at."""
    permits: bool = True
    """A hand-over needs a permit."""


@dataclass(frozen=True, slots=True)
class Head:
    """One guild's player: the commands done, in order, and what plays now."""

    applied: tuple[int, ...] = ()
    play: tuple[int, int] | None = None
    """The command that asked for it, and the how manieth track since."""
    seat: str = ""
    """The session it sits on."""


@dataclass
class Partition:
    """A partition's keys."""

    books: Books = field(default_factory=Books)
    heads: dict[int, Head] = field(default_factory=dict)
    session: str = ""
    inbox: list[tuple[int, int, int]] = field(default_factory=list)
    """(entry, command, guild)"""


class Redis:
    """The server, its clock, and a witness of what it was made to do."""

    def __init__(self, sim: Sim, rules: Rules, witness: "Witness") -> None:
        self.sim, self.rules, self.witness = sim, rules, witness
        self.is_up = True
        self.offset = 0
        """Of its clock, ms."""
        self.last_entry = 0
        """Also after it was emptied: that its clock goes back by more than it was away, so that new
        entries stand before old positions, is known and not covered."""
        self.empty()

    def empty(self) -> None:
        self.leases: dict[Thing, Record] = {}
        self.ticks: Ticks | None = None
        self.roll: dict[str, Member] = {}
        self.partitions: dict[Thing, Partition] = {}
        self.permits: permits.Permits = {}

    @property
    def now(self) -> int:
        return 1_000_000_000 + self.sim.now + self.offset

    def partition(self, thing: Thing) -> Partition:
        return self.partitions.setdefault(thing, Partition())

    def answer(self, caller: str, request: tuple[Any, ...]) -> Any:
        if not self.is_up:
            raise Unavailable("away")
        name, *args = request
        handler: Callable[..., Any] = getattr(self, f"do_{name}")
        return handler(*args)

    def do_beat(self, member: str, draining: bool) -> Roll:
        me = Member(member, self.now, self.now, 1.0, draining)
        found = roll_rules.beat(self.roll, me, silent=TTL, forget=60 * TTL)
        self.roll = {one.name: one for one in found.members}
        return found

    def do_forget(self, member: str) -> None:
        self.roll.pop(member, None)

    def do_tick(self) -> int:
        self.ticks, steady = records.tick(self.ticks, now=self.now, longest=TTL // 2)
        return steady

    def do_acquire(self, thing: Thing, owner: str, take: bool, unknown: bool) -> Any:
        before = self.leases.get(thing)
        after: Record | None
        if before is None and not self.rules.epochs:
            after, found = Record(owner, 1, self.now), Granted(1)
        else:
            after, answer = records.acquire(
                before, owner=owner, now=self.now, ttl=TTL, take=take, unknown=unknown
            )
            if after is None or not isinstance(answer, Granted):
                return answer
            found = answer
        self.leases[thing] = after
        self.witness.granted(thing, before, after)
        return found

    def do_renew(self, thing: Thing, owner: str, epoch: int, again: bool) -> Granted | None:
        before, again = self.leases.get(thing), again or not self.rules.again
        after, found = records.renew(before, owner=owner, epoch=epoch, now=self.now, again=again)
        if found is not None and after is not None:
            self.leases[thing] = after
            self.witness.granted(thing, before, after)
        return found

    def do_release(self, thing: Thing, owner: str, epoch: int) -> None:
        after, _ = records.release(self.leases.get(thing), owner=owner, epoch=epoch)
        if after is not None:
            self.leases[thing] = after

    def do_permit(self, thing: Thing) -> bool:
        self.permits, taken = permits.take(
            self.permits, str(thing), most=PERMITS, now=self.now, life=TTL
        )
        return taken

    def do_give_back(self, thing: Thing) -> None:
        self.permits = permits.give_back(self.permits, str(thing))

    def do_append(self, thing: Thing, command: int, guild: int) -> int:
        self.last_entry = max(self.last_entry + 1, self.now)
        self.partition(thing).inbox.append((self.last_entry, command, guild))
        self.witness.appended(guild, command)
        return self.last_entry

    def do_read(self, thing: Thing, after: int) -> list[tuple[int, int, int]]:
        return [entry for entry in self.partition(thing).inbox if entry[0] > after][:20]

    def do_load(self, thing: Thing) -> Partition:
        found = self.partition(thing)
        return replace(found, heads=dict(found.heads), inbox=[])

    def do_alive(self, thing: Thing, owner: str, epoch: int) -> bool:
        return records.is_current(self.leases.get(thing), owner=owner, epoch=epoch)

    def do_session(self, thing: Thing, owner: str, epoch: int, session: str) -> bool:
        if not records.is_current(self.leases.get(thing), owner=owner, epoch=epoch):
            return False
        self.partition(thing).session = session
        self.witness.forgotten.discard(session)
        return True

    def do_commit(self, thing: Thing, commit: Commit, heads: dict[int, Head]) -> str:
        found, lease = self.partition(thing), self.leases.get(thing)
        if not self.rules.fencing:
            lease = Record(commit.owner, commit.epoch, 0)
        if not self.rules.position:
            commit = replace(commit, expected=found.books.position, to=commit.to + " late")
        books, outcome = book_rules.accept(lease, found.books, commit)
        if outcome == "ok":
            self.witness.committed(thing, commit.epoch, heads)
            found.books = books
            found.heads |= heads
        return outcome


@dataclass
class Session:
    """A node's session: its socket's holder, and what its players play."""

    holder: str
    """"" while its socket is closed."""
    heard: int
    closed_at: int = 0
    resuming: bool = False
    players: dict[int, tuple[int, int]] = field(default_factory=dict)


class Node:
    """One server speaking Lavalink's v4 protocol."""

    def __init__(self, sim: Sim, witness: "Witness", tell: Callable[[str, Any], None]) -> None:
        self.sim, self.witness, self.tell = sim, witness, tell
        self.sessions: dict[str, Session] = {}
        self.number = 0
        self.sim.at(self.sim.now + 1_000, self._look)

    def _look(self) -> None:
        for name, session in tuple(self.sessions.items()):
            if session.holder and self.sim.now - session.heard > READ_TIMEOUT:
                self.close(name)
            elif not session.holder and self.sim.now - session.closed_at > SESSION_LIFE:
                del self.sessions[name]
        self.sim.at(self.sim.now + 1_000, self._look)

    def close(self, name: str) -> None:
        session = self.sessions[name]
        session.holder, session.closed_at = "", self.sim.now
        if not session.resuming:
            del self.sessions[name]

    def dropped(self, process: str) -> None:
        """A process died: its kernel closes its sockets."""
        for name, session in tuple(self.sessions.items()):
            if session.holder.partition("/")[0] == process:
                self.close(name)

    def answer(self, caller: str, request: tuple[Any, ...]) -> Any:
        name, *args = request
        handler: Callable[..., Any] = getattr(self, f"do_{name}")
        return handler(*args)

    def do_connect(self, holder: str, old: str) -> tuple[str, bool]:
        session = self.sessions.get(old)
        if session is not None and not session.holder:
            session.holder, session.heard = holder, self.sim.now
            return old, True
        self.number += 1
        name = f"s{self.number}"
        self.sessions[name] = Session(holder, self.sim.now)
        return name, False

    def do_close(self, holder: str, name: str) -> None:
        session = self.sessions.get(name)
        if session is not None and session.holder == holder:
            self.close(name)

    def do_ping(self, holder: str, name: str) -> None:
        session = self.sessions.get(name)
        if session is None or session.holder != holder:
            raise Gone
        session.heard = self.sim.now

    def do_resuming(self, name: str) -> None:
        self._open(name).resuming = True

    def do_players(self, name: str) -> dict[int, tuple[int, int]]:
        return dict(self._open(name).players)

    def do_patch(self, holder: str, name: str, guild: int, play: tuple[int, int]) -> None:
        session = self._open(name)
        before = session.players.get(guild)
        session.players[guild] = play
        is_late = session.holder != holder
        self.witness.patched(self, name, guild, play, before=before, is_late=is_late)
        self.tell(session.holder, ("replaced", guild))

    def _open(self, name: str) -> Session:
        session = self.sessions.get(name)
        if session is None or not session.holder:
            raise Gone
        return session


class Witness:
    """Sees all that really happens, and what was promised of it."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.order: dict[int, list[int]] = {}
        """Guild -> its commands in the order in which they came first."""
        self.done: dict[int, tuple[int, ...]] = {}
        self.confirmed: set[tuple[int, int]] = set()
        self.epochs: dict[Thing, int] = {}
        self.away_until = -SESSION_LIFE
        """The end of the last outage of Redis, or step of its clock, that was no hiccup."""
        self.forgotten: set[str] = set()
        """Sessions that stand in no books since Redis was emptied: nobody can look for them."""
        self.late: set[tuple[str, int]] = set()
        """(session, guild) that somebody other than the socket's holder changed."""

    def appended(self, guild: int, command: int) -> None:
        order = self.order.setdefault(guild, [])
        if command not in order:
            order.append(command)

    def forget(self, sessions: Iterable[str]) -> None:
        """Redis was emptied: what was not done yet is lost, and so is what nobody remembers."""
        self.forgotten.update(sessions)
        self.order.clear()
        self.confirmed.clear()
        self.done.clear()

    def granted(self, thing: Thing, before: Record | None, after: Record) -> None:
        if before is not None and before == after:
            return
        is_new = before is None or before.owner != after.owner
        if after.epoch < self.epochs.get(thing, 0) + is_new:
            raise Broken(f"epochs grow: {thing} went from {self.epochs[thing]} to {after.epoch}")
        self.epochs[thing] = after.epoch
        taken = before is not None and before.owner not in ("", after.owner)
        if taken and self.sim.now - self.away_until < TTL - 500:
            raise Broken(f"owners renew first: {thing} was taken soon after an outage")

    def committed(self, thing: Thing, epoch: int, after: dict[int, Head]) -> None:
        if epoch < self.epochs.get(thing, 0):
            raise Broken(f"fencing: {thing} was written under a stale epoch")
        self.forgotten -= {head.seat for head in after.values()}
        for guild, head in after.items():
            done, order = self.done.get(guild, ()), self.order.get(guild, [])
            if len(set(head.applied)) < len(head.applied):
                raise Broken(f"once: guild {guild} did {head.applied}")
            places = [order.index(one) for one in head.applied if one in order]
            if places != sorted(places):
                raise Broken(f"in order: guild {guild} did {head.applied} of {order}")
            if head.applied[: len(done)] != done:
                raise Broken(f"nothing is undone: guild {guild} had {done}, has {head.applied}")
            self.done[guild] = head.applied

    def patched(
        self,
        node: Node,
        name: str,
        guild: int,
        play: tuple[int, int],
        *,
        before: tuple[int, int] | None,
        is_late: bool,
    ) -> None:
        others = [
            other
            for other, session in node.sessions.items()
            if other != name and session.holder and guild in session.players
            if other not in self.forgotten
        ]
        if others:
            raise Broken(f"one driver: guild {guild} is driven through {name} and {others}")
        if is_late:
            self.late.add((name, guild))
        elif before == play and (name, guild) not in self.late:
            raise Broken(f"started once: {play} of guild {guild} began anew")
        else:
            self.late.discard((name, guild))
