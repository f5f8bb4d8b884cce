"""An audio worker freezes past its lease, the other takes over, it thaws: one drives at a time."""

import asyncio
import pathlib
import re
from collections.abc import Iterable

import aiohttp
import msgspec
import pytest

import support_crashing_audio as faulty
from legato.contracts.partitions import DEFAULT_COUNT, DEFAULT_REGION, partition_of
from legato.embedded import ports
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room

STAGE = Stage(
    audio=2,
    settings={"LEASE_TTL": "6s", "MEMBER_READY_AFTER": "3s"},
    programs={"audio": faulty.__file__},
    behind=frozenset({"node"}),
)
EACH = range(DEFAULT_COUNT + 1)
EXPECTED = {
    # Of the thawed worker: of each partition that is the other's now, and of Redis, whose answers
    # came while it stood still.
    "warning lease lost": EACH,
    "warning fenced": EACH,
    "warning inbox not read": EACH,
    "warning search not answered": range(10),
    "warning life not noted": EACH,
}
SESSION = re.compile(rb"/v4/sessions/([^/]+)/")
pytestmark = pytest.mark.asyncio(loop_scope="module")


class Line(msgspec.Struct):
    """What a service says of a lease."""

    time: str = ""
    event: str = ""
    thing: str = ""


def patches(stage: Machine, room: Room) -> list[bytes]:
    """List what the node was told of a guild's player, the head of each request."""
    word = f"/players/{room.guild_id}".encode()
    return [
        asked
        for asked in stage.proxies["node"].asked
        if asked.startswith((b"PATCH ", b"DELETE ")) and word in asked
    ]


def history(stage: Machine, room: Room) -> list[tuple[str, str, str]]:
    """Tell who began and ended to own a guild's partition: (time, worker, event)."""
    thing = str(
        partition_of(room.guild_id, bot=stage.bot_id, region=DEFAULT_REGION, count=DEFAULT_COUNT)
    )
    return sorted(
        (line.time, name, line.event)
        for name in stage.stage.names("audio")
        for line in said(stage, name)
        if line.thing == thing and line.event in {"ours now", "no longer ours"}
    )


def said(stage: Machine, name: str) -> Iterable[Line]:
    """Read a worker's log."""
    for raw in stage.parts[name].log.read_text().splitlines():
        yield msgspec.json.decode(raw, type=Line)


async def told(stage: Machine, room: Room, count: int) -> None:
    """Wait until the node was told so much of a guild's player."""

    async def look() -> bool:
        return len(patches(stage, room)) >= count

    await until(look, what=f"{count} calls to the node", timeout=40)


async def owned_by(stage: Machine, room: Room, name: str) -> None:
    """Wait until a worker owns a guild's partition."""

    async def look() -> bool:
        return await stage.fleet.owner_of(room) == name

    await until(look, what=f"{name} as the owner", timeout=40)


async def found_out(stage: Machine, name: str) -> str:
    """Wait until a worker knows that it lost its leases, and say when it was."""

    async def look() -> str | None:
        return next((one.time for one in said(stage, name) if one.event == "lease lost"), None)

    return await until(look, what="the loss noticed")


async def stopped(pid: int) -> None:
    """Wait until a process stands still."""
    status = pathlib.Path(f"/proc/{pid}/status")

    async def look() -> bool:
        return "State:\tT" in status.read_text()

    await until(look, what="the freeze")


async def at_node(stage: Machine, room: Room) -> dict[str, object]:
    """Ask the node for what it plays to a guild, but for how far it is."""
    url = f"http://{ports.LOOPBACK}:{stage.ports['node']}/v4/sessions"
    headers = {"Authorization": stage.folder.secret("node")}
    session = SESSION.search(patches(stage, room)[-1])
    assert session is not None
    path = f"{url}/{session[1].decode()}/players/{room.guild_id}"
    async with aiohttp.ClientSession() as http, http.get(path, headers=headers) as answer:
        player = await answer.json()
    track = {name: player["track"][name] for name in ("encoded", "userData")}
    return {"track": track, **{name: player[name] for name in ("volume", "paused", "voice")}}


async def test_a_frozen_owner_is_followed_by_the_other_and_its_late_call_changes_nothing(
    stage: Machine,
) -> None:
    room = await stage.room("has a frozen owner")
    await stage.make("tone-8-60s.ogg")
    async with hearing.control(stage) as noise:
        await room.play("tone-7-180s.ogg")
        await room.hears(7, after=2000)
        owner = await stage.fleet.owner_of(room)
        (heir,) = {"audio-1", "audio-2"} - {owner}
        before = len(patches(stage, room))

        # It freezes between the check of a call and the call.
        asked = [asyncio.create_task(room.type("volume", {"percent": faulty.FREEZE}, timeout=40))]
        await stopped(stage.parts[owner].pid)
        asked.append(asyncio.create_task(room.play("tone-8-60s.ogg", timeout=40)))
        await owned_by(stage, room, heir)
        answers = await asyncio.gather(*asked)
        await told(stage, room, before + 1)
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 1000)
        driven, playing = patches(stage, room), await at_node(stage, room)

        stage.parts[owner].thaw()
        lost_at = await found_out(stage, owner)
        await told(stage, room, len(driven) + 1)
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 1000)
        late = patches(stage, room)[len(driven) :]
        assert await at_node(stage, room) == playing
        await stage.fleet.balanced("audio", 2)
        at = (await room.hears(7)).ms
        await room.hears(7, after=at + 2000)

    await hearing.unbroken(room, noise)
    texts = [answer.message.text for answer in answers if answer.message]
    assert [str(faulty.FREEZE) in texts[0], "Test tone 8" in texts[1]] == [True, True]
    assert [len(driven) - before, len(late)] == [1, 1]
    assert body(late[0]) == body(driven[-1])
    assert patches(stage, room)[len(driven) + 1 :] == []
    owners = history(stage, room)
    begun = [(name, event) for _, name, event in owners]
    assert begun[:2] == [(owner, "ours now"), (heir, "ours now")]
    assert owners[1][0] < lost_at
    # It may become the thawed one's again: given, not taken.
    assert begun[2:] in ([], [(heir, "no longer ours"), (owner, "ours now")])
    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.count("Test tone 8") == 1


def body(request: bytes) -> dict[str, object]:
    """Take what a request says, past its head."""
    found: dict[str, object] = msgspec.json.decode(request.partition(b"\r\n\r\n")[2])
    return found
