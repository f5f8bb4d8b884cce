"""Discord's global limit: a line that moves at its pace, also while nobody knows of the others."""

import asyncio
from datetime import timedelta

import pytest

from legato.errors import Unavailable
from legato.gateway import pacing
from legato.gateway.pacing import Pacer
from legato.limits import DISCORD_GLOBAL
from support_waiting import until


class Bucket:
    """What our processes share: it answers when the test says so, and gives what it holds."""

    def __init__(self):
        self.asked = []
        self.asking = 0
        self.most = 0
        self.away = False
        self.wrong = False
        self.answers = asyncio.Semaphore(0)
        self.tokens = 1_000
        self.held = []

    async def hold(self, _policy, duration):
        if self.away:
            raise Unavailable("redis", "no connection to it")
        self.held.append(duration)

    async def take_some(self, _policy, most):
        self.asked.append(most)
        if self.wrong:
            raise TypeError("a script that answers nonsense")
        if self.away:
            raise Unavailable("redis", "no connection to it")
        self.asking += 1
        self.most = max(self.most, self.asking)
        await self.answers.acquire()
        self.asking -= 1
        taken = min(most, self.tokens)
        self.tokens -= taken
        return taken, timedelta(0)


@pytest.fixture
def bucket():
    return Bucket()


@pytest.fixture
def pacer(bucket):
    made = Pacer()
    made.limits = bucket
    return made


@pytest.fixture
def paces(monkeypatch):
    """All sleeps of the line; none takes any time."""
    kept = []
    slept = asyncio.sleep

    async def sleep(seconds):
        kept.append(seconds)
        await slept(0)

    monkeypatch.setattr(pacing.asyncio, "sleep", sleep)
    return kept


async def test_before_the_bot_is_known_everything_passes():
    await Pacer().wait()


async def test_one_question_is_for_a_few_and_who_waits_longest_goes_first(
    pacer, bucket, monkeypatch
):
    monkeypatch.setattr(pacing, "ASK_EVERY", 3600.0)
    gone = []

    async def go(number):
        await pacer.wait()
        gone.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(go(number))
        await until(lambda: bucket.asking)
        for _ in range(20):
            bucket.answers.release()

    assert gone == list(range(20))
    assert bucket.most == 1
    assert len(bucket.asked) <= 2 + 20 / DISCORD_GLOBAL.capacity


async def test_where_answers_come_late_a_few_questions_are_under_way_at_once(
    pacer, bucket, monkeypatch
):
    monkeypatch.setattr(pacing, "ASK_EVERY", 1e-9)
    gone = []

    async def go(number):
        await pacer.wait()
        gone.append(number)

    async with asyncio.TaskGroup() as tasks:
        for number in range(100):
            tasks.create_task(go(number))
        bucket.answers.release()
        await until(lambda: bucket.asking == pacing.MOST_ASKING)
        for _ in range(100):
            bucket.answers.release()

    assert gone == list(range(100))
    assert bucket.most == pacing.MOST_ASKING


async def test_an_empty_bucket_is_asked_again_until_it_has_one(pacer, bucket):
    bucket.tokens = 0
    waiting = asyncio.create_task(pacer.wait())
    for _ in range(3):
        bucket.answers.release()
    await until(lambda: len(bucket.asked) == 4)
    assert not waiting.done()

    bucket.tokens = 1
    bucket.answers.release()

    await waiting


async def test_who_waits_no_longer_holds_up_nobody(pacer, bucket):
    gone = [asyncio.create_task(pacer.wait()) for _ in range(5)]
    await until(lambda: bucket.asking)
    for task in gone[:4]:
        task.cancel()
    bucket.tokens = 1
    bucket.answers.release()

    await gone[4]


async def test_an_error_that_nobody_thought_of_is_told_to_who_waits(pacer, bucket):
    bucket.wrong = True
    with pytest.raises(TypeError):
        await pacer.wait()

    bucket.wrong = False
    bucket.answers.release()
    await pacer.wait()


@pytest.mark.parametrize("gateways", [1, 16])
async def test_while_redis_is_away_all_gateways_share_a_slow_pace(
    pacer, bucket, monkeypatch, paces, gateways
):
    monkeypatch.setattr(pacing, "AGAIN", timedelta(hours=1))
    bucket.away = True
    pacer.gateways = lambda: gateways

    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(pacer.wait())

    assert paces == [gateways * pacing.ALONE.total_seconds()] * 20
    assert len(bucket.asked) == 1


def test_who_is_without_redis_and_who_is_not_stay_within_discords_limit_together():
    shared = DISCORD_GLOBAL.capacity * (timedelta(seconds=1) / DISCORD_GLOBAL.per)

    assert shared + timedelta(seconds=1) / pacing.ALONE <= 50


async def test_once_redis_is_back_the_shared_bucket_counts_again(pacer, bucket, monkeypatch):
    monkeypatch.setattr(pacing, "AGAIN", timedelta(0))
    monkeypatch.setattr(pacing, "ALONE", timedelta(0))
    bucket.away = True
    await pacer.wait()
    bucket.away = False
    bucket.answers.release()

    await pacer.wait()

    assert len(bucket.asked) == 2
    assert bucket.answers.locked()


HOUR = timedelta(hours=1)


async def test_who_was_refused_goes_before_who_has_not_asked_yet(pacer, bucket, monkeypatch):
    monkeypatch.setattr(pacing, "ASK_EVERY", 3600.0)
    gone = []

    async def go(name, *, again=False):
        await pacer.wait(again=again)
        gone.append(name)

    async with asyncio.TaskGroup() as tasks:
        for name in range(5):
            tasks.create_task(go(name))
        await until(lambda: bucket.asking)
        tasks.create_task(go("refused", again=True))
        await asyncio.sleep(0)
        for _ in range(6):
            bucket.answers.release()

    assert gone == ["refused", *range(5)]


async def test_while_the_bot_is_refused_nobody_goes_and_the_other_gateways_hear_of_it(
    pacer, bucket, paces
):
    await pacer.hold(HOUR)
    waiting = asyncio.create_task(pacer.wait())
    await until(lambda: max(paces, default=0.0) > 3_000)

    assert bucket.held == [HOUR]
    assert not waiting.done()
    waiting.cancel()


async def test_a_token_that_comes_when_the_bot_was_just_refused_lapses(pacer, bucket):
    waiting = asyncio.create_task(pacer.wait())
    await until(lambda: bucket.asking)

    await pacer.hold(HOUR)
    bucket.answers.release()
    await until(lambda: not bucket.asking)

    assert not waiting.done()
    waiting.cancel()


async def test_a_shorter_hold_does_not_end_a_longer_one(pacer, paces):
    pacer.limits = None
    await pacer.hold(HOUR)
    await pacer.hold(timedelta(seconds=1))

    await pacer.wait()

    assert paces == [pytest.approx(HOUR.total_seconds(), abs=300)]


async def test_without_redis_a_gateway_holds_by_itself(pacer, bucket, paces):
    bucket.away = True
    await pacer.hold(HOUR)
    waiting = asyncio.create_task(pacer.wait())
    await until(lambda: max(paces, default=0.0) > 3_000)

    assert not waiting.done()
    waiting.cancel()


async def test_once_the_hold_is_over_the_line_moves_on(pacer, bucket):
    await pacer.hold(timedelta(milliseconds=20))
    bucket.answers.release()

    await pacer.wait()

    assert bucket.asked == [1]
