import asyncio

import pytest

from legato.contracts.partitions import Shard
from legato.errors import Unavailable
from legato.gateway.open_notes import OpenNotes
from legato.gateway.shard_store import OpenInteraction
from legato.leases import Lease
from support_fast import fast

LEASE = Lease(Shard(1, 0, 1), "me", 1, 0.0)


class Store:
    """What stands in Redis; away for so many writes."""

    def __init__(self):
        self.noted = {}
        self.writes = 0
        self.away = 0

    async def note_open(self, _lease, waiting, answered):
        waiting, answered = [*waiting], [*answered]
        await asyncio.sleep(0.01)
        if self.away:
            self.away -= 1
            raise Unavailable("redis", "away")
        self.writes += 1
        self.noted |= {one.id: one for one in waiting}
        for number in answered:
            self.noted.pop(number, None)


def one(number):
    return OpenInteraction(id=number, application_id=1, token="t", received_at=0)


def notes_run(main):
    async def run():
        store = Store()
        notes = OpenNotes(store)
        running = asyncio.create_task(notes.run(lambda: LEASE))
        try:
            await main(notes, store)
        finally:
            running.cancel()
        return store

    return fast(run())


def test_what_is_answered_within_a_moment_costs_nothing():
    async def main(notes, _):
        for number in range(50):
            notes.add(one(number))
            await asyncio.sleep(0.001)
            notes.remove(number)
        await asyncio.sleep(5)

    assert notes_run(main).writes == 0


def test_what_waits_is_noted_together_and_taken_back_when_answered():
    async def main(notes, store):
        for number in range(3):
            notes.add(one(number))
        await asyncio.sleep(1)
        assert (store.writes, {*store.noted}) == (1, {0, 1, 2})
        notes.remove(1)
        await asyncio.sleep(1)

    assert {*notes_run(main).noted} == {0, 2}


def test_what_is_answered_while_it_is_being_written_is_taken_back():
    async def main(notes, _):
        notes.add(one(1))
        await asyncio.sleep(0.105)
        notes.remove(1)
        await asyncio.sleep(1)

    store = notes_run(main)

    assert (store.writes, store.noted) == (2, {})


def test_what_the_last_owner_left_is_taken_back_too():
    async def main(notes, store):
        store.noted = {7: one(7)}
        notes.left_by_another({7})
        notes.remove(7)
        await asyncio.sleep(1)

    assert notes_run(main).noted == {}


def test_without_redis_it_is_written_later():
    async def main(notes, store):
        store.away = 3
        notes.add(one(1))
        notes.add(one(2))
        await asyncio.sleep(0.3)
        notes.remove(2)
        await asyncio.sleep(9)

    assert {*notes_run(main).noted} == {1}


def test_writing_in_the_end_says_where_redis_is_away():
    async def main():
        store = Store()
        store.away = 1
        notes = OpenNotes(store)
        notes.add(one(1))
        with pytest.raises(Unavailable):
            await notes.write(LEASE)
        await notes.write(LEASE)
        return store

    assert {*fast(main()).noted} == {1}
