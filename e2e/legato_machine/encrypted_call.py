"""A room's voice call as its end-to-end encryption sees it: the group, and who opened what.

Listeners are members of the group with sessions of their own. It knows nothing of sound.
"""

import os
import signal
from pathlib import Path

from legato_machine.conditions import until
from legato_machine.room import Room
from legato_machine.service import Service
from legato_simulator.views import UserView
from legato_simulator.voice_call import Encryption

PATIENCE = 60.0
SURELY = 5
"""Frames that somebody opened who hears the bot."""


async def told(room: Room) -> Encryption:
    """Describe the call."""
    (found,) = await room.machine.voice.voice_encryption(room.guild_id)
    return found


async def group_of(room: Room, *users: str | int) -> Encryption:
    """Wait until exactly the bot and these are the group, and nothing changes."""
    wanted = sorted([room.machine.bot_id, *map(int, users)])

    async def look() -> Encryption | None:
        now = await told(room)
        return now if sorted(now.members) == wanted and not now.changing else None

    return await until(look, what=f"a group of {wanted}", timeout=PATIENCE)


async def opens(room: Room, person: UserView) -> None:
    """Wait until a newcomer has opened some frames."""

    async def look() -> bool:
        heard = {each.user_id: each for each in (await told(room)).heard}
        return int(person.id) in heard and heard[int(person.id)].opened > SURELY

    await until(look, what="a newcomer to hear", timeout=PATIENCE)


async def speaks(room: Room, version: int) -> None:
    """Wait until the call has a version of the protocol."""

    async def look() -> bool:
        now = await told(room)
        return now.version == version and not now.changing

    await until(look, what=f"version {version}", timeout=PATIENCE)


def all_was_opened(
    now: Encryption, *, there_before: UserView | None = None, early: int = 0
) -> None:
    """Assert that everyone opened every frame of an epoch they have, and none came plain.

    Who was there before the bot came could open its very first frame, too, and the first one of
    every group that was founded anew; all but so many that may come `early`.
    """
    assert sum(each.opened for each in now.heard) > 0
    assert {(each.user_id, each.undecryptable) for each in now.heard if each.undecryptable} == set()
    assert (now.plain, now.refused) == ({}, [])
    if there_before is not None:
        came_early = {each.user_id: each.early for each in now.heard}
        assert came_early[int(there_before.id)] <= early


def end_key_process(node: Service) -> int:
    """Kill the process that holds a node's group keys, and return its id."""
    (pid,) = [each for each in _children(node.pid) if "key_process" in _command(each)]
    os.kill(pid, signal.SIGKILL)
    return pid


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
