"""Clients that nobody here wrote log in, register a command, get an interaction and answer it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import hikari
import pytest
import yarl
from hikari.impl import config, event_factory, event_manager, shard

from legato_simulator.app import Simulator
from support_discord import description_or_skip, discord
from support_discordpy import DiscordWebSocket, Route, discordpy
from support_waiting import PATIENCE, until

INTENTS = hikari.Intents.GUILDS | hikari.Intents.GUILD_VOICE_STATES


def test_the_runs_are_checked_against_discords_own_description() -> None:
    assert description_or_skip().exists()


@asynccontextmanager
async def hikari_bot(sim: Simulator) -> AsyncIterator[hikari.GatewayBot]:
    bot = hikari.GatewayBot(
        sim.token, rest_url=sim.rest_url, banner=None, logs=None, intents=INTENTS
    )

    @bot.listen()
    async def answer(event: hikari.CommandInteractionCreateEvent) -> None:
        interaction = event.interaction
        deferred = hikari.ResponseType.DEFERRED_MESSAGE_CREATE
        await interaction.create_initial_response(deferred)
        asked = interaction.options[0].value if interaction.options else ""
        row = bot.rest.build_message_action_row()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "pause", label="Pause")
        embed = hikari.Embed(title="Now playing", description=str(asked))
        await interaction.edit_initial_response(f"Playing {asked}", embed=embed, component=row)

    @bot.listen()
    async def pressed(event: hikari.ComponentInteractionCreateEvent) -> None:
        update = hikari.ResponseType.MESSAGE_UPDATE
        await event.interaction.create_initial_response(update, "Paused", components=[])

    @bot.listen()
    async def typed(event: hikari.AutocompleteInteractionCreateEvent) -> None:
        choice = hikari.impl.AutocompleteChoiceBuilder("Morning", "morning")
        await event.interaction.create_response([choice])

    await bot.start(check_for_updates=False)
    try:
        application = await bot.rest.fetch_application()
        query = hikari.CommandOption(
            type=hikari.OptionType.STRING,
            name="query",
            description="What",
            is_required=True,
            autocomplete=True,
        )
        command = bot.rest.slash_command_builder("play", "Play something").add_option(query)
        await bot.rest.set_application_commands(application, [command])
        yield bot
    finally:
        await bot.close()


@pytest.fixture(params=["zstd-stream", "zlib-stream", "json"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """GatewayBot has no switch: it takes zstd where the library for it is installed."""
    name = str(request.param)
    if name != "zstd-stream":
        zlib = hikari.api.shard.GatewayCompression.TRANSPORT_ZLIB_STREAM
        compression = zlib if name == "zlib-stream" else None
        defaults = shard.GatewayShardImpl.__init__.__kwdefaults__
        monkeypatch.setitem(defaults, "compression", compression)
    return name


async def test_hikari_plays_a_command_a_button_and_autocomplete(transport: str) -> None:
    async with discord() as sim, hikari_bot(sim) as bot:
        me = bot.get_me()
        assert me is not None
        assert me.username == "Legato"
        assert [guild.name for guild in bot.cache.get_guilds_view().values()] == ["Legato Lounge"]

        typed = await sim.script.autocomplete("Ada", "music", "play", "query", {"query": "m"})
        assert await typed.choices() == [{"name": "Morning", "value": "morning"}]
        played = await sim.script.run_command("Ada", "music", "play", {"query": "morning"})
        answered = await played.response()
        assert answered.message is not None
        assert answered.message.text == "Playing morning\nNow playing\nmorning"
        pressed = await sim.script.press_button("Ada", answered.message.id, "pause")
        assert (await pressed.response()).state == "answered"
        assert (await sim.script.message(answered.message.id)).content == "Paused"
        record = await sim.script.record()
        assert (record.identifies, record.violations, record.refusals) == (1, [], {})


async def test_hikari_joins_voice_and_hears_of_it(transport: str) -> None:
    async with discord() as sim, hikari_bot(sim) as bot:
        lounge = await sim.script.guild("Legato Lounge")
        room = lounge.channel("Listening room")
        server = asyncio.create_task(
            bot.wait_for(hikari.VoiceServerUpdateEvent, timeout=PATIENCE)  # type: ignore[type-abstract]
        )
        await asyncio.sleep(0)

        await bot.update_voice_state(int(lounge.id), int(room.id), self_deaf=True)

        assert (await server).guild_id == int(lounge.id)
        me = bot.get_me()
        assert me is not None
        state = bot.cache.get_voice_state(int(lounge.id), me.id)
        assert state is not None
        assert (state.channel_id, state.is_self_deafened) == (int(room.id), True)


async def test_hikari_resumes_after_its_socket_was_dropped(transport: str) -> None:
    async with discord() as sim, hikari_bot(sim):
        await sim.script.drop_connection()
        played = await sim.script.run_command("Ada", "music", "play", {"query": "morning"})

        assert (await played.response()).state in {"answered", "failed"}
        await until(lambda: resumed(sim))
        record = await sim.script.record()
        assert (record.identifies, record.resumes) == (1, 1)


def resumed(sim: Simulator) -> bool:
    return any(each.kind == "resumed" for each in sim.simulation.recorder.session_events)


async def test_hikaris_shard_class_speaks_plain_json() -> None:
    async with discord() as sim:
        bot = hikari.GatewayBot(sim.token, rest_url=sim.rest_url, banner=None, logs=None)
        seen: list[str] = []

        class Events(event_manager.EventManagerImpl):
            def consume_raw_event(self, event_name: str, shard: Any, payload: Any) -> None:
                seen.append(event_name)
                super().consume_raw_event(event_name, shard, payload)

        one = shard.GatewayShardImpl(
            compression=None,
            intents=INTENTS,
            http_settings=config.HTTPSettings(),
            proxy_settings=config.ProxySettings(),
            event_manager=Events(bot.entity_factory, bot.event_factory, INTENTS),  # type: ignore[arg-type]
            event_factory=event_factory.EventFactoryImpl(bot),
            token=sim.token,
            url=sim.gateway_url,
        )
        await one.start()
        try:
            await until(lambda: "GUILD_CREATE" in seen)
            assert one.is_connected
            assert seen[0] == "READY"
        finally:
            await one.close()


async def test_discord_py_plays_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    async with discord() as sim:
        monkeypatch.setattr(Route, "BASE", sim.rest_url)
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sim.gateway_url))
        client = discordpy.Client(intents=discordpy.Intents(guilds=True, voice_states=True))
        tree = discordpy.app_commands.CommandTree(client)
        ready = asyncio.Event()

        @tree.command(name="play", description="Play something")
        async def play(interaction: discordpy.Interaction, query: str) -> None:
            await interaction.response.defer(ephemeral=True)
            await interaction.followup.send(f"Playing {query}")

        @client.event
        async def on_ready() -> None:
            await tree.sync()
            ready.set()

        running = asyncio.create_task(client.start(sim.token))
        try:
            await asyncio.wait_for(ready.wait(), PATIENCE)
            assert [guild.name for guild in client.guilds] == ["Legato Lounge"]
            played = await sim.script.run_command("Ada", "music", "play", {"query": "morning"})
            answered = await played.response()
            assert answered.message is not None
            assert (answered.message.content, answered.ephemeral) == ("Playing morning", True)
        finally:
            await client.close()
            await running
