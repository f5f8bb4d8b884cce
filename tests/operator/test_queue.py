import asyncio
from datetime import timedelta

from legato_operator.queue import FIRST, LONGEST, Key, Queue
from support_waiting import until

ONE, OTHER = Key("MusicBot", "music", "one"), Key("MusicBot", "music", "other")


async def test_what_is_asked_twice_before_its_turn_is_looked_at_once() -> None:
    queue, looked = Queue(), list[Key]()

    async def look(key: Key) -> timedelta | None:
        looked.append(key)
        return None

    queue.add(ONE)
    queue.add(OTHER)
    queue.add(ONE)
    work = asyncio.create_task(queue.work(look))
    await until(lambda: OTHER in looked, 60)
    work.cancel()

    assert looked == [ONE, OTHER]


async def test_no_resource_is_looked_at_by_two_at_the_same_time() -> None:
    queue, busy, most, count = Queue(), 0, 0, 0

    async def look(_: Key) -> timedelta | None:
        nonlocal busy, most, count
        busy += 1
        most = max(most, busy)
        queue.add(ONE)
        await asyncio.sleep(0)
        busy -= 1
        count += 1
        return None

    queue.add(ONE)
    workers = [asyncio.create_task(queue.work(look)) for _ in range(3)]
    await until(lambda: count > 10, 60)
    for one in workers:
        one.cancel()

    assert most == 1


async def test_a_look_comes_again_when_it_said() -> None:
    queue, count = Queue(), 0

    async def look(_: Key) -> timedelta | None:
        nonlocal count
        count += 1
        return timedelta(milliseconds=1)

    queue.add(ONE)
    work = asyncio.create_task(queue.work(look))
    await until(lambda: count > 3, 60)
    work.cancel()


def test_what_fails_again_and_again_waits_longer_up_to_a_bound() -> None:
    queue = Queue()

    waits = [queue.failed(ONE) for _ in range(20)]
    queue.succeeded(ONE)

    assert waits[0] <= 3 * FIRST
    assert waits[-1] <= 1.2 * LONGEST
    assert waits[-1] > waits[0]
    assert queue.failed(ONE) <= 3 * FIRST
