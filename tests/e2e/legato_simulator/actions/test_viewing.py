"""What one person's Discord shows: not more and not less than they may see."""

import pytest

from legato_simulator.views import ScriptError
from support_discord import Client
from support_waiting import until

STOP = {"name": "stop", "description": "Stop"}
RULE = {"name": "rule", "description": "Rule", "default_member_permissions": "32"}


async def test_with_nobody_named_it_is_the_first_persons_view(bot: Client) -> None:
    view = await bot.sim.script.view()

    assert view.user.name == "Ada"
    assert [each.name for each in view.people] == ["Legato", "Ada", "Ben", "Cleo", "Dmitri"]
    lounge = view.guilds[0]
    assert [each.name for each in lounge.channels] == ["music", "Listening room", "Stage"]
    assert [each.may_join for each in lounge.channels] == [False, True, True]


async def test_a_hidden_channel_is_in_nobodys_view_who_may_not_see_it(bot: Client) -> None:
    channel = await bot.channel("music")
    await bot.sim.script.set_permissions(channel, "@everyone", deny=["VIEW_CHANNEL"])

    names = [each.name for each in (await bot.sim.script.view("Ben")).guilds[0].channels]
    assert "music" not in names
    with pytest.raises(ScriptError, match="does not see"):
        await bot.sim.script.history("Ben", channel)
    assert await bot.sim.script.history("Ada", channel) == []


async def test_who_is_in_voice_is_in_the_view(bot: Client) -> None:
    room = await bot.channel("Listening room")
    await bot.sim.script.join_voice("Ben", room)

    voice = (await bot.sim.script.view("Ada")).guilds[0].voice
    assert [(each.channel_id, each.mute, each.speaking) for each in voice] == [(room, False, False)]


async def test_an_ephemeral_answer_is_in_its_askers_history_alone(bot: Client) -> None:
    wire = await bot.logged_in()
    await bot.register(STOP)
    sent = await bot.sim.script.run_command("Ada", "music", "stop")
    event = await wire.event("INTERACTION_CREATE")
    path = f"/interactions/{event['id']}/{event['token']}/callback"
    await bot.rest("POST", path, {"type": 4, "data": {"content": "Done", "flags": 64}})
    await sent.response()
    await bot.sim.script.send_message("Ben", "music", "Hello")

    hers = await bot.sim.script.history("Ada", "music")
    assert [(each.content, each.command) for each in hers] == [("Done", "stop"), ("Hello", None)]
    assert [each.content for each in await bot.sim.script.history("Ben", "music")] == ["Hello"]
    older = await bot.sim.script.history("Ada", "music", before=hers[1].id)
    assert [each.content for each in older] == ["Done"]


async def test_only_the_commands_one_may_use_are_offered(bot: Client) -> None:
    await bot.register(STOP, RULE)

    assert [each.command["name"] for each in await bot.sim.script.offers("Ada", "music")] == [
        "stop",
        "rule",
    ]
    assert [each.command["name"] for each in await bot.sim.script.offers("Ben", "music")] == [
        "stop"
    ]


async def test_a_guilds_own_command_hides_the_global_one(bot: Client) -> None:
    await bot.register(STOP)
    path = f"/applications/{bot.bot_id}/guilds/{await bot.guild()}/commands"
    await bot.rest("PUT", path, [STOP | {"description": "Here"}])

    offers = await bot.sim.script.offers("Ben", "music")
    assert [each.command["description"] for each in offers] == ["Here"]


async def test_a_bot_is_online_while_it_is_connected(bot: Client) -> None:
    assert not (await bot.sim.script.view()).people[0].online
    wire = await bot.logged_in()

    async def online(wanted: bool) -> bool:
        return (await bot.sim.script.view()).people[0].online is wanted

    await until(lambda: online(True))
    await wire.ws.close()
    await until(lambda: online(False))
