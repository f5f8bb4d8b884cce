import asyncio
from datetime import timedelta

from legato.members import Members
from legato.redis import Client


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
