import asyncio

from legato.gateway.lanes import Lanes
from support_fast import fast


def test_a_guilds_turns_come_in_the_order_of_asking_and_hold_up_no_other_guild():
    lanes, done = Lanes(), []

    async def turn(guild, name, seconds):
        async with lanes.enter(guild):
            await asyncio.sleep(seconds)
            done.append(name)

    async def main():
        await asyncio.gather(turn(1, "a", 3), turn(1, "b", 0), turn(2, "c", 1), turn(1, "d", 0))

    fast(main())

    assert done == ["c", "a", "b", "d"]


def test_who_gives_up_waiting_leaves_the_lane_to_the_next():
    lanes, done = Lanes(), []

    async def turn(name, patience):
        try:
            async with asyncio.timeout(patience), lanes.enter(1):
                await asyncio.sleep(5)
                done.append(name)
        except TimeoutError:
            done.append(f"not {name}")

    async def main():
        await asyncio.gather(turn("a", 60), turn("b", 1), turn("c", 60))

    fast(main())

    assert done == ["not b", "a", "c"]
