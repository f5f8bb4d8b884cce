import asyncio
from datetime import timedelta

from legato.members import Member, Members, Roll, eligible
from legato.redis import Client

NOW = 100_000


def member(name: str, since: int = 0, seen: int = NOW, weight: float = 1, draining: bool = False):
    return Member(name, since, seen, weight, draining)


def test_only_the_living_ready_and_staying_may_own() -> None:
    roll = Roll(
        NOW,
        (
            member("ready", weight=0.5),
            member("young", since=NOW - 4_999),
            member("dead", seen=NOW - 10_001),
            member("leaving", draining=True),
            member("weightless", weight=0),
        ),
    )

    assert eligible(roll) == {"ready": 0.5}


async def test_members_see_each_other_and_forget_who_leaves(each_redis: Client) -> None:
    first, second = (
        Members(each_redis, bot=7, component="audio", name=name) for name in ("a", "b")
    )
    await first.beat(weight=0.25)
    roll = await second.beat(draining=True)

    assert [(one.name, one.weight, one.draining) for one in roll.members] == [
        ("a", 0.25, False),
        ("b", 1.0, True),
    ]
    await second.forget("a")
    assert [one.name for one in (await second.beat()).members] == ["b"]


async def test_who_was_silent_begins_anew(each_redis: Client) -> None:
    ttl = timedelta(milliseconds=200)
    mine = Members(each_redis, bot=7, component="audio", name="a", ttl=ttl)
    (first,) = (await mine.beat()).members
    (second,) = (await mine.beat()).members
    await asyncio.sleep(ttl.total_seconds() * 5)
    (third,) = (await mine.beat()).members

    assert first.since == second.since < third.since


def test_who_is_alone_may_own_at_once() -> None:
    young = Member("young", since=99_000, seen=100_000, weight=1.0, draining=False)
    other = Member("other", since=99_500, seen=100_000, weight=1.0, draining=False)
    leaving = Member("leaving", since=1_000, seen=100_000, weight=1.0, draining=True)

    assert eligible(Roll(100_000, (young,))) == {"young": 1.0}
    assert eligible(Roll(100_000, (young, leaving))) == {"young": 1.0}
    assert eligible(Roll(100_000, (young, other))) == {}
