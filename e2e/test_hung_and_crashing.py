"""One guild's link hangs, one's command crashes its step, one's ends the process: others go on."""

import asyncio
import contextlib
import time

import pytest

import support_crashing_audio as crashing
from legato.contracts import keys
from legato.contracts.partitions import DEFAULT_REGION, Partition
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.views import InteractionView

HANG = 10.0
STAGE = Stage(
    # All guilds share the one partition.
    settings={"PARTITIONS": "1"},
    node_settings={"READ_TIMEOUT": f"{HANG:.0f}s"},
    programs={"audio": crashing.__file__},
)
DEATHS = 3
EXPECTED = {
    "error a message crashed its step": range(3, 4),
    "error message put aside": range(2, 3),
}
GUILDS, ASKED = 16, 3
"""Others of the partition, and how often each is asked: fewer times than a person may."""
NOTICED = 0.25
"""Seconds; of an answer that would wait for the hung one, many more."""
ALERT = "legato_audio_dead_letters_total "
"""As docs/alerts.md says."""
WRONG = "Something went wrong on my side."
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def playing(stage: Machine, name: str, tone: int) -> Room:
    """Make a room that listens to a tone."""
    room = await stage.room(name)
    await room.play(f"tone-{tone}-180s.ogg")
    await room.hears(tone, after=1000)
    return room


def text(answer: InteractionView) -> str:
    """Take what an answer says; a late refusal comes as a message that only the asker sees."""
    said = [answer.message, *answer.followups]
    return "\n".join(message.text for message in said if message)


async def answers(rooms: list[Room]) -> list[float]:
    """Ask in every guild again and again, and say how long each answer took; sorted."""
    took = []
    for room in rooms * ASKED:
        answer = await room.type("queue")
        assert "queue is empty" in text(answer)
        assert answer.answered_at is not None
        took.append(answer.answered_at - answer.created_at)
    return sorted(took)


def p99(took: list[float]) -> float:
    """Take the slowest but one percent."""
    return took[round(len(took) * 0.99) - 1]


async def dead_letters(stage: Machine) -> list[str]:
    """Read what was put aside."""
    partition = Partition(stage.bot_id, DEFAULT_REGION, 0)
    async with stage.redis() as redis:
        rows = await redis.xrange(keys.dead(partition))
    return [str(fields["m"]) for _, fields in rows or () if fields]


async def alerts(stage: Machine) -> float:
    """Read the metric that an alert looks at."""
    async with await stage.get("audio", "/metrics") as page:
        lines = (await page.text()).splitlines()
    (value,) = [one.split()[-1] for one in lines if one.startswith(ALERT)]
    return float(value)


async def test_a_link_that_hangs_delays_its_asker_alone(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        other = await playing(stage, "is beside one that hangs", 3)
        hung = await playing(stage, "has a link that hangs", 4)
        many = [await stage.room(f"is one of many {number}") for number in range(GUILDS)]
        before = await answers(many)

        link = stage.music("adverse/hang-headers/tone-5-60s.ogg")
        begun = time.monotonic()
        asked = asyncio.create_task(hung.type("play", {"query": link}, timeout=30))
        meanwhile = await answers(many)
        served = await other.play("tone-6-60s.ogg")
        assert not asked.done()
        answer = await asked
        took = time.monotonic() - begun

    assert took >= HANG
    assert "couldn't be loaded" in text(answer) or "took too long" in text(answer)
    assert "Test tone 6" in text(served)
    assert p99(meanwhile) <= p99(before) + NOTICED
    for room in (other, hung):
        await hearing.unbroken(room, noise)
    assert "Test tone 5" not in text(await hung.type("queue"))


async def test_a_command_that_crashes_its_step_is_put_aside_and_answered(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "crashes a step", 3)
        other = await playing(stage, "is beside one that crashes", 4)
        before, alarmed = await dead_letters(stage), await alerts(stage)

        crashed, served = await asyncio.gather(
            room.type("seek", {"to": f"0:{crashing.CRASH // 1000}"}),
            other.play("tone-6-60s.ogg"),
        )
        after = await room.play("tone-5-60s.ogg")

    assert WRONG in text(crashed)
    assert "Test tone 6" in text(served)
    assert "Test tone 5" in text(after)
    (letter,) = (await dead_letters(stage))[len(before) :]
    assert "playback.seek" in letter
    assert await alerts(stage) == alarmed + 1
    for each in (room, other):
        await hearing.unbroken(each, noise)


async def test_a_command_that_ends_the_process_is_put_aside_after_the_third(
    stage: Machine,
) -> None:
    async with hearing.control(stage) as noise:
        room = await playing(stage, "ends its process", 3)
        other = await playing(stage, "is beside one that ends it", 4)
        await stage.make("tone-6-60s.ogg")
        before = await dead_letters(stage)

        seek = {"to": f"0:{crashing.KILL // 1000}"}
        killed = asyncio.create_task(room.type("seek", seek, timeout=90))
        served = asyncio.create_task(other.play("tone-6-60s.ogg", timeout=90))
        deaths = await deaths_until(stage, killed)
        at = (await other.hears(4)).ms
        await other.hears(4, after=at + 2000)

    assert deaths == DEATHS
    assert WRONG in text(await killed)
    assert "Test tone 6" in text(await served)
    assert text(await other.type("queue")).count("Test tone 6") == 1
    (letter,) = (await dead_letters(stage))[len(before) :]
    assert "playback.seek" in letter
    assert await alerts(stage) == 1
    for each in (room, other):
        await hearing.unbroken(each, noise)


async def deaths_until(stage: Machine, answered: asyncio.Task[InteractionView]) -> int:
    """Start the audio worker again whenever it has died, and count, until there is an answer."""
    audio, deaths = stage.parts["audio"], 0

    async def look() -> bool:
        nonlocal deaths
        if not audio.running:
            deaths += 1
            await stage.bury("audio")
            # It may die before it is ready.
            with contextlib.suppress(AssertionError):
                await audio.start()
        return answered.done()

    await until(look, what="an answer", timeout=90)
    return deaths
