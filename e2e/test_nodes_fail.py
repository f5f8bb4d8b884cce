"""A node freezes, or its network swallows all that is said: the music goes on, never doubled."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from legato_machine import hearing, orphans
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

SILENT_SOCKET = 8
"""Seconds after which a node drops a socket that says nothing: more than our pings' 5."""
STAGE = Stage(
    nodes=2,
    node_settings={
        "SILENT_SOCKET_TIMEOUT": f"{SILENT_SOCKET}s",
        # What came after a frozen node's last update is heard twice; by default that is 1 s.
        "PLAYER_UPDATE_INTERVAL": "800ms",
    },
    behind=frozenset({"node-1", "node-2"}),
)
EXPECTED = {"warning node down": range(1, 20)}
"""Once for each partition with a session on the node that was frozen."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@asynccontextmanager
async def apart(stage: Machine, what: str, tone: int) -> AsyncIterator[tuple[Room, str]]:
    """Let a room play, and another on the other node, who notices nothing; leave at the end."""
    room, witness = await stage.room(f"is {what}"), await stage.room(f"looks on: {what}")
    async with hearing.control(stage) as noise:
        for one, number, other in ((room, tone, "node-2"), (witness, tone + 1, "node-1")):
            await stage.fleet.cordon(other)
            await stage.fleet.acted("audio")
            await one.play(f"tone-{number}-180s.ogg")
            await one.hears(number, after=2000)
            await stage.fleet.uncordon(other)
        await stage.fleet.acted("audio")
        yield room, "node-1"
    await hearing.unbroken(witness, noise)
    for one in (room, witness):
        await one.type("leave")
    await orphans.no_orphans(stage, timeout=2 * SILENT_SOCKET + 10)


async def sits_elsewhere(stage: Machine, room: Room, node: str) -> None:
    """Wait until a room's player sits on another node."""

    async def look() -> bool:
        return await stage.fleet.node_of(room) != node

    await until(look, what=f"the player off {node}", timeout=30)


async def test_a_frozen_node_is_left_and_finds_nothing_to_do_when_it_thaws(stage: Machine) -> None:
    async with apart(stage, "frozen", 1) as (room, node):
        async with hearing.control(stage) as noise:
            stage.parts[node].freeze()
            await sits_elsewhere(stage, room, node)
            at = (await room.hears(1)).ms
            await room.hears(1, after=at + 1000)

            stage.parts[node].thaw()
            at = (await room.hears(1)).ms
            await room.hears(1, after=at + 3000)
        await hearing.moved(room, noise, planned=False)
        await orphans.no_orphans(stage)


async def test_a_node_behind_half_open_sockets_plays_on_until_its_session_is_resumed(
    stage: Machine,
) -> None:
    async with apart(stage, "half-open", 3) as (room, node):
        async with hearing.control(stage) as noise:
            assert stage.proxies[node].half_open() >= 1
            await room.type("volume", {"percent": 50}, timeout=30)
            await quieter(room)
            assert await stage.fleet.node_of(room) == node
        await hearing.unbroken(room, noise)


async def quieter(room: Room) -> None:
    """Wait until a room hears half of what it heard."""
    loud = (await room.heard()).loudness_db

    async def look() -> bool:
        return (await room.heard(since=await room.now() - 0.5)).loudness_db < loud - 3

    await until(look, what="half the volume", timeout=3 * SILENT_SOCKET)


async def test_an_owner_whose_sockets_stay_open_behind_it_is_followed_unheard(
    stage: Machine,
) -> None:
    """The nodes see no close: they give the old session to nobody until its silence is over."""
    async with apart(stage, "owned anew", 5) as (room, _):
        async with hearing.control(stage) as noise:
            for node in ("node-1", "node-2"):
                assert stage.proxies[node].half_open() >= 1
            await stage.parts["audio"].kill()
            await stage.restart_dead("audio")
            answer = await room.play("tone-7-60s.ogg", timeout=2 * SILENT_SOCKET + 10)
            await room.type("pause", timeout=30)
            await room.quiet(timeout=2 * SILENT_SOCKET)
        await hearing.unbroken(room, noise)
        assert answer.message is not None
        assert "Test tone 7" in answer.message.text
