"""Voice clients that nobody here wrote play through the simulator, encrypted end to end and not."""

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from legato_simulator import media
from legato_simulator.dave.policy import Policy
from support_node import WITNESSES, modules, node
from support_voice import BOT, CHANNEL, GUILD, SESSION, Room, voice_room


ADA = 900


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with voice_room(tmp_path) as running:
        yield running


@pytest.mark.parametrize("library", ["voice-0.18", "voice-0.19"])
async def test_discordjs_voice_plays_a_tone_that_is_heard(
    room: Room, tmp_path: Path, library: str
) -> None:
    events = await _discordjs(room, tmp_path, library)

    assert {"event": "connection", "state": "ready"} in events
    assert not [event for event in events if event["event"] == "error"]
    await _is_heard_whole(room)


async def test_discordjs_voice_plays_encrypted_end_to_end(room: Room, tmp_path: Path) -> None:
    room.server.calls.demand(Policy.REQUIRED, None)
    await room.server.announce(GUILD, ADA, CHANNEL)

    events = await _discordjs(room, tmp_path, "voice-0.19")

    assert not [event for event in events if event["event"] == "error"]
    assert [event["sealed"] for event in events if event["event"] == "privacy"] == [True]
    await _is_heard_whole(room)


async def test_discordjs_voice_without_encryption_is_refused(room: Room, tmp_path: Path) -> None:
    room.server.calls.demand(Policy.REQUIRED, None)

    events = await _discordjs(room, tmp_path, "voice-0.18")

    assert {"event": "connection", "state": "ready"} not in events
    assert set(room.server.refusals) == {4017}


async def _is_heard_whole(room: Room) -> None:
    """Three seconds of tone 11, nothing left out, nothing twice."""
    report = room.server.report(GUILD, BOT)
    assert report is not None
    assert report.unbroken
    assert report.sound == pytest.approx(150, abs=2)
    heard = await room.ear.moments(room.server.listeners()[0].since(None))
    assert [segment.track for segment in heard.analysis.segments] == [11]
    assert heard.analysis.segments[0].start_ms == pytest.approx(0, abs=25)
    assert heard.analysis.segments[0].end_ms == pytest.approx(3_000, abs=25)
    assert heard.analysis.skipped_ms == heard.analysis.repeated_ms == 0


async def _discordjs(room: Room, folder: Path, library: str) -> list[dict[str, Any]]:
    """Play three seconds of tone 11 by @discordjs/voice."""
    installed = await asyncio.to_thread(modules)
    (tone,) = await asyncio.to_thread(media.make, "tone-11-3s", ["ogg"], folder)
    script = folder / "voice.cjs"
    shutil.copy(WITNESSES / "voice.cjs", script)
    return await _play(room, installed, script, {"library": library, "file": str(tone)})


async def _play(
    room: Room, installed: Path, script: Path, orders: dict[str, str]
) -> list[dict[str, Any]]:
    credentials = await room.server.open(GUILD, CHANNEL, BOT, SESSION)
    who = {"guild_id": str(GUILD), "channel_id": str(CHANNEL), "user_id": str(BOT)}
    where = {"token": credentials.token, "endpoint": credentials.endpoint}
    process = await asyncio.create_subprocess_exec(
        node(),
        str(script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "NODE_PATH": str(installed / "node_modules"),
            "NODE_EXTRA_CA_CERTS": str(room.server.certificates.ca_file),
        },
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    line = json.dumps({**orders, **who, **where, "session_id": SESSION})
    process.stdin.write(line.encode() + b"\n")
    try:
        async with asyncio.timeout(30):
            said = (await process.stdout.read()).decode()
            complaints = (await process.stderr.read()).decode()
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert code == 0, complaints
    return [json.loads(event) for event in said.splitlines()]
