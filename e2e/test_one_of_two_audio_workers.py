"""One of two audio workers is killed or ended, a third joins: the listener hears nothing of it."""

import asyncio
import random

import pytest

from legato_machine import hearing
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

STAGE = Stage(audio=2)
CRASHES, EACH = 5, 2
"""Deaths, and commands before each; a page of the queue shows all of them."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def happens_once(room: Room, title: str) -> None:
    """Assert that a queued track stands in the queue, once."""
    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.count(title) == 1


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
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 3000)

    assert heir != owner
    await hearing.unbroken(room, noise)
    assert answer.message is not None
    assert "Test tone 8" in answer.message.text
    await happens_once(room, "Test tone 8")
    await room.type("leave")
    await stage.start(owner)


async def lose(stage: Machine, name: str, how: str) -> None:
    """End a part, as its supervisor sees it."""
    if how == "SIGTERM":
        assert await stage.parts[name].stop() == 0
    else:
        await stage.parts[name].kill()
        await stage.bury(name)


async def test_a_crash_loop_is_not_heard_and_every_command_meanwhile_happens_once(
    stage: Machine,
) -> None:
    chance = random.Random(5)
    room = await stage.room("loses its audio worker again and again")
    await stage.make("tone-8-60s.ogg")
    async with hearing.control(stage) as noise:
        await room.play("tone-7-180s.ogg")
        await room.hears(7, after=1000)
        asked = []
        for _ in range(CRASHES):
            owner = await stage.fleet.owner_of(room)
            for _ in range(EACH):
                asked.append(asyncio.create_task(room.play("tone-8-60s.ogg", timeout=60)))
                await asyncio.sleep(chance.uniform(0.0, 0.1))
            await stage.parts[owner].kill()
            await stage.restart_dead(owner)
        answers = await asyncio.gather(*asked)
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 2000)

    await hearing.unbroken(room, noise)
    texts = [answer.message.text if answer.message else "" for answer in answers]
    assert ["Test tone 8" in text for text in texts] == [True] * len(asked)
    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.count("Test tone 8") == CRASHES * EACH
    await room.type("leave")


async def test_a_third_joins_unheard_and_takes_its_share(stage: Machine) -> None:
    rooms = [await stage.room(f"is shared {number}") for number in (1, 2, 3)]
    async with hearing.control(stage) as noise:
        for room, tone in zip(rooms, (4, 5, 6), strict=True):
            await room.play(f"tone-{tone}-180s.ogg")
            await room.hears(tone, after=500)
        await stage.fleet.balanced("audio", 2)

        third = await stage.add("audio")
        await stage.fleet.balanced("audio", 3)
        for room, tone in zip(rooms, (4, 5, 6), strict=True):
            await room.play("tone-9-60s.ogg")
            at = (await room.hears(tone)).ms
            await room.hears(tone, after=at + 1000)

    for room in rooms:
        await hearing.unbroken(room, noise)
        await happens_once(room, "Test tone 9")
    assert await stage.parts[third].stop() == 0
    await stage.fleet.balanced("audio", 2)
