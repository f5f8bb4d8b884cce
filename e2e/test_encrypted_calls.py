"""Music in encrypted calls: people, workers, nodes and key processes come and go, versions change.

Everyone who listens is a member of the call's group and opens every frame by a session of their
own; what hearing.* judges was decrypted end to end.
"""

import re

import pytest

from legato_machine import encrypted_call, hearing
from legato_machine.conditions import until
from legato_machine.encrypted_call import all_was_opened, group_of, opens, speaks, told
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_machine.second_bot import SecondBot
from legato_simulator.dave.policy import Policy
from legato_simulator.views import UserView
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_faults import NONE, VoiceFaults

STAGE = Stage(
    nodes=2,
    audio=2,
    settings={"SETTLE": "2s"},
    discord={"SIMULATOR_VOICE_ENCRYPTION": "required"},
)
EXPECTED = {"warning player not moved": range(2)}
"""A move that fails on a slow machine is told of once, and tried again."""
pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGES = 50
CLOSED = 4017
TWICE = 5
"""Frames of a planned move's repeated part that may come before they can be opened."""


async def playing(stage: Machine, name: str, tone: int, *, seconds: int = 180) -> Room:
    """Let a room play, encrypted."""
    room = await stage.room(name)
    await room.play(f"tone-{tone}-{seconds}s.ogg", timeout=30)
    await room.hears(tone, after=500, timeout=30)
    await group_of(room, room.person.id)
    return room


async def plays_on(room: Room, tone: int, ms: float = 1000) -> None:
    """Wait until a room has heard some more."""
    at = (await room.hears(tone, timeout=60)).ms
    await room.hears(tone, after=at + ms, timeout=60)


async def test_a_listener_comes_and_goes_fifty_times_in_a_track(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "comes and goes", 1, seconds=600)
        guest = await stage.discord.make_user("comes and goes", room.guild.id)
        for _ in range(CHANGES):
            await stage.discord.join_voice(guest.id, room.voice.id)
            await opens(room, guest)
            all_was_opened(await told(room), there_before=room.person)
            await stage.discord.leave_voice(guest.id, room.guild.id)
            await group_of(room, room.person.id)
        now = await told(room)

    assert now.epochs >= 2 * CHANGES
    assert (now.flagged, now.resets) == (0, 0)
    all_was_opened(now, there_before=room.person)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_two_bots_play_in_one_call(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "has two bots", 2)
        async with SecondBot.in_room(room) as second:
            await group_of(room, room.person.id, second.user_id)
            await second.play(3, 3_000)
            now = await told(room)
            heard = await stage.voice.voice_moments(room.guild_id, second.user_id)
        await group_of(room, room.person.id)

    assert [each.track for each in heard.analysis.segments] == [3]
    assert (heard.analysis.skipped_ms, heard.analysis.repeated_ms) == (0, 0)
    all_was_opened(now, there_before=room.person)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_a_stage_plays_without_encryption(stage: Machine) -> None:
    room = await stage.room("has a stage")
    podium = await stage.discord.make_channel(room.guild.id, "podium", "stage")
    await stage.discord.set_permissions(podium.id, str(stage.bot_id), allow=["MUTE_MEMBERS"])
    await stage.discord.join_voice(room.person.id, podium.id)
    await room.play("tone-4-60s.ogg")
    await room.hears(4, after=500)

    now = await told(room)
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
        await plays_on(room, 5)
        after = await told(room)

    assert now.flagged == 2
    opened = {each.user_id: each.opened for each in now.heard}
    assert all(each.opened > opened[each.user_id] for each in after.heard)
    all_was_opened(after, there_before=room.person)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def flagged(room: Room, times: int, guest: UserView) -> Encryption:
    """Wait until so much was reported as broken, and all are together again."""

    async def look() -> bool:
        return (await told(room)).flagged == times

    await until(look, what=f"{times} reports", timeout=60)
    return await group_of(room, room.person.id, guest.id)


async def test_slow_members_are_waited_for_and_miss_nothing(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "is slow", 6)
        guest = await stage.discord.make_user("takes time", room.guild.id)
        slow = VoiceFaults(slow_listeners=0.4, slow_clients=0.2)
        await stage.voice.voice_faults(slow, guild_id=room.guild_id)
        await stage.discord.join_voice(guest.id, room.voice.id)
        await opens(room, guest)
        await stage.voice.voice_faults(NONE, guild_id=room.guild_id)
        now = await group_of(room, room.person.id, guest.id)

    all_was_opened(now, there_before=room.person)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_a_call_goes_down_to_no_encryption_and_up_again(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "goes down and up", 7)
        await stage.voice.voice_demand(Policy.OFF, guild_id=room.guild_id)
        await speaks(room, 0)
        await plays_on(room, 7)
        plain = await told(room)
        await stage.voice.voice_demand(Policy.REQUIRED, guild_id=room.guild_id)
        after = await group_of(room, room.person.id)
        await plays_on(room, 7)
        now = await told(room)

    assert (plain.version, plain.members, after.version) == (0, [], 1)
    opened = {each.user_id: each.opened for each in after.heard}
    assert all(each.opened > opened[each.user_id] for each in now.heard)
    all_was_opened(now, there_before=room.person)
    await hearing.unbroken(room, noise)
    await room.type("leave")


async def test_a_move_to_another_node_joins_the_group_anew_and_loses_nothing(
    stage: Machine,
) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "changes its node", 8)
        node = await stage.fleet.node_of(room)
        await stage.fleet.drain(node)

        async def moved() -> bool:
            return await stage.fleet.node_of(room) != node

        await until(moved, what=f"the player off {node}", timeout=60)
        await plays_on(room, 8, ms=2000)

    await say("a move under encryption", room, noise)
    await hearing.moved(room, noise, planned=True)
    all_was_opened(await told(room), there_before=room.person, early=TWICE)
    await stage.fleet.uncordon(node)
    await room.type("leave")


async def say(what: str, room: Room, noise: hearing.Control) -> None:
    """Print what a room heard of it: docs/node.md has the figures."""
    report, heard = await room.report(), (await room.moments()).analysis
    assert report is not None
    print(
        f"{what}: {heard.repeated_ms:.0f} ms repeated, {heard.skipped_ms:.0f} ms skipped, "
        f"{report.longest_silence_ms:.0f} ms of silence "
        f"(the machine's own noise {noise.worst_ms:.0f} ms)"
    )


async def test_a_key_process_that_dies_is_followed_by_one_that_joins_anew(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "loses its keys", 9)
        before = await told(room)
        encrypted_call.end_key_process(stage.parts[await stage.fleet.node_of(room)])

        async def joined() -> bool:
            return (await told(room)).epochs > before.epochs

        await until(joined, what="another epoch", timeout=60)
        await group_of(room, room.person.id)
        await plays_on(room, 9, ms=2000)

    await say("a key process killed", room, noise)
    report, heard = await room.report(), (await room.moments()).analysis
    assert report is not None
    assert report.unbroken, report
    # Around a wait the time code is read to some ms; a frame that was lost or doubled is 20 ms.
    assert max(heard.skipped_ms, heard.repeated_ms) < hearing.FRAME_MS, heard.jumps
    all_was_opened(await told(room), there_before=room.person)
    await room.type("leave")


async def test_a_call_that_can_not_be_encrypted_is_told_and_counted(stage: Machine) -> None:
    room = await playing(stage, "is refused", 10)
    owner = await stage.fleet.owner_of(room)
    before = await closed(stage, owner)
    await stage.discord.close_voice(room.guild.id, CLOSED, str(stage.bot_id))

    panel = await room.told("encryption_required", timeout=60)

    assert "end-to-end encrypted" in panel.content
    assert await closed(stage, owner) == before + 1


async def closed(stage: Machine, worker: str) -> float:
    """Read how many voice connections ended so, as an audio worker counts."""
    answer = await stage.get(worker, "/metrics")
    line = rf'^legato_audio_voice_closes_total\{{code="{CLOSED}"\}} (.+)$'
    found = re.search(line, await answer.text(), re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_an_audio_workers_end_leaves_the_group_alone(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "changes its audio worker", 11)
        before = await told(room)
        owner = await stage.fleet.owner_of(room)

        assert await stage.parts[owner].stop() == 0
        heir = await stage.fleet.owner_of(room)
        await plays_on(room, 11, ms=2000)

    await hearing.unbroken(room, noise)
    after = await told(room)
    assert heir != owner
    assert (after.epoch, after.members) == (before.epoch, before.members)
    all_was_opened(after, there_before=room.person)
    await room.type("leave")
