from support_discord import Client


async def test_guilds_members_roles_and_channels_are_shown(bot: Client) -> None:
    guild = await bot.guild()
    world = await bot.sim.script.world()
    ada = world.user("Ada").id

    _, shown = await bot.rest("GET", f"/guilds/{guild}", params={"with_counts": "true"})
    _, channels = await bot.rest("GET", f"/guilds/{guild}/channels")
    _, members = await bot.rest("GET", f"/guilds/{guild}/members", params={"limit": "100"})
    _, member = await bot.rest("GET", f"/guilds/{guild}/members/{ada}")
    _, found = await bot.rest("GET", f"/guilds/{guild}/members/search", params={"query": "be"})
    _, roles = await bot.rest("GET", f"/guilds/{guild}/roles")

    assert (shown["name"], shown["approximate_member_count"]) == ("Legato Lounge", 5)
    assert [each["type"] for each in channels] == [0, 2, 13]
    assert len(members) == 5
    assert (member["user"]["global_name"], found[0]["user"]["username"]) == ("Ada", "ben")
    assert {each["name"] for each in roles} == {"@everyone", "Legato"}


async def test_a_guild_without_the_bot_is_missing_access(bot: Client) -> None:
    guild = await bot.guild()
    await bot.sim.script.kick_bot(guild)

    assert (await bot.rest("GET", f"/guilds/{guild}"))[1]["code"] == 50001
    assert (await bot.rest("GET", "/guilds/123456789012345678"))[1]["code"] == 10004


async def test_roles_are_made_given_and_deleted_by_who_may(bot: Client) -> None:
    guild = await bot.guild()
    ben = (await bot.sim.script.world()).user("Ben").id
    assert (await bot.rest("POST", f"/guilds/{guild}/roles", {"name": "DJ"}))[1]["code"] == 50013
    await bot.sim.script.set_role(guild, "Legato", ["MANAGE_ROLES", "VIEW_CHANNEL"])

    _, role = await bot.rest("POST", f"/guilds/{guild}/roles", {"name": "DJ", "permissions": "0"})
    path = f"/guilds/{guild}/members/{ben}/roles/{role['id']}"
    assert (await bot.rest("PUT", path))[0] == 204
    assert (await bot.rest("GET", f"/guilds/{guild}/members/{ben}"))[1]["roles"] == [role["id"]]
    assert (await bot.rest("DELETE", path))[0] == 204
    one = f"/guilds/{guild}/roles/{role['id']}"
    assert (await bot.rest("PATCH", one, {"name": "Disc"}))[1]["name"] == "Disc"
    assert (await bot.rest("DELETE", one))[0] == 204
    assert (await bot.rest("GET", one))[1]["code"] == 10011


async def test_a_member_is_muted_and_moved_only_while_connected(bot: Client) -> None:
    guild = await bot.guild()
    ben = (await bot.sim.script.world()).user("Ben").id
    await bot.sim.script.set_role(guild, "Legato", ["MUTE_MEMBERS", "MOVE_MEMBERS", "VIEW_CHANNEL"])
    path = f"/guilds/{guild}/members/{ben}"

    assert (await bot.rest("PATCH", path, {"mute": True}))[1]["code"] == 40032
    await bot.sim.script.join_voice("Ben", "Listening room")
    assert (await bot.rest("PATCH", path, {"mute": True}))[1]["mute"] is True
    assert (await bot.rest("PATCH", path, {"channel_id": None}))[0] == 200
    assert await bot.sim.script.voice_states(guild) == []


async def test_the_bot_renames_itself(bot: Client) -> None:
    path = f"/guilds/{await bot.guild()}/members/@me"

    assert (await bot.rest("PATCH", path, {"nick": "DJ"}))[1]["nick"] == "DJ"


async def test_a_channel_is_made_by_who_may(bot: Client) -> None:
    guild = await bot.guild()
    path = f"/guilds/{guild}/channels"
    assert (await bot.rest("POST", path, {"name": "more"}))[1]["code"] == 50013
    await bot.sim.script.set_role(guild, "Legato", ["MANAGE_CHANNELS", "VIEW_CHANNEL"])

    status, made = await bot.rest("POST", path, {"name": "more", "type": 2})

    assert (status, made["type"], made["name"]) == (201, 2, "more")
