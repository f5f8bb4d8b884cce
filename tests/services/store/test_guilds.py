from legato.contracts.settings import GuildSettings
from legato.store import guilds


async def test_settings_come_back_and_older_ones_are_refused(database):
    newer = GuildSettings(dj_role_id=9, default_volume=80, version=2)

    assert await guilds.save(database, 1, 5, newer, epoch=7)
    assert not await guilds.save(database, 1, 5, GuildSettings(version=1), epoch=7)
    assert not await guilds.save(database, 1, 5, GuildSettings(version=9), epoch=6)

    assert await guilds.load(database, 1) == {5: newer}
    assert await guilds.load(database, 1, [5]) == {5: newer}
    assert await guilds.load(database, 1, [6]) == {}
