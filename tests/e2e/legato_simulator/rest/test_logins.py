from support_discord import Client, client


async def test_what_a_login_asks_is_answered(bot: Client) -> None:
    _, gateway = await bot.rest("GET", "/gateway/bot")
    _, user = await bot.rest("GET", "/users/@me")
    _, application = await bot.rest("GET", "/applications/@me")
    _, older = await bot.rest("GET", "/oauth2/applications/@me")
    _, guilds = await bot.rest("GET", "/users/@me/guilds")
    _, regions = await bot.rest("GET", "/voice/regions")
    _, place = await bot.rest("GET", "/gateway")

    assert gateway["url"] == place["url"] == bot.sim.gateway_url
    assert gateway["session_start_limit"] == {
        "total": 1000,
        "remaining": 1000,
        "reset_after": 0,
        "max_concurrency": 1,
    }
    assert user["id"] == application["id"] == older["id"] == bot.bot_id
    assert [each["name"] for each in guilds] == ["Legato Lounge"]
    assert regions


async def test_a_wrong_token_is_401(bot: Client) -> None:
    headers = {"Authorization": "Bot wrong"}

    status, problem = await bot.rest("GET", "/users/@me", headers=headers)

    assert (status, problem) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_many_guilds_come_in_pages_and_ask_for_more_shards() -> None:
    async with client(guilds=2001) as bot:
        _, gateway = await bot.rest("GET", "/gateway/bot")
        _, first = await bot.rest("GET", "/users/@me/guilds")
        after = {"after": first[-1]["id"]}
        _, second = await bot.rest("GET", "/users/@me/guilds", params=after)

        assert gateway["shards"] == 3
        assert len(first) == len(second) == 200
        assert int(first[-1]["id"]) < int(second[0]["id"])


async def test_the_bot_leaves_a_guild(bot: Client) -> None:
    wire = await bot.logged_in()
    guild = await bot.guild()

    assert (await bot.rest("DELETE", f"/users/@me/guilds/{guild}"))[0] == 204
    assert (await wire.event("GUILD_DELETE"))["id"] == guild


async def test_a_direct_channel_is_opened_once(bot: Client) -> None:
    ada = (await bot.sim.script.world()).user("Ada").id

    _, first = await bot.rest("POST", "/users/@me/channels", {"recipient_id": ada})
    _, second = await bot.rest("POST", "/users/@me/channels", {"recipient_id": ada})

    assert (first["type"], first["id"]) == (1, second["id"])
    assert (await bot.rest("POST", f"/channels/{first['id']}/messages", {"content": "hi"}))[
        0
    ] == 200


async def test_the_bot_renames_its_user(bot: Client) -> None:
    assert (await bot.rest("PATCH", "/users/@me", {"username": "Nocturne"}))[1][
        "username"
    ] == "Nocturne"
    assert (await bot.rest("GET", f"/users/{bot.bot_id}"))[1]["username"] == "Nocturne"
