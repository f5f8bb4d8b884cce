from typing import Any

import aiohttp
import pytest

from support_discord import PLAY, Client, Wire

ROW = {
    "type": 1,
    "components": [
        {"type": 2, "style": 1, "label": "Pause", "custom_id": "pause"},
        {"type": 2, "style": 2, "label": "Off", "custom_id": "off", "disabled": True},
    ],
}
MENU = {
    "type": 1,
    "components": [
        {
            "type": 3,
            "custom_id": "mode",
            "options": [{"label": "One", "value": "1"}, {"label": "Two", "value": "2"}],
        }
    ],
}


async def asked(bot: Client, **options: Any) -> tuple[Wire, Any, dict[str, Any]]:
    await bot.register(PLAY)
    wire = await bot.logged_in()
    handle = await bot.sim.script.run_command("Ada", "music", "play", {"query": "x"} | options)
    return wire, handle, await wire.event("INTERACTION_CREATE")


def callback(body: dict[str, Any]) -> str:
    return f"/interactions/{body['id']}/{body['token']}/callback"


def hook(body: dict[str, Any], path: str = "") -> str:
    return f"/webhooks/{body['application_id']}/{body['token']}{path}"


async def answer(bot: Client, body: dict[str, Any], kind: int, data: Any = None) -> None:
    status, made = await bot.rest("POST", callback(body), {"type": kind, "data": data})
    assert status == 204, made


async def test_a_command_arrives_as_discord_sends_it(bot: Client) -> None:
    _, handle, body = await asked(bot, volume=50)

    assert body["id"] == handle.id
    assert body["data"]["options"] == [
        {"name": "query", "type": 3, "value": "x"},
        {"name": "volume", "type": 4, "value": 50},
    ]
    assert body["member"]["user"]["username"] == "ada"
    assert int(body["member"]["permissions"]) > 0
    assert int(body["app_permissions"]) > 0
    assert body["authorizing_integration_owners"] == {"0": body["guild_id"]}
    assert (body["context"], body["locale"], body["guild_locale"]) == (0, "en-US", "en-US")
    assert body["entitlements"] == []
    assert body["channel"]["id"] == body["channel_id"]


async def test_a_direct_answer_is_seen(bot: Client) -> None:
    _, handle, body = await asked(bot)

    await answer(bot, body, 4, {"content": "Playing **x**"})

    response = await handle.response()
    assert (response.state, response.message.content) == ("answered", "Playing **x**")
    assert not response.ephemeral
    assert response.answered_at - response.created_at < 3
    assert response.message.raw["interaction_metadata"]["id"] == handle.id


async def test_an_ephemeral_answer_is_seen_by_its_user_only(bot: Client) -> None:
    _, handle, body = await asked(bot)

    await answer(bot, body, 4, {"content": "No.", "flags": 64})

    response = await handle.response()
    ada = (await bot.sim.script.world()).user("Ada").id
    assert (response.ephemeral, response.message.visible_to) == (True, ada)
    _, listed = await bot.rest("GET", f"/channels/{body['channel_id']}/messages")
    assert listed == []


async def test_a_deferred_answer_is_thinking_until_it_is_edited(bot: Client) -> None:
    _, handle, body = await asked(bot)
    await answer(bot, body, 5, {"flags": 64})
    thinking = await handle.acknowledged()
    assert (thinking.state, thinking.message.loading) == ("deferred", True)

    status, edited = await bot.rest("PATCH", hook(body, "/messages/@original"), {"content": "x"})

    assert (status, edited["content"], edited["flags"]) == (200, "x", 64)
    response = await handle.response()
    assert (response.state, response.ephemeral, response.callback) == ("answered", True, 5)
    assert response.acknowledged_at <= response.answered_at
    assert response.message.id == thinking.message.id


async def test_the_first_follow_up_becomes_the_deferred_answer(bot: Client) -> None:
    _, handle, body = await asked(bot)
    await answer(bot, body, 5)

    _, first = await bot.rest("POST", hook(body), {"content": "one"}, params={"wait": "true"})
    _, second = await bot.rest("POST", hook(body), {"content": "two", "flags": 64})

    response = await handle.response()
    assert response.message.id == first["id"]
    assert [each.id for each in response.followups] == [second["id"]]
    assert response.followups[0].ephemeral


async def test_an_answer_can_be_deleted_and_followed_ephemerally(bot: Client) -> None:
    _, handle, body = await asked(bot)
    await answer(bot, body, 5)

    status, _ = await bot.rest("DELETE", hook(body, "/messages/@original"))
    await bot.rest("POST", hook(body), {"content": "Too late.", "flags": 64})

    response = await handle.response()
    assert (status, response.message.deleted) == (204, True)
    assert response.followups[0].ephemeral
    assert (await bot.rest("GET", hook(body, "/messages/@original")))[1]["code"] == 10008


async def test_follow_ups_are_shown_edited_and_deleted_by_id(bot: Client) -> None:
    _, _, body = await asked(bot)
    await answer(bot, body, 4, {"content": "one"})
    _, more = await bot.rest("POST", hook(body), {"content": "two"})
    path = hook(body, f"/messages/{more['id']}")

    assert (await bot.rest("GET", path))[1]["content"] == "two"
    assert (await bot.rest("PATCH", path, {"content": "three"}))[1]["content"] == "three"
    assert (await bot.rest("DELETE", path))[0] == 204
    assert (await bot.rest("GET", path))[1]["code"] == 10008


async def test_a_second_answer_is_40060_and_changes_nothing(bot: Client) -> None:
    _, handle, body = await asked(bot)
    await answer(bot, body, 4, {"content": "one"})

    status, problem = await bot.rest("POST", callback(body), {"type": 4, "data": {"content": "2"}})

    assert (status, problem["code"]) == (400, 40060)
    assert (await handle.response()).message.content == "one"


async def test_an_answer_long_after_three_seconds_is_10062(bot: Client) -> None:
    _, handle, body = await asked(bot)
    await bot.sim.script.advance_clock(30.0)

    status, problem = await bot.rest("POST", callback(body), {"type": 4, "data": {"content": "1"}})

    assert (status, problem["code"]) == (404, 10062)
    assert (await handle.response()).state == "failed"


async def test_a_forged_token_is_10062(bot: Client) -> None:
    _, _, body = await asked(bot)

    status, problem = await bot.rest("POST", callback(body | {"token": "forged"}), {"type": 5})

    assert (status, problem["code"]) == (404, 10062)


async def test_the_token_works_for_fifteen_minutes(bot: Client) -> None:
    _, _, body = await asked(bot)
    await answer(bot, body, 5)

    await bot.sim.script.advance_clock(895)
    assert (await bot.rest("PATCH", hook(body, "/messages/@original"), {"content": "1"}))[0] == 200
    await bot.sim.script.advance_clock(10)
    status, problem = await bot.rest("PATCH", hook(body, "/messages/@original"), {"content": "2"})

    assert (status, problem["code"]) == (401, 50027)


async def test_there_is_no_follow_up_before_the_first_answer(bot: Client) -> None:
    _, _, body = await asked(bot)

    status, problem = await bot.rest("POST", hook(body), {"content": "early"})

    assert (status, problem["code"]) == (404, 10015)


async def test_the_answer_comes_back_when_asked_for(bot: Client) -> None:
    _, handle, body = await asked(bot)

    status, made = await bot.rest(
        "POST",
        callback(body),
        {"type": 4, "data": {"content": "one"}},
        params={"with_response": "true"},
    )

    assert status == 200
    assert made["interaction"]["id"] == handle.id
    assert made["resource"]["message"]["content"] == "one"


async def test_autocomplete_is_answered_with_choices_and_nothing_else(bot: Client) -> None:
    await bot.register(PLAY)
    wire = await bot.logged_in()
    handle = await bot.sim.script.autocomplete("Ada", "music", "play", "query", {"query": "mo"})
    body = await wire.event("INTERACTION_CREATE")
    assert body["type"] == 4
    assert body["data"]["options"] == [{"name": "query", "type": 3, "value": "mo", "focused": True}]

    status, problem = await bot.rest("POST", callback(body), {"type": 4, "data": {"content": "1"}})
    assert (status, problem["code"]) == (400, 50035)
    await answer(bot, body, 8, {"choices": [{"name": "Morning", "value": "https://x"}]})

    assert await handle.choices() == [{"name": "Morning", "value": "https://x"}]


async def test_a_button_defers_or_updates_its_message(bot: Client) -> None:
    wire, handle, body = await asked(bot)
    await answer(bot, body, 4, {"content": "panel", "components": [ROW]})
    panel = (await handle.response()).message

    pressed = await bot.sim.script.press_button("Ben", panel.id, "pause")
    press = await wire.event("INTERACTION_CREATE")
    assert (press["type"], press["data"]["custom_id"]) == (3, "pause")
    assert press["message"]["id"] == panel.id
    await answer(bot, press, 6)
    deferred = await pressed.response()
    assert (deferred.callback, deferred.message.content) == (6, "panel")

    again = await bot.sim.script.press_button("Ben", panel.id, "pause")
    press = await wire.event("INTERACTION_CREATE")
    await answer(bot, press, 7, {"content": "paused", "components": []})
    assert (await again.response()).message.content == "paused"
    assert (await bot.sim.script.message(panel.id)).components == []


async def test_a_button_that_is_not_there_can_only_be_forged(bot: Client) -> None:
    wire, handle, body = await asked(bot)
    await answer(bot, body, 4, {"content": "panel", "components": [ROW]})
    panel = (await handle.response()).message

    for custom_id in ("off", "gone"):
        with pytest.raises(ValueError, match="nothing to press"):
            await bot.sim.script.press_button("Ben", panel.id, custom_id)
    await bot.sim.script.press_button("Ben", panel.id, "gone", forge=True)

    assert (await wire.event("INTERACTION_CREATE"))["data"]["custom_id"] == "gone"


async def test_a_select_menu_sends_its_values(bot: Client) -> None:
    wire, handle, body = await asked(bot)
    await answer(bot, body, 4, {"content": "menu", "components": [MENU]})
    menu = (await handle.response()).message

    with pytest.raises(ValueError, match="offers"):
        await bot.sim.script.choose("Ada", menu.id, "mode", ["3"])
    await bot.sim.script.choose("Ada", menu.id, "mode", ["2"])

    data = (await wire.event("INTERACTION_CREATE"))["data"]
    assert (data["component_type"], data["values"]) == (3, ["2"])


async def test_a_modal_is_filled_in(bot: Client) -> None:
    wire, handle, body = await asked(bot)
    field = {"type": 4, "custom_id": "name", "label": "Name", "style": 1}
    modal = {"custom_id": "form", "title": "Name it"}
    modal["components"] = [{"type": 1, "components": [field]}]  # type: ignore[assignment]
    await answer(bot, body, 9, modal)
    assert (await handle.response()).modal["custom_id"] == "form"

    submitted = await handle.submit({"name": "Nocturne"})
    sent = await wire.event("INTERACTION_CREATE")
    await answer(bot, sent, 4, {"content": "thanks"})

    assert sent["type"] == 5
    assert sent["data"]["components"][0]["components"][0]["value"] == "Nocturne"
    assert (await submitted.response()).message.content == "thanks"


async def test_the_same_interaction_can_arrive_twice(bot: Client) -> None:
    await bot.register(PLAY)
    wire = await bot.logged_in()
    await bot.sim.script.duplicate_interactions()

    handle = await bot.sim.script.run_command("Ada", "music", "play", {"query": "x"})

    first, second = await wire.event("INTERACTION_CREATE"), await wire.event("INTERACTION_CREATE")
    assert first == second
    assert handle.sent.deliveries == 2


async def test_files_come_as_parts_beside_the_json(bot: Client) -> None:
    _, handle, body = await asked(bot)
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"type": 4, "data": {"content": "file"}}')
    form.add_field("files[0]", b"tone", filename="tone.txt", content_type="text/plain")

    async with bot.http.post(bot.sim.rest_url + callback(body), data=form) as response:
        assert response.status == 204

    attached = (await handle.response()).message.raw["attachments"]
    assert [each["filename"] for each in attached] == ["tone.txt"]
    async with bot.http.get(attached[0]["url"]) as fetched:
        assert await fetched.read() == b"tone"


async def test_interaction_routes_are_outside_the_global_limit(bot: Client) -> None:
    await bot.register(PLAY)
    wire = await bot.logged_in()

    for _ in range(60):
        await bot.sim.script.run_command("Ada", "music", "play", {"query": "x"})
        await answer(bot, await wire.event("INTERACTION_CREATE"), 4, {"content": "ok"})

    record = await bot.sim.script.record()
    assert (record.refusals, record.messages_by_bots) == ({}, 60)


async def test_what_discord_would_not_offer_cannot_be_typed(bot: Client) -> None:
    await bot.register(
        PLAY, {"name": "admin", "description": "x", "default_member_permissions": "8"}
    )
    run = bot.sim.script.run_command
    for command, options, why in (
        ("play", {}, "required"),
        ("play", {"query": "x", "volume": 101}, "outside"),
        ("play", {"query": "x", "volume": "loud"}, "number"),
        ("play", {"query": "x", "speed": 1}, "no option"),
        ("stop", {}, "no command"),
        ("admin", {}, "does not offer"),
    ):
        with pytest.raises(ValueError, match=why):
            await run("Ben", "music", command, options)
