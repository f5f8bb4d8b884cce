"""A crowd types in one call, and what came of each is told briefly."""

from legato_simulator.actions.many import Typing
from support_discord import Client

QUEUE = {"name": "queue", "description": "Queue"}


async def test_a_crowd_sits_in_voice_and_its_commands_arrive_in_order(bot: Client) -> None:
    await bot.register(QUEUE)
    wire = await bot.logged_in()
    guilds = await bot.sim.script.make_crowd(3, 2)
    typed = [
        Typing(user=person, channel=guild.text, command="queue")
        for guild in guilds
        for person in guild.people
    ]

    ids = await bot.sim.script.run_commands(typed)

    states = await bot.sim.script.voice_states(guilds[0].guild_id)
    assert [each["channel_id"] for each in states] == [guilds[0].voice] * 2
    arrived = [(await wire.event("INTERACTION_CREATE"))["id"] for _ in typed]
    assert arrived == ids
    assert ids == sorted(ids, key=int)


async def test_an_outcome_says_what_was_told_and_how_often(bot: Client) -> None:
    await bot.register(QUEUE)
    wire = await bot.logged_in()
    guild = (await bot.sim.script.make_crowd(1, 1))[0]
    typed = Typing(user=guild.people[0], channel=guild.text, command="queue")
    ids = await bot.sim.script.run_commands([typed] * 3)
    bodies = [await wire.event("INTERACTION_CREATE") for _ in ids]
    for body, kind in zip(bodies, (4, 5), strict=False):
        path = f"/interactions/{body['id']}/{body['token']}/callback"
        data = {"content": "at once"} if kind == 4 else {}
        await bot.rest("POST", path, {"type": kind, "data": data})

    hook = f"/webhooks/{bodies[1]['application_id']}/{bodies[1]['token']}/messages/@original"
    before = (await bot.sim.script.outcomes(ids[0]))[0]
    embed = {"title": "Queue", "footer": {"text": "0 tracks"}}
    await bot.rest("PATCH", hook, {"content": "later", "embeds": [embed]})
    await bot.rest("PATCH", hook, {"content": "later", "embeds": [embed]})
    first, second, third = await bot.sim.script.outcomes()
    waiting = await bot.sim.script.waiting(3600.0)
    await bot.rest("PATCH", hook, {"content": "other", "embeds": [embed]})
    again = (await bot.sim.script.outcomes(ids[0]))[0]

    assert (first.told, first.said, first.deferred) == (1, ["at once"], False)
    assert (before.told, before.said, before.deferred) == (0, [], True)
    assert (second.told, second.said) == (1, ["later\nQueue\n0 tracks"])
    assert again.told == 2
    assert (third.told, third.said, third.answered_at) == (0, [], None)
    assert waiting == 1
    assert await bot.sim.script.waiting(0.0) == 0


async def test_crowds_made_at_once_have_guilds_of_their_own(bot: Client) -> None:
    first = await bot.sim.script.make_crowd(50, 1)
    second = await bot.sim.script.make_crowd(50, 1)

    ids = {int(guild.guild_id) >> 22 for guild in (*first, *second)}
    assert len(ids) == 100
    assert max(ids) - min(ids) <= 102
