from legato.contracts.flags import Flag
from legato.store import flags


async def test_a_bots_own_flag_comes_before_every_bots(database):
    await flags.save(database, "lyrics", percent=0)
    await flags.save(database, "radio", percent=50)
    await flags.save(database, "lyrics", percent=100, guild_ids=[3, 2], bot_id=1)

    assert await flags.load(database, 1) == {
        "lyrics": Flag(name="lyrics", percent=100, guild_ids=(2, 3)),
        "radio": Flag(name="radio", percent=50),
    }
    assert (await flags.load(database, 2))["lyrics"].percent == 0
