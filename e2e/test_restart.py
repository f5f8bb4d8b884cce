"""Everything of ours ends, in order or all at once, and the music comes back by itself."""

import time

import pytest

from legato_machine.machine import Machine
from legato_machine.room import Room

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.alone]
OURS = ("worker", "api", "gateway", "audio", "node", "valkey", "postgres")
MOST_TWICE_MS = 2000
WITHIN_S = 10.0


@pytest.mark.parametrize("how", ["SIGTERM", "SIGKILL"])
async def test_all_of_it_comes_back_at_the_right_moment(stage: Machine, how: str) -> None:
    room = await stage.room(f"restarts after {how}")
    track = 4 if how == "SIGTERM" else 5
    await room.play(f"tone-{track}-180s.ogg")
    await room.play("tone-6-60s.ogg")
    await room.hears(track, after=5000)

    await end_everything(stage, how)
    last = (await room.moments()).moments[-1]
    took = await start_everything(stage, how, room)
    await room.hears(track, after=last.ms + 1000)

    assert took <= WITHIN_S
    heard = (await room.moments()).moments
    again = next(each for each in heard if each.at > last.at)
    assert again.track == track
    assert last.ms - MOST_TWICE_MS <= again.ms <= last.ms + 40
    shown = await room.type("queue")
    assert shown.message is not None
    assert "Test tone 6" in shown.message.text


async def end_everything(stage: Machine, how: str) -> None:
    """End all that is ours; Discord stays."""
    for name in OURS:
        if how == "SIGTERM":
            assert await stage.parts[name].stop() == 0
        else:
            await stage.parts[name].kill()


async def start_everything(stage: Machine, how: str, room: Room) -> float:
    """Start as `legato up` does; return the seconds from the first start to the first sound."""
    since = await room.now()
    began = time.monotonic()
    await stage.start_together("postgres", "valkey", "node")
    if how == "SIGKILL":
        await stage.bury("gateway")
        await stage.bury("audio")
    await stage.start_together("gateway", "audio", "api", "worker")
    await room.sounds(since=since)
    return time.monotonic() - began
