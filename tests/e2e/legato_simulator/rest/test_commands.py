from typing import Any

import pytest

from support_discord import PLAY, Client


async def test_commands_are_replaced_and_keep_their_ids(bot: Client) -> None:
    first = await bot.register(PLAY, {"name": "stop", "description": "Stop"})
    second = await bot.register(PLAY | {"description": "Play it"})

    assert [each["name"] for each in second] == ["play"]
    assert second[0]["id"] == first[0]["id"]
    assert second[0]["version"] != first[0]["version"]
    third = await bot.register(PLAY | {"description": "Play it"})
    assert third[0]["version"] == second[0]["version"]


async def test_one_command_is_made_shown_changed_and_deleted(bot: Client) -> None:
    path = f"/applications/{bot.bot_id}/commands"
    command = {"name": "skip", "description": "Skip"}

    status, made = await bot.rest("POST", path, command)
    assert status == 201
    assert (await bot.rest("POST", path, command))[0] == 200
    one = f"{path}/{made['id']}"
    assert (await bot.rest("GET", one))[1]["name"] == "skip"
    assert (await bot.rest("PATCH", one, {"description": "Next"}))[1]["description"] == "Next"
    assert [each["name"] for each in (await bot.rest("GET", path))[1]] == ["skip"]
    assert (await bot.rest("DELETE", one))[0] == 204
    assert (await bot.rest("GET", one))[1]["code"] == 10063


async def test_a_guilds_commands_are_its_own(bot: Client) -> None:
    guild = await bot.guild()
    path = f"/applications/{bot.bot_id}/guilds/{guild}/commands"
    await bot.register(PLAY)

    status, made = await bot.rest("PUT", path, [{"name": "here", "description": "Here"}])

    assert (status, [each["guild_id"] for each in made]) == (200, [guild])
    assert [each["name"] for each in (await bot.rest("GET", path))[1]] == ["here"]
    assert len(await bot.sim.script.commands()) == 2
    assert (await bot.rest("GET", f"{path}/permissions"))[1] == []


@pytest.mark.parametrize(
    ("command", "place", "code"),
    [
        ({"name": "Play"}, "name", "APPLICATION_COMMAND_INVALID_NAME"),
        ({"name": "x" * 33}, "name", "BASE_TYPE_BAD_LENGTH"),
        ({"description": ""}, "description", "BASE_TYPE_BAD_LENGTH"),
        ({"description": "x" * 101}, "description", "BASE_TYPE_BAD_LENGTH"),
        (
            {"options": [{"type": 3, "name": "a", "description": "a"}] * 26},
            "options",
            "BASE_TYPE_MAX_LENGTH",
        ),
    ],
)
async def test_what_discord_refuses_is_refused_with_its_place(
    bot: Client, command: dict[str, Any], place: str, code: str
) -> None:
    body = {"name": "play", "description": "Play"} | command

    status, problem = await bot.rest("POST", f"/applications/{bot.bot_id}/commands", body)

    assert (status, problem["code"]) == (400, 50035)
    assert code in [each["code"] for each in problem["errors"][place]["_errors"]]


async def test_optional_options_come_after_required_ones(bot: Client) -> None:
    optional = {"type": 3, "name": "a", "description": "a"}
    body = {"name": "x", "description": "x"}
    body["options"] = [optional, optional | {"name": "b", "required": True}]  # type: ignore[assignment]

    status, problem = await bot.rest("PUT", f"/applications/{bot.bot_id}/commands", [body])

    assert status == 400
    found = problem["errors"]["0"]["options"]["1"]["_errors"][0]["code"]
    assert found == "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID"


async def test_a_hundred_commands_are_the_most(bot: Client) -> None:
    path = f"/applications/{bot.bot_id}/commands"
    many = [{"name": f"c{number}", "description": "x"} for number in range(101)]

    status, problem = await bot.rest("PUT", path, many)

    assert (status, problem["code"]) == (400, 30032)
    assert (await bot.rest("PUT", path, many[:100]))[0] == 200


async def test_another_applications_commands_are_refused(bot: Client) -> None:
    status, problem = await bot.rest("GET", "/applications/123456789012345678/commands")

    assert (status, problem["code"]) == (403, 20012)


async def test_sub_commands_are_typed_as_words(bot: Client) -> None:
    option = {"type": 8, "name": "role", "description": "r", "required": True}
    sub = {"type": 1, "name": "dj", "description": "d", "options": [option]}
    await bot.register({"name": "settings", "description": "s", "options": [sub]})
    wire = await bot.logged_in()
    role = await bot.sim.script.make_role("Legato Lounge", "DJ")

    await bot.sim.script.run_command("Ada", "music", "settings dj", {"role": role.id})

    data = (await wire.event("INTERACTION_CREATE"))["data"]
    inner = [{"name": "role", "type": 8, "value": role.id}]
    assert data["options"] == [{"name": "dj", "type": 1, "options": inner}]
    assert data["resolved"]["roles"][role.id]["name"] == "DJ"
