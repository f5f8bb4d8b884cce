import asyncio

from legato.gateway.backlog import Backlog
from support_fast import fast


async def is_so(wait):
    try:
        async with asyncio.timeout(1):
            await wait
    except TimeoutError:
        return False
    return True


def test_reading_stops_at_the_bound_and_goes_on_at_half_of_it():
    async def main():
        backlog = Backlog(10)
        told = []
        for _ in range(10):
            told.append((await is_so(backlog.full()), await is_so(backlog.room())))
            backlog.add()
        told.append((await is_so(backlog.full()), await is_so(backlog.room())))
        backlog.done(4)
        told.append((await is_so(backlog.full()), await is_so(backlog.room())))
        backlog.done(1)
        told.append((await is_so(backlog.full()), await is_so(backlog.room())))
        return told

    told = fast(main())

    assert told[:10] == [(False, True)] * 10
    assert told[10:] == [(True, False), (True, False), (False, True)]
