"""The gateway's socket drops, or the gateway is killed: RESUME, never IDENTIFY, nothing lost."""

import pytest

from legato_machine.conditions import until
from legato_machine.machine import Machine

DROPPED = "warning failed to communicate with server, reason was: 'Socket has closed'. "
EXPECTED = {f"{DROPPED}Will retry shortly": range(1, 2)}
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def resumed(stage: Machine, more_than: int) -> None:
    """Wait until a session was resumed once more."""

    async def look() -> bool:
        return (await stage.discord.record()).resumes > more_than

    await until(look, what="a RESUME", timeout=30)


async def test_a_dropped_socket_is_resumed_and_a_command_in_between_happens_once(
    stage: Machine,
) -> None:
    room = await stage.room("drops its socket")
    await room.play("tone-1-180s.ogg")
    await room.hears(1, after=1000)
    before = await stage.discord.record()

    await stage.discord.drop_connection()
    answer = await room.play("tone-2-60s.ogg")
    await resumed(stage, before.resumes)

    after = await stage.discord.record()
    assert after.identifies == before.identifies
    assert answer.message is not None
    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.count("Test tone 2") == 1
    report = await room.report()
    assert report is not None
    assert report.unbroken


async def test_a_killed_gateway_resumes_and_a_command_in_between_happens_once(
    stage: Machine,
) -> None:
    room = await stage.room("loses its gateway")
    await room.play("tone-3-180s.ogg")
    await room.hears(3, after=1000)
    before = await stage.discord.record()

    link = await stage.make("tone-4-60s.ogg")
    await stage.parts["gateway"].kill()
    await room.begin("play", {"query": link})
    await stage.restart_dead("gateway")
    await resumed(stage, before.resumes)

    after = await stage.discord.record()
    assert after.identifies == before.identifies

    async def queued() -> str | None:
        shown = await room.type("queue")
        text = shown.message.text if shown.message else ""
        return text if "Test tone 4" in text else None

    text = await until(queued, what="the command's track in the queue")
    assert text.count("Test tone 4") == 1
    report = await room.report()
    assert report is not None
    assert report.unbroken
