import asyncio
from collections.abc import AsyncIterator

import pytest

from legato.audio import guild_settings
from legato.audio.events import SettingsFound
from legato.audio.guild_settings import SettingsOfNew
from legato.contracts.settings import GuildSettings
from legato.errors import Unavailable
from support_waiting import until

STORED = GuildSettings(dj_role_id=5, version=1)


class Store:
    """Answers when it is let."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.asked: list[int] = []
        self.fails = 0
        self.nonsense: set[int] = set()

    async def read(self, guild_id: int) -> GuildSettings:
        self.asked.append(guild_id)
        if guild_id in self.nonsense:
            raise ValueError("no settings at all")
        if self.fails:
            self.fails -= 1
            raise Unavailable("postgres", "away")
        await self.answers.wait()
        return STORED


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def told() -> list[SettingsFound]:
    return []


@pytest.fixture
async def settings(store: Store, told: list[SettingsFound]) -> AsyncIterator[SettingsOfNew]:
    made = SettingsOfNew(store.read, told.append)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()


async def test_a_store_that_answers_is_believed(store, settings, told) -> None:
    store.answers.set()

    assert await settings.of(1) == STORED
    assert told == []


async def test_a_slow_store_holds_a_partition_up_once_and_for_moments(
    store, settings, told
) -> None:
    found = [await settings.of(guild) for guild in range(1, 101)]

    assert found == [GuildSettings()] * 100
    assert set(store.asked) == {1}
    store.answers.set()
    await until(lambda: len(told) == 100)
    assert SettingsFound(guild_id=100, settings=STORED) in told


async def test_a_store_that_is_away_is_asked_again_until_it_answers(
    store, settings, told, monkeypatch
) -> None:
    monkeypatch.setattr(guild_settings, "AGAIN", guild_settings.WITHIN / 20)
    store.fails = 4
    store.answers.set()

    assert await settings.of(1) == GuildSettings()
    await until(lambda: told == [SettingsFound(guild_id=1, settings=STORED)])
    assert await settings.of(2) == STORED


async def test_what_can_not_be_read_holds_up_no_other(store, settings, told) -> None:
    store.nonsense = {1, 2}
    assert await settings.of(1) == GuildSettings()
    await settings.of(3)  # late: so will be the next
    assert await settings.of(2) == GuildSettings()
    store.answers.set()
    await settings.of(4)

    await until(lambda: {event.guild_id for event in told} == {3, 4})
    assert await settings.of(5) == STORED
