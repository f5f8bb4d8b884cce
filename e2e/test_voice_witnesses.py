"""Voice clients that nobody here wrote play through the simulator, encrypted end to end and not."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from legato_simulator import media
from legato_simulator.app import Simulator
from legato_simulator.certs import Certificates
from legato_simulator.dave.policy import Policy
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_calls import VoiceCalls
from legato_simulator.voice_server import VoiceServer
from support_discord import discord
from support_node import WITNESSES, modules, node
from support_voice import BOT, CHANNEL, GUILD, SESSION, Room, voice_room
from support_waiting import PATIENCE, until

ADA = 900
LOOKS = 0.02
"""Seconds between looks at a call."""


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
    more = _of_node(installed, room.server.certificates)
    async with _witness(node(), str(script), more=more) as process:
        process.say({**orders, **who, **where, "session_id": SESSION})
        return await process.rest()


def _of_node(installed: Path, certificates: Certificates) -> dict[str, str]:
    return {
        "NODE_PATH": str(installed / "node_modules"),
        "NODE_EXTRA_CA_CERTS": str(certificates.ca_file),
    }


@dataclass
class Witness:
    """A running client of someone else's, which speaks JSON lines."""

    process: asyncio.subprocess.Process
    said: list[dict[str, Any]] = field(default_factory=list)

    def say(self, orders: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(orders).encode() + b"\n")

    async def until(self, event: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                self.said.append(json.loads(line))
                if self.said[-1]["event"] == event:
                    return self.said[-1]
        raise AssertionError(f"no {event}: {self.said}")

    async def rest(self) -> list[dict[str, Any]]:
        """Wait for its end, which must be a good one; everything it said."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            left = (await self.process.stdout.read()).decode()
            assert await self.process.wait() == 0
        self.said += [json.loads(line) for line in left.splitlines()]
        return self.said


async def _last_of(calls: VoiceCalls) -> Encryption:
    """Look at the only call until nobody is in it, and give what was seen last."""
    (last,) = calls.told()
    async with asyncio.timeout(PATIENCE):
        while told := calls.told():
            (last,) = told
            await asyncio.sleep(LOOKS)
    return last


@asynccontextmanager
async def _witness(*command: str, more: dict[str, str]) -> AsyncIterator[Witness]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **more},
    )
    try:
        yield Witness(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@dataclass
class Duo:
    """Two voice clients of different makers in one call."""

    sim: Simulator
    python: Witness
    """discord.py."""
    javascript: Witness
    """@discordjs/voice."""

    @property
    def server(self) -> VoiceServer:
        assert self.sim.voice is not None
        return self.sim.voice.server

    async def join(self, tones: list[Path]) -> None:
        """Let one come after the other, until both and a person who listens are one group."""
        (guild,) = (await self.sim.script.world()).guilds
        channel = next(each for each in guild.channels if each.kind == "voice")
        await self.sim.script.join_voice("Ada", channel.id)
        first, second = (await self.sim.script.bots())[0].id, str(BOT)
        credentials = await self.server.open(int(guild.id), int(channel.id), BOT, SESSION)
        own = {"token": self.sim.token, "rest_url": self.sim.rest_url}
        where = {"channel_id": channel.id, "gateway_url": self.sim.gateway_url}
        self.python.say({**own, **where, "file": str(tones[0]), "listen_to": second})
        await self.python.until("connected")
        own = {"user_id": second, "session_id": SESSION, "token": credentials.token}
        where = {"guild_id": guild.id, "channel_id": channel.id, "endpoint": credentials.endpoint}
        what = {"library": "voice-0.19", "file": str(tones[1]), "listen_to": first}
        self.javascript.say({**own, **where, **what})
        await self.javascript.until("listening")
        await until(lambda: len(self.server.calls.told()[0].members) == 3)

    async def play(self) -> tuple[Encryption, dict[str, Any], dict[str, Any]]:
        """Let both play to their end; gives the call, and what each says it opened."""
        self.python.say({})
        self.javascript.say({})
        # A call that both have left is no longer told of.
        told, one, other = await asyncio.gather(
            _last_of(self.server.calls),
            self.python.until("played"),
            self.javascript.until("privacy"),
        )
        await asyncio.gather(self.python.rest(), self.javascript.rest())
        return told, one, other


@asynccontextmanager
async def _duo(folder: Path) -> AsyncIterator[Duo]:
    installed = await asyncio.to_thread(modules)
    script = folder / "voice.cjs"
    shutil.copy(WITNESSES / "voice.cjs", script)
    async with discord(voice=True) as sim:
        assert sim.certificates is not None
        trusted = {"SSL_CERT_FILE": str(sim.certificates.bundle_file)}
        own = _of_node(installed, sim.certificates)
        async with (
            _witness(sys.executable, str(WITNESSES / "voice_discordpy.py"), more=trusted) as python,
            _witness(node(), str(script), more=own) as javascript,
        ):
            yield Duo(sim, python, javascript)


async def test_discordpy_and_discordjs_play_in_one_call_and_open_each_other(
    tmp_path: Path,
) -> None:
    tones = await asyncio.to_thread(_tones, tmp_path)
    async with _duo(tmp_path) as duo:
        await duo.join(tones)
        told, played, privacy = await duo.play()
        assert duo.sim.voice is not None
        ear = duo.sim.voice.ear
        moments = [await ear.moments(each.since(None)) for each in duo.server.listeners()]

    assert played["sealed"]
    assert (played.get("unopened", 0), played.get("plain", 0)) == (0, 0)
    assert min(played["opened"], privacy["opened"]) >= FRAMES - 5
    assert {each.undecryptable for each in told.heard} == {0}
    assert (told.plain, told.refused, told.flagged) == ({}, [], 0)
    assert [[each.track for each in one.analysis.segments] for one in moments] == [[11], [12]]
    assert {one.analysis.skipped_ms + one.analysis.repeated_ms for one in moments} == {0}


FRAMES = 150


def _tones(folder: Path) -> list[Path]:
    return [
        path for name in ("tone-11-3s", "tone-12-3s") for path in media.make(name, ["ogg"], folder)
    ]
