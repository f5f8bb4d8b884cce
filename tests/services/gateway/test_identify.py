import asyncio
import itertools
import time
from datetime import timedelta

import pytest

from legato import redis as reach
from legato.gateway.identify import CrashLoopGuard, Ledger, StartLimit

VALIDITY = timedelta(milliseconds=100)
FAST = {"spacing": timedelta(milliseconds=260), "validity": VALIDITY}
WINDOW = 0.25


def limit(total=1000, remaining=1000, max_concurrency=2):
    return StartLimit(total, remaining, timedelta(hours=20), max_concurrency)


@pytest.fixture
async def redis(valkey_url):
    client = reach.connect(valkey_url)
    await client.flushall()
    yield client
    await client.aclose()


async def identify(ledger, shard, sent):
    """Do what a shard does: wait, be granted, take a moment (now and then too long), send."""
    for attempt in range(50):
        decision = await ledger.ask(shard)
        if decision.word != "granted":
            await asyncio.sleep(decision.number / 1000)
            continue
        if (shard + attempt) % 5 == 0:
            await asyncio.sleep(VALIDITY.total_seconds() * 2)
        asked = time.monotonic()
        if await ledger.confirm(shard, decision.number):
            sent.append((shard % 2, asked, time.monotonic()))
            return


async def test_many_askers_at_once_never_break_the_spacing_of_a_bucket(redis):
    ledgers = [Ledger(redis, bot=1, **FAST) for _ in range(4)]
    await ledgers[0].learn(limit())
    sent = []

    await asyncio.gather(*(identify(ledgers[shard % 4], shard, sent) for shard in range(12)))

    for bucket in (0, 1):
        times = sorted((asked, told) for of, asked, told in sent if of == bucket)
        assert len(times) == 6
        # Each was confirmed at some moment between.
        assert min(b[1] - a[0] for a, b in itertools.pairwise(times)) >= WINDOW


async def test_a_permit_counts_for_a_moment_only_and_once(redis):
    validity = timedelta(milliseconds=250)
    ledger = Ledger(redis, bot=1, spacing=timedelta(seconds=1), validity=validity)
    await ledger.learn(limit())

    permit = (await ledger.ask(0)).number
    assert await ledger.confirm(0, permit)
    assert not await ledger.confirm(0, permit)

    late = await ledger.ask(1)
    await asyncio.sleep(validity.total_seconds() * 5)
    assert not await ledger.confirm(1, late.number)


async def test_below_the_reserve_nobody_identifies(redis):
    ledger = Ledger(redis, bot=1, reserve=50, spacing=timedelta(0))
    await ledger.learn(limit(remaining=51))

    words = [(await ledger.ask(shard)).word for shard in (0, 1)]

    assert words == ["granted", "refused"]


async def test_a_lost_ledger_is_unknown_and_then_waits_a_whole_spacing(redis):
    ledger = Ledger(redis, bot=1)
    assert (await ledger.ask(0)).word == "unknown"
    await ledger.learn(limit(remaining=999))

    decision = await ledger.ask(0)

    assert decision.word == "wait"
    assert 5000 < decision.number <= 5500


async def test_the_smaller_of_the_two_accounts_counts(redis):
    ledger = Ledger(redis, bot=1)
    await ledger.learn(limit(remaining=600))

    assert await ledger.learn(limit(remaining=900)) == 600
    assert await ledger.learn(limit(remaining=500)) == 500


async def test_what_is_given_back_counts_again_but_never_more_than_there_are(redis):
    ledger = Ledger(redis, bot=1)
    await ledger.learn(limit(remaining=999))
    await ledger.give_back()
    await ledger.give_back()

    assert await ledger.learn(limit(remaining=1000)) == 1000


async def test_a_crash_loop_is_stopped_by_a_file_alone(tmp_path):
    file = tmp_path / "deep" / "identifies.json"
    admitted = [
        await CrashLoopGuard(file, most=3).admit(now=1000.0 + second) for second in range(5)
    ]

    assert admitted[:3] == [timedelta()] * 3
    assert admitted[3] == timedelta(seconds=3597)
    assert await CrashLoopGuard(file, most=3).admit(now=5000.0) == timedelta()


async def test_a_broken_file_stops_nobody(tmp_path):
    file = tmp_path / "identifies.json"
    file.write_text("{")

    assert await CrashLoopGuard(file, most=1).admit(now=1.0) == timedelta()


async def test_many_shards_at_once_are_all_counted(tmp_path):
    guard = CrashLoopGuard(tmp_path / "identifies.json", most=64)

    delays = await asyncio.gather(*(guard.admit(now=1000.0 + shard) for shard in range(65)))

    assert sum(not delay for delay in delays) == 64


async def test_a_disk_that_takes_nothing_is_told_of_and_the_process_counts_on_its_own(tmp_path):
    nowhere = tmp_path / "file"
    nowhere.write_text("in the way of a folder")
    guard = CrashLoopGuard(nowhere / "identifies.json", most=2)

    delays = [await guard.admit(now=1000.0 + second) for second in range(3)]

    assert delays == [timedelta(), timedelta(), timedelta(seconds=3598)]
