from typing import Any

import aiohttp
import pytest

from legato_simulator.intents import Intent
from support_discord import Client, client

MESSAGES = int(Intent.GUILDS | Intent.GUILD_MESSAGES | Intent.GUILD_MESSAGE_TYPING)


async def send(bot: Client, body: dict[str, Any]) -> tuple[int, Any]:
    return await bot.rest("POST", f"/channels/{await bot.channel()}/messages", body)


async def test_a_message_is_sent_shown_edited_and_deleted(bot: Client) -> None:
    wire = await bot.logged_in(intents=MESSAGES)
    embed = {"title": "Now playing", "fields": [{"name": "a", "value": "b"}], "color": 255}

    status, made = await send(bot, {"content": "hello", "embeds": [embed]})
    path = f"/channels/{made['channel_id']}/messages/{made['id']}"
    created = await wire.event("MESSAGE_CREATE")

    assert (status, created["id"], created["content"]) == (200, made["id"], "hello")
    assert (made["embeds"][0]["type"], made["embeds"][0]["fields"][0]["inline"]) == ("rich", False)
    assert (await bot.rest("GET", path))[1] == made
    _, edited = await bot.rest("PATCH", path, {"content": "bye"})
    assert (edited["content"], edited["embeds"]) == ("bye", made["embeds"])
    assert edited["edited_timestamp"] is not None
    assert (await wire.event("MESSAGE_UPDATE"))["content"] == "bye"
    assert (await bot.rest("DELETE", path))[0] == 204
    assert (await wire.event("MESSAGE_DELETE"))["id"] == made["id"]
    assert (await bot.rest("GET", path))[1]["code"] == 10008
    assert (await bot.sim.script.message(made["id"])).deleted


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"content": "x" * 2001}, ["content"]),
        ({"embeds": [{"title": "x" * 257}]}, ["embeds", "0", "title"]),
        ({"embeds": [{"description": "x" * 4000}] * 2}, ["embeds"]),
        ({"embeds": [{"title": "x"}] * 11}, ["embeds"]),
        ({"content": "x", "nonce": "n" * 26}, ["nonce"]),
        ({"content": "x", "components": [{"type": 2}]}, ["components", "0", "type"]),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            ["allowed_mentions"],
        ),
    ],
)
async def test_limits_are_named_with_their_place(
    bot: Client, body: dict[str, Any], place: list[str]
) -> None:
    status, problem = await send(bot, body)

    assert (status, problem["code"], problem["message"]) == (400, 50035, "Invalid Form Body")
    found = problem["errors"]
    for part in place:
        found = found[part]
    assert found["_errors"][0]["message"]


async def test_components_have_their_limits() -> None:
    async with client(rate_limits=False) as bot:
        await refuse_components(bot)


async def refuse_components(bot: Client) -> None:
    button = {"type": 2, "style": 1, "label": "x", "custom_id": "x"}
    row = {"type": 1, "components": [button]}
    for rows in (
        [{"type": 1, "components": [button | {"custom_id": str(n)} for n in range(6)]}],
        [{"type": 1, "components": [button | {"custom_id": str(n)}]} for n in range(6)],
        [row, row],
        [{"type": 1, "components": [button | {"label": "x" * 81}]}],
        [{"type": 1, "components": [button | {"custom_id": "x" * 101}]}],
        [{"type": 1, "components": []}],
    ):
        status, problem = await send(bot, {"content": "x", "components": rows})
        assert (status, problem["code"]) == (400, 50035), rows


async def test_nothing_to_send_is_50006(bot: Client) -> None:
    assert (await send(bot, {"content": " "}))[1]["code"] == 50006


async def test_components_v2_take_no_content(bot: Client) -> None:
    text = [{"type": 10, "content": "hello"}]

    refused = await send(bot, {"content": "x", "flags": 1 << 15, "components": text})
    status, made = await send(bot, {"flags": 1 << 15, "components": text})

    assert (refused[0], status) == (400, 200)
    assert made["components"] == [{"type": 10, "id": 1, "content": "hello"}]


async def test_an_enforced_nonce_makes_one_message(bot: Client) -> None:
    body = {"content": "once", "nonce": "play-1", "enforce_nonce": True}

    (_, first), (_, second) = await send(bot, body), await send(bot, body)
    _, third = await send(bot, {"content": "once", "nonce": "play-1"})

    assert first["id"] == second["id"] != third["id"]
    assert first["nonce"] == "play-1"


async def test_allowed_mentions_decide_who_is_pinged(bot: Client) -> None:
    ada = (await bot.sim.script.world()).user("Ada").id
    text = f"<@{ada}> @everyone"

    _, open_to_all = await send(bot, {"content": text})
    _, none = await send(bot, {"content": text, "allowed_mentions": {"parse": []}})

    assert [each["id"] for each in open_to_all["mentions"]] == [ada]
    assert open_to_all["mention_everyone"] is True
    assert (none["mentions"], none["mention_everyone"]) == ([], False)


async def test_a_reply_points_to_its_message(bot: Client) -> None:
    _, first = await send(bot, {"content": "one"})

    _, reply = await send(bot, {"content": "two", "message_reference": {"message_id": first["id"]}})
    status, problem = await send(
        bot, {"content": "x", "message_reference": {"message_id": "123456789012345678"}}
    )

    assert (reply["type"], reply["referenced_message"]["id"]) == (19, first["id"])
    assert (status, problem["code"]) == (400, 50035)


async def test_files_are_kept_and_served(bot: Client) -> None:
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"content": "look"}')
    form.add_field("files[0]", b"data", filename="a.bin", content_type="application/octet-stream")
    headers = {"Authorization": f"Bot {bot.sim.token}"}
    url = f"{bot.sim.rest_url}/channels/{await bot.channel()}/messages"

    async with bot.http.post(url, data=form, headers=headers) as response:
        made = await response.json()

    assert (made["content"], made["attachments"][0]["size"]) == ("look", 4)
    async with bot.http.get(made["attachments"][0]["url"]) as fetched:
        assert await fetched.read() == b"data"


async def test_permissions_are_checked_as_discord_does(bot: Client) -> None:
    channel = await bot.channel()

    await bot.sim.script.set_permissions(channel, bot.bot_id, deny=["SEND_MESSAGES"])
    assert (await send(bot, {"content": "x"}))[1]["code"] == 50013
    await bot.sim.script.set_permissions(channel, bot.bot_id, deny=["EMBED_LINKS"])
    assert (await send(bot, {"embeds": [{"title": "x"}]}))[1]["code"] == 50013
    await bot.sim.script.set_permissions(channel, bot.bot_id, deny=["VIEW_CHANNEL"])
    assert (await send(bot, {"content": "x"}))[1]["code"] == 50001
    record = await bot.sim.script.record()
    assert record.refusals == {"403 POST /channels/{channel_id}/messages": 3}


async def test_only_its_own_messages_can_be_edited_others_only_deleted(bot: Client) -> None:
    made = await bot.sim.script.send_message("Ada", "music", "hello")
    path = f"/channels/{made.channel_id}/messages/{made.id}"

    assert (await bot.rest("PATCH", path, {"content": "x"}))[1]["code"] == 50005
    assert (await bot.rest("DELETE", path))[0] == 204


async def test_unknown_things_have_their_codes(bot: Client) -> None:
    channel = await bot.channel()
    nowhere = "123456789012345678"

    assert (await bot.rest("GET", f"/channels/{nowhere}"))[1]["code"] == 10003
    assert (await bot.rest("GET", f"/channels/{channel}/messages/{nowhere}"))[1]["code"] == 10008
    status, problem = await bot.rest("GET", "/channels/abc")
    assert (status, problem["errors"]["channel_id"]["_errors"][0]["code"]) == (
        400,
        "NUMBER_TYPE_COERCE",
    )


async def test_a_body_that_is_no_json_is_50109(bot: Client) -> None:
    headers = {"Content-Type": "application/json"}
    path = f"/channels/{await bot.channel()}/messages"

    status, problem = await bot.rest("POST", path, data=b"{", headers=headers)

    assert (status, problem["code"]) == (400, 50109)


async def test_typing_is_shown(bot: Client) -> None:
    wire = await bot.logged_in(intents=MESSAGES)

    status, _ = await bot.rest("POST", f"/channels/{await bot.channel()}/typing")

    assert status == 204
    assert (await wire.event("TYPING_START"))["user_id"] == bot.bot_id


async def test_a_deleted_channel_is_told_and_gone(bot: Client) -> None:
    wire = await bot.logged_in()
    room = (await bot.sim.script.make_channel("Legato Lounge", "gone")).id

    assert (await bot.rest("DELETE", f"/channels/{room}"))[1]["code"] == 50013
    await bot.sim.script.set_permissions(room, bot.bot_id, allow=["MANAGE_CHANNELS"])
    assert (await bot.rest("PATCH", f"/channels/{room}", {"topic": "t"}))[1]["topic"] == "t"
    assert (await bot.rest("DELETE", f"/channels/{room}"))[0] == 200
    assert (await wire.event("CHANNEL_DELETE"))["id"] == room


async def test_messages_are_listed_newest_first_in_pages(bot: Client) -> None:
    ids = [(await send(bot, {"content": str(number)}))[1]["id"] for number in range(4)]
    path = f"/channels/{await bot.channel()}/messages"

    latest = await bot.rest("GET", path, params={"limit": "2"})
    older = await bot.rest("GET", path, params={"limit": "2", "before": ids[2]})

    assert [each["id"] for each in latest[1]] == [ids[3], ids[2]]
    assert [each["id"] for each in older[1]] == [ids[1], ids[0]]


async def test_messages_are_deleted_in_bulk(bot: Client) -> None:
    ids = [(await send(bot, {"content": str(number)}))[1]["id"] for number in range(2)]
    path = f"/channels/{await bot.channel()}/messages/bulk-delete"

    assert (await bot.rest("POST", path, {"messages": ids}))[0] == 204
    assert (await bot.sim.script.messages("music")) == []
