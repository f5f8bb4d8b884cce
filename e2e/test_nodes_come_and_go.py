"""A node is killed, cordoned, drained, or comes back: players move, and nobody else notices."""

import pytest

from legato import text
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

STAGE = Stage(nodes=2)
EXPECTED = {"warning node down": range(2, 12)}
"""Once for each partition with a session on a node that was killed, which two were."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


async def apart(stage: Machine, what: str, tones: tuple[int, int]) -> tuple[Room, Room, str]:
    """Let two rooms listen on two nodes; return them, and the node of the first."""
    first, second = await stage.room(f"is {what}"), await stage.room(f"looks on: {what}")
    for room, tone in zip((first, second), tones, strict=True):
        await room.play(f"tone-{tone}-180s.ogg")
        await room.hears(tone, after=2000)
    node, other = [await stage.fleet.node_of(room) for room in (first, second)]
    assert node != other
    return first, second, node


async def sits_elsewhere(stage: Machine, room: Room, node: str) -> None:
    """Wait until a room's player sits on another node."""

    async def look() -> bool:
        return await stage.fleet.node_of(room) != node

    await until(look, what=f"the player off {node}", timeout=30)


async def leave(*rooms: Room) -> None:
    for room in rooms:
        await room.type("leave")


async def test_players_of_a_killed_node_move_to_the_other(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room, witness, node = await apart(stage, "killed", (1, 2))

        await stage.parts[node].kill()
        await sits_elsewhere(stage, room, node)
        at = (await room.hears(1)).ms
        await room.hears(1, after=at + 3000)

    await hearing.moved(room, noise, planned=False)
    await hearing.unbroken(witness, noise)
    await stage.start(node)
    await leave(room, witness)


async def test_a_cordoned_node_keeps_its_players_and_gets_no_more(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room, witness, node = await apart(stage, "cordoned", (3, 4))

        await stage.fleet.cordon(node)
        await stage.fleet.acted("audio")
        others = [await stage.room(f"comes later {number}") for number in (1, 2)]
        for other in others:
            await other.play("tone-5-180s.ogg")
            await other.hears(5, after=500)

        assert await stage.fleet.node_of(room) == node
        assert {await stage.fleet.node_of(other) for other in others}.isdisjoint({node})
    await hearing.unbroken(room, noise)
    await hearing.unbroken(witness, noise)
    await stage.fleet.uncordon(node)
    await stage.fleet.acted("audio")
    await leave(room, witness, *others)


async def test_players_of_a_drained_node_move_while_they_play(stage: Machine) -> None:
    async with hearing.control(stage) as noise:
        room, witness, node = await apart(stage, "drained", (6, 7))

        await stage.fleet.drain(node)
        await sits_elsewhere(stage, room, node)
        at = (await room.hears(6)).ms
        await room.hears(6, after=at + 3000)

        async def empty() -> bool:
            return (await stage.fleet.node(node)).players == 0

        await until(empty, what=f"{node} without players")
    await hearing.moved(room, noise, planned=True)
    await hearing.unbroken(witness, noise)
    await stage.fleet.uncordon(node)
    await leave(room, witness)


async def test_a_track_that_no_node_may_take_waits_and_people_are_told(stage: Machine) -> None:
    for node in ("node-1", "node-2"):
        await stage.fleet.cordon(node)
    await stage.fleet.acted("audio")
    room = await stage.room("has no node")
    await room.play("tone-5-180s.ogg")
    await room.told("node_lost")

    waiting = await stage.fleet.player(room)
    assert waiting is not None
    assert (waiting.node, waiting.position) == (None, 0)
    assert waiting.pause_reasons == ("node_lost",)

    for node in ("node-1", "node-2"):
        await stage.fleet.uncordon(node)
    first = await room.hears(5)
    assert first.ms <= hearing.MOST_REPEATED_MS
    await room.hears(5, after=first.ms + 2000)
    assert (await room.moments()).analysis.skipped_ms == 0
    await leave(room)


async def test_the_only_node_left_is_killed_and_comes_back(stage: Machine) -> None:
    await stage.fleet.cordon("node-2")
    await stage.fleet.acted("audio")
    room = await stage.room("has one node")
    await room.play("tone-8-180s.ogg")
    last = await room.hears(8, after=3000)

    await stage.parts["node-1"].kill()
    since = await room.now()
    await room.told("node_lost")
    answer = await room.type("nowplaying")
    await stage.start("node-1")
    await room.sounds(since=since)
    await room.hears(8, after=last.ms + 3000, timeout=30)

    analysis = (await room.moments()).analysis
    assert analysis.skipped_ms <= hearing.FRAME_MS
    assert analysis.repeated_ms <= hearing.MOST_REPEATED_MS
    assert answer.message is not None
    assert await stage.fleet.node_of(room) == "node-1"
    assert text.NOTICES["node_lost"] not in (await room.panel()).content
