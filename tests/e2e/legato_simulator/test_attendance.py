from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import aiohttp
import pytest

from legato_simulator.app import Simulator
from legato_simulator.calls import NoVoice, VoiceCredentials
from legato_simulator.settings import Settings
from legato_simulator.voice_sender import VoiceSender
from support_discord import Client, Wire, client
from support_waiting import until


@dataclass
class Port(NoVoice):
    """A voice server that only remembers what it was asked."""

    opened: list[tuple[int, int]] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    placed: list[str] = field(default_factory=list)
    announced: list[tuple[int, bool]] = field(default_factory=list)

    async def open(
        self, guild_id: int, channel_id: int, user_id: int, session_id: str, *, stage: bool = False
    ) -> VoiceCredentials:
        self.opened.append((guild_id, channel_id))
        return VoiceCredentials(token=f"token-{len(self.opened)}", endpoint="127.0.0.1:9")

    async def close(self, guild_id: int, user_id: int, code: int) -> None:
        self.closed.append(code)

    def place(self, guild_id: int, region: str) -> None:
        if region == "nowhere":
            raise KeyError(region)
        self.placed.append(region)

    async def announce(self, guild_id: int, user_id: int, channel_id: int | None) -> None:
        self.announced.append((user_id, channel_id is not None))


@dataclass
class Hall:
    bot: Client
    port: Port
    wire: Wire
    guild: str
    room: str

    async def ask(self, channel: str | None, **more: bool) -> None:
        await self.wire.send(4, {"guild_id": self.guild, "channel_id": channel} | more)


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    port = Port()
    async with (
        Simulator(Settings(session_ttl=30.0), port) as sim,
        aiohttp.ClientSession() as http,
    ):
        bot = Client(sim, http)
        wire = await bot.logged_in()
        yield Hall(bot, port, wire, await bot.guild(), await bot.channel("Listening room"))


async def test_op_4_joins_and_names_the_voice_server(hall: Hall) -> None:
    await hall.ask(hall.room, self_deaf=True)

    state = await hall.wire.event("VOICE_STATE_UPDATE")
    server = await hall.wire.event("VOICE_SERVER_UPDATE")

    assert (state["channel_id"], state["self_deaf"], state["user_id"]) == (
        hall.room,
        True,
        hall.bot.bot_id,
    )
    assert state["member"]["user"]["id"] == hall.bot.bot_id
    assert server == {"token": "token-1", "guild_id": hall.guild, "endpoint": "127.0.0.1:9"}


async def test_op_4_without_a_channel_leaves(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")

    await hall.ask(None)

    assert (await hall.wire.event("VOICE_STATE_UPDATE"))["channel_id"] is None
    await until(lambda: hall.port.closed == [4014])


async def test_the_same_op_4_again_repeats_the_same_credentials(hall: Hall) -> None:
    for _ in range(2):
        await hall.ask(hall.room)
        assert (await hall.wire.event("VOICE_SERVER_UPDATE"))["token"] == "token-1"

    assert hall.port.closed == []


async def test_a_changed_flag_changes_the_state_only(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")

    await hall.ask(hall.room, self_mute=True)

    assert (await hall.wire.receive())["d"]["self_mute"] is True
    await hall.wire.send(1, 0)
    assert (await hall.wire.receive())["op"] == 11


async def test_what_the_bot_may_not_join_stays_silent(hall: Hall) -> None:
    script = hall.bot.sim.script
    await script.set_permissions(hall.room, hall.bot.bot_id, deny=["CONNECT"])
    full = await script.make_channel(hall.guild, "full", "voice", user_limit=1)
    await script.join_voice("Ada", full.id)
    for _ in range(3):
        await hall.wire.receive()

    await hall.ask(hall.room)
    await hall.ask(full.id)
    await hall.ask(await hall.bot.channel("music"))
    await hall.ask("123456789012345678")
    await hall.wire.send(1, 0)

    assert (await hall.wire.receive())["op"] == 11
    assert hall.port.opened == []


async def test_a_bot_that_moves_members_joins_a_full_channel(hall: Hall) -> None:
    script = hall.bot.sim.script
    await script.limit_channel(hall.room, 1)
    await script.join_voice("Ada", hall.room)
    await script.set_permissions(hall.room, hall.bot.bot_id, allow=["MOVE_MEMBERS"])

    await hall.ask(hall.room)

    assert await hall.wire.event("VOICE_SERVER_UPDATE")


async def test_a_moved_bot_is_told_of_its_new_channel_and_server(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")
    stage = await hall.bot.channel("Stage")

    await hall.bot.sim.script.move_voice(hall.bot.bot_id, stage)

    assert (await hall.wire.event("VOICE_STATE_UPDATE"))["channel_id"] == stage
    assert (await hall.wire.event("VOICE_SERVER_UPDATE"))["token"] == "token-2"
    assert hall.port.closed == [4014]


async def test_a_kicked_bot_is_out_and_its_voice_ends(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")

    await hall.bot.sim.script.leave_voice(hall.bot.bot_id, hall.guild)

    assert (await hall.wire.event("VOICE_STATE_UPDATE"))["channel_id"] is None
    assert hall.port.closed == [4014]


async def test_a_muted_bot_hears_of_it(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")

    await hall.bot.sim.script.mute_voice(hall.bot.bot_id, hall.guild, mute=True)

    assert (await hall.wire.event("VOICE_STATE_UPDATE"))["mute"] is True


@pytest.mark.parametrize("end", ["channel", "guild", "kick"])
async def test_voice_ends_with_what_it_was_in(hall: Hall, end: str) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")
    script = hall.bot.sim.script

    if end == "channel":
        await script.delete_channel(hall.room)
    elif end == "guild":
        await script.delete_guild(hall.guild)
    else:
        await script.kick_bot(hall.guild)

    assert (await hall.wire.event("VOICE_STATE_UPDATE"))["channel_id"] is None
    assert hall.port.closed == [4014]


async def test_voice_ends_with_its_gateway_session_not_with_a_connection(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")
    script = hall.bot.sim.script

    await script.drop_connection()
    sessions = hall.bot.sim.simulation.sessions.by_id
    await until(lambda: all(each.link is None for each in sessions.values()))
    await script.advance_clock(20)
    assert len(await script.voice_states(hall.guild)) == 1
    await script.advance_clock(11)

    assert await script.voice_states(hall.guild) == []
    assert hall.port.closed == [4014]


async def test_voice_ends_with_op_9(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")

    await hall.bot.sim.script.invalidate_session(resumable=False)

    assert await hall.bot.sim.script.voice_states(hall.guild) == []


async def test_a_voice_server_that_moves_is_null_first(hall: Hall) -> None:
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")
    script = hall.bot.sim.script

    await script.move_voice_server(hall.guild, "hill")

    assert (await hall.wire.event("VOICE_SERVER_UPDATE"))["endpoint"] is None
    assert (await hall.wire.event("VOICE_SERVER_UPDATE"))["endpoint"] == "127.0.0.1:9"
    assert (hall.port.closed, hall.port.placed) == ([4014], ["hill"])
    with pytest.raises(ValueError, match="no voice region"):
        await script.move_voice_server(hall.guild, "nowhere")


async def test_people_in_the_bots_channel_are_announced_to_its_call(hall: Hall) -> None:
    script = hall.bot.sim.script
    world = await script.world()
    ada, ben = world.user("Ada").id, world.user("Ben").id
    await script.join_voice("Ada", hall.room)
    await hall.ask(hall.room)
    await hall.wire.event("VOICE_SERVER_UPDATE")

    await script.join_voice("Ben", hall.room)
    await script.leave_voice("Ada", hall.guild)

    assert hall.port.announced == [
        (int(ada), False),
        (int(ada), True),
        (int(ben), True),
        (int(ada), False),
    ]


async def test_the_credentials_open_the_real_voice_server() -> None:
    async with client(voice=True) as bot:
        wire = await bot.logged_in()
        guild, room = await bot.guild(), await bot.channel("Listening room")
        await wire.send(4, {"guild_id": guild, "channel_id": room})
        state = await wire.event("VOICE_STATE_UPDATE")
        server = await wire.event("VOICE_SERVER_UPDATE")
        certificates, voice = bot.sim.certificates, bot.sim.voice
        assert certificates is not None
        assert voice is not None
        sender = VoiceSender(
            bot.http,
            certificates.client_context(),
            guild_id=int(guild),
            user_id=int(bot.bot_id),
            session_id=state["session_id"],
        )

        credentials = VoiceCredentials(token=server["token"], endpoint=server["endpoint"])
        await sender.connect(credentials, dave_version=1)

        connections = voice.server.connections()
        assert [(each.connected, each.channel_id) for each in connections] == [(True, int(room))]
        await sender.close()
