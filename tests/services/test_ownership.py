import asyncio
import dataclasses
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from legato import rendezvous
from legato.contracts import keys
from legato.contracts.fleet import Directive
from legato.contracts.partitions import Partition, all_partitions
from legato.leases import Lease, Leases
from legato.members import Members, read_roll
from legato.ownership import Holder, Pace, Steering, bury
from legato.permits import Permits
from legato.protocol.lease import CALL
from legato.redis import Client
from support_waiting import PATIENCE, until

TTL = timedelta(milliseconds=500)
THINGS = all_partitions(bot=7, region="default", count=8)
PACE = Pace(moves=2, ready_after=timedelta(0), settle=timedelta(0))


class Recorder:
    def __init__(self) -> None:
        self.running: dict[Partition, int] = {}
        self.reasons: list[str] = []
        self.stopped: list[Partition] = []
        self.broken: set[Partition] = set()
        self.starting: set[Partition] = set()
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.loads: dict[Partition, int] = {}

    def load(self, what: Partition) -> int:
        return self.loads.get(what, 0)

    async def start(self, lease: Lease) -> None:
        self.starting.add(lease.what)
        await self.may_start.wait()
        self.starting.discard(lease.what)
        if lease.what in self.broken:
            raise ValueError("broken")
        self.running[lease.what] = lease.epoch

    async def stop(self, lease: Lease, *, reason: str) -> None:
        self.running.pop(lease.what, None)
        self.stopped.append(lease.what)
        self.reasons.append(reason)
        if lease.what in self.broken:
            raise ValueError("broken")


class Process:
    def __init__(
        self,
        redis: Client,
        name: str,
        *,
        ttl: timedelta = TTL,
        renew: timedelta = TTL / 10,
        wanted: Callable[[], Directive] | None = None,
        pace: Pace = PACE,
    ) -> None:
        self.leases = Leases(redis, owner=name, ttl=ttl, renew=renew)
        self.members = Members(redis, bot=7, component="audio", name=name, ttl=ttl)
        self.port = Recorder()
        permits = Permits(redis, bot=7, component="audio", life=timedelta(seconds=30))
        self.holder = Holder(
            self.leases,
            self.members,
            THINGS,
            self.port,
            pace=pace,
            steering=Steering(wanted, permits) if wanted else None,
        )
        self._stop = asyncio.Event()
        self.task = asyncio.create_task(self.holder.run(self._stop))

    async def end(self) -> None:
        self._stop.set()
        await self.task

    async def die(self) -> None:
        """End as by kill -9: nothing is released."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.port.running.clear()


async def sole(redis: Client) -> Process:
    """Have one process hold everything."""
    one = Process(redis, "a")
    await until(lambda: len(one.port.running) == len(THINGS))
    return one


async def rob(redis: Client, what: Partition) -> None:
    """Have another, who is far ahead, hold a lease."""
    thief = {"owner": "thief", "epoch": str(4 * 10**12), "renewed_at": str(4 * 10**12)}
    await redis.hset(keys.lease(what), mapping=thief)


def _decoded(found: dict[bytes, bytes]) -> dict[str, str]:
    return {name.decode(): text.decode() for name, text in found.items()}


async def test_one_member_holds_everything_and_releases_it_at_the_end(each_redis: Client) -> None:
    one = await sole(each_redis)
    lease = one.holder.lease(THINGS[0])
    assert lease is not None
    assert lease.epoch == one.port.running[THINGS[0]]

    await one.end()

    assert one.port.running == {}
    assert set(one.port.reasons) == {"stopping"}
    assert isinstance(await Leases(each_redis, owner="b").acquire(THINGS[0]), Lease)


async def test_who_stops_holds_all_until_those_who_may_follow_have_heard(redis: Client) -> None:
    """Else a thing would be nobody's until they look again."""
    one = Process(redis, "a", ttl=timedelta(minutes=5), renew=timedelta(minutes=1))
    other = Members(redis, bot=7, component="audio", name="b", ttl=timedelta(minutes=5))
    await until(lambda: len(one.port.running) == 8)
    await other.beat()

    ending = asyncio.create_task(one.end())

    async def is_announced() -> bool:
        found = await redis.hgetall(keys.members(7, "audio"))
        return any(member.draining for member in read_roll(_decoded(found)))

    await until(is_announced)
    assert len(one.port.running) == 8
    await other.beat()
    await ending
    assert one.port.running == {}


async def test_members_share_and_nothing_is_owned_twice(each_redis: Client) -> None:
    one = await sole(each_redis)
    two = Process(each_redis, "b")

    await until(lambda: two.port.running and len(one.port.running) + len(two.port.running) == 8)
    assert not set(one.port.running) & set(two.port.running)
    await until(lambda: one.holder.alive == two.holder.alive == 2)
    await one.end()
    await until(lambda: len(two.port.running) == 8)
    await two.end()


async def test_what_a_dead_member_held_is_taken_after_the_time_to_live(each_redis) -> None:
    one = await sole(each_redis)
    old = dict(one.port.running)
    two = Process(each_redis, "b")
    await until(lambda: len(two.port.running) >= 2)
    await one.die()

    await until(lambda: len(two.port.running) == 8)

    assert all(epoch > old[what] for what, epoch in two.port.running.items())
    await two.end()


async def test_the_supervisor_needs_no_time_to_live(each_redis: Client) -> None:
    long = timedelta(minutes=10)
    one = Process(each_redis, "a", ttl=long)
    await until(lambda: len(one.port.running) == 8)
    await one.die()
    two = Process(each_redis, "b", ttl=long)

    assert await bury(two.leases, two.members, "a") == 8
    await until(lambda: len(two.port.running) == 8)
    await two.end()


async def test_a_lease_taken_by_another_stops_what_runs(each_redis: Client) -> None:
    one = await sole(each_redis)

    await rob(each_redis, THINGS[0])

    await until(lambda: THINGS[0] not in one.port.running)
    assert one.holder.lease(THINGS[0]) is None
    assert "lost" in one.port.reasons
    await one.end()


async def test_a_lost_thing_that_ends_badly_ends_nothing_else(each_redis: Client) -> None:
    one = await sole(each_redis)
    one.port.broken.add(THINGS[0])

    await rob(each_redis, THINGS[0])
    await until(lambda: "lost" in one.port.reasons)
    await asyncio.sleep(0)

    assert not one.task.done()
    assert len(one.port.running) == 7
    await one.end()


async def test_one_thing_that_can_not_start_stops_no_other(each_redis: Client) -> None:
    one = Process(each_redis, "a")
    one.port.broken.add(THINGS[0])
    await until(lambda: len(one.port.running) == 7)
    assert one.holder.lease(THINGS[0]) is None

    one.port.broken.clear()

    await until(lambda: len(one.port.running) == 8)
    await one.end()


async def test_a_redis_that_is_emptied_takes_nothing_from_its_owners(each_redis: Client) -> None:
    one, two = Process(each_redis, "a"), Process(each_redis, "b", renew=TTL / 3)
    owners = rendezvous.assign(THINGS, {"a": 1.0, "b": 1.0})
    held = tuple({what for what in THINGS if owners[what] == name} for name in "ab")
    await until(lambda: (set(one.port.running), set(two.port.running)) == held)

    for _ in range(3):
        await each_redis.flushall()
        for what in THINGS:
            await until_there(each_redis, what)

    assert (set(one.port.running), set(two.port.running)) == held
    assert one.port.reasons.count("lost") + two.port.reasons.count("lost") == 0
    await one.end()
    await two.end()


async def test_what_was_seen_long_ago_moves_nothing(each_redis: Client) -> None:
    one = await sole(each_redis)
    two = Process(each_redis, "b", renew=timedelta(minutes=1))
    await until(lambda: two.holder._view().owners)

    await until(lambda: not two.holder._view().owners)

    await one.end()
    await two.end()
    assert not two.port.running


async def test_what_redis_knew_a_moment_ago_is_its_owners_to_take_again(
    each_redis: Client,
) -> None:
    long = timedelta(seconds=3)
    one = Process(each_redis, "a", ttl=long)
    await until(lambda: len(one.port.running) == 8)
    two = Process(each_redis, "b", ttl=long, renew=long / 2)
    await until(lambda: two.holder._known)
    known = set(two.holder._known)
    await one.die()
    looked = two.holder._looked

    await each_redis.flushall()
    await until(lambda: two.holder._looked > looked)

    assert not known & set(two.port.running)
    await two.end()


async def test_who_has_just_come_takes_what_is_free_and_not_what_redis_does_not_know(
    each_redis: Client,
) -> None:
    one = await sole(each_redis)
    await one.end()
    await each_redis.delete(keys.lease(THINGS[0]))
    slow, pace = timedelta(minutes=1), replace(PACE, ready_after=timedelta(milliseconds=1))

    two = Process(each_redis, "b", ttl=slow, renew=slow, pace=pace)
    await until(lambda: len(two.port.running) == 7 and THINGS[0] in two.holder._asked)

    assert THINGS[0] not in two.port.running
    await two.end()


async def test_what_redis_does_not_know_is_taken_once_owners_had_time_to_renew(
    each_redis: Client,
) -> None:
    pace = replace(PACE, ready_after=timedelta(milliseconds=1))
    began = time.monotonic()

    one = Process(each_redis, "a", ttl=timedelta(seconds=10), pace=pace)
    await until(lambda: len(one.port.running) == 8)

    assert time.monotonic() - began >= CALL.total_seconds()
    await one.end()


async def test_a_newcomer_is_given_no_more_at_once_than_there_are_permits(
    each_redis: Client,
) -> None:
    wanted = Directive(version=1, max_handovers=1)
    one = Process(each_redis, "a", wanted=lambda: wanted)
    await until(lambda: len(one.port.running) == 8)
    two = Process(each_redis, "b", wanted=lambda: wanted)
    two.port.may_start.clear()
    await until(lambda: two.port.starting)
    await until(lambda: not one.holder._has_permits)

    assert (len(one.port.running), len(two.port.starting)) == (7, 1)

    two.port.may_start.set()
    await until(lambda: len(two.port.running) >= 3)
    await one.end()
    await two.end()


async def test_a_roll_is_paced_by_its_own_number(each_redis: Client) -> None:
    wanted = Directive(version=1, max_handovers=2, handovers={"audio": 0})
    one = Process(each_redis, "a", wanted=lambda: wanted)
    await until(lambda: len(one.port.running) == 8)
    two = Process(each_redis, "b", wanted=lambda: wanted)
    await until(two.holder._asked.__len__)

    assert not two.port.running

    await one.end()
    await two.end()


async def test_without_permits_only_what_is_free_moves(each_redis: Client) -> None:
    wanted = Directive(version=1, max_handovers=0)
    one = Process(each_redis, "a", wanted=lambda: wanted)
    await until(lambda: len(one.port.running) == 8)
    two = Process(each_redis, "b", wanted=lambda: wanted)
    await until(two.holder._asked.__len__)

    assert not two.port.running

    await one.end()
    await until(lambda: len(two.port.running) == 8)
    await two.end()


async def test_who_weighs_nothing_gives_all_away_while_it_lives(each_redis: Client) -> None:
    wanted = [Directive(version=1)]
    one, two = (Process(each_redis, name, wanted=lambda: wanted[0]) for name in "ab")
    await until(lambda: one.port.running and two.port.running)

    wanted[0] = Directive(version=2, weights={"a": 0})

    await until(lambda: len(two.port.running) == 8 and not one.port.running)
    assert set(one.port.reasons) == {"moved"}
    await one.end()
    await two.end()


async def test_what_few_depend_on_is_given_first(each_redis: Client) -> None:
    wanted = [Directive(version=1)]
    pace = dataclasses.replace(PACE, moves=1)
    one = Process(each_redis, "a", wanted=lambda: wanted[0], pace=pace)
    await until(lambda: len(one.port.running) == 8)
    one.port.loads = {what: -number for number, what in enumerate(THINGS)}
    wanted[0] = Directive(version=2, weights={"a": 0})
    two = Process(each_redis, "b", wanted=lambda: wanted[0])

    await until(lambda: len(two.port.running) == 8)
    assert one.port.stopped == list(reversed(THINGS))
    await one.end()
    await two.end()


async def until_there(redis: Client, what: Partition) -> None:
    """Wait until somebody holds a lease again."""
    async with asyncio.timeout(PATIENCE):
        while not await redis.exists(keys.lease(what)):
            await asyncio.sleep(0.01)
