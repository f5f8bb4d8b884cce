import asyncio
import json
import time

import aiohttp
import pytest

from legato_simulator.actions.catalogue import Catalogue
from legato_simulator.client import SimulatorClient
from legato_simulator.faults import IdentifyFault, RestFault
from legato_simulator.intents import Intent
from legato_simulator.script import Script
from legato_simulator.views import ScriptError
from support_discord import PLAY, Client, client
from support_waiting import PATIENCE


@pytest.fixture(params=["python", "http"])
def over(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def script_of(bot: Client, over: str, http: SimulatorClient) -> Script:
    return bot.sim.script if over == "python" else http


async def test_both_interfaces_do_the_same(over: str) -> None:
    async with client() as bot, SimulatorClient(bot.sim.control_url) as http:
        script = script_of(bot, over, http)
        await bot.register(PLAY)
        wire = await bot.logged_in()

        world = await script.world()
        assert world.guild("Legato Lounge").channel("Listening room").kind == "voice"
        eve = await script.make_user("Eve", "Legato Lounge")
        await script.join_voice(eve.id, "Listening room")
        states = await script.voice_states("Legato Lounge")
        assert [each["user_id"] for each in states] == [eve.id]
        handle = await script.run_command("Eve", "music", "play", {"query": "x", "volume": 5})
        body = await wire.event("INTERACTION_CREATE")
        path = f"/interactions/{body['id']}/{body['token']}/callback"
        await bot.rest("POST", path, {"type": 4, "data": {"content": "ok"}})
        answered = await handle.response()
        assert answered.message is not None
        assert (answered.message.content, answered.command_id) == ("ok", body["data"]["id"])
        assert [each.content for each in await script.messages("music")] == ["ok"]
        assert [each["name"] for each in await script.commands()] == ["play"]
        assert (await script.record()).interactions == 1
        assert [each.op for each in await script.gateway_payloads()] == [2]
        assert [each.kind for each in await script.session_events()] == ["identified"]
        route = "/interactions/{interaction_id}/{interaction_token}/callback"
        assert [each.status for each in await script.exchanges(route)] == [204]


async def test_errors_are_the_same_over_both(over: str) -> None:
    async with client() as bot, SimulatorClient(bot.sim.control_url) as http:
        script = script_of(bot, over, http)
        with pytest.raises(ScriptError, match="no user 'Zoe'"):
            await script.join_voice("Zoe", "Listening room")
        with pytest.raises(ScriptError, match="no command /play"):
            await script.run_command("Ada", "music", "play")
        await bot.register(PLAY)
        handle = await script.run_command("Ada", "music", "play", {"query": "x"})
        with pytest.raises(TimeoutError):
            await handle.response(0.05)


async def test_the_world_can_be_changed_over_both(over: str) -> None:
    async with client() as bot, SimulatorClient(bot.sim.control_url) as http:
        script = script_of(bot, over, http)
        guild = await script.make_guild("Second", "Ada")
        assert (await script.guild("Second")).id == guild.id
        assert len(await script.make_guilds(3, "Ada")) == 3
        stage = await script.make_channel(guild.id, "Talk", "stage")
        await script.delete_channel(stage.id)
        role = await script.make_role(guild.id, "DJ", ["CONNECT"])
        await script.join_guild("Ben", guild.id)
        await script.give_role(guild.id, "Ben", role.id)
        await script.give_role(guild.id, "Ben", "DJ", has=False)
        other = await script.make_bot("Second bot")
        await script.invite_bot(guild.id, other.id)
        assert other.id in (await script.guild("Second")).members
        await script.kick_bot(guild.id, other.id)
        assert (await script.reset_token("Second bot")).token != other.token
        await script.delete_guild(guild.id)
        assert (await script.world()).guild_count == 4


async def test_faults_are_armed_over_both(over: str) -> None:
    async with client() as bot, SimulatorClient(bot.sim.control_url) as http:
        script = script_of(bot, over, http)
        await script.fail_requests(RestFault(route="^/users/@me$", status=503, count=2))
        assert [(await bot.rest("GET", "/users/@me"))[0] for _ in range(3)] == [503, 503, 200]
        await script.fail_identifies(IdentifyFault(close_code=4000))
        wire = await bot.wire()
        await wire.identify(bot.sim.token)
        assert await wire.close_code() == 4000
        await script.fail_requests(RestFault(status=500))
        await script.duplicate_interactions()
        await script.clear_faults()
        assert (await bot.rest("GET", "/users/@me"))[0] == 200
        for hit in (script.drop_connection, script.swallow_connection, script.ask_reconnect):
            assert await hit() == 0


async def test_what_happens_can_be_followed_over_both(over: str) -> None:
    async with client() as bot, SimulatorClient(bot.sim.control_url) as http:
        script = script_of(bot, over, http)
        last = await script.last_happening()
        waiting = asyncio.create_task(script.happenings(last, 5.0))
        await asyncio.sleep(0)

        await bot.sim.script.join_voice("Ada", "Listening room")

        assert [each.type for each in await waiting] == ["voice_state"]
        async for happening in script.follow(last):
            assert happening.type == "voice_state"
            break


async def test_the_page_follows_by_server_sent_events(bot: Client) -> None:
    channel = await bot.channel()
    async with bot.http.get(bot.sim.control_url + "/events", params={"since": "0"}) as stream:
        await bot.rest("POST", f"/channels/{channel}/typing")
        await bot.rest("POST", f"/channels/{channel}/messages", {"content": "hello"})
        seen: dict[str, dict[str, str]] = {}
        async with asyncio.timeout(PATIENCE):
            while "message_created" not in seen:
                line = (await stream.content.readline()).decode().strip()
                if line.startswith("event: "):
                    data = (await stream.content.readline()).decode()
                    seen[line.removeprefix("event: ")] = json.loads(data.removeprefix("data: "))

    assert seen["typing"]["channel_id"] == channel
    assert seen["message_created"]["content"] == "hello"


async def test_the_control_address_lists_every_action_the_script_has(bot: Client) -> None:
    async with bot.http.get(bot.sim.control_url) as response:
        listed = await response.json()

    methods = {name for name in dir(Script) if not name.startswith("_")}
    assert set(listed) == methods - {"follow"}
    assert "user" in json.dumps(listed["run_command"]["arguments"])
    assert isinstance(bot.sim._catalogue, Catalogue)


@pytest.mark.parametrize(
    ("action", "body", "why"),
    [
        ("sing", b"{}", "no action"),
        ("make_user", b"{}", "name"),
        ("make_user", b'{"name": "x", "age": 3}', "age"),
        ("make_user", b"[]", "object"),
        ("make_user", b"{", "Expecting"),
    ],
)
async def test_a_wrong_call_says_what_is_wrong(
    bot: Client, action: str, body: bytes, why: str
) -> None:
    url = f"{bot.sim.control_url}/{action}"
    async with bot.http.post(url, data=body) as response:
        assert response.status == 400
        assert why in (await response.json())["error"]


async def test_hundreds_of_interactions_a_second_are_answered() -> None:
    wanted = 400
    async with client(rate_limits=False, openapi=None) as bot:
        await bot.register(PLAY)
        wire = await bot.logged_in(intents=int(Intent.GUILDS))
        began = time.process_time()

        async def answer_all() -> None:
            for _ in range(wanted):
                body = await wire.event("INTERACTION_CREATE")
                path = f"/interactions/{body['id']}/{body['token']}/callback"
                await bot.rest("POST", path, {"type": 4, "data": {"content": "ok"}})

        answering = asyncio.create_task(answer_all())
        for _ in range(wanted):
            await bot.sim.script.run_command("Ada", "music", "play", {"query": "x"})
            await asyncio.sleep(0)
        await answering

        assert (await bot.sim.script.record()).messages_by_bots == wanted
        # Of a core, whatever else the machine does.
        assert wanted / (time.process_time() - began) > 100


async def test_a_stopped_simulator_is_said(bot: Client) -> None:
    async with SimulatorClient("http://127.0.0.1:9/control") as http:
        with pytest.raises(aiohttp.ClientError):
            await http.world()
