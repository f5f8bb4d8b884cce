"""Discord's global limit: a line that moves at its pace, also while nobody knows of the others."""

import asyncio
from datetime import timedelta

import pytest

from legato.errors import Unavailable
from legato.gateway import pacing
from legato.gateway.pacing import Pacer


class Bucket:
    """What our processes share: says who is asked, and lets one pass at a time."""

    def __init__(self):
        self.asked = 0
        self.asking = 0
        self.most = 0
        self.away = False
        self.passes = asyncio.Semaphore(0)

    async def wait(self, _policy):
        self.asked += 1
        if self.away:
            raise Unavailable("redis", "no connection to it")
        self.asking += 1
        self.most = max(self.most, self.asking)
        await self.passes.acquire()
        self.asking -= 1


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def pacer(bucket):
    made = Pacer()
    made.limits = bucket
    return made


async def test_before_the_bot_is_known_everything_passes():
    await Pacer().wait()


async def test_one_of_the_line_asks_and_who_waits_longest_goes_first(pacer, bucket):
    gone = []

    async def go(number):
        await pacer.wait()
        gone.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(go(number))
        for _ in range(20):
            bucket.passes.release()

    assert gone == list(range(20))
    assert (bucket.most, bucket.asked) == (1, 20)


async def test_while_redis_is_away_the_line_moves_slowly_and_asks_now_and_then(
    pacer, bucket, monkeypatch
):
    paces = []
    slept = asyncio.sleep

    async def sleep(seconds):
        paces.append(seconds)
        await slept(0)

    monkeypatch.setattr(pacing, "AGAIN", timedelta(hours=1))
    monkeypatch.setattr(pacing.asyncio, "sleep", sleep)
    bucket.away = True

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(pacer.wait())

    assert paces == [pacing.ALONE.total_seconds()] * 20
    assert bucket.asked == 1


async def test_once_redis_is_back_the_shared_bucket_counts_again(pacer, bucket, monkeypatch):
    monkeypatch.setattr(pacing, "AGAIN", timedelta(0))
    monkeypatch.setattr(pacing, "ALONE", timedelta(0))
    bucket.away = True
    await pacer.wait()
    bucket.away = False
    bucket.passes.release()

    await pacer.wait()

    assert bucket.asked == 2
    assert bucket.passes.locked()
