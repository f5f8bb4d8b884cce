"""The slash commands reach Discord: only when they changed, and in the end in any case."""

from datetime import timedelta

import pytest

from legato import redis
from legato.contracts import keys
from legato.errors import Unavailable
from legato.gateway import discord
from legato.gateway.registration import Registration, until_registered

SOON = timedelta(milliseconds=5)


class Applications:
    """Discord's end: keeps who got commands, and fails as told."""

    def __init__(self, *failures):
        self.puts = []
        self.failures = list(failures)

    async def call(self, route, body=None, **path):
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        self.puts.append(path.get("guild", "global"))


@pytest.fixture
async def client(valkey_url):
    opened = redis.connect(valkey_url)
    await opened.flushall()
    yield opened
    await opened.aclose()


async def test_what_discord_has_already_is_not_sent_again(client):
    there = Applications()

    assert await Registration(client, there, bot=1, guilds=[5]).bring_up_to_date()
    assert await Registration(client, there, bot=1, guilds=[5]).bring_up_to_date()

    assert there.puts == ["global", "5"]


async def test_one_gateway_registers_and_the_others_come_back_later(client):
    there = Applications()
    await client.set(keys.command_claim(1), "1")
    registration = Registration(client, there, bot=1)

    assert not await registration.bring_up_to_date()
    assert there.puts == []

    await client.delete(keys.command_claim(1))
    assert await registration.bring_up_to_date()


@pytest.mark.parametrize(
    "failure", [Unavailable("discord", "away"), discord.Refused(400, 50035, "Invalid Form Body")]
)
async def test_what_failed_is_tried_again(client, failure):
    there = Applications(failure, failure)

    await until_registered(Registration(client, there, bot=1), first=SOON)

    assert there.puts == ["global"]


async def test_a_guild_that_refuses_keeps_no_other_from_its_commands(client):
    there = Applications(None, discord.Refused(403, 50001, "Missing Access"))

    assert not await Registration(client, there, bot=1, guilds=[5, 6]).bring_up_to_date()

    assert there.puts == ["global", "6"]
