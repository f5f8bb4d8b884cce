"""The page about the simulator names everything that the control address does."""

import re

import pytest

from support_discord import CHECKOUT, Client


async def test_the_documentation_names_every_action_and_its_arguments(bot: Client) -> None:
    text = (CHECKOUT / "docs/simulator.md").read_text()
    async with bot.http.get(bot.sim.control_url) as response:
        listed = await response.json()

    documented = set(re.findall(r"`([a-z_]+)`", text))
    assert set(listed) - documented == set()


async def test_who_leaves_a_stream_leaves_no_error(
    bot: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = await bot.http.get(f"{bot.sim.control_url}/events")
    await response.content.readline()
    response.close()
    for number in range(20):
        await bot.sim.script.make_user(f"guest {number}")

    async with bot.http.get(f"{bot.sim.control_url}/events?since=0") as again:
        assert again.status == 200
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []


async def test_actions_may_be_written_with_dashes(bot: Client) -> None:
    async with bot.http.post(
        f"{bot.sim.control_url}/voice-states", json={"guild": "Legato Lounge"}
    ) as response:
        assert await response.json() == []


async def test_waiting_too_long_is_408(bot: Client) -> None:
    await bot.register({"name": "stop", "description": "Stop"})
    url = bot.sim.control_url
    async with bot.http.post(
        f"{url}/run_command", json={"user": "Ada", "channel": "music", "command": "stop"}
    ) as response:
        sent = await response.json()

    body = {"interaction": sent["id"], "until": "answered", "timeout": 0.05}
    async with bot.http.post(f"{url}/interaction", json=body) as response:
        assert response.status == 408
