import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from legato import redis as reach
from legato.audio.effects import SyncNode, Tell
from legato.audio.ledger import Change, Ledger, Position
from legato.audio.state import PlayerHead
from legato.bus import Bus
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
        entry="5-1",
        seen=9,
        seen_at=books._clock.now(),
    )
    at = Position().then("5-1")

    assert await books.commit(lease, Position(), at, change) == "ok"
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
    await books.commit(lease, Position(), one, full)
    assert (
        await books.commit(
            lease, one, two, Change(guild_id=GUILD, remove=["a"], settled=["sync_node"])
        )
        == "ok"
    )
    (guild,) = (await books.load(P)).guilds
    assert [left.id for left in guild.items] == ["b"]
    assert guild.head == full.head
    assert guild.outbox == {}
    assert not await each_redis.exists(keys.pending(P))

    await books.commit(lease, two, three, Change(guild_id=GUILD, gone=True))

    assert (await books.load(P)).guilds == ()
    assert not await each_redis.exists(keys.items(P, GUILD))


async def test_a_repeat_is_told_and_changes_nothing(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    one, two = Position("1-0", 1), Position("2-0", 2)
    first = Change(guild_id=GUILD, head=PlayerHead(guild_id=GUILD, volume=1), entry="1-0")
    second = Change(guild_id=GUILD, head=PlayerHead(guild_id=GUILD, volume=2), entry="2-0")
    await books.commit(lease, Position(), one, first)

    assert await books.commit(lease, Position(), one, first) == "already"
    await books.commit(lease, one, two, second)
    assert await books.commit(lease, Position(), one, first) == "conflict"
    (guild,) = (await books.load(P)).guilds
    assert guild.head == second.head


async def test_a_stale_epoch_can_write_nothing(each_redis: Client) -> None:
    books, old = ledger(each_redis), await lease_of(each_redis)
    await Leases(each_redis, owner="x").release_all_of("a")
    await lease_of(each_redis, "b")
    at = Position("1-0", 1)

    assert await books.commit(old, Position(), at, Change(guild_id=GUILD)) == "fenced"
    assert await books.attempt(old, "1-0") == 0
    assert await books.alive(old) is None
    assert not await books.keep_session(old, "n1", "abc")
    assert (await books.load(P)).position == Position()


async def test_attempts_are_counted_until_the_step_is_committed(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)

    assert [await books.attempt(lease, "1-0") for _ in range(3)] == [1, 2, 3]
    await books.commit(lease, Position(), Position("1-0", 1), Change(entry="1-0"))
    assert not await each_redis.exists(keys.attempts(P))


async def test_old_ids_are_forgotten_after_a_quarter_of_an_hour(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    now = books._clock.now()
    old = Change(seen=1, seen_at=now - 14 * 60_000)
    await books.commit(lease, Position(), Position("1-0", 1), old)
    books._clock.heard(now + 2 * 60_000, asked=_monotonic(), answered=_monotonic())
    young = Change(seen=2, seen_at=now)
    await books.commit(lease, Position("1-0", 1), Position("2-0", 2), young)

    assert set((await books.load(P)).seen) == {2}


def _monotonic() -> float:
    return asyncio.get_running_loop().time()


async def test_a_dead_letter_is_kept_as_it_came(each_redis: Client) -> None:
    books, lease = ledger(each_redis), await lease_of(each_redis)
    await books.commit(
        lease, Position(), Position("1-0", 1), Change(entry="1-0", dead=b"{}", why="no tag")
    )

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

    assert await waiting.count(P) == 5
    await books.commit(lease, Position(), Position(ids[1], 1), Change(entry=ids[1]))
    assert await waiting.count(P) == 3
    assert await waiting.count(P, most=2) == 2


@dataclass
class Worker:
    """A partition's owner, reduced to what the promise rests on."""

    redis: Client
    books: Ledger
    lease: Lease
    position: Position = field(default_factory=Position)
    seen: set[int] = field(default_factory=set)
    head: PlayerHead = field(default_factory=lambda: PlayerHead(guild_id=GUILD))
    late: list[tuple[Position, Position, Change]] = field(default_factory=list)

    async def load(self) -> None:
        found = await self.books.load(P)
        self.position, self.seen = found.position, set(found.seen)
        if found.guilds and found.guilds[0].head:
            self.head = found.guilds[0].head

    async def step(self, fate: str) -> None:
        entries = await Bus(self.redis).read(
            keys.inbox(P), self.position.entry, decoder=_decoder, block=timedelta(0), count=1
        )
        if not entries or fate == "die before":
            return
        entry, command = entries[0].id, entries[0].message
        assert isinstance(command, Pause)
        to = self.position.then(entry)
        change = self.change(entry, command)
        call = (self.position, to, change)
        outcome = await self.books.commit(self.lease, *call)
        self.late.append(call)
        if fate == "lose the answer":
            again = await self.books.commit(self.lease, *call)
            assert again == ("already" if outcome == "ok" else outcome)
        if outcome == "ok":
            self.position = to
            self.seen.add(command.id)
            self.head = change.head or self.head

    def change(self, entry: str, command: Pause) -> Change:
        if command.id in self.seen:
            return Change(entry=entry)
        return Change(
            guild_id=GUILD,
            head=PlayerHead(guild_id=GUILD, revision=self.head.revision + 1),
            put=[item(str(command.id))],
            entry=entry,
            seen=command.id,
            seen_at=self.books._clock.now(),
        )


_decoder = msgspec.json.Decoder(Pause)
fates = st.sampled_from(["well", "lose the answer", "die before"])
acts = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 6)),
        st.tuples(st.just("step"), st.integers(0, 1), fates),
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
                case ("step", who, fate):
                    await workers[who].step(fate)
                case ("take over", who, crash):
                    await _take_over(redis, workers, who, crash=crash)
                case ("late", who, number) if workers[who].late:
                    late = workers[who].late
                    await workers[who].books.commit(workers[who].lease, *late[number % len(late)])
        await _take_over(redis, workers, 0, crash=True)
        for _ in range(len(acts) + 1):
            await workers[0].step("well")
        found = await workers[0].books.load(P)
        done = {int(one.id) for guild in found.guilds for one in guild.items}
        assert done == asked
        assert workers[0].head.revision == len(asked)
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
        fresh.position, fresh.seen, fresh.head = old.position, old.seen, old.head
    await fresh.load()
    workers[who] = fresh


async def _ask(redis: Client, number: int) -> None:
    command = Pause(id=number, guild_id=GUILD, origin=ORIGIN, expires_at=0)
    await Bus(redis).append(keys.inbox(P), command)
