"""One of two audio workers is killed, ended or crashes again and again, a third joins.

The listener hears nothing of it, each command happens once, and those that stay share everything.
"""

import asyncio
import random

import pytest
import pytest_asyncio

from legato_machine import hearing
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

STAGE = Stage(audio=2, settings={"SETTLE": "2s"})
ROOMS = 4
BEGINNINGS = 3
"""Deaths of one that has just begun again, between two of one that has its share."""
EACH = 2
"""Commands before each death; a page of the queue shows all of them."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def balanced(stage: Machine) -> None:
    """Begin each time, and so end the time before, with two that share everything."""
    await stage.fleet.balanced("audio", 2)


async def queued(room: Room, title: str, count: int) -> None:
    """Assert that a track stands in the queue so often."""
    shown = await room.type("queue", timeout=30)
    assert shown.message is not None
    assert shown.message.text.count(title) == count


@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM"])
async def test_the_other_takes_over_unheard_and_a_command_meanwhile_happens_once(
    stage: Machine, how: str
) -> None:
    room = await stage.room(f"loses its audio worker to {how}")
    async with hearing.control(stage) as noise:
        await room.play("tone-7-180s.ogg")
        await room.hears(7, after=2000)
        owner = await stage.fleet.owner_of(room)

        asked = asyncio.create_task(lose(stage, owner, how))
        answer = await room.play("tone-8-60s.ogg", timeout=30)
        await asked
        heir = await stage.fleet.owner_of(room)
        await stage.fleet.balanced("audio", 1)
        await stage.start(owner)
        await stage.fleet.balanced("audio", 2)
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 2000)

    assert heir != owner
    await hearing.unbroken(room, noise)
    assert answer.message is not None
    assert "Test tone 8" in answer.message.text
    await queued(room, "Test tone 8", 1)
    await room.type("leave")


async def lose(stage: Machine, name: str, how: str) -> None:
    """End a part, as its supervisor sees it."""
    if how == "SIGTERM":
        assert await stage.parts[name].stop() == 0
    else:
        await stage.parts[name].kill()
        await stage.bury(name)


async def test_one_in_a_crash_loop_is_not_heard_and_every_command_meanwhile_happens_once(
    stage: Machine,
) -> None:
    """It dies with its share, then whenever it has begun again, then with its share once more."""
    rooms = [await stage.room(f"has a worker in a crash loop {number}") for number in range(ROOMS)]
    await stage.make("tone-8-60s.ogg")
    async with hearing.control(stage) as noise:
        for room in rooms:
            await room.play("tone-7-180s.ogg")
            await room.hears(7, after=500)
        looping = await stage.fleet.owner_of(rooms[0])
        deaths = BEGINNINGS + 2
        commands: list[asyncio.Task[str]] = []
        for death in range(deaths):
            if death == deaths - 1:
                await stage.fleet.balanced("audio", 2)
            commands += await crash(stage, looping, rooms)
            assert (await stage.fleet.shares("audio")).get(looping, 0) == 0, "it has just begun"
        said = await asyncio.gather(*commands)
        await stage.fleet.balanced("audio", 2)
        for room in rooms:
            at = (await room.hears(7)).ms
            await room.hears(7, after=at + 1000)

    assert ["Test tone 8" in text for text in said] == [True] * (ROOMS * deaths * EACH)
    for room in rooms:
        await hearing.unbroken(room, noise)
        await queued(room, "Test tone 8", deaths * EACH)
        await room.type("leave")


async def crash(stage: Machine, name: str, rooms: list[Room]) -> list[asyncio.Task[str]]:
    """Kill a worker amid commands, and start it again; return the commands."""
    chance = random.Random(name)
    asked = []
    for _ in range(EACH):
        asked += [asyncio.create_task(says(room)) for room in rooms]
        await asyncio.sleep(chance.uniform(0.0, 0.1))
    await stage.parts[name].kill()
    await stage.restart_dead(name)
    return asked


async def says(room: Room) -> str:
    """Queue a track, and read the answer."""
    answer = await room.play("tone-8-60s.ogg", timeout=60)
    return answer.message.text if answer.message else ""


async def test_a_third_joins_unheard_and_takes_its_share(stage: Machine) -> None:
    rooms = [await stage.room(f"is shared {number}") for number in (1, 2, 3)]
    async with hearing.control(stage) as noise:
        for room, tone in zip(rooms, (4, 5, 6), strict=True):
            await room.play(f"tone-{tone}-180s.ogg")
            await room.hears(tone, after=500)

        third = await stage.add("audio")
        await stage.fleet.balanced("audio", 3)
        for room, tone in zip(rooms, (4, 5, 6), strict=True):
            await room.play("tone-9-60s.ogg")
            at = (await room.hears(tone)).ms
            await room.hears(tone, after=at + 1000)
        assert await stage.parts[third].stop() == 0
        await stage.fleet.balanced("audio", 2)
        for room, tone in zip(rooms, (4, 5, 6), strict=True):
            at = (await room.hears(tone)).ms
            await room.hears(tone, after=at + 1000)

    for room in rooms:
        await hearing.unbroken(room, noise)
        await queued(room, "Test tone 9", 1)
