"""The way to the players' inboxes: refused kindly only while much of it waits."""

import pytest

from legato import redis
from legato.bus import Bus
from legato.contracts import keys
from legato.contracts.playback import Origin, Pause
from legato.gateway import producer
from legato.gateway.producer import Layout, Producer

GUILD = 42 << 22
ORIGIN = Origin(source="interaction", user_id=1, channel_id=2, received_at=3)


@pytest.fixture
async def client(valkey_url):
    made = redis.connect(valkey_url)
    await made.flushdb()
    yield made
    await made.aclose()


@pytest.mark.parametrize(("committed", "crowded"), [(0, True), (3, True), (4, False), (6, False)])
async def test_only_what_no_step_has_answered_yet_counts(client, monkeypatch, committed, crowded):
    monkeypatch.setattr(producer, "MOST_WAITING", 3)
    sender = Producer(client, Bus(client), Layout(bot=7, partitions=1))
    partition = sender.partition(GUILD)
    for number in range(6):
        await sender.send(Pause(id=number, guild_id=GUILD, origin=ORIGIN, expires_at=9))
    entries = [one for one, _ in await client.xrange(keys.inbox(partition))]
    if committed:
        await client.set(keys.position(partition), f"{entries[committed - 1].decode()} {committed}")

    assert await sender.is_crowded(GUILD) is crowded
