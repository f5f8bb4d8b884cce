import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from legato import redis as reach
from legato.audio.changes import Change, Commit, DeadLetter, Position
from legato.audio.effects import SyncNode, Tell
from legato.audio.ledger import Ledger
from legato.audio.state import PlayerHead
from legato.bus import Bus, Entry
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.actions import Done
from legato.contracts.partitions import Partition
from legato.contracts.playback import Origin, Pause
from legato.contracts.tracks import QueueItem
from legato.leases import Lease, Leases
from legato.redis import Client
from legato.waiting import Waiting

P = Partition(7, "default", 3)
GUILD = 42
ORIGIN = Origin(source="interaction", user_id=1, channel_id=2, received_at=3)


def ledger(redis: Client) -> Ledger:
    return Ledger(redis, ServerClock())


async def lease_of(redis: Client, owner: str = "a") -> Lease:
    found = await Leases(redis, owner=owner).acquire(P)
    assert isinstance(found, Lease)
    return found


def item(name: str, rank: int = 0) -> QueueItem:
    return QueueItem(id=name, rank=rank, requester_id=1, added_at=0)


async def test_everything_of_a_step_is_there_after_it(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    tell = Tell(seq=2, key="9", origin=ORIGIN, answer=Done(what="paused"))
    change = Change(
        guild_id=GUILD,
        head=PlayerHead(guild_id=GUILD, volume=50),
        put=[item("a"), item("b", 1)],
        effects={"sync_node": SyncNode(seq=1), "tell:9": tell},
    )
    commit = Commit(changes=(change,), entry="5-1", seen={9: books._clock.now()})
    at = Position().then("5-1")

    assert await books.commit(lease, Position(), at, commit) == "ok"
    await books.keep_session(lease, "n1", "abc")
    found = await books.load(P)

    (guild,) = found.guilds
    assert found.position == at
    assert set(found.seen) == {9}
    assert found.node_sessions == {"n1": "abc"}
    assert guild.head == change.head
    assert {one.id for one in guild.items} == {"a", "b"}
    assert guild.outbox == change.effects
    assert await each_redis.smembers(keys.pending(P)) == {b"42"}


async def test_a_step_takes_away_what_is_settled_and_gone(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    full = Change(
        guild_id=GUILD,
        head=PlayerHead(guild_id=GUILD),
        put=[item("a"), item("b", 1)],
        effects={"sync_node": SyncNode(seq=1)},
    )
    one, two, three = (Position("0-0", n) for n in (1, 2, 3))
    less = Change(guild_id=GUILD, remove=["a"], settled=["sync_node"])
    await books.commit(lease, Position(), one, Commit(changes=(full,)))
    assert await books.commit(lease, one, two, Commit(changes=(less,))) == "ok"
    (guild,) = (await books.load(P)).guilds
    assert [left.id for left in guild.items] == ["b"]
    assert guild.head == full.head
    assert guild.outbox == {}
    assert not await each_redis.exists(keys.pending(P))

    gone = Change(guild_id=GUILD, gone=True)
    await books.commit(lease, two, three, Commit(changes=(gone,)))

    assert (await books.load(P)).guilds == ()
    assert not await each_redis.exists(keys.items(P, GUILD))


async def test_a_repeat_is_told_and_changes_nothing(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    one, two = Position("1-0", 1), Position("2-0", 2)
    first, second = loud("1-0", 1), loud("2-0", 2)
    await books.commit(lease, Position(), one, first)

    assert await books.commit(lease, Position(), one, first) == "already"
    await books.commit(lease, one, two, second)
    assert await books.commit(lease, Position(), one, first) == "conflict"
    (guild,) = (await books.load(P)).guilds
    assert guild.head == second.changes[0].head


def loud(entry: str, volume: int) -> Commit:
    change = Change(guild_id=GUILD, head=PlayerHead(guild_id=GUILD, volume=volume))
    return Commit(changes=(change,), entry=entry)


async def test_several_guilds_are_written_by_one_commit(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    effect = {"sync_node": SyncNode(seq=1)}
    begun = Commit(
        changes=[
            Change(guild_id=1, head=PlayerHead(guild_id=1), put=[item("a")], effects=effect),
            Change(guild_id=2, head=PlayerHead(guild_id=2), put=[item("b")], effects=effect),
        ],
        entry="2-0",
        seen={one: books._clock.now() for one in (8, 9)},
        dead=[DeadLetter(b"{}", "no tag"), DeadLetter(b"[]", "no tag")],
    )
    after = Commit(
        changes=[
            Change(guild_id=1, settled=["sync_node"], effects={"sync_node": SyncNode(seq=2)}),
            Change(guild_id=2, settled=["sync_node"], gone=True),
            Change(guild_id=3, settled=["sync_node"]),
        ]
    )
    one, two = Position("2-0", 1), Position("2-0", 2)

    assert await books.commit(lease, Position(), one, begun) == "ok"
    assert set((await books.load(P)).seen) == {8, 9}
    assert await each_redis.xlen(keys.dead(P)) == 2
    assert await books.commit(lease, one, two, after) == "ok"

    (guild,) = (await books.load(P)).guilds
    assert [left.id for left in guild.items] == ["a"]
    assert guild.outbox == {"sync_node": SyncNode(seq=2)}
    assert await each_redis.smembers(keys.pending(P)) == {b"1"}


async def test_what_can_not_be_read_is_put_aside_and_harms_nothing_else(
    each_redis: Client,
) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    effects = {"sync_node": SyncNode(seq=1)}
    changes = [
        Change(guild_id=n, head=PlayerHead(guild_id=n), put=[item("a"), item("b")], effects=effects)
        for n in (1, 2, 3)
    ]
    one, two = Position("0-0", 1), Position("0-0", 2)
    await books.commit(lease, Position(), one, Commit(changes=changes))
    await each_redis.set(keys.head(P, 1), "{")
    await each_redis.hset(keys.items(P, 2), "a", "[]")
    await each_redis.hset(keys.outbox(P, 2), "new", '{"type":"of_tomorrow"}')

    found = await books.load(P)
    letters = [letter for broken in found.broken for letter in broken.letters]
    aside = Commit(changes=[broken.change for broken in found.broken], dead=letters)
    assert await books.commit(lease, one, two, aside) == "ok"
    again = await books.load(P)

    assert [letter.message for letter in letters] == [b"{", b"[]", b'{"type":"of_tomorrow"}']
    assert again.broken == ()
    assert again.guilds == found.guilds
    assert [(kept.head is None, len(kept.items)) for kept in found.guilds] == [
        (True, 0),
        (False, 1),
        (False, 2),
    ]
    assert all(kept.outbox == effects for kept in found.guilds)
    assert await each_redis.xlen(keys.dead(P)) == 3


async def test_a_late_commit_of_another_tenure_is_taken_for_no_other(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    old, new = (Position().then("1-0", mark=mark) for mark in ("old", "new"))
    await books.commit(lease, Position(), old, Commit(entry="1-0"))

    assert await books.commit(lease, Position(), new, Commit(entry="1-0")) == "conflict"
    assert (await books.load(P)).position == old


async def test_a_stale_epoch_can_write_nothing(each_redis: Client) -> None:
    books, old = ledger(each_redis), await lease_of(each_redis)
    await Leases(each_redis, owner="x").release_all_of("a")
    await lease_of(each_redis, "b")
    at = Position("1-0", 1)

    assert await books.commit(old, Position(), at, loud("1-0", 1)) == "fenced"
    assert await books.attempt(old, "1-0") == 0
    assert await books.alive(old) is None
    assert not await books.keep_session(old, "n1", "abc")
    assert (await books.load(P)).position == Position()


async def test_the_same_owner_with_an_older_epoch_writes_nothing(each_redis: Client) -> None:
    books, found = ledger(each_redis), await lease_of(each_redis)
    older, at = replace(found, epoch=found.epoch - 1), Position("1-0", 1)

    assert await books.commit(older, Position(), at, Commit(entry="1-0")) == "fenced"
    assert await books.attempt(older, "1-0") == 0
    assert await books.commit(found, Position(), at, Commit(entry="1-0")) == "ok"


async def test_attempts_are_counted_until_the_step_is_committed(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)

    assert [await books.attempt(lease, "1-0") for _ in range(3)] == [1, 2, 3]
    await books.commit(lease, Position(), Position("1-0", 1), Commit(entry="1-0"))
    assert not await each_redis.exists(keys.attempts(P))


async def test_old_ids_are_forgotten_after_a_quarter_of_an_hour(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    now = books._clock.now()
    old = Commit(seen={1: now - 14 * 60_000})
    await books.commit(lease, Position(), Position("1-0", 1), old)
    books._clock.heard(now + 2 * 60_000, asked=_monotonic(), answered=_monotonic())
    young = Commit(seen={2: now})
    await books.commit(lease, Position("1-0", 1), Position("2-0", 2), young)

    assert set((await books.load(P)).seen) == {2}


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


async def test_a_dead_letter_is_kept_as_it_came(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    letter = Commit(entry="1-0", dead=[DeadLetter(b"{}", "no tag")])
    await books.commit(lease, Position(), Position("1-0", 1), letter)

    ((_, fields),) = await each_redis.xrange(keys.dead(P))
    assert fields == {b"m": b"{}", b"why": b"no tag"}


async def test_alive_is_the_servers_time_and_sets_the_clock(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    books._clock.heard(0, asked=_monotonic(), answered=_monotonic())

    at = await books.alive(lease)

    assert at is not None
    assert abs(books._clock.now() - at) < 1000
    assert (await books.load(P)).alive_at == at


async def test_what_waits_is_counted_behind_the_position_up_to_a_bound(each_redis) -> None:
    bus, books, lease = Bus(each_redis), ledger(each_redis), await lease_of(each_redis)
    ids = [await bus.append(keys.inbox(P), ORIGIN) for _ in range(5)]
    waiting = Waiting(each_redis)

    assert await waiting.count(P, most=9) == 5
    await books.commit(lease, Position(), Position(ids[1], 1), Commit(entry=ids[1]))
    assert await waiting.count(P, most=9) == 3
    assert await waiting.count(P, most=2) == 2


@dataclass
class Worker:
    """A partition's owner, reduced to what the promise rests on."""

    redis: Client
    books: Ledger
    lease: Lease
    position: Position = field(default_factory=Position)
    seen: set[int] = field(default_factory=set)
    revisions: dict[int, int] = field(default_factory=dict)
    """Guild -> commands done there."""
    late: list[tuple[Position, Position, Commit]] = field(default_factory=list)

    async def load(self) -> None:
        found = await self.books.load(P)
        self.position, self.seen = found.position, set(found.seen)
        self.revisions = {one.guild_id: one.head.revision for one in found.guilds if one.head}

    async def step(self, fate: str, count: int = 1) -> None:
        """Commit what so many entries ask for together."""
        entries = await Bus(self.redis).read(
            keys.inbox(P), self.position.entry, decoder=_decoder, block=timedelta(0), count=count
        )
        if not entries or fate == "die before":
            return
        commit = self.commit(entries)
        call = (self.position, self.position.then(entries[-1].id), commit)
        outcome = await self.books.commit(self.lease, *call)
        self.late.append(call)
        if fate == "lose the answer":
            again = await self.books.commit(self.lease, *call)
            assert again == ("already" if outcome == "ok" else outcome)
        if outcome == "ok":
            self.position = call[1]
            self.seen |= set(commit.seen)
            self.revisions |= {one.guild_id: one.head.revision for one in commit.changes}

    def commit(self, entries: list[Entry[Pause]]) -> Commit:
        fresh: dict[int, int] = {}
        for entry in entries:
            if entry.message.id not in self.seen:
                fresh[entry.message.id] = entry.message.guild_id
        return Commit(
            changes=[self.change(guild, fresh) for guild in sorted(set(fresh.values()))],
            entry=entries[-1].id,
            seen=dict.fromkeys(fresh, self.books._clock.now()),
        )

    def change(self, guild: int, fresh: dict[int, int]) -> Change:
        mine = [number for number, of in fresh.items() if of == guild]
        revision = self.revisions.get(guild, 0) + len(mine)
        return Change(
            guild_id=guild,
            head=PlayerHead(guild_id=guild, revision=revision),
            put=[item(str(number)) for number in mine],
        )


_decoder = msgspec.json.Decoder(Pause)
fates = st.sampled_from(["well", "lose the answer", "die before"])
acts = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 6)),
        st.tuples(st.just("step"), st.integers(0, 1), fates, st.integers(1, 4)),
        st.tuples(st.just("take over"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("late"), st.integers(0, 1), st.integers(0, 20)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(acts=acts)
def test_no_history_doubles_or_loses_a_command(each_redis_url: str, acts: list) -> None:
    asyncio.run(_history(each_redis_url, acts))


async def _history(url: str, acts: list) -> None:
    redis = reach.connect(url)
    await redis.flushall()
    try:
        asked: set[int] = set()
        workers = [await _worker(redis, name) for name in ("a", "b")]
        for act in acts:
            match act:
                case ("append", number):
                    asked.add(number)
                    await _ask(redis, number)
                case ("step", who, fate, count):
                    await workers[who].step(fate, count)
                case ("take over", who, crash):
                    await _take_over(redis, workers, who, crash=crash)
                case ("late", who, number) if workers[who].late:
                    late = workers[who].late
                    await workers[who].books.commit(workers[who].lease, *late[number % len(late)])
        await _take_over(redis, workers, 0, crash=True)
        for _ in range(len(acts) + 1):
            await workers[0].step("well", 3)
        found = await workers[0].books.load(P)
        done = {int(one.id) for guild in found.guilds for one in guild.items}
        assert done == asked
        assert sum(workers[0].revisions.values()) == len(asked)
    finally:
        await redis.aclose()


async def _worker(redis: Client, name: str) -> Worker:
    await Leases(redis, owner="x").release_all_of("a")
    return Worker(redis, ledger(redis), await lease_of(redis, name))


async def _take_over(redis: Client, workers: list[Worker], who: int, *, crash: bool) -> None:
    for name in ("a", "b"):
        await Leases(redis, owner="x").release_all_of(name)
    lease = await lease_of(redis, "ab"[who])
    old = workers[who]
    fresh = Worker(redis, old.books, lease, late=old.late)
    if not crash:
        fresh.position, fresh.seen = old.position, old.seen
        fresh.revisions = old.revisions
    await fresh.load()
    workers[who] = fresh


async def _ask(redis: Client, number: int) -> None:
    command = Pause(id=number, guild_id=GUILD + number % 2, origin=ORIGIN, expires_at=0)
    await Bus(redis).append(keys.inbox(P), command)
