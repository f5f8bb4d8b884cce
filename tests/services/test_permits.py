from datetime import timedelta

from legato.contracts.partitions import all_partitions
from legato.permits import Permits
from legato.redis import Client
from support_waiting import until

A, B, C = all_partitions(bot=7, region="default", count=3)


def permits(redis: Client, component: str = "audio", **life: timedelta) -> Permits:
    return Permits(redis, bot=7, component=component, **life)


async def test_so_many_things_move_at_once_over_all_members(each_redis: Client) -> None:
    mine, others = permits(each_redis), permits(each_redis)

    assert await mine.take(A, most=2)
    assert await others.take(B, most=2)
    assert not await mine.take(C, most=2)
    assert await permits(each_redis, "gateway").take(C, most=2)


async def test_who_has_a_thing_gives_its_permit_back(each_redis: Client) -> None:
    giver, taker = permits(each_redis), permits(each_redis)
    await giver.take(A, most=1)

    await taker.give_back(A)
    await taker.give_back(B)

    assert await giver.take(B, most=1)


async def test_asking_again_after_a_lost_answer_takes_no_second_one(each_redis: Client) -> None:
    mine = permits(each_redis)

    assert [await mine.take(A, most=2) for _ in range(3)] == [True] * 3
    assert await mine.take(B, most=2)


async def test_the_permit_of_a_dead_member_returns(each_redis: Client) -> None:
    dead = permits(each_redis, life=timedelta(milliseconds=100))
    await dead.take(A, most=1)

    assert await until(lambda: permits(each_redis).take(B, most=1))
