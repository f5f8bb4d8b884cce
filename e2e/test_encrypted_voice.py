"""Every call is encrypted end to end, as on Discord: people come and go, workers and nodes change.

Listeners are members of the group with sessions of their own, so that what is heard was opened by
somebody who has the epoch's key.
"""

import pytest
import pytest_asyncio

from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_call import Encryption

STAGE = Stage(nodes=2, audio=2, settings={"SETTLE": "2s"})
COMINGS = 50
TONE = 7
CLOSED = 4017
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def encrypted(stage: Machine) -> None:
    """Let every call demand encryption."""
    await stage.voice.voice_demand(Policy.REQUIRED)


async def call(room: Room) -> Encryption:
    """Describe a room's call."""
    (found,) = await room.machine.voice.voice_encryption(room.guild_id)
    return found


async def listens(room: Room) -> None:
    """Let a room play until somebody who has the keys has heard it."""
    await room.play(f"tone-{TONE}-180s.ogg")
    await room.hears(TONE, after=1000)


async def opened_by_all(room: Room) -> Encryption:
    """Assert that nothing was plain, refused or could not be opened by who had the key."""
    found = await call(room)
    assert (found.version, found.plain, found.refused) == (1, {}, [])
    assert sum(each.opened for each in found.heard) > 0
    for each in found.heard:
        assert (each.undecryptable, each.invalid) == (0, 0), each
    return found


async def has(room: Room, people: int) -> None:
    """Wait until the bot and so many people are the group, and nothing is under way."""

    async def look() -> bool:
        found = await call(room)
        return len(found.members) == 1 + people and not found.changing

    await until(look, what=f"{people} people in the group", timeout=60)


async def test_a_listener_comes_and_goes_fifty_times_and_nobody_misses_a_frame(
    stage: Machine,
) -> None:
    room = await stage.room("has a guest")
    guest = await stage.discord.make_user("comes and goes")
    await stage.discord.join_guild(guest.id, room.guild.id)
    async with hearing.control(stage) as noise:
        await listens(room)
        for _ in range(COMINGS):
            await stage.discord.join_voice(guest.id, room.voice.id)
            await has(room, 2)
            await stage.discord.leave_voice(guest.id, room.guild.id)
            await has(room, 1)
        at = (await room.hears(TONE)).ms
        await room.hears(TONE, after=at + 1000)

    await hearing.unbroken(room, noise)
    found = await opened_by_all(room)
    assert found.epochs > 2 * COMINGS
    assert (found.flagged, found.resets) == (0, 0)
    await room.type("leave")


async def test_a_move_to_another_node_joins_the_group_anew_and_loses_nothing(
    stage: Machine,
) -> None:
    room = await stage.room("changes its node")
    async with hearing.control(stage) as noise:
        await listens(room)
        node = await stage.fleet.node_of(room)
        await stage.fleet.drain(node)

        async def moved() -> bool:
            return await stage.fleet.node_of(room) != node

        await until(moved, what=f"the player off {node}", timeout=30)
        at = (await room.hears(TONE)).ms
        await room.hears(TONE, after=at + 2000)

    report, heard = await room.report(), (await room.moments()).analysis
    assert report is not None
    print(
        f"a move under encryption: {heard.repeated_ms:.0f} ms repeated, "
        f"{heard.skipped_ms:.0f} ms skipped, {report.longest_silence_ms:.0f} ms of silence "
        f"(the machine's own noise {noise.worst_ms:.0f} ms)"
    )
    await hearing.moved(room, noise, planned=True)
    await opened_by_all(room)
    await stage.fleet.uncordon(node)
    await room.type("leave")


async def test_a_call_that_can_not_be_encrypted_is_told_and_counted(stage: Machine) -> None:
    room = await stage.room("is refused")
    await listens(room)
    owner = await stage.fleet.owner_of(room)
    await stage.discord.close_voice(room.guild.id, CLOSED, str(stage.bot_id))

    panel = await room.told("encryption_required")
    answer = await stage.get(owner, "/metrics")

    assert "end-to-end encrypted" in panel.content
    assert f'legato_audio_voice_closes_total{{code="{CLOSED}"}} 1.0' in await answer.text()


async def test_an_audio_workers_end_leaves_the_group_alone(stage: Machine) -> None:
    room = await stage.room("changes its audio worker")
    async with hearing.control(stage) as noise:
        await listens(room)
        before = await opened_by_all(room)
        owner = await stage.fleet.owner_of(room)

        assert await stage.parts[owner].stop() == 0
        heir = await stage.fleet.owner_of(room)
        at = (await room.hears(TONE)).ms
        await room.hears(TONE, after=at + 2000)

    await hearing.unbroken(room, noise)
    after = await opened_by_all(room)
    assert heir != owner
    assert (after.epoch, after.members) == (before.epoch, before.members)
    await room.type("leave")
