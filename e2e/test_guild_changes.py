"""What people do to the bot in Discord: move it, throw it out, mute it, take its channels away.

After each the right sentence, the right state, and no player that nobody answers for.
"""

import pytest

from legato_machine import hearing, orphans
from legato_machine.conditions import until
from legato_machine.machine import Machine
from legato_machine.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def playing(stage: Machine, what: str, tone: int, *, past: float = 2000) -> Room:
    """Let a room play, with its panel shown."""
    room = await stage.room(what)
    await room.play(f"tone-{tone}-180s.ogg")
    await room.hears(tone, after=past)
    await room.panel()
    return room


async def state_is(room: Room, *, channel: str | None, reasons: set[str] | None = None) -> None:
    """Wait until the room's player shows a channel, and why it is silent."""

    async def look() -> bool:
        player = await room.machine.fleet.player(room)
        if player is None or player.voice_channel_id != channel:
            return False
        return reasons is None or set(player.pause_reasons) == reasons

    await until(look, what=f"the player in {channel}, silent by {reasons}")


async def test_music_follows_a_bot_that_is_moved(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "moves the bot", 1)
        witness = await playing(stage, "looks on", 2, past=500)
        hall = await stage.discord.make_channel(room.guild.id, "hall", "voice")
        await stage.discord.join_voice(room.person.id, hall.id)

        await stage.discord.move_voice(str(stage.bot_id), hall.id)
        await state_is(room, channel=hall.id, reasons=set())
        at = (await room.hears(1)).ms
        await room.hears(1, after=at + 2500)

    await hearing.rejoined(room, noise)
    await hearing.unbroken(witness, noise)
    await room.type("leave")
    await witness.type("leave")
    await orphans.no_orphans(stage)


async def test_a_bot_that_is_thrown_out_says_so_and_keeps_its_queue(stage: Machine) -> None:
    room = await playing(stage, "throws the bot out", 3)
    await room.play("tone-4-60s.ogg")

    await stage.discord.leave_voice(str(stage.bot_id), room.guild.id)
    await room.quiet()
    await room.told("kicked")
    await state_is(room, channel=None)
    await orphans.no_orphans(stage)
    at = await room.now()
    last = (await room.moments()).moments[-1].ms

    answer = await room.play("tone-5-60s.ogg")
    await room.sounds(since=at)
    await room.hears(3, after=last)

    hearing.none_lost((await room.moments()).analysis)
    assert answer.message is not None
    assert "Test tone 5" in answer.message.text
    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.index("tone 4") < shown.message.text.index("tone 5")
    await room.type("leave")


async def test_a_bot_that_is_muted_waits_until_it_is_heard_again(stage: Machine) -> None:
    room = await playing(stage, "mutes the bot", 5)

    await stage.discord.mute_voice(str(stage.bot_id), room.guild.id, mute=True)
    await room.told("server_muted")
    await state_is(room, channel=room.voice.id, reasons={"server_muted"})
    await room.quiet()
    last = (await room.moments()).moments[-1].ms
    at = await room.now()

    await stage.discord.mute_voice(str(stage.bot_id), room.guild.id, mute=False)
    await room.sounds(since=at)
    await room.hears(5, after=last + 2500)

    analysis = (await room.moments()).analysis
    hearing.none_lost(analysis)
    await state_is(room, channel=room.voice.id, reasons=set())
    await room.type("leave")


async def test_a_voice_channel_is_deleted(stage: Machine) -> None:
    room = await playing(stage, "deletes its voice channel", 6)

    await stage.discord.delete_channel(room.voice.id)
    await room.quiet()
    await room.told("channel_gone")
    await state_is(room, channel=None)
    await orphans.no_orphans(stage)


async def test_a_panel_goes_with_its_channel_and_the_music_stays(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "deletes its text channel", 7)
        other = await stage.discord.make_channel(room.guild.id, "elsewhere", "text")

        await stage.discord.delete_channel(room.text.id)
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 2500)
        sent = await stage.discord.run_command(room.person.id, other.id, "nowplaying", {})
        await sent.response()

        async def shown() -> bool:
            found = await stage.discord.messages(other.id, str(stage.bot_id))
            return any(each.components and not each.ephemeral for each in found)

        await until(shown, what="a panel in the other channel")
    await hearing.unbroken(room, noise)
    left = await stage.discord.run_command(room.person.id, other.id, "leave", {})
    await left.response()


async def test_a_guild_removes_the_bot_and_nothing_of_it_stays(stage: Machine) -> None:
    room = await playing(stage, "removes the bot", 8)
    await room.play("tone-4-60s.ogg")

    await stage.discord.kick_bot(room.guild.id)
    await room.quiet()
    await orphans.no_orphans(stage)

    async def forgotten() -> bool:
        left[:] = await traces(stage, room.guild_id)
        return not left

    left: list[str] = []
    try:
        await until(forgotten, what="no key of the guild left", timeout=20)
    finally:
        assert left == []
    await stage.discord.invite_bot(room.guild.id)
    at = await room.now()
    await room.play("tone-4-60s.ogg")
    await room.sounds(since=at)
    await room.type("leave")


async def traces(stage: Machine, guild_id: int) -> list[str]:
    """Name the keys of a guild, and those that hold something of it."""
    guild = str(guild_id)
    async with stage.redis() as client:

        async def holds(key: str) -> bool:
            match await client.type(key):
                case "hash":
                    return await client.hexists(key, guild)
                case "set":
                    return bool(await client.sismember(key, guild))
                case _:
                    return False

        found = [str(key) async for key in client.scan_iter()]
        named = [key for key in found if guild in key and await client.ttl(key) < 0]
        return named + [key for key in found if await holds(key)]


async def test_an_outage_of_a_guild_ends_no_music(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "has an outage", 9)

        await stage.discord.set_guild_available(room.guild.id, available=False)
        at = (await room.hears(9)).ms
        await room.hears(9, after=at + 1500)
        await stage.discord.set_guild_available(room.guild.id, available=True)
        at = (await room.hears(9)).ms
        await room.hears(9, after=at + 2500)
        answer = await room.type("nowplaying")

    assert answer.message is not None
    await hearing.unbroken(room, noise)
    await room.type("leave")
    await orphans.no_orphans(stage)


@pytest.mark.parametrize("pause", [0.0, 3.0])
async def test_a_voice_server_moves_while_it_plays(stage: Machine, pause: float) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, f"moves its voice server, {pause} s away", 10)
        before = (await stage.voice.voice_overview()).identifies

        region = "hill" if pause == 0.0 else "harbour"
        await stage.discord.move_voice_server(room.guild.id, region, pause=pause)
        at = await room.now()
        await room.sounds(since=at)
        heard = (await room.hears(10)).ms
        await room.hears(10, after=heard + 2500)

    assert (await stage.voice.voice_overview()).identifies == before + 1
    analysis = (await room.moments()).analysis
    report = await room.report()
    assert report is not None
    assert report.worst_gap_ms <= noise.worst_ms + hearing.MOST_SILENCE_MS + pause * 1000
    hearing.none_lost(analysis)
    await room.type("leave")
    await orphans.no_orphans(stage)
