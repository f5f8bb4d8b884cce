"""Who may connect a shard and when it may IDENTIFY: only with the lease, and by permit."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

from prometheus_client import CollectorRegistry

from legato.contracts.partitions import Shard
from legato.errors import Unavailable
from legato.gateway.identify import Decision
from legato.gateway.metrics import Metrics
from legato.gateway.turnstile import Permits, Turnstile
from legato.leases import Lease
from support_fast import fast

FOREVER = Lease(Shard(1, 0, 1), "me", 1, time.monotonic() + 1e6)
ENDED = Lease(Shard(1, 0, 1), "me", 1, 0.0)
ALONE = replace(ENDED, alone_until=time.monotonic() + 1e6)


class Office:
    """The ledger, scripted: what it says to each question, and what it was asked."""

    def __init__(self, *says, confirms=(True,)):
        self.says = list(says)
        self.confirms = list(confirms)
        self.slow = []
        self.asked = []

    async def ask(self, shard):
        self.asked.append(("ask", shard))
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, Exception):
            raise said
        return Decision(*said)

    async def confirm(self, shard, permit):
        self.asked.append(("confirm", permit))
        await asyncio.sleep(self.slow.pop(0) if self.slow else 0)
        return self.confirms.pop(0) if len(self.confirms) > 1 else self.confirms[0]

    async def give_back(self):
        self.asked.append("give back")

    async def learn(self):
        self.asked.append("learn")


class Guard:
    """The crash-loop limit outside of Redis."""

    def __init__(self, *delays):
        self.delays = [timedelta(seconds=delay) for delay in delays]

    async def admit(self, *, now):
        return self.delays.pop(0) if self.delays else timedelta()


def turnstile(office, *, guard=None, lease=lambda: FOREVER):
    metrics = Metrics(CollectorRegistry())
    permits = Permits(office, guard or Guard(), office.learn, metrics)
    return Turnstile(3, lease, permits)


async def passed(gate, *, resuming=False):
    """Go through, and say how long that took."""
    began = asyncio.get_running_loop().time()
    await gate.may_connect(resuming=resuming)
    if not resuming:
        await gate.may_identify()
    return asyncio.get_running_loop().time() - began


def test_a_permit_is_asked_before_the_socket_and_used_right_before_identify():
    office = Office(("granted", 77))

    fast(passed(turnstile(office)))

    assert office.asked == [("ask", 3), ("confirm", 77)]


def test_a_resume_asks_nobody():
    office = Office(Unavailable("redis", "away"))

    fast(passed(turnstile(office), resuming=True))

    assert office.asked == []


def test_without_the_lease_nobody_connects_not_even_to_resume():
    held = [None] * 20 + [FOREVER]

    def lease():
        return held.pop(0) if len(held) > 1 else held[0]

    office = Office(("granted", 1))

    assert fast(passed(turnstile(office, lease=lease), resuming=True)) >= 3.9
    assert office.asked == []


def test_a_lease_that_is_about_to_end_is_enough_to_resume_and_not_to_identify():
    office = Office(("granted", 1))
    gate = turnstile(office, lease=lambda: ALONE)

    async def main():
        await gate.may_connect(resuming=True)
        try:
            async with asyncio.timeout(60):
                await gate.may_connect(resuming=False)
        except TimeoutError:
            return "waits"
        return "identifies"

    assert fast(main()) == "waits"


def test_who_was_frozen_past_its_lease_connects_to_nothing():
    held = [ENDED] * 20 + [FOREVER]

    def lease():
        return held.pop(0) if len(held) > 1 else held[0]

    assert fast(passed(turnstile(Office(("granted", 1)), lease=lease), resuming=True)) >= 3.9


def test_without_redis_a_session_is_resumed_once_and_not_stolen_back_and_forth():
    held = [ALONE]
    gate = turnstile(Office(("granted", 1)), lease=lambda: held[0])

    async def main():
        await gate.may_connect(resuming=True)
        await gate.may_connect(resuming=True)  # the first connection came to nothing
        gate.note_resumed()
        try:
            async with asyncio.timeout(60):
                await gate.may_connect(resuming=True)
        except TimeoutError:
            held[0] = FOREVER
        await gate.may_connect(resuming=True)
        return held[0]

    assert fast(main()) is FOREVER


def test_a_permit_that_got_too_old_is_replaced_by_a_new_one():
    office = Office(("granted", 1), ("granted", 2), confirms=(False, True))

    fast(passed(turnstile(office)))

    assert office.asked == [("ask", 3), ("confirm", 1), ("ask", 3), ("confirm", 2)]


def test_a_permit_whose_confirmation_took_long_is_given_back_and_not_used():
    office = Office(("granted", 1), ("granted", 2))
    office.slow = [0.4]

    fast(passed(turnstile(office)))

    assert office.asked == [
        ("ask", 3),
        ("confirm", 1),
        "give back",
        ("ask", 3),
        ("confirm", 2),
    ]


def test_a_ledger_that_was_lost_learns_from_discord_first():
    office = Office(("unknown", 0), ("granted", 1))

    fast(passed(turnstile(office)))

    assert office.asked[:3] == [("ask", 3), "learn", ("ask", 3)]


def test_it_waits_as_long_as_the_ledger_says():
    office = Office(("wait", 5500), ("granted", 1))

    assert 5.5 <= fast(passed(turnstile(office))) < 5.6


def test_without_redis_nobody_identifies():
    office = Office(*[Unavailable("redis", "away")] * 30, ("granted", 1))

    assert fast(passed(turnstile(office))) >= 30


def test_a_days_identifies_that_are_used_up_are_waited_for():
    office = Office(*[("refused", 3_600_000)] * 3, ("granted", 1))

    assert fast(passed(turnstile(office))) >= 90


def test_a_crash_loop_waits_outside_of_redis_too():
    office = Office(("granted", 1))

    assert fast(passed(turnstile(office, guard=Guard(300, 12)))) >= 42
    assert office.asked == [("ask", 3), ("confirm", 1)]
