from support_discord import Client


async def join(bot: Client, name: str) -> tuple[object, str, str]:
    guild, channel = await bot.guild(), await bot.channel(name)
    wire = await bot.logged_in()
    await wire.send(4, {"guild_id": guild, "channel_id": channel, "self_deaf": True})
    await wire.event("VOICE_SERVER_UPDATE")
    return wire, guild, channel


async def test_voice_states_are_shown(bot: Client) -> None:
    guild = await bot.guild()
    path = f"/guilds/{guild}/voice-states"
    assert (await bot.rest("GET", f"{path}/@me"))[1]["code"] == 10065

    _, guild, channel = await join(bot, "Listening room")

    _, mine = await bot.rest("GET", f"{path}/@me")
    assert (mine["channel_id"], mine["self_deaf"], mine["user_id"]) == (channel, True, bot.bot_id)
    await bot.sim.script.join_voice("Ada", channel)
    ada = (await bot.sim.script.world()).user("Ada").id
    assert (await bot.rest("GET", f"{path}/{ada}"))[1]["channel_id"] == channel


async def test_on_a_stage_the_bot_is_silent_until_it_may_speak(bot: Client) -> None:
    await bot.sim.script.set_role("Legato Lounge", "Legato", ["VIEW_CHANNEL"])
    _, guild, _ = await join(bot, "Stage")
    path = f"/guilds/{guild}/voice-states/@me"
    assert (await bot.rest("GET", path))[1]["suppress"] is True

    assert (await bot.rest("PATCH", path, {"suppress": False}))[1]["code"] == 50013
    asked = {"request_to_speak_timestamp": "2026-11-23T00:00:00+00:00"}
    assert (await bot.rest("PATCH", path, asked))[0] == 204
    await bot.sim.script.set_role(guild, "Legato", ["VIEW_CHANNEL", "MUTE_MEMBERS"])
    assert (await bot.rest("PATCH", path, {"suppress": False}))[0] == 204
    assert (await bot.rest("GET", path))[1]["suppress"] is False


async def test_a_voice_channel_has_a_status_line(bot: Client) -> None:
    wire, _, channel = await join(bot, "Listening room")
    path = f"/channels/{channel}/voice-status"

    assert (await bot.rest("PUT", path, {"status": "Nocturne"}))[0] == 204

    told = await wire.event("VOICE_CHANNEL_STATUS_UPDATE")  # type: ignore[attr-defined]
    assert (told["id"], told["status"]) == (channel, "Nocturne")
    assert (await bot.rest("PUT", path, {"status": "x" * 501}))[1]["code"] == 50035
    assert (await bot.rest("PUT", path, {"status": None}))[0] == 204


async def test_the_status_of_a_channel_it_is_not_in_takes_more(bot: Client) -> None:
    path = f"/channels/{await bot.channel('Listening room')}/voice-status"

    assert (await bot.rest("PUT", path, {"status": "x"}))[1]["code"] == 50013
