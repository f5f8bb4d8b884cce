"""Music in encrypted calls: people come and go, commits break, members are slow, versions change.

Everyone who listens is a member of the call's group and opens every frame by a session of their
own; what hearing.* judges was decrypted end to end.
"""

import asyncio

import pytest

from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.guest import Guest
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.dave.policy import Policy
from legato_simulator.views import UserView
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_faults import NONE, VoiceFaults

STAGE = Stage(discord={"SIMULATOR_VOICE_ENCRYPTION": "required"})
pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGES = 50


async def encryption(room: Room) -> Encryption:
    """Describe the room's call."""
    (found,) = await room.machine.voice.voice_encryption(room.guild_id)
    return found


async def group_of(room: Room, *users: str) -> Encryption:
    """Wait until exactly the bot and these are the group, and nothing changes."""
    wanted = sorted([room.machine.bot_id, *map(int, users)])

    async def look() -> Encryption | None:
        now = await encryption(room)
        return now if sorted(now.members) == wanted and not now.changing else None

    return await until(look, what=f"a group of {wanted}", timeout=30)


async def opens(room: Room, person: UserView) -> None:
    """Wait until a person has opened some frames."""

    async def look() -> bool:
        heard = {each.user_id: each for each in (await encryption(room)).heard}
        return int(person.id) in heard and heard[int(person.id)].opened > 5

    await until(look, what="a newcomer to hear", timeout=30)


async def playing(stage: Machine, name: str, tone: int) -> Room:
    """Let a room play, encrypted."""
    room = await stage.room(name)
    await room.play(f"tone-{tone}-180s.ogg")
    await room.hears(tone, after=500)
    await group_of(room, room.person.id)
    return room


def all_was_opened(now: Encryption) -> None:
    """Assert that everyone opened every frame of an epoch they have, and none came plain."""
    assert now.heard
    assert {each.undecryptable for each in now.heard} == {0}
    assert now.plain == {}
    assert now.refused == []


async def test_a_listener_comes_and_goes_fifty_times_in_a_track(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "comes and goes", 1)
        guest = await stage.discord.make_user("comes and goes", room.guild.id)
        for _ in range(CHANGES):
            await stage.discord.join_voice(guest.id, room.voice.id)
            await opens(room, guest)
            all_was_opened(await encryption(room))
            await stage.discord.leave_voice(guest.id, room.guild.id)
            await group_of(room, room.person.id)
        now = await encryption(room)

    assert now.epochs >= 2 * CHANGES
    assert now.late_transitions == now.flagged == 0
    all_was_opened(now)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_two_bots_play_in_one_call(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "has two bots", 2)
        async with Guest.in_room(room) as guest:
            await group_of(room, room.person.id, str(guest.user_id))
            await guest.play(3, 3_000)
            now = await encryption(room)
            heard = await stage.voice.voice_moments(room.guild_id, guest.user_id)
        await group_of(room, room.person.id)

    assert [each.track for each in heard.analysis.segments] == [3]
    assert (heard.analysis.skipped_ms, heard.analysis.repeated_ms) == (0, 0)
    all_was_opened(now)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_a_stage_plays_without_encryption(stage: Machine) -> None:
    room = await stage.room("has a stage")
    podium = await stage.discord.make_channel(room.guild.id, "podium", "stage")
    await stage.discord.set_permissions(podium.id, str(stage.bot_id), allow=["MUTE_MEMBERS"])
    await stage.discord.join_voice(room.person.id, podium.id)
    await room.play("tone-4-60s.ogg")
    await room.hears(4, after=500)

    now = await encryption(room)
    assert (now.channel_id, now.version, now.members) == (int(podium.id), 0, [])
    await room.type("leave")


async def test_broken_commits_and_welcomes_are_mended_while_it_plays(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "has broken commits", 5)
        guest = await stage.discord.make_user("brings one", room.guild.id)
        broken = VoiceFaults(spoil_commits=1, spoil_welcomes=1)
        await stage.voice.voice_faults(broken, guild_id=room.guild_id)
        await stage.discord.join_voice(guest.id, room.voice.id)
        now = await flagged(room, 2, guest)
        at = (await room.hears(5)).ms
        await room.hears(5, after=at + 1000)
        after = await encryption(room)

    assert now.flagged == 2
    opened = {each.user_id: each.opened for each in now.heard}
    assert all(each.opened > opened[each.user_id] for each in after.heard)
    all_was_opened(after)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def flagged(room: Room, times: int, guest: UserView) -> Encryption:
    """Wait until so much was reported as broken, and all are together again."""

    async def look() -> bool:
        return (await encryption(room)).flagged == times

    await until(look, what=f"{times} reports", timeout=30)
    return await group_of(room, room.person.id, guest.id)


async def test_slow_members_and_a_change_of_version_leave_it_unbroken(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "is slow", 6)
        guest = await stage.discord.make_user("takes time", room.guild.id)
        slow = VoiceFaults(slow_listeners=0.4, slow_clients=0.2)
        await stage.voice.voice_faults(slow, guild_id=room.guild_id)
        await stage.discord.join_voice(guest.id, room.voice.id)
        await opens(room, guest)
        await stage.voice.voice_faults(NONE, guild_id=room.guild_id)
        before = await group_of(room, room.person.id, guest.id)

        await stage.voice.voice_demand(Policy.OFF, guild_id=room.guild_id)
        await version(room, 0)
        await asyncio.sleep(0.5)
        plain = await encryption(room)
        await stage.voice.voice_demand(Policy.REQUIRED, guild_id=room.guild_id)
        after = await group_of(room, room.person.id, guest.id)
        at = (await room.hears(6)).ms
        await room.hears(6, after=at + 1000)
        now = await encryption(room)

    all_was_opened(before)
    assert plain.members == []
    assert after.version == 1
    assert all(each.opened > 10 for each in now.heard)
    all_was_opened(now)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def version(room: Room, wanted: int) -> None:
    """Wait until the call speaks a version."""

    async def look() -> bool:
        now = await encryption(room)
        return now.version == wanted and not now.changing

    await until(look, what=f"version {wanted}", timeout=30)
